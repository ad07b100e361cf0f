//! Power cuts while batches of turns are committed, one after the other.
//!
//! There is one writer, so after a cut the store must be exactly what some number of batches made
//! of it. Which number: all that were acknowledged, or one more, when everything is flushed; any
//! when it is not. What a number of batches makes of a store is asked of the memory store.

use bpm_core::clock::Timestamp;
use bpm_core::store::{Batch, Error, Memory, Store, UserTaskFilter};
use bpm_sqlite::Durability;
use bpm_testkit::arbitrary::Random;

use crate::disk::Image;
use crate::trial::{Found, Trial, connect, integrity, made, open};
use crate::vfs::Mount;

pub mod load;

use load::Load;

/// Batches of a trial, at most: the power is nearly always off before.
const BATCHES: usize = 60;

/// Cuts of a trial, at most.
const CUTS: usize = 3;

/// What was asked for in a trial, and what was answered.
struct Ledger {
    load: Load,
    batches: Vec<Batch>,
    /// How many of them are known to be durable: acknowledged, or seen after a cut.
    durable: usize,
}

/// Cuts the power, compares, goes on with what is left, and cuts again.
pub(crate) fn trial(trial: &Trial) -> Found {
    let mut found = Found::default();
    let mut random = Random::new(trial.seed ^ 0x70_6F77);
    let load = Load::new(random.below(1 << 30) as u64);
    let mut ledger = Ledger { load, batches: Vec::new(), durable: 0 };
    let mut image = match random.below(8) {
        0 => Image::new(),
        _ => made(),
    };
    for _ in 0..=random.below(CUTS) {
        let mount = trial.disk(&image, &mut random);
        mount.disk.cut_after(1 + random.below(240) as u64);
        write(trial, &mount, &mut ledger, &mut random);
        image = mount.disk.cut();
        found.cuts += 1;
        image = match recover(trial, &image, &mut ledger, &mut random, &mut found) {
            Ok(image) => image,
            Err(what) => {
                found.violation(trial, what);
                break;
            }
        };
    }
    found
}

/// Commits until the power is off. Now and then another program cuts the log, or the store is
/// closed and opened.
fn write(trial: &Trial, mount: &Mount, ledger: &mut Ledger, random: &mut Random) {
    let log_pages = [8, 30, 100, 0][random.below(4)];
    let Ok(mut store) = open(mount, trial.opened, log_pages) else { return };
    for _ in 0..BATCHES {
        let batch = ledger.load.batch();
        ledger.batches.push(batch.clone());
        match store.commit(&batch) {
            Ok(_) => ledger.durable = ledger.batches.len(),
            Err(_) => return,
        }
        match random.below(16) {
            // It may fail: the power may be off.
            0 => drop(connect(mount).and_then(|other| {
                other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            })),
            1 => match store.close().and_then(|()| open(mount, trial.opened, log_pages)) {
                Ok(again) => store = again,
                Err(_) => return,
            },
            _ => {}
        }
    }
}

/// Opens what is left, with the power cut once more in between for some, and compares. What can
/// be gone on with.
fn recover(
    trial: &Trial,
    image: &Image,
    ledger: &mut Ledger,
    random: &mut Random,
    found: &mut Found,
) -> Result<Image, String> {
    let mut image = image.clone();
    if random.below(4) == 0 {
        let mount = trial.disk(&image, random);
        mount.disk.cut_after(1 + random.below(12) as u64);
        drop(open(&mount, trial.opened, 8));
        image = mount.disk.cut();
        found.cuts += 1;
    }
    let mount = trial.disk(&image, random);
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    match integrity(&mount) {
        Ok(sound) if sound == "ok" => {}
        Ok(damage) => return Err(failed("damaged", &damage)),
        Err(error) => return Err(failed("cannot be checked", &error)),
    }
    let store = open(&mount, trial.opened, 0).map_err(|error| failed("does not open", &error))?;
    let there = count(&store, &ledger.batches).map_err(|error| failed("cannot be read", &error))?;
    found.acknowledged += ledger.durable as u64;
    let lost = ledger.durable.saturating_sub(there);
    found.lost += lost as u64;
    if lost > 0 && trial.promised == Durability::Full {
        found.violation(trial, format!("{lost} of {} commits are lost", ledger.durable));
    }
    compare(&store, &ledger.batches[..there]).map_err(|error| failed("differs", &error))?;
    ledger.go_on(there);
    store.close().map_err(|error| failed("cannot be closed", &error))?;
    Ok(mount.disk.files())
}

impl Ledger {
    /// Goes on from so many batches.
    fn go_on(&mut self, there: usize) {
        self.batches.truncate(there);
        self.durable = there;
        self.load.go_back(&self.batches);
    }
}

/// How many batches are there: up to the last one of which a turn is.
pub fn count(store: &impl Store, batches: &[Batch]) -> Result<usize, Error> {
    for (at, batch) in batches.iter().enumerate().rev() {
        for turn in &batch.turns {
            let rows = store.history(turn.instance, turn.seq - 1, 1)?;
            if rows.first().is_some_and(|row| (row.seq, &row.body) == (turn.seq, &turn.body)) {
                return Ok(at + 1);
            }
        }
    }
    Ok(0)
}

/// Whether the store has exactly these batches, each of them whole; else what differs.
pub fn compare(store: &impl Store, batches: &[Batch]) -> Result<(), String> {
    let memory = Memory::new();
    for batch in batches {
        memory.commit(batch).map_err(|error| error.to_string())?;
    }
    let (is, expected) = (all(store, batches), all(&memory, batches));
    let (is, expected) = (is.map_err(|e| e.to_string())?, expected.map_err(|e| e.to_string())?);
    for (is, expected) in is.iter().zip(&expected) {
        if is != expected {
            return Err(format!("is {is}, expected {expected}"));
        }
    }
    let latest = store.latest().map_err(|error| error.to_string())?;
    let last = batches.last().map_or(Timestamp::default(), |batch| batch.now);
    if latest > last || last.as_millis() - latest.as_millis() > 1_000 {
        return Err(format!("engine time is {latest:?} after a commit at {last:?}"));
    }
    Ok(())
}

/// Everything that a store says of the instances of these batches, and of no others.
fn all(store: &impl Store, batches: &[Batch]) -> Result<Vec<String>, Error> {
    let most = 10_000;
    let mut said = vec![
        format!("{:?}", store.active(None, most)?),
        format!("{:?}", store.timers(None, most)?),
        format!("{:?}", store.user_tasks(&UserTaskFilter::default())?),
        format!("{:?}", store.incidents(most)?),
        format!("{:?}", store.live(load::PROCESS, 1)?),
    ];
    let turns = batches.iter().flat_map(|batch| &batch.turns);
    for first in turns.clone().filter(|turn| turn.seq == 1) {
        said.push(format!("{:?}", store.load(first.instance)?));
        said.push(format!("{:?}", store.history(first.instance, 0, most)?));
        said.push(format!("{:?}", store.base(first.instance)?));
    }
    for task in turns.flat_map(|turn| &turn.opened) {
        said.push(format!("{:?}", store.user_task(task.id)?));
    }
    Ok(said)
}
