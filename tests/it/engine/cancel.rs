//! Cancelling: no new work, waits closed, attempts in flight awaited up to the grace time.

use std::time::Duration;

use bpm_engine::Cancellation;
use bpm_engine::prelude::*;
use serde_json::{Value, json};

use crate::house::*;

fn no_grace() -> EngineOptions {
    EngineOptions { grace: Duration::ZERO, ..Default::default() }
}

fn cancelled(by: Actor) -> Outcome<Value> {
    Outcome::Cancelled(Cancellation { by, failure: None })
}

#[tokio::test]
async fn what_waits_is_closed_and_the_instance_ends_at_once() {
    for house in House::all() {
        let engine = house.engine(fork("desk", &["user look", "user sign"])).await;
        let run = engine.start_definition("desk", json!({})).await.unwrap();
        engine.cancel(run.id(), ann()).await.unwrap();
        assert!(engine.user_tasks().list().await.unwrap().is_empty());
        assert_eq!(run.outcome().await.unwrap(), cancelled(ann()));
        let error = run.outcome().await.unwrap().completed().unwrap_err();
        assert_eq!(error.to_string(), "the instance was cancelled by ann");
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_attempt_in_flight_is_awaited_and_nothing_follows_it() {
    for house in House::all() {
        let (task, mut attempts) = gate();
        let builder = house.builder().definition(line("two", &["service one", "service two"]));
        let engine = builder.handler("one", task).handler("two", done).start().await.unwrap();
        let run = engine.start_definition("two", json!({})).await.unwrap();
        let attempt = attempts.begun().await;
        engine.cancel(run.id(), ann()).await.unwrap();
        assert_eq!(run.status().await.unwrap(), Status::Cancelling);
        attempt.end.send(Ok(json!({ "late": true }))).unwrap();
        assert_eq!(run.outcome().await.unwrap(), cancelled(ann()));
        let history = engine.history(run.id()).await.unwrap();
        assert_eq!(
            words(&history)[1..],
            ["CancelRequested: ProcessCancelling", "TaskCompleted: TokenConsumed ProcessCancelled"]
        );
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_attempt_that_goes_on_is_dropped_after_the_grace_time() {
    for house in House::all() {
        let (task, mut attempts) = gate();
        let builder = house.builder().definition(line("one", &["service task"]));
        let engine = builder.handler("task", task).options(no_grace()).start().await.unwrap();
        let run = engine.start_definition("one", json!({})).await.unwrap();
        let mut attempt = attempts.begun().await;
        engine.cancel(run.id(), ann()).await.unwrap();
        attempt.end.closed().await;
        assert_eq!(run.outcome().await.unwrap(), cancelled(ann()));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn what_was_due_behind_the_bound_on_workers_never_runs() {
    for house in House::all() {
        let (task, mut attempts) = gate();
        let options = EngineOptions { workers: 1, ..Default::default() };
        let builder = house.builder().definition(line("one", &["service task"])).options(options);
        let engine = builder.handler("task", task).start().await.unwrap();
        let first = engine.start_definition("one", json!({})).await.unwrap();
        let second = engine.start_definition("one", json!({})).await.unwrap();
        let attempt = attempts.begun().await;
        engine.cancel(second.id(), ann()).await.unwrap();
        assert_eq!(second.outcome().await.unwrap(), cancelled(ann()));
        attempt.end.send(Ok(json!({}))).unwrap();
        first.outcome().await.unwrap().completed().unwrap();
        assert!(attempts.is_idle());
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn who_comes_too_late_is_told() {
    for house in House::all() {
        let (task, mut attempts) = gate();
        let builder = house.builder().definition(line("one", &["service task"]));
        let engine = builder.handler("task", task).start().await.unwrap();
        let run = engine.start_definition("one", json!({})).await.unwrap();
        let instance = run.id();
        let attempt = attempts.begun().await;
        engine.cancel(instance, ann()).await.unwrap();
        let refused = refusal(engine.cancel(instance, Actor::new("bob")).await);
        assert_eq!(refused, Refused::AlreadyCancelling { instance, by: ann() });
        attempt.end.send(Ok(json!({}))).unwrap();
        run.outcome().await.unwrap();
        let before = engine.history(instance).await.unwrap();
        let refused = refusal(engine.cancel(instance, Actor::new("bob")).await);
        assert_eq!(refused, Refused::Ended { instance, status: Status::Cancelled });
        assert_eq!(engine.history(instance).await.unwrap(), before);
        let unknown = InstanceId::from_bytes([7; 16]);
        let refused = refusal(engine.cancel(unknown, ann()).await);
        assert_eq!(refused, Refused::UnknownInstance(unknown));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn cancelling_what_fails_keeps_both_causes() {
    for house in House::all() {
        let (a, mut began_a) = gate();
        let (b, mut began_b) = gate();
        let builder = house.builder().definition(fork("fork", &["service a", "service b"]));
        let engine = builder.handler("a", a).handler("b", b).start().await.unwrap();
        let mut watch = engine.watch();
        let run = engine.start_definition("fork", json!({})).await.unwrap();
        let (a, b) = (began_a.begun().await, began_b.begun().await);
        a.end.send(Err(TaskError::permanent("broken"))).unwrap();
        until(&mut watch, |turn| matches!(turn.event, Event::TaskFailed { .. })).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        b.end.send(Ok(json!({}))).unwrap();
        let Outcome::Cancelled(cancelled) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(cancelled.by, ann());
        assert_eq!(cancelled.failure.unwrap().message, "broken");
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_incident_is_closed_with_its_instance() {
    let definition = ProcessDefinition::builder("choice")
        .start("start")
        .exclusive("gateway")
        .end("yes")
        .end("no")
        .edge("start", "gateway")
        .edge_if("gateway", "yes", EdgeCondition::Expression("yes".into()))
        .edge_if("gateway", "no", EdgeCondition::Default)
        .build()
        .unwrap();
    for house in House::all() {
        let engine = house.engine(definition.clone()).await;
        let run = engine.start_definition("choice", json!({})).await.unwrap();
        assert_eq!(engine.incidents().list().await.unwrap().len(), 1);
        engine.cancel(run.id(), ann()).await.unwrap();
        assert!(engine.incidents().list().await.unwrap().is_empty());
        assert_eq!(run.outcome().await.unwrap(), cancelled(ann()));
        house.finish(engine).await;
    }
}

/// An instance that goes on and on must not shut its callers out.
#[tokio::test]
async fn what_never_rests_can_be_cancelled() {
    for house in House::all() {
        let options = EngineOptions { moves_per_turn: 1, ..Default::default() };
        let builder = house.builder().definition(gateways(30)).options(options);
        let engine = builder.start().await.unwrap();
        let second_commit = house.hold_commit(2);
        let run = engine.start_definition("long", json!({})).await.unwrap();
        let (cancelled_now, ()) = tokio::join!(
            biased;
            engine.cancel(run.id(), ann()),
            async { drop(second_commit) },
        );
        cancelled_now.unwrap();
        assert_eq!(run.outcome().await.unwrap(), cancelled(ann()));
        house.finish(engine).await;
    }
}
