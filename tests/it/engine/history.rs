//! History and watching: every turn in words, as it becomes durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bpm_engine::prelude::*;
use serde_json::json;

use crate::house::*;

const APPROVAL: [&str; 3] = [
    "ProcessStarted: VariableSet TokenCreated TokenMoved TaskStarted",
    "TaskCompleted: VariableSet TokenMoved UserTaskCreated",
    "UserTaskCompleted: UserTaskClosed VariableSet TokenMoved TokenConsumed ProcessCompleted",
];

async fn approve(house: &House) -> (Engine, bpm_engine::Watch, Run<serde_json::Value>) {
    let valid = |_| async { Ok::<_, TaskError>(json!({ "valid": true })) };
    let definition = line("approval", &["service validate", "user approve"]);
    let builder = house.builder().definition(definition);
    let engine = builder.handler("validate", valid).start().await.unwrap();
    let (mut first, second) = (engine.watch(), engine.watch());
    let run = engine.start_definition("approval", json!({ "amount": 60 })).await.unwrap();
    let task = opened(&mut first, &engine).await;
    engine.complete_json(task.id, json!({ "approved": true })).await.unwrap();
    run.outcome().await.unwrap().completed().unwrap();
    (engine, second, run)
}

#[tokio::test]
async fn history_says_what_happened_and_what_that_led_to() {
    for house in House::all() {
        let (engine, _, run) = approve(&house).await;
        let history = engine.history(run.id()).await.unwrap();
        assert_eq!(words(&history), APPROVAL);
        assert!(history.iter().map(|turn| turn.seq).eq(1..=3));
        assert!(history.is_sorted_by_key(|turn| turn.at));
        let Some(Change::ProcessCompleted { node, result }) = history[2].changes.last() else {
            panic!("{history:?}")
        };
        assert_eq!(node, "end");
        assert_eq!(result.text(), r#"{"amount":60,"approved":true,"valid":true}"#);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_watch_streams_what_history_keeps_and_ends_with_the_engine() {
    for house in House::all() {
        let (engine, mut watch, run) = approve(&house).await;
        let history = engine.history(run.id()).await.unwrap();
        let instance = run.id();
        engine.shutdown().await.unwrap();
        let mut seen = Vec::new();
        while let Some(watched) = watch.next().await {
            let Watched::Turn(turn) = watched else { panic!("missed something") };
            assert_eq!((turn.instance, turn.process.as_str()), (instance, "approval"));
            seen.push(turn.recorded.clone());
        }
        assert_eq!(seen, history);
        drop((engine, run));
        house.audit();
    }
}

#[tokio::test]
async fn a_watcher_that_is_too_slow_is_told_how_much_it_missed() {
    let house = House::memory();
    let options = EngineOptions { watch_turns: 4, ..Default::default() };
    let builder = house.builder().definition(line("nothing", &[])).options(options);
    let engine = builder.start().await.unwrap();
    let mut watch = engine.watch();
    for _ in 0..10 {
        engine.start_definition("nothing", json!({})).await.unwrap();
    }
    engine.shutdown().await.unwrap();
    let Some(Watched::Missed(missed)) = watch.next().await else { panic!("missed nothing") };
    let mut seen = 0;
    while let Some(Watched::Turn(_)) = watch.next().await {
        seen += 1;
    }
    assert_eq!(missed + seen, 10);
}

#[tokio::test]
async fn nobody_has_a_history_of_an_unknown_instance() {
    for house in House::all() {
        let engine = house.engine(line("nothing", &[])).await;
        let unknown = InstanceId::from_bytes([7; 16]);
        assert_eq!(refusal(engine.history(unknown).await), Refused::UnknownInstance(unknown));
        house.finish(engine).await;
    }
}

/// More turns than one page of a read, and than one snapshot.
#[tokio::test]
async fn a_long_history_is_whole() {
    let house = House::memory();
    let options = EngineOptions { snapshot_turns: 100, ..Default::default() };
    let engine = house.builder().options(options).definition(counting()).handler("count", count);
    let engine = engine.start().await.unwrap();
    let run = engine.start_definition("loop", json!({ "until": 1200 })).await.unwrap();
    run.outcome().await.unwrap().completed().unwrap();
    let history = engine.history(run.id()).await.unwrap();
    assert!(history.iter().map(|turn| turn.seq).eq(1..=1201));
    house.finish(engine).await;
}

/// Of a history that is longer than the bound the last turns are kept, over restarts too, and what
/// is stored still is what they make of the state before them: `finish` replays them.
#[tokio::test]
async fn of_a_long_history_the_last_turns_are_kept() {
    for house in House::all() {
        let options = EngineOptions { history_turns: 40, ..Default::default() };
        let engine = async || {
            let builder = house.builder().options(options.clone()).definition(counting());
            builder.handler("count", count).start().await.unwrap()
        };
        let kept = async |engine: &Engine, until: u64| {
            let run = engine.start_definition("loop", json!({ "until": until })).await.unwrap();
            run.outcome().await.unwrap().completed().unwrap();
            let history = engine.history(run.id()).await.unwrap();
            let (first, last) = (history[0].seq, history[history.len() - 1].seq);
            assert!(history.iter().map(|turn| turn.seq).eq(first..=last));
            (first, last)
        };
        let first = engine().await;
        assert_eq!(kept(&first, 39).await, (1, 40), "one at the bound is whole");
        assert_eq!(kept(&first, 40).await, (11, 41));
        assert_eq!(kept(&first, 500).await, (471, 501));
        first.shutdown().await.unwrap();
        let second = engine().await;
        assert_eq!(kept(&second, 105).await, (71, 106));
        house.finish(second).await;
    }
}

/// What can be undone, attempts and timers of turns that are forgotten stay what they are.
#[tokio::test]
async fn what_is_forgotten_is_still_undone() {
    for house in House::all() {
        let undone = Arc::new(AtomicU64::new(0));
        let options = EngineOptions { history_turns: 4, ..Default::default() };
        let builder = house.builder().options(options).process::<Bookings>();
        let engine = builder.state(Arc::clone(&undone)).start().await.unwrap();
        let run = engine.start(Bookings { rooms: 30 }).await.unwrap();
        assert!(run.outcome().await.unwrap().completed().is_err());
        assert_eq!(undone.load(Ordering::Relaxed), 30);
        let history = engine.history(run.id()).await.unwrap();
        assert!(history.len() <= 4, "{} turns are kept", history.len());
        house.finish(engine).await;
    }
}

#[service_task]
async fn book(room: u64) -> Result<u64, TaskError> {
    Ok(room + 1)
}

#[service_task]
async fn give_back(undone: State<Arc<AtomicU64>>, _room: u64) -> Result<(), TaskError> {
    undone.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

workflow! {
    process Bookings(rooms: u64) {
        let room = 0;
        while room < rooms {
            let room = service book(room) undo give_back(room);
        }
        fail "no breakfast";
    }
}

/// Counts to `until`, a turn each.
fn counting() -> ProcessDefinition {
    ProcessDefinition::builder("loop")
        .start("start")
        .exclusive("again")
        .service("count")
        .exclusive("enough")
        .end("end")
        .edge("start", "again")
        .edge("again", "count")
        .edge("count", "enough")
        .edge_if("enough", "end", EdgeCondition::Expression("n >= until".into()))
        .edge_if("enough", "again", EdgeCondition::Default)
        .build()
        .unwrap()
}

async fn count(vars: serde_json::Value) -> Result<serde_json::Value, TaskError> {
    Ok(json!({ "n": vars["n"].as_i64().unwrap_or(0) + 1 }))
}
