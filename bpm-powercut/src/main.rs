//! Cuts the power as often as one likes.
//!
//! ```text
//! cargo run -p bpm-powercut --release -- --cuts 20000 [--from SEED]
//! ```
//!
//! Without `--from` the seeds begin at the time of day. A seed that shows something is printed;
//! `--cuts 1 --from SEED` runs it alone.

use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bpm_powercut::trial::{Found, Trial};

/// Trials between two lines of progress.
const PROGRESS: u64 = 500;

fn main() -> ExitCode {
    match arguments() {
        Ok((cuts, from)) => run(cuts, from),
        Err(why) => {
            eprintln!("{why}\nusage: bpm-powercut --cuts N [--from SEED]");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<(u64, u64), String> {
    let (mut cuts, mut from) = (None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{name}` has no value"))?;
        let value = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
        match name.as_str() {
            "--cuts" => cuts = Some(value),
            "--from" => from = Some(value),
            _ => return Err(format!("there is no `{name}`")),
        }
    }
    let since = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok((cuts.ok_or("`--cuts` is missing")?, from.unwrap_or_else(since)))
}

fn run(cuts: u64, from: u64) -> ExitCode {
    let (mut found, began, mut seed) = (Found::default(), Instant::now(), from);
    while found.cuts < cuts {
        let one = Trial::of(seed).run();
        one.violations.iter().for_each(|what| eprintln!("violation: {what}"));
        found.add(one);
        seed += 1;
        if (seed - from).is_multiple_of(PROGRESS) {
            let violations = found.violations.len();
            eprintln!("{} of {cuts} cuts, {violations} violations, seed {seed}", found.cuts);
        }
    }
    println!(
        "cuts={} acknowledged={} lost={} violations={} seeds={from}..{seed} per_second={:.0}",
        found.cuts,
        found.acknowledged,
        found.lost,
        found.violations.len(),
        found.cuts as f64 / began.elapsed().as_secs_f64()
    );
    if found.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
