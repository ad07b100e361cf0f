//! Some of the cuts of the long run, and what must be seen when the promise is not kept.

use bpm_powercut::trial::{Found, Trial};
use bpm_sqlite::Durability;

const CUTS: u64 = 200;

/// Trials until there were so many cuts.
fn run(from: u64, cuts: u64, trial: impl Fn(u64) -> Trial) -> Found {
    let mut found = Found::default();
    for seed in from.. {
        found.add(trial(seed).run());
        if found.cuts >= cuts {
            break;
        }
    }
    found
}

#[test]
fn what_was_acknowledged_is_there_after_a_cut() {
    let from = std::env::var("BPM_ENGINE_SEED").ok().and_then(|seed| seed.parse().ok());
    let found = run(from.unwrap_or(1), CUTS, Trial::of);
    assert!(found.violations.is_empty(), "{}", found.violations.join("\n"));
    assert!(found.acknowledged > CUTS, "{found:?}");
    assert!(found.lost > 0, "`Normal` loses something, or nothing was cut: {found:?}");
}

/// No seed of the multiples of ten: those are of engines, where threads make the difference.
fn commits(found: impl Fn(u64) -> Trial) -> Found {
    run(1, 60, |seed| found(seed + seed / 9))
}

/// `synchronous = OFF` is a store that never asks the disk to flush.
#[test]
fn a_store_that_does_not_flush_is_found_out() {
    let found = commits(|seed| Trial {
        seed,
        promised: Durability::Full,
        opened: Durability::Full,
        flushes: false,
    });
    let damaged = found.violations.iter().filter(|what| !what.contains("are lost")).count();
    assert!(found.lost > 0 && damaged > 0, "{found:?}");
}

#[test]
fn normal_that_is_called_full_is_found_out() {
    let found = commits(|seed| Trial {
        seed,
        promised: Durability::Full,
        opened: Durability::Normal,
        flushes: true,
    });
    assert!(found.lost > 0 && !found.violations.is_empty(), "{found:?}");
    let lost = |what: &String| what.contains("commits are lost");
    assert!(found.violations.iter().all(lost), "nothing is damaged: {found:?}");
}

#[test]
fn an_engine_on_a_store_that_does_not_flush_is_found_out() {
    let full = Durability::Full;
    let trial = |seed| Trial { seed: seed * 10, promised: full, opened: full, flushes: false };
    let found = run(1, 60, trial);
    assert!(!found.violations.is_empty(), "{found:?}");
}
