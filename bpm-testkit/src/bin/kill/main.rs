//! The kill harness: an engine under load in a process of its own is killed again and again, and
//! what is left is judged from outside by what it had acknowledged and by a ledger of effects.
//!
//! `cargo run -p bpm-testkit --release --bin kill -- --kills N [--processes 2] [--from SEED]`
//!
//! The victim is this same program; see `child.rs`. The last line on the standard output is
//! `kills=… acknowledged=… repeats=… violations=… per_second=…`, and the exit code is 1 if there
//! was a violation. What was violated stands on the standard error, with the seed.

mod child;
mod driver;
mod faults;
mod judge;
mod ledger;
mod load;
mod victim;

use std::process::ExitCode;

use driver::Plan;

const USAGE: &str = "kill --kills N [--processes 1|2] [--from SEED]";

fn main() -> ExitCode {
    match std::env::var(child::ORDERS) {
        Ok(orders) => obey(&orders),
        Err(_) => drive(),
    }
}

fn obey(orders: &str) -> ExitCode {
    let obeyed = serde_json::from_str(orders)
        .map_err(Into::into)
        .and_then(|orders: child::Orders| child::run(&orders));
    match obeyed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("wrong {}", error.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn drive() -> ExitCode {
    let Some(plan) = plan(std::env::args().skip(1)) else {
        eprintln!("usage: {USAGE}");
        return ExitCode::from(2);
    };
    match driver::run(&plan) {
        Ok(totals) => {
            println!("{totals}");
            if totals.violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("the harness failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the arguments; `None` if they mean nothing.
fn plan(mut arguments: impl Iterator<Item = String>) -> Option<Plan> {
    let mut plan = Plan { kills: 100, two_processes: false, from: 1 };
    while let Some(name) = arguments.next() {
        let value: u64 = arguments.next()?.parse().ok()?;
        match (name.as_str(), value) {
            ("--kills", kills) => plan.kills = kills,
            ("--processes", 1 | 2) => plan.two_processes = value == 2,
            ("--from", seed) => plan.from = seed,
            _ => return None,
        }
    }
    Some(plan)
}
