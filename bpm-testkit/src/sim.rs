//! Simulation: random processes under random faults, judged by an independent model.
//!
//! ```text
//!   seed ─► tree ─► graph ─► engine ─► committed turns ─╮
//!            │                                          ├─► compared after every event
//!            ╰────► model of language.md §5 ◄───────────╯
//! ```
//!
//! A seed is the whole run: the process, its inputs and outcomes, the order of everything, the
//! faults. A seed that fails is run again with its draws recorded, and the draws are shrunk.

pub mod desk;
pub mod faults;
pub mod house;
pub mod judge;
pub mod lower;
pub mod model;
pub mod saga;
pub mod shrink;
mod text;
pub mod times;
pub mod tree;
pub mod world;

use crate::arbitrary::Random;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bpm_core::history::Recorded;
use bpm_core::store::Memory;
use house::Disk;
use tree::{Features, Process};

/// How many shorter runs are tried for a seed that fails.
const SHRINKS: usize = 20_000;

/// For how long they are tried.
const SHRINKS_FOR: Duration = Duration::from_secs(10);

/// What is simulated.
#[derive(Clone)]
pub struct Options {
    /// Only the rules of failure, at the level of the turn.
    pub saga: bool,
    /// Which statements the processes have.
    pub features: Features,
    /// Makes an empty disk for a run.
    pub disk: fn() -> Disk,
}

/// The disk of the memory store.
fn memory() -> Disk {
    let memory = Memory::new();
    Box::new(move || Ok(Arc::new(memory.clone())))
}

impl Default for Options {
    fn default() -> Self {
        Self { saga: false, features: Features::ALL, disk: memory }
    }
}

/// What a run was made of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// How many turns were judged.
    pub events: usize,
    /// How often the engine was gone and came again.
    pub crashes: usize,
}

impl Report {
    /// Counts another run.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.crashes += other.crashes;
    }
}

/// What was wrong, with all that led to it.
#[derive(Clone, Debug)]
pub struct Violation {
    /// What differs.
    pub what: String,
    /// The process and what happened to it.
    pub trace: String,
}

/// Runs a seed.
pub fn run(seed: u64, options: &Options) -> Result<Report, Violation> {
    run_on(&mut Random::new(seed), options)
}

fn run_on(random: &mut Random, options: &Options) -> Result<Report, Violation> {
    if options.saga {
        return saga::run(random, options.features);
    }
    world::run(random, options.features, (options.disk)())
}

/// Runs a seed on a process that is kept, whatever processes are drawn now.
pub fn run_kept(process: &Process, seed: u64) -> Result<Report, Violation> {
    world::run_process(&mut Random::new(seed), process, memory())
}

/// A process, and what happened to its instance.
fn trace(process: &Process, turns: &[Recorded]) -> String {
    format!("{process}{}", self::turns(turns))
}

fn turns(turns: &[Recorded]) -> String {
    let mut text = String::new();
    for turn in turns {
        text.push_str(&format!("{:>6} ms  {:?}\n", turn.at.as_millis(), turn.event));
        for change in &turn.changes {
            text.push_str(&format!("           {change:?}\n"));
        }
    }
    text
}

/// What a person reads of a seed that fails: the shortest run that fails, too.
pub fn shrunk(seed: u64, options: &Options, found: Violation) -> String {
    let mut recorder = Random::recording(seed);
    let again = run_on(&mut recorder, options);
    let mut shortest = again.err().unwrap_or(found);
    let length = recorder.clone().into_draws().len();
    let began = Instant::now();
    let draws = shrink::shrink(recorder.into_draws(), SHRINKS, |draws| {
        if began.elapsed() > SHRINKS_FOR {
            return false;
        }
        match run_on(&mut Random::replaying(draws.to_vec()), options) {
            Ok(_) => false,
            Err(violation) if sort(&violation) == sort(&shortest) => {
                shortest = violation;
                true
            }
            Err(_) => false,
        }
    });
    let Violation { what, trace } = shortest;
    format!("seed {seed}, shrunk from {length} draws to {}: {what}\n{trace}", draws.len())
}

/// What sort of violation it is: another one is another story.
fn sort(violation: &Violation) -> &str {
    violation.what.split(':').next().unwrap_or_default()
}
