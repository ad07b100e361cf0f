//! The auditor: what a store holds of an instance must agree with its history.
//!
//! The history is replayed from nothing, or from the base of a long one, change by change.
//! Everything else that is stored, the row, the snapshot, the open waits, is a shadow of that state.

use std::collections::BTreeSet;

use bpm_core::history::Recorded;
use bpm_core::ids::InstanceId;
use bpm_core::instance::{Instance, Token, TokenState};
use bpm_core::store::{Error, InstanceRow, Store, TimerRow, UserTaskFilter};
use serde::Serialize;

/// Replays the history of an instance and compares what the store holds of it.
///
/// # Panics
///
/// If something differs, naming what, with the history.
pub fn check_replay(store: &dyn Store, instance: InstanceId) {
    let history = history(store, instance).unwrap_or_else(|error| panic!("{instance}: {error}"));
    let differs = differences(store, instance, &history)
        .unwrap_or_else(|error| panic!("{instance}: {error}"));
    assert!(differs.is_empty(), "{instance}: {}\n{history:#?}", differs.join("\n"));
}

/// All recorded turns of an instance that are kept.
pub fn history(store: &dyn Store, instance: InstanceId) -> Result<Vec<Recorded>, Error> {
    let rows = store.history(instance, 0, usize::MAX)?;
    rows.iter().map(|row| Recorded::read(instance, row)).collect()
}

/// The state with which the kept turns of an instance begin: nothing, or a base.
pub(crate) fn beginning(store: &dyn Store, row: &InstanceRow) -> Result<Instance, Error> {
    match store.base(row.id)? {
        Some(base) => Instance::of_base(row.id, &base),
        None => Ok(Instance::new(row.id, row.start.key.clone())),
    }
}

fn differences(
    store: &dyn Store,
    id: InstanceId,
    history: &[Recorded],
) -> Result<Vec<String>, Error> {
    let Some(stored) = store.load(id)? else {
        return Ok(vec!["there is no row".to_owned()]);
    };
    let row = &stored.row;
    let beginning = beginning(store, row)?;
    let first = beginning.seq + 1;
    let replayed = beginning.clone().replayed(history);
    let mut found = Vec::new();
    let mut same = |what: &str, stored: String, replayed: String| {
        if stored != replayed {
            found.push(format!("{what}: stored is {stored}, replayed {replayed}"));
        }
    };
    let numbers: Vec<u64> = history.iter().map(|turn| turn.seq).collect();
    same(
        "numbers",
        format!("{numbers:?}"),
        format!("{:?}", (first..=replayed.seq).collect::<Vec<_>>()),
    );
    same("restored", debug(&Instance::restore(&stored)?), debug(&replayed));
    same("status", row.state.status.to_string(), replayed.shown_status().to_string());
    same("active", row.state.active.to_string(), replayed.is_active().to_string());
    same("ended", row.ended.is_some().to_string(), replayed.status.is_end().to_string());
    same("outcome", outcome(row), replayed.ending().map_or_else(String::new, |end| json(&end)));
    if !row.state.active {
        same("tokens", row.state.tokens.clone(), json(replayed.tokens()));
    }
    if let Some(snapshot) = &row.state.snapshot {
        let until = history.iter().take_while(|turn| turn.seq <= row.snapshot_seq);
        same("snapshot", snapshot.clone(), json(&beginning.replayed(until)));
    }
    same("waits", waits_of_store(store, id)?.join(", "), waits_of_state(&replayed).join(", "));
    same("timers", debug(&timers_of_store(store, id)?), debug(&timers_of_state(&replayed)));
    Ok(found)
}

fn outcome(row: &InstanceRow) -> String {
    row.state.outcome.clone().unwrap_or_default()
}

/// The user tasks and incidents that are open, each with its node.
fn waits_of_store(store: &dyn Store, id: InstanceId) -> Result<Vec<String>, Error> {
    let filter = UserTaskFilter { instance: Some(id), ..UserTaskFilter::default() };
    let tasks = store.user_tasks(&filter)?.into_iter();
    let tasks = tasks.map(|task| format!("{} at {}", task.id, task.node));
    let incidents = store.incidents(usize::MAX)?.into_iter().filter(|row| row.instance == id);
    let mut waits: Vec<_> =
        tasks.chain(incidents.map(|row| format!("{} at {}", row.id, row.node))).collect();
    waits.sort();
    Ok(waits)
}

fn waits_of_state(instance: &Instance) -> Vec<String> {
    let mut waits: Vec<_> = instance
        .tokens()
        .iter()
        .filter_map(|token| match &token.state {
            TokenState::Waiting { task } => Some(format!("{task} at {}", token.node)),
            TokenState::Incident { incident, .. } => Some(format!("{incident} at {}", token.node)),
            _ => None,
        })
        .collect();
    waits.sort();
    waits
}

/// The timers that are set, each with its number, its token and when it is due.
fn timers_of_store(store: &dyn Store, id: InstanceId) -> Result<BTreeSet<TimerRow>, Error> {
    let timers = store.timers(None, usize::MAX)?.into_iter();
    Ok(timers.filter(|timer| timer.instance == id).collect())
}

fn timers_of_state(instance: &Instance) -> BTreeSet<TimerRow> {
    let timer = |token: &Token| match token.state {
        TokenState::Timing { timer, due, calendar } => {
            Some(TimerRow { due, calendar, instance: instance.id, timer, token: token.id })
        }
        TokenState::BackingOff { timer, due, .. } => {
            Some(TimerRow { due, calendar: false, instance: instance.id, timer, token: token.id })
        }
        _ => None,
    };
    instance.tokens().iter().filter_map(timer).collect()
}

fn debug(of: &impl std::fmt::Debug) -> String {
    format!("{of:?}")
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| unreachable!("state prints: {error}"))
}
