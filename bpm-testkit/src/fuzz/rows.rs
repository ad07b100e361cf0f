//! Damaged rows of a stored instance.

use std::sync::LazyLock;
use std::time::Duration;

use bpm_core::change::Change;
use bpm_core::clock::Timestamp;
use bpm_core::definition::{EdgeCondition, ProcessDefinition, Retry};
use bpm_core::event::{Actor, Event, Failure, FailureKind};
use bpm_core::history::Recorded;
use bpm_core::ids::InstanceId;
use bpm_core::instance::{Instance, TokenState};
use bpm_core::json::Json;
use bpm_core::step::{Limits, step};
use bpm_core::store::{
    Batch, DefinitionRow, Error, HistoryRow, InstanceRow, Memory, StartRow, StateRow, Store,
    Stored, TurnRows,
};
use serde::Serialize;

use crate::audit;
use crate::verify::verify;

/// When everything happens.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// The bounds of every turn.
pub(super) const LIMITS: Limits =
    Limits { moves: 100, tokens: 8, lost_attempts: 1, jitter_seed: 7 };
const ID: InstanceId = InstanceId::from_bytes([7; 16]);

/// A service task, then at once a user task, a timer and a service task that is attempted again.
pub(super) fn definition() -> ProcessDefinition {
    static DEFINITION: LazyLock<ProcessDefinition> = LazyLock::new(|| {
        let condition = EdgeCondition::Expression("amount > 50 || region == 'CH'".to_owned());
        let built = ProcessDefinition::builder("sample")
            .start("start")
            .service("price")
            .exclusive("large")
            .parallel("fork")
            .user("approve")
            .wait("cool_off", "3d")
            .service("reserve")
            .parallel("join")
            .end("end")
            .end("small")
            .retry("price", Retry::times(3).then_suspend())
            .retry("reserve", Retry::times(2))
            .timeout("reserve", Duration::from_secs(30))
            .edge("start", "price")
            .edge("price", "large")
            .edge_if("large", "fork", condition)
            .edge_if("large", "small", EdgeCondition::Default)
            .edge("fork", "approve")
            .edge("fork", "cool_off")
            .edge("fork", "reserve")
            .edge("approve", "join")
            .edge("cool_off", "join")
            .edge("reserve", "join")
            .edge("join", "end")
            .build();
        built.unwrap_or_else(|findings| unreachable!("the sample is sound: {findings}"))
    });
    DEFINITION.clone()
}

/// An instance that nothing has happened to.
pub(super) fn fresh() -> Instance {
    Instance::new(ID, Some("key".to_owned()))
}

/// The first two bytes say which row is replaced and what its number is; the rest is the row.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let sound = &*SOUND;
    let seed = |part: usize, text: &str| [&[part as u8, 0], text.as_bytes()].concat();
    let bodies = sound.turns.iter().enumerate().map(|(at, turn)| seed(at, &turn.body));
    let snapshots = sound.snapshots.iter().enumerate();
    let snapshots = snapshots.map(|(at, text)| seed(sound.turns.len() + at, text));
    bodies.chain(snapshots).chain([seed(GRAPH.into(), &sound.graph)]).collect()
}

/// Stands for the graph of the stored definition.
const GRAPH: u8 = u8::MAX;

/// Restores the instance with one damaged row: it cannot be read, and the error names it, or it
/// can, and then whatever happens to it is a turn that can be replayed, or a refusal.
pub(super) fn run(data: &[u8]) {
    let [part, number, text @ ..] = data else { return };
    let text = String::from_utf8_lossy(text).into_owned();
    if *part == GRAPH {
        return verifies(&SOUND.stored(), text);
    }
    let stored = damaged((*part).into(), *number, text);
    match Instance::restore(&stored) {
        Ok(instance) => go_on(&instance),
        Err(Error::Corrupt(what)) => assert!(what.contains(&ID.to_string()), "{what}"),
        Err(error) => panic!("a row that cannot be read is another error: {error}"),
    }
    verifies(&stored, SOUND.graph.clone());
}

