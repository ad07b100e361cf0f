//! Measures the engine against a program that does nothing but write the same rows.
//!
//! `README.md` says what is measured and how to read it. Deliberately not here: anything that a
//! user of the engine could not do.

mod measure;
mod raw;
mod report;
mod w1;
mod w5;

use std::error::Error;

use clap::{Parser, ValueEnum};

use report::{Pair, Report};
use w5::Size;

/// What a benchmark fails with; it ends the program.
type Failed = Box<dyn Error + Send + Sync>;

/// Measures bpm-engine: against a program that only writes the same rows (w1), and how it waits for
/// a million timers (w5).
#[derive(Parser)]
struct Arguments {
    /// What to measure.
    workload: Workload,
    /// w1: instances in each run.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    instances: u32,
    /// w1: runs of each side; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// w5: timers that are set.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pending: u32,
    /// w5: those of them that come due within ten seconds.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    due: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Workload {
    /// start → three service tasks → end.
    W1,
    /// A million timers, of which a few come due.
    W5,
}

fn main() -> Result<(), Failed> {
    let Arguments { workload, instances, runs, pending, due } = Arguments::parse();
    match workload {
        Workload::W1 => compare("w1", w1::pair, instances, runs),
        Workload::W5 => w5::run(Size { pending, due }),
    }
}

/// Runs both sides of a workload in turns.
fn compare(
    name: &'static str,
    pair: fn(u32) -> Result<Pair, Failed>,
    instances: u32,
    runs: u32,
) -> Result<(), Failed> {
    let mut report = Report::new(name, instances);
    for _ in 0..runs {
        report.add(pair(instances)?);
    }
    report.end();
    Ok(())
}
