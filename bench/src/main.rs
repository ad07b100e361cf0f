//! Measures the engine against a program that does nothing but write the same rows.
//!
//! `README.md` says what is measured and how to read it. Deliberately not here: anything that a
//! user of the engine could not do.

mod measure;
mod raw;
mod report;
mod w1;

use std::error::Error;

use clap::{Parser, ValueEnum};

use report::Report;

/// What a benchmark fails with; it ends the program.
type Failed = Box<dyn Error + Send + Sync>;

/// Measures bpm-engine against a program that only writes the same rows.
#[derive(Parser)]
struct Arguments {
    /// What to measure.
    workload: Workload,
    /// Instances in each run.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..))]
    instances: u32,
    /// Runs of each side; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Workload {
    /// start → three service tasks → end.
    W1,
}

fn main() -> Result<(), Failed> {
    let Arguments { workload, instances, runs } = Arguments::parse();
    let (name, pair) = match workload {
        Workload::W1 => ("w1", w1::pair),
    };
    let mut report = Report::new(name, instances);
    for _ in 0..runs {
        report.add(pair(instances)?);
    }
    report.end();
    Ok(())
}
