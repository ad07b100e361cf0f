//! `simulate --planted`: the harnesses are tested, too. The engine is given one mistake after
//! another, and every harness has its turn until one catches it:
//!
//! * `saga`: the rules of failure at the level of the turn;
//! * `simulation`: the engine by hand, under crashes and store faults, over the memory store;
//! * `conformance`: the contract of stores, for the memory store;
//! * `kill`: an engine on a file in a process of its own, which is killed.
//!
//! Before that they must find nothing in the engine as it is.

use std::io::{BufRead, BufReader};
use std::panic::catch_unwind;
use std::process::{Command, ExitCode, Stdio};

use bpm_core::planted::{self, Bug};
use bpm_core::store::Memory;
use bpm_testkit::sim::{self, Options};
use bpm_testkit::store_conformance;

use crate::{child, driver};

/// The variable by which the same program becomes the kill harness of one bug, and its victims
/// have the bug; its value is the bug's name.
const BUG: &str = "BPM_PLANTED_BUG";

/// How many seeds the simulation tries for a bug, if nothing else is said.
const SEEDS: u64 = 5_000;

/// How often the kill harness tries to catch a bug, and how many kills a try has: enough for
/// every failpoint.
const TRIES: u64 = 3;
const KILLS: u64 = 120;

/// By whom a bug was caught, and after how many seeds.
struct Caught {
    harness: &'static str,
    seeds: u64,
    what: String,
}

/// Does it all, if the program is here for planted bugs.
pub(crate) fn main() -> Option<ExitCode> {
    if let Ok(name) = std::env::var(BUG) {
        planted::choose(Bug::named(&name));
        return Some(kill());
    }
    let mut words = std::env::args().skip(1);
    let planted = words.any(|word| word == "--planted");
    planted.then(|| match options(std::env::args().skip(1)) {
        Some((seeds, only)) => catch_all(seeds, only.as_deref()),
        None => {
            eprintln!("usage: simulate --planted [--seeds N] [--bug NAME]");
            ExitCode::from(2)
        }
    })
}

/// How many seeds, and the name of the one bug that is wanted.
fn options(mut words: impl Iterator<Item = String>) -> Option<(u64, Option<String>)> {
    let (mut seeds, mut only) = (SEEDS, None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--planted" => {}
            "--seeds" => seeds = words.next()?.parse().ok()?,
            "--bug" => only = Some(words.next().filter(|name| Bug::named(name).is_some())?),
            _ => return None,
        }
    }
    Some((seeds, only))
}

fn catch_all(seeds: u64, only: Option<&str>) -> ExitCode {
    // Violations are expected, and told in a line.
    std::panic::set_hook(Box::new(|_| ()));
    if only.is_none()
        && let Some(Caught { harness, seeds, what }) = simulated(seeds).or_else(conformance)
    {
        println!("{harness} finds something in the engine as it is, after {seeds} seeds: {what}");
        return ExitCode::FAILURE;
    }
    let wanted = |bug: &&Bug| only.is_none_or(|name| bug.name() == name);
    let bugs: Vec<Bug> = Bug::ALL.iter().filter(wanted).copied().collect();
    let mut count = 0;
    for &bug in &bugs {
        planted::choose(Some(bug));
        let caught = simulated(seeds).or_else(conformance).or_else(|| killed(bug));
        planted::choose(None);
        count += usize::from(caught.is_some());
        match caught {
            Some(Caught { harness, seeds, what }) => {
                println!("{:<34} {harness:<12} {seeds:>6}  {what}", bug.name());
            }
            None => println!("{:<34} ESCAPES", bug.name()),
        }
    }
    println!("caught {count} of {}", bugs.len());
    if count == bugs.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The seeds of both simulations in turn, so that the cheaper one does not hide the other.
fn simulated(seeds: u64) -> Option<Caught> {
    let saga = Options { saga: true, ..Options::default() };
    let harnesses = [("saga", saga), ("simulation", Options::default())];
    (0..seeds).find_map(|seed| {
        harnesses.iter().find_map(|(harness, options)| {
            let violation = sim::run(seed, options).err()?;
            let what = violation.what.lines().next().unwrap_or_default();
            let what = what.chars().take(100).collect();
            Some(Caught { harness, seeds: seed + 1, what })
        })
    })
}

fn conformance() -> Option<Caught> {
    let conforms = catch_unwind(|| {
        store_conformance::all(&|| {
            let memory = Memory::new();
            Box::new(move || Ok(memory.clone()))
        });
    });
    let what = "the store breaks its contract".to_owned();
    conforms.err().map(|_| Caught { harness: "conformance", seeds: 1, what })
}

/// In a process of its own, so that its victims have the bug.
fn killed(bug: Bug) -> Option<Caught> {
    (1..=TRIES).find_map(|seed| {
        let mut harness = Command::new(std::env::current_exe().ok()?)
            .arg(seed.to_string())
            .env(BUG, bug.name())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let said = BufReader::new(harness.stderr.take()?).lines().map_while(Result::ok);
        let violation = |line: String| line.strip_prefix("violation: ").map(str::to_owned);
        let what = said.into_iter().find_map(violation);
        // One violation is enough. A victim that runs stops when its standard input ends.
        let _ = harness.kill().and_then(|()| harness.wait());
        Some(Caught { harness: "kill", seeds: seed, what: what?.chars().take(100).collect() })
    })
}

/// The process of [`killed`], or one of its victims.
fn kill() -> ExitCode {
    if let Ok(orders) = std::env::var(child::ORDERS) {
        let orders: Option<child::Orders> = serde_json::from_str(&orders).ok();
        return match orders.map(|orders| child::run(&orders)) {
            Some(Ok(())) => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        };
    }
    let from = std::env::args().nth(1).and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let plan = driver::Plan { kills: KILLS, two_processes: false, from };
    match driver::run(&plan) {
        Ok(totals) if totals.violations == 0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
