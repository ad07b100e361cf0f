//! The table for people and the line for programs.

use std::path::Path;

use serde_json::json;

use crate::Failed;
use crate::measure::Took;

/// One run of the engine or of the raw program.
pub(crate) struct Side {
    took: Took,
    commits: u64,
    bytes: u64,
}

impl Side {
    /// What a run took. It has closed its file, so that all of it is in there.
    pub(crate) fn new(file: &Path, took: Took, commits: u64) -> Result<Self, Failed> {
        let bytes = std::fs::metadata(file)?.len();
        Ok(Self { took, commits, bytes })
    }
}

/// One run of each, on the same rows.
pub(crate) struct Pair {
    pub(crate) ours: Side,
    pub(crate) raw: Side,
    /// What `PRAGMA synchronous` read.
    pub(crate) synchronous: String,
}

/// All runs of one workload.
pub(crate) struct Report {
    workload: &'static str,
    instances: f64,
    pairs: Vec<Pair>,
}

impl Report {
    pub(crate) fn new(workload: &'static str, instances: u32) -> Self {
        println!("{workload}: {instances} instances");
        println!("run       per s  CPU s/1000  bytes each  commits    ratio");
        Self { workload, instances: f64::from(instances), pairs: Vec::new() }
    }

    /// Adds a pair and prints it.
    pub(crate) fn add(&mut self, pair: Pair) {
        self.row("ours", &pair.ours);
        println!("    {:.3}", self.ratio(&pair));
        self.row("raw", &pair.raw);
        println!();
        self.pairs.push(pair);
    }

    fn row(&self, name: &str, side: &Side) {
        let (per_s, cpu) = (self.per_s(side), self.cpu_s_per_1000(side));
        let (bytes, commits) = (self.bytes_each(side), side.commits);
        print!("{name:<5} {per_s:>9.0} {cpu:>11.3} {bytes:>11.0} {commits:>8}");
    }

    /// Prints the medians: for people, and as JSON in the last line.
    pub(crate) fn end(&self) {
        let [ours, raw, ratio] = [
            self.median(|pair| self.per_s(&pair.ours)),
            self.median(|pair| self.per_s(&pair.raw)),
            self.median(|pair| self.ratio(pair)),
        ];
        println!("median of {}: {ours:.0} against {raw:.0}, {ratio:.3}", self.pairs.len());
        let line = json!({
            "workload": self.workload,
            "ours_per_s": ours.round(),
            "raw_per_s": raw.round(),
            "ratio": rounded(ratio),
            "cpu_s_per_1000": rounded(self.median(|pair| self.cpu_s_per_1000(&pair.ours))),
            "raw_cpu_s_per_1000": rounded(self.median(|pair| self.cpu_s_per_1000(&pair.raw))),
            "bytes_per_instance": self.median(|pair| self.bytes_each(&pair.ours)).round(),
            "synchronous": self.pairs.last().map(|pair| word(&pair.synchronous)),
        });
        println!("{line}");
    }

    fn per_s(&self, side: &Side) -> f64 {
        self.instances / side.took.wall.as_secs_f64()
    }

    fn cpu_s_per_1000(&self, side: &Side) -> f64 {
        1000.0 * side.took.cpu.as_secs_f64() / self.instances
    }

    fn bytes_each(&self, side: &Side) -> f64 {
        side.bytes as f64 / self.instances
    }

    fn ratio(&self, pair: &Pair) -> f64 {
        self.per_s(&pair.ours) / self.per_s(&pair.raw)
    }

    fn median(&self, of: impl Fn(&Pair) -> f64) -> f64 {
        let mut values: Vec<_> = self.pairs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        match values.len() % 2 {
            0 => (values[middle - 1] + values[middle]) / 2.0,
            _ => values[middle],
        }
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// The word for a value of `PRAGMA synchronous`.
fn word(synchronous: &str) -> &str {
    match synchronous {
        "2" => "FULL",
        "1" => "NORMAL",
        other => other,
    }
}