/// Everything that could happen to it, each from the same state.
fn go_on(instance: &Instance) {
    for event in events(instance, &Json::null()) {
        replays(instance, &event);
    }
}

/// Takes a turn of a copy; what it led to reads back from its row and leads to the same state.
/// `None` if the event is refused.
pub(super) fn replays(instance: &Instance, event: &Event) -> Option<Instance> {
    let mut after = instance.clone();
    let Ok(outcome) = step(&definition(), &mut after, event, NOW, LIMITS) else {
        assert_eq!(after, *instance, "a refused event changes nothing");
        return None;
    };
    let body = body(event, &outcome.changes);
    let row = HistoryRow { seq: after.seq, at: NOW, body };
    let read = Recorded::read(ID, &row).unwrap_or_else(|error| panic!("{error}: {}", row.body));
    assert_eq!((&read.event, &read.changes), (event, &outcome.changes));
    let mut replayed = instance.clone();
    read.changes.iter().for_each(|change| replayed.apply(change));
    replayed.seq = after.seq;
    assert_eq!(replayed, after, "the changes of a turn lead to its state");
    Some(after)
}

/// What can happen to an instance, with this value wherever one is given.
pub(super) fn events(instance: &Instance, value: &Json) -> Vec<Event> {
    let actor = Actor::new("ann");
    let failure = || Failure::new("node", FailureKind::Error, "it failed");
    let by = |event: fn(Actor) -> Event| event(actor.clone());
    let mut events = vec![
        by(|actor| Event::CancelRequested { actor }),
        by(|actor| Event::TerminateRequested { actor }),
        by(|actor| Event::SuspendRequested { actor }),
        by(|actor| Event::ResumeRequested { actor }),
        Event::Continued,
    ];
    for at in instance.tokens() {
        let (token, node) = (at.id, at.node.to_string());
        match &at.state {
            TokenState::Executing(attempts) => {
                let (visit, attempt, retryable) = (attempts.visit, attempts.attempt, true);
                let (failure, result) = (failure(), value.clone());
                let done = node.clone();
                events.push(Event::TaskCompleted { token, node: done, visit, attempt, result });
                let lost = node.clone();
                events.push(Event::TaskLost { token, node: lost, visit, attempt });
                events.push(Event::TaskFailed {
                    token,
                    node,
                    visit,
                    attempt,
                    failure,
                    retryable,
                    caught: None,
                    heartbeat: None,
                });
            }
            TokenState::Timing { timer, .. } | TokenState::BackingOff { timer, .. } => {
                events.push(Event::TimerFired { token, node, timer: *timer });
            }
            TokenState::Waiting { task } => {
                let (task, payload, actor) = (*task, value.clone(), Some(actor.clone()));
                events.push(Event::UserTaskCompleted { task, node, payload, actor });
            }
            TokenState::Incident { incident, .. } => {
                let (incident, value, actor) = (*incident, value.clone(), actor.clone());
                events.push(Event::IncidentRetried { incident, actor: actor.clone() });
                events.push(Event::IncidentFailed { incident, actor: actor.clone() });
                events.push(Event::IncidentSkipped { incident, value, actor });
            }
            _ => {}
        }
    }
    events
}

/// What a store holds of the sample when nothing is damaged.
struct Sound {
    turns: Vec<HistoryRow>,
    /// The state behind each turn.
    snapshots: Vec<String>,
    graph: String,
}

