//! Damaged rows of a stored instance.

use bpm_core::clock::Timestamp;
use bpm_core::definition::ProcessDefinition;
use bpm_core::event::Event;
use bpm_core::history::Recorded;
use bpm_core::instance::Instance;
use bpm_core::json::Json;
use bpm_core::step::step;
use bpm_core::store::{
    Batch, DefinitionRow, Error, HistoryRow, InstanceRow, Memory, StartRow, StateRow, Status,
    Store, Stored, TurnRows,
};

use super::damage::Rows;
use super::samples::{ID, LIMITS, NOW, REQUESTS, at, body, events, print};
use crate::arbitrary::Random;
use crate::audit;
use crate::verify::verify;

pub(super) use super::damage::seeds;

/// When what happens to a restored instance happens: every timer of the samples is due.
const LATER: u64 = 10_000;
/// How many events it is followed for.
const FOLLOWED: usize = 24;

/// The first byte says which history, the second where in it the snapshot is; what follows says
/// what is damaged. The instance cannot be restored, and the error names it, or it can, and then
/// whatever happens to it is a turn that can be replayed, or a refusal.
pub(super) fn run(data: &[u8]) {
    let Some(rows) = Rows::damaged(data) else { return };
    let stored = stored(&rows);
    restored(
        &rows.sound.definition,
        &stored,
        data.iter().fold(1, |sum, &byte| sum * 31 % 65_521 + u64::from(byte)),
    );
    verifies(&rows, &stored);
}

/// Restores an instance from its rows, sound or not, and has happen to it what could happen next:
/// each event from the same state, and one after the other as `seed` draws them.
///
/// # Panics
///
/// If the rows are refused with an error that does not name the instance, or anything panics.
pub fn restored(definition: &ProcessDefinition, stored: &Stored, seed: u64) {
    match Instance::restore(stored) {
        Ok(instance) => {
            for value in [Json::null(), Json::from(&1.into())] {
                each(definition, &instance, &value);
                follow(definition, instance.clone(), &value, seed);
            }
        }
        Err(Error::Corrupt(what)) => {
            let id = stored.row.id.to_string();
            assert!(what.contains(&id) && what.contains("turn "), "{what}");
        }
        Err(error) => panic!("a row that cannot be read is another error: {error}"),
    }
}

fn each(definition: &ProcessDefinition, instance: &Instance, value: &Json) {
    for event in events(definition, instance, value) {
        replays(definition, instance, &event);
    }
}

fn follow(definition: &ProcessDefinition, mut instance: Instance, value: &Json, seed: u64) {
    let mut random = Random::new(seed);
    for _ in 0..FOLLOWED {
        let possible = events(definition, &instance, value);
        let inward = possible.len() > REQUESTS && !random.one_in(4);
        let from = if inward { REQUESTS } else { 0 };
        let event = &possible[from + random.below(possible.len() - from)];
        instance = replays(definition, &instance, event).unwrap_or(instance);
        if instance.status.is_end() {
            return;
        }
    }
}

/// Takes a turn of a copy; what it led to reads back from its row and leads to the same state.
/// `None` if the event is refused.
pub(super) fn replays(
    definition: &ProcessDefinition,
    instance: &Instance,
    event: &Event,
) -> Option<Instance> {
    let (mut after, now) = (instance.clone(), at(LATER));
    let Ok(outcome) = step(definition, &mut after, event, now, LIMITS) else {
        assert_eq!(after, *instance, "a refused event changes nothing");
        return None;
    };
    let row = HistoryRow { seq: after.seq, at: now, body: body(event, &outcome.changes) };
    let id = instance.id;
    let read = Recorded::read(id, &row).unwrap_or_else(|error| panic!("{error}: {}", row.body));
    assert_eq!((&read.event, &read.changes), (event, &outcome.changes));
    let mut replayed = instance.clone();
    read.changes.iter().for_each(|change| replayed.apply(change));
    replayed.seq = after.seq;
    assert_eq!(replayed, after, "the changes of a turn lead to its state");
    reads_back(&after, now);
    Some(after)
}

/// A state that the engine has made is one that it can restore.
fn reads_back(after: &Instance, now: Timestamp) {
    let row = row(after.key.clone(), Some((after.seq, print(after))), ("sample", 1), now);
    let stored = Stored { row: InstanceRow { id: after.id, ..row }, turns: Vec::new() };
    match Instance::restore(&stored) {
        Ok(restored) => assert_eq!(restored, *after, "a snapshot reads as it was written"),
        Err(error) => panic!("the engine made what it cannot restore: {error}"),
    }
}

fn stored(rows: &Rows) -> Stored {
    let definition = &rows.sound.definition;
    let process = (definition.name(), definition.version());
    let row = row(Some("key".to_owned()), rows.snapshot.clone(), process, NOW);
    Stored { row, turns: rows.turns.clone() }
}

fn row(
    key: Option<String>,
    snapshot: Option<(u64, String)>,
    (process, version): (&str, u32),
    created: Timestamp,
) -> InstanceRow {
    let start = StartRow { process: process.to_owned(), version, key, input_hash: 1 };
    let (snapshot_seq, snapshot) = snapshot.unzip();
    let (status, tokens) = (Status::Running, "[]".to_owned());
    let state = StateRow { status, active: true, tokens, snapshot, outcome: None };
    let snapshot_seq = snapshot_seq.unwrap_or(0);
    InstanceRow { id: ID, start, state, snapshot_seq, created, ended: None }
}

/// A new build is compared with a store that holds the rows: an answer, or an error that says
/// what cannot be read.
fn verifies(rows: &Rows, stored: &Stored) {
    let definition = &rows.sound.definition;
    let store = Memory::new();
    let (name, version) = (definition.name().to_owned(), definition.version());
    let fingerprint = definition.fingerprint().to_string();
    let known = DefinitionRow { name, version, fingerprint, graph: rows.graph.clone() };
    let told = store.put_definition(&known).and_then(|()| store.commit(&batch(stored)));
    told.unwrap_or_else(|error| panic!("memory takes every row: {error}"));
    match verify(&store, std::slice::from_ref(definition)) {
        Ok(verification) => assert!(!verification.to_string().is_empty()),
        Err(error) => assert!(matches!(error, Error::Corrupt(_)), "{error}"),
    }
    let _ = audit::history(&store, ID);
}

fn batch(stored: &Stored) -> Batch {
    let Stored { row, turns } = stored;
    let turns = turns.iter().enumerate().map(|(at, turn)| TurnRows {
        instance: ID,
        seq: at as u64 + 1,
        at: NOW,
        body: turn.body.clone(),
        start: (at == 0).then(|| row.start.clone()),
        state: (at == 0).then(|| row.state.clone()),
        forget: None,
        opened: Vec::new(),
        closed: Vec::new(),
        raised: Vec::new(),
        settled: Vec::new(),
        timers_set: Vec::new(),
        timers_closed: Vec::new(),
    });
    Batch { now: NOW, turns: turns.collect() }
}

#[cfg(test)]
mod tests {
    use super::super::samples::SOUND;
    use super::*;

    #[test]
    fn what_is_not_damaged_is_restored() {
        for (at, sound) in SOUND.iter().enumerate() {
            for behind in 0..=sound.turns.len() {
                let rows = Rows::damaged(&[at as u8, behind as u8]).unwrap();
                let restored = Instance::restore(&stored(&rows)).expect("nothing is damaged");
                assert_eq!(Some(&print(&restored)), sound.snapshots.last());
            }
        }
    }
}
