//! Bounds: reaching one gives backpressure, or an error that names the option.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bpm_engine::DefinitionBuilder;
use bpm_engine::prelude::*;
use serde_json::{Value, json};

use crate::house::*;

const PAYLOAD: &str = "`EngineOptions::payload_bytes`";

fn small() -> EngineOptions {
    EngineOptions { payload_bytes: 100, ..Default::default() }
}

#[tokio::test]
async fn an_input_that_is_too_large_is_refused() {
    for house in House::all() {
        let builder = house.builder().definition(line("desk", &["user look"])).options(small());
        let engine = builder.start().await.unwrap();
        let fits = json!({ "text": "x".repeat(98) });
        engine.start_definition("desk", fits).await.unwrap();
        let input = json!({ "text": "x".repeat(99) });
        let refused = refusal(engine.start_definition("desk", input).await);
        assert!(matches!(refused, Refused::TooLarge { bytes: 101, limit: 100, .. }), "{refused}");
        assert!(refused.to_string().contains(PAYLOAD));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_refused_and_the_task_stays_open() {
    for house in House::all() {
        let builder = house.builder().definition(line("desk", &["user look"])).options(small());
        let engine = builder.start().await.unwrap();
        engine.start_definition("desk", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        let payload = json!({ "text": "x".repeat(100) });
        let refused = refusal(engine.complete_json(task.id, payload).await);
        assert!(refused.to_string().contains(PAYLOAD), "{refused}");
        assert_eq!(the_task(&engine).await, task);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_its_instance() {
    for house in House::all() {
        let large = |_| async { Ok::<_, TaskError>(json!({ "text": "x".repeat(100) })) };
        let builder = house.builder().definition(line("one", &["service task"])).options(small());
        let engine = builder.handler("task", large).start().await.unwrap();
        let run = engine.start_definition("one", json!({})).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert!(failure.message.contains(PAYLOAD), "{failure}");
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_fork_beyond_the_bound_on_tokens_is_an_incident() {
    for house in House::all() {
        let options = EngineOptions { tokens_per_instance: 2, ..Default::default() };
        let builder = house.builder().options(options);
        let builder = builder.definition(fork("two", &["user a", "user b"]));
        let builder = builder.definition(fork("three", &["user a", "user b", "user c"]));
        let engine = builder.start().await.unwrap();
        engine.start_definition("two", json!({})).await.unwrap();
        let run = engine.start_definition("three", json!({})).await.unwrap();
        let [incident] = engine.incidents().list().await.unwrap().try_into().unwrap();
        assert_eq!((incident.instance, incident.node.as_str()), (run.id(), "fork"));
        assert!(incident.error.contains("`EngineOptions::tokens_per_instance`"));
        house.finish(engine).await;
    }
}

/// `start → n gateways → end`.
fn gateways(n: usize) -> ProcessDefinition {
    let id = |n: usize| format!("g{n}");
    let builder = ProcessDefinition::builder("long").start("start").end("end");
    let gateway = |builder: DefinitionBuilder, at: usize| {
        let before = if at == 0 { "start".to_owned() } else { id(at - 1) };
        builder.exclusive(id(at)).edge(before, id(at))
    };
    (0..n).fold(builder, gateway).edge(id(n - 1), "end").build().unwrap()
}

#[tokio::test]
async fn a_turn_beyond_the_bound_on_moves_goes_on_in_the_next_one() {
    for house in House::all() {
        let options = EngineOptions { moves_per_turn: 5, ..Default::default() };
        let builder = house.builder().definition(gateways(18)).options(options);
        let engine = builder.start().await.unwrap();
        let run = engine.start_definition("long", json!({})).await.unwrap();
        run.outcome().await.unwrap().completed().unwrap();
        let history = engine.history(run.id()).await.unwrap();
        assert_eq!(history.len(), 4);
        assert!(history[1..].iter().all(|turn| turn.event == Event::Continued));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn no_more_attempts_are_in_flight_than_workers() {
    for house in House::all() {
        let options = EngineOptions { workers: 3, ..Default::default() };
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (task, mut attempts) = gate();
        let counted = {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            move |vars: Value| {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                let attempt = task(vars);
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let given = attempt.await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    given
                }
            }
        };
        let builder = house.builder().definition(line("one", &["service task"])).options(options);
        let engine = builder.handler("task", counted).start().await.unwrap();
        let mut runs = Vec::new();
        for _ in 0..10 {
            runs.push(engine.start_definition("one", json!({})).await.unwrap());
        }
        for _ in 0..10 {
            attempts.begun().await.end.send(Ok(json!({}))).unwrap();
        }
        for run in runs {
            run.outcome().await.unwrap().completed().unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= 3);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn callers_beyond_the_dispatchers_length_wait_their_turn() {
    for house in House::all() {
        let options =
            EngineOptions { dispatcher_calls: 1, turns_per_commit: 1, ..Default::default() };
        let builder = house.builder().definition(line("desk", &["user look"])).options(options);
        let engine = builder.start().await.unwrap();
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let start = engine.start_definition("desk", json!({}));
            starts.spawn(async move { start.await.map(drop) });
        }
        assert!(starts.join_all().await.into_iter().all(|started| started.is_ok()));
        assert_eq!(engine.user_tasks().list().await.unwrap().len(), 50);
        house.finish(engine).await;
    }
}

/// With no place for instances at rest each call reads its instance, also one that is refused.
#[tokio::test]
async fn nothing_rests_in_memory_beyond_the_bound() {
    for house in House::all() {
        let options = EngineOptions { cached_instances: 0, ..Default::default() };
        let builder = house.builder().definition(line("desk", &["user look"])).options(options);
        let engine = builder.start().await.unwrap();
        let run = engine.start_definition("desk", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        for times in 1..4 {
            refusal(engine.complete_json(task.id, json!(3)).await);
            assert_eq!(house.loads(run.id()), times);
        }
        engine.complete_json(task.id, json!({})).await.unwrap();
        for times in 5..8 {
            refusal(engine.cancel(run.id(), Actor::new("ann")).await);
            assert_eq!(house.loads(run.id()), times);
        }
        house.finish(engine).await;
    }
}