static SOUND: LazyLock<Sound> = LazyLock::new(|| {
    let (mut turns, mut snapshots) = (Vec::new(), Vec::new());
    let mut instance = fresh();
    let number = |text: &str| Json::parse(text.to_owned()).unwrap_or_else(|_| Json::null());
    let mut next = Some(Event::ProcessStarted {
        input: vec![("amount".to_owned(), number("60")), ("region".to_owned(), number("\"CH\""))],
    });
    while let Some(event) = next {
        let Ok(outcome) = step(&definition(), &mut instance, &event, NOW, LIMITS) else { break };
        let body = body(&event, &outcome.changes);
        turns.push(HistoryRow { seq: instance.seq, at: NOW, body });
        snapshots.push(print(&instance));
        next = following(&instance, &number(r#"{"price":7}"#));
    }
    Sound { turns, snapshots, graph: print(&definition()) }
});

/// What happens to the sample after each turn, so that its rows have most of what rows can have.
fn following(instance: &Instance, value: &Json) -> Option<Event> {
    let fits: fn(&Event) -> bool = match instance.seq {
        1 => |event| matches!(event, Event::TaskLost { .. }),
        2 => |event| matches!(event, Event::SuspendRequested { .. }),
        3 => |event| matches!(event, Event::ResumeRequested { .. }),
        4 => |event| matches!(event, Event::TaskCompleted { .. }),
        5 => |event| matches!(event, Event::TaskFailed { .. }),
        6 => |event| matches!(event, Event::UserTaskCompleted { .. }),
        _ => return None,
    };
    events(instance, value).into_iter().find(fits)
}

impl Sound {
    fn stored(&self) -> Stored {
        stored(None, 0, self.turns.clone())
    }
}

/// The sample with a part replaced: a turn, or the snapshot behind one.
fn damaged(part: usize, number: u8, text: String) -> Stored {
    let sound = &*SOUND;
    let mut turns = sound.turns.clone();
    let at = part % (turns.len() + sound.snapshots.len());
    let Some(behind) = at.checked_sub(turns.len()) else {
        turns[at].body = text;
        turns[at].seq = match number % 8 {
            1 => 0,
            2 => u64::MAX,
            3 => turns[at].seq + 1,
            _ => turns[at].seq,
        };
        return stored(None, 0, turns);
    };
    let seq = turns[behind].seq;
    stored(Some(text), seq, turns.split_off(behind + 1))
}

fn stored(snapshot: Option<String>, snapshot_seq: u64, turns: Vec<HistoryRow>) -> Stored {
    let (process, version) = (definition().name().to_owned(), definition().version());
    let key = Some("key".to_owned());
    let start = StartRow { process, version, key, input_hash: 1 };
    let tokens = "[]".to_owned();
    let status = bpm_core::store::Status::Running;
    let state = StateRow { status, active: true, tokens, snapshot, outcome: None };
    let row = InstanceRow { id: ID, start, state, snapshot_seq, created: NOW, ended: None };
    Stored { row, turns }
}

/// A new build is compared with a store that holds the rows: an answer, or an error that says
/// what cannot be read.
fn verifies(stored: &Stored, graph: String) {
    let store = Memory::new();
    let (name, version) = (definition().name().to_owned(), definition().version());
    let fingerprint = definition().fingerprint().to_string();
    let known = DefinitionRow { name, version, fingerprint, graph };
    let told = store.put_definition(&known).and_then(|()| store.commit(&batch(stored)));
    told.unwrap_or_else(|error| panic!("memory takes every row: {error}"));
    match verify(&store, &[definition()]) {
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

fn body(event: &Event, changes: &[Change]) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        event: &'a Event,
        changes: &'a [Change],
    }
    print(&Body { event, changes })
}

fn print<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| panic!("state prints as JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_restored_and_has_what_it_should_have() {
        assert_eq!(SOUND.turns.len(), 7);
        let restored = Instance::restore(&SOUND.stored()).expect("nothing is damaged");
        let states: Vec<_> = restored.tokens().iter().map(|token| &token.state).collect();
        assert!(matches!(
            states[..],
            [TokenState::Joining, TokenState::Timing { .. }, TokenState::BackingOff { .. }]
        ));
        for seed in seeds() {
            run(&seed);
        }
    }
}
