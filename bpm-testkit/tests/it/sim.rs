//! Random processes, judged by the model of the rules of failure.

use bpm_testkit::sim::tree::Features;
use bpm_testkit::sim::{self, Options};

fn check(seeds: std::ops::Range<u64>, options: &Options) {
    for seed in seeds {
        if let Err(violation) = sim::run(seed, options) {
            panic!("{}", sim::shrunk(seed, options, violation));
        }
    }
}

#[test]
fn two_thousand_processes_without_scopes_keep_the_rules_of_failure() {
    check(0..2_000, &Options { saga: true, features: Features::default(), ..Options::default() });
}

#[test]
fn two_thousand_processes_keep_the_rules_of_failure() {
    check(0..2_000, &Options { saga: true, ..Options::default() });
}

#[test]
fn two_thousand_seeds_keep_the_promises() {
    check(0..2_000, &Options::default());
}
