//! Sound histories: what a store holds of instances before it is damaged.
//!
//! The processes have every kind of node. What happens to an instance is drawn from fixed seeds,
//! and a history is kept if an event in it leads to a change to which it led in none before.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use bpm_core::change::Change;
use bpm_core::clock::Timestamp;
use bpm_core::definition::{EdgeCondition, ProcessDefinition, Retry};
use bpm_core::event::{Actor, Caught, Event, Failure, FailureKind, TokenId};
use bpm_core::ids::InstanceId;
use bpm_core::instance::{Attempts, Instance, TokenState};
use bpm_core::json::Json;
use bpm_core::step::{Limits, step};
use bpm_core::store::HistoryRow;
use bpm_model::graph::{Node, Origin};
use bpm_model::kind::{Kind, Trigger};
use serde::Serialize;
use serde_json::Value;

use crate::arbitrary::Random;
use crate::sim::lower;
use crate::sim::tree::{Block, Branch, Clause, On, Process, Stmt, Task, User};

/// When everything begins.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
/// The bounds of every turn.
pub(super) const LIMITS: Limits =
    Limits { moves: 100, tokens: 8, lost_attempts: 1, jitter_seed: 7 };
/// Every instance here.
pub(super) const ID: InstanceId = InstanceId::from_bytes([7; 16]);

/// How many histories are tried for each process.
const SEEDS: u64 = 150;
/// How many turns an instance takes at most.
const TURNS: u64 = 30;
/// Between two turns; every timer is due by then.
const BETWEEN: Duration = Duration::from_secs(4 * 86_400);

/// What a store holds of an instance to which nothing bad has happened.
pub(super) struct Sound {
    pub(super) definition: ProcessDefinition,
    pub(super) turns: Vec<HistoryRow>,
    /// The state behind each turn.
    pub(super) snapshots: Vec<String>,
    /// The turns that are like none in a history before this one, by their place.
    pub(super) new: Vec<usize>,
}

