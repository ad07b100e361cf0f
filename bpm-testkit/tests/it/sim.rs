//! Random processes, judged by the model of the rules of failure.

use bpm_testkit::sim::{self, Options};

#[test]
fn two_thousand_processes_keep_the_rules_of_failure() {
    for seed in 0..2_000 {
        let done = sim::run(seed, &Options { saga: true, ..Options::default() });
        if let Err(violation) = done {
            panic!("seed {seed}: {}\n{}", violation.what, violation.trace);
        }
    }
}
