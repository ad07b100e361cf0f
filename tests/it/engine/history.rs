//! History and watching: every turn in words, as it becomes durable.

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
    let definition = ProcessDefinition::builder("loop")
        .start("start")
        .exclusive("again")
        .service("count")
        .exclusive("enough")
        .end("end")
        .edge("start", "again")
        .edge("again", "count")
        .edge("count", "enough")
        .edge_if("enough", "end", EdgeCondition::Expression("n >= 1200".into()))
        .edge_if("enough", "again", EdgeCondition::Default)
        .build()
        .unwrap();
    let house = House::memory();
    let count = |vars: serde_json::Value| async move {
        Ok::<_, TaskError>(json!({ "n": vars["n"].as_i64().unwrap_or(0) + 1 }))
    };
    let options = EngineOptions { snapshot_turns: 100, ..Default::default() };
    let builder = house.builder().definition(definition).options(options);
    let engine = builder.handler("count", count).start().await.unwrap();
    let run = engine.start_definition("loop", json!({})).await.unwrap();
    run.outcome().await.unwrap().completed().unwrap();
    let history = engine.history(run.id()).await.unwrap();
    assert!(history.iter().map(|turn| turn.seq).eq(1..=1201));
    house.finish(engine).await;
}