/// Histories that have every event and every change between them.
pub(super) static SOUND: LazyLock<Vec<Sound>> = LazyLock::new(|| {
    let (mut known, mut kept) = (BTreeSet::new(), Vec::new());
    let built = (definition(), &[r#"{"price":7}"#, "7"] as &[&str]);
    let compiled = [saga(), race(), delivery()]
        .map(|process| (lower::definition(&process), &["0", "1", "2"] as &[&str]));
    for (definition, values) in [built].into_iter().chain(compiled) {
        for seed in 1..=SEEDS {
            let sound = history(&definition, values, seed, &mut known);
            kept.extend(Some(sound).filter(|sound| !sound.new.is_empty()));
        }
    }
    kept
});

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

/// Undos, scopes in scopes, and every sort of boundary event.
fn saga() -> Process {
    let hotel = |clauses| Stmt::Task(Task { clauses, ..undoable("hotel", None) });
    let full = clause("full", On::Error(Some("e0".to_owned())), vec![task("hostel")]);
    let car = Branch { body: vec![Stmt::Task(undoable("car", Some((3, false))))], after: vec![] };
    let gives_up = Stmt::Choice("gives_up".into(), "hotel".into(), vec![vec![], vec![fail("no")]]);
    let flight = vec![Stmt::Wait("pause".into(), 5), task("flight"), gives_up];
    let inner = Stmt::Scope(
        "inner".into(),
        vec![Stmt::Parallel("both".into(), vec![car, Branch { body: flight, after: vec![] }])],
        vec![clause("failed", On::Error(Some("e1".to_owned())), vec![task("bus")])],
    );
    let clauses = vec![
        clause("sorry", On::Error(None), vec![task("apologise")]),
        clause("late", On::After(30), vec![user("call", vec![])]),
        clause("again", On::AlsoEvery(3), vec![task("remind")]),
    ];
    let trip = Stmt::Scope("trip".into(), vec![hotel(vec![full]), inner], clauses);
    let nag = clause("slow", On::AlsoAfter(2), vec![user("nag", vec![])]);
    let confirm = user("confirm", vec![clause("closed", On::At(9), vec![]), nag]);
    Process::of(vec![Stmt::Task(undoable("book", Some((2, true)))), trip, confirm, task("thank")])
}

/// A race, a loop, and a choice of which some ways end it.
fn race() -> Process {
    let offers = vec![
        vec![Stmt::Task(undoable("near", None)), user("visit", vec![])],
        vec![Stmt::Wait("idle".into(), 7), Stmt::Task(undoable("far", Some((2, false))))],
        vec![user("phone", vec![])],
    ];
    let which = Stmt::Choice(
        "which".into(),
        "ask".into(),
        vec![vec![], vec![fail("none")], vec![Stmt::Return("early".into(), "ask".into())]],
    );
    let turns = Stmt::Loop("turns".into(), 2, vec![Stmt::Task(undoable("try", None))]);
    Process::of(vec![
        Stmt::Task(undoable("ask", None)),
        Stmt::Race("offers".into(), 1, offers),
        which,
        turns,
    ])
}

/// A branch that comes after another, and a `return` beside what goes on.
fn delivery() -> Process {
    let branch = |body: Block, after: &[usize]| Branch { body, after: after.to_vec() };
    let branches = vec![
        branch(vec![task("pay"), Stmt::Return("paid".into(), "pay".into())], &[]),
        branch(vec![Stmt::Task(undoable("pack", None))], &[]),
        branch(vec![Stmt::Task(undoable("send", None)), user("sign", vec![])], &[1]),
    ];
    Process::of(vec![task("order"), Stmt::Parallel("ship".into(), branches)])
}

fn undoable(id: &str, retry: Option<(u32, bool)>) -> Task {
    Task { retry, ..Task::undoable(id) }
}

fn task(id: &str) -> Stmt {
    Stmt::Task(Task { undo: None, ..undoable(id, None) })
}

fn user(id: &str, clauses: Vec<Clause>) -> Stmt {
    Stmt::User(User { id: id.to_owned(), clauses })
}

fn fail(id: &str) -> Stmt {
    Stmt::Fail(id.to_owned())
}

fn clause(id: &str, on: On, body: Block) -> Clause {
    Clause { id: id.to_owned(), on, body }
}

/// An instance that nothing has happened to.
pub(super) fn fresh() -> Instance {
    Instance::new(ID, Some("key".to_owned()))
}

/// When a turn is taken.
pub(super) fn at(seq: u64) -> Timestamp {
    NOW.after(BETWEEN.saturating_mul(u32::try_from(seq).unwrap_or(u32::MAX)))
}

/// What a seed has happen to an instance, until nothing can.
fn history(
    definition: &ProcessDefinition,
    values: &[&str],
    seed: u64,
    known: &mut BTreeSet<(String, String)>,
) -> Sound {
    let mut random = Random::new(seed);
    let moves = if random.one_in(5) { 2 } else { LIMITS.moves };
    let limits = Limits { moves, ..LIMITS };
    let values: Vec<Json> = values.iter().map(|text| json_of(text)).collect();
    let mut instance = fresh();
    let (mut turns, mut snapshots, mut new) = (Vec::new(), Vec::new(), Vec::new());
    let mut next = Some(started(definition));
    while let Some(event) = next.take().filter(|_| instance.seq < TURNS) {
        let now = at(instance.seq + 1);
        if let Ok(outcome) = step(definition, &mut instance, &event, now, limits) {
            let led = outcome.changes.iter().map(|change| (tag(&event), tag(change)));
            if led.filter(|pair| known.insert(pair.clone())).count() > 0 {
                new.push(turns.len());
            }
            let body = body(&event, &outcome.changes);
            turns.push(HistoryRow { seq: instance.seq, at: now, body });
            snapshots.push(print(&instance));
        }
        if !instance.status.is_end() {
            next = Some(drawn(definition, &instance, &values, &mut random));
        }
    }
    Sound { definition: definition.clone(), turns, snapshots, new }
}

fn started(definition: &ProcessDefinition) -> Event {
    let graph = definition.graph();
    let input = if graph.origin == Origin::Built {
        vec![("amount".to_owned(), json_of("60")), ("region".to_owned(), json_of("\"CH\""))]
    } else {
        let parameters = graph.variables.iter().take(graph.parameters);
        parameters.map(|variable| (variable.key.to_string(), json_of("0"))).collect()
    };
    Event::ProcessStarted { input }
}

/// One of what can happen; what ends an instance by itself is rare.
fn drawn(
    definition: &ProcessDefinition,
    instance: &Instance,
    values: &[Json],
    random: &mut Random,
) -> Event {
    let value = &values[random.below(values.len())];
    let mut requests = events(definition, instance, value);
    let inward = requests.split_off(REQUESTS);
    if !inward.is_empty() && !random.one_in(6) {
        return inward[random.below(inward.len())].clone();
    }
    let from = if inward.is_empty() || random.one_in(3) { 0 } else { ENDINGS };
    requests[from + random.below(REQUESTS - from)].clone()
}

/// How many of the [`events`], the first ones, come whatever the instance does.
pub(super) const REQUESTS: usize = 5;
/// How many of them, the first ones, end it.
const ENDINGS: usize = 2;

/// What can happen to an instance, with this value wherever one is given.
pub(super) fn events(
    definition: &ProcessDefinition,
    instance: &Instance,
    value: &Json,
) -> Vec<Event> {
    let actor = Actor::new("ann");
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
                events.extend(attempt(definition, token, &node, *attempts, value));
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
            TokenState::Ready | TokenState::Joining => {}
        }
    }
    events
}

