//! What is fuzzed: bytes from anywhere are given to what reads them, and nothing may panic.
//!
//! Each [`Target`] takes any bytes and panics only if the engine broke a promise. The same targets
//! are run twice: by `cargo test`, with mutations of a few seeds ([`Target::smoke`]), and by the
//! fuzzers of the workspace in `fuzz/`. The macros are fuzzed in their own crate, which nobody
//! else can call.

mod damage;
mod drawn;
mod expression;
mod mutation;
mod payloads;
mod rows;
mod samples;

pub use mutation::mutate;
pub use rows::restored;

use crate::arbitrary::Random;

/// Something that reads bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of the fuzzer.
    pub name: &'static str,
    /// Gives it the bytes.
    ///
    /// Panics if a promise is broken.
    pub run: fn(&[u8]),
    /// Inputs that make sense, to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Text of the expression language: parsed, checked, evaluated and shown.
pub const EL: Target = Target { name: "el", run: expression::run, seeds: expression::seeds };

/// JSON from callers: as input, result and payload.
pub const PAYLOAD: Target = Target { name: "payload", run: payloads::run, seeds: payloads::seeds };

/// Damaged rows of a stored instance: restored, replayed, verified, and gone on with.
pub const HISTORY_ROW: Target = Target { name: "history_row", run: rows::run, seeds: rows::seeds };

/// Calls of the builder: built, drawn, or refused with findings that print.
pub const BUILDER_GRAPH: Target =
    Target { name: "builder_graph", run: drawn::run, seeds: drawn::seeds };

/// Every target of this crate.
pub const TARGETS: [Target; 4] = [EL, PAYLOAD, HISTORY_ROW, BUILDER_GRAPH];

impl Target {
    /// Gives it its seeds as they are, then so many mutations of them, drawn from `seed`.
    ///
    /// # Panics
    ///
    /// If a promise is broken; the input is printed.
    pub fn smoke(&self, seed: u64, runs: usize) {
        let seeds = (self.seeds)();
        seeds.iter().for_each(|input| self.give(seed, input));
        let mut random = Random::new(seed);
        for _ in 0..runs {
            self.give(seed, &mutate(&mut random, &seeds));
        }
    }

    fn give(&self, seed: u64, input: &[u8]) {
        let told = Told { name: self.name, seed, input };
        (self.run)(input);
        std::mem::forget(told);
    }
}

/// Says what the input was if it is dropped by a panic.
struct Told<'a> {
    name: &'static str,
    seed: u64,
    input: &'a [u8],
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        let Self { name, seed, input } = self;
        eprintln!("fuzz target `{name}`, seed {seed}: b\"{}\"", input.escape_ascii());
    }
}