/// How an attempt can end.
fn attempt(
    definition: &ProcessDefinition,
    token: TokenId,
    node: &str,
    Attempts { visit, attempt, .. }: Attempts,
    value: &Json,
) -> Vec<Event> {
    let owned = || node.to_owned();
    let failed = |message: &str, retryable, caught: Option<Caught>| Event::TaskFailed {
        token,
        node: owned(),
        visit,
        attempt,
        failure: Failure::new(node, FailureKind::Error, message),
        retryable,
        heartbeat: Some(value.clone()).filter(|_| retryable),
        caught,
    };
    let mut events = vec![
        Event::TaskCompleted { token, node: owned(), visit, attempt, result: value.clone() },
        Event::TaskLost { token, node: owned(), visit, attempt },
        failed("e1", true, None),
        failed("e1", false, None),
    ];
    let boundaries = definition.graph().nodes.iter().filter(|at| catches(definition, at, node));
    let caught = boundaries.map(|at| {
        let values = vec![("caught".into(), value.clone())];
        failed("e0", false, Some(Caught { boundary: at.id.clone(), values }))
    });
    events.extend(caught);
    events
}

/// Whether a node is a boundary event for errors of this activity.
fn catches(definition: &ProcessDefinition, boundary: &Node, activity: &str) -> bool {
    match boundary.kind {
        Kind::Boundary { of, on: Trigger::Error, .. } => {
            definition.graph().nodes[of].id.as_ref() == activity
        }
        _ => false,
    }
}

/// The body of a turn's row.
pub(super) fn body(event: &Event, changes: &[Change]) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        event: &'a Event,
        changes: &'a [Change],
    }
    print(&Body { event, changes })
}

/// As JSON.
pub(super) fn print<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| panic!("state prints as JSON: {error}"))
}

fn json_of(text: &str) -> Json {
    Json::parse(text.to_owned()).unwrap_or_else(|_| Json::null())
}

/// The name of a variant, as it is stored.
fn tag<T: Serialize>(of: &T) -> String {
    match serde_json::to_value(of) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(fields)) => fields.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use bpm_core::change::{Closing, Unwinding};
    use serde::de::DeserializeOwned;

    use super::*;

    /// The names that serde says it knows when it is given another one.
    fn variants<T: DeserializeOwned>(unknown: &str) -> Vec<String> {
        let Err(error) = serde_json::from_str::<T>(unknown) else { panic!("{unknown} is known") };
        let told = error.to_string();
        let names: Vec<_> = told.split('`').skip(3).step_by(2).map(str::to_owned).collect();
        assert!(names.len() > 1, "{told}");
        names
    }

    /// Which variants stand behind which keys, anywhere in the rows.
    fn add(key: &str, value: &Value, found: &mut BTreeSet<(String, String)>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| add(key, value, found)),
            Value::Object(fields) => {
                found.extend(fields.keys().next().map(|tag| (key.to_owned(), tag.clone())));
                fields.iter().for_each(|(key, value)| add(key, value, found));
            }
            Value::String(name) => drop(found.insert((key.to_owned(), name.clone()))),
            _ => {}
        }
    }

    #[test]
    fn the_histories_have_every_event_every_change_and_every_state() {
        let mut found = BTreeSet::new();
        for sound in &*SOUND {
            let turns = sound.turns.iter().map(|turn| &turn.body);
            for text in turns.chain(&sound.snapshots) {
                add("", &serde_json::from_str(text).unwrap(), &mut found);
            }
        }
        let wanted = [
            ("event", variants::<Event>("\"?\"")),
            ("changes", variants::<Change>("\"?\"")),
            ("state", variants::<TokenState>(r#"{"state":"?"}"#)),
            ("why", variants::<Unwinding>("\"?\"")),
            ("how", variants::<Closing>("\"?\"")),
        ];
        for (key, names) in wanted {
            for name in names {
                assert!(found.contains(&(key.to_owned(), name.clone())), "no {key} `{name}`");
            }
        }
        let optional = ["heartbeats", "suspension", "returned", "undoable", "scopes", "related"];
        for key in optional {
            assert!(found.iter().any(|(had, _)| had == key), "nothing is stored as `{key}`");
        }
    }
}
