//! Service tasks: run in order, results merged; a failure or a panic ends its own instance.

use std::fmt;

use bpm_engine::prelude::*;
use bpm_engine::{EngineBuilder, FailureKind};
use serde_json::{Value, json};

use crate::house::*;

fn chain() -> ProcessDefinition {
    line("chain", &["service step1", "service step2", "service step3"])
}

/// Every task adds itself to the list `order`.
fn noting(builder: EngineBuilder, task: &'static str) -> EngineBuilder {
    builder.handler(task, move |vars: Value| async move {
        let mut order = vars["order"].as_array().cloned().unwrap_or_default();
        order.push(json!(task));
        Ok::<_, TaskError>(json!({ "order": order, task: true }))
    })
}

#[tokio::test]
async fn a_chain_runs_in_order_and_hands_its_variables_on() {
    for house in House::all() {
        let builder = house.builder().definition(chain());
        let builder = ["step1", "step2", "step3"].into_iter().fold(builder, noting);
        let engine = builder.start().await.unwrap();
        let run = engine.start_definition("chain", json!({ "id": 7 })).await.unwrap();
        let result = run.outcome().await.unwrap().completed().unwrap();
        let order = json!(["step1", "step2", "step3"]);
        let expected =
            json!({ "id": 7, "order": order, "step1": true, "step2": true, "step3": true });
        assert_eq!(result, expected);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_task_that_fails_fails_its_instance_with_the_cause() {
    for house in House::all() {
        let fails = |_| async { Err::<(), _>(std::io::Error::other("no stock")) };
        let builder = house.builder().definition(chain());
        let builder = builder.handler("step1", done).handler("step3", done);
        let engine = builder.handler("step2", fails).start().await.unwrap();
        let run = engine.start_definition("chain", json!({})).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert_eq!((failure.node.as_str(), failure.kind), ("step2", FailureKind::Error));
        assert_eq!(failure.message, "no stock");
        assert_eq!(run.status().await.unwrap(), Status::Failed);
        assert!(!entered(&engine.history(run.id()).await.unwrap()).contains(&"step3".to_owned()));
        let error = run.outcome().await.unwrap().completed().unwrap_err();
        assert_eq!(error.to_string(), "the instance failed: `step2` failed: no stock");
        house.finish(engine).await;
    }
}

/// An error that cannot even be printed.
#[derive(Debug)]
struct Unprintable;

impl fmt::Display for Unprintable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("cannot print")
    }
}

impl std::error::Error for Unprintable {}

/// A value whose destructor panics.
struct Undroppable;

impl Drop for Undroppable {
    fn drop(&mut self) {
        panic!("cannot drop")
    }
}

/// A service task that does what its instance's `how` says.
async fn misbehave(vars: Value) -> Given {
    match vars["how"].as_str().unwrap_or_default() {
        "text" => panic!("out of paper"),
        "formatted" => panic!("out of {}", "paper"),
        "no text" => std::panic::panic_any(7),
        "in the error" => Err(TaskError::permanent(Unprintable)),
        _ => Ok(json!({})),
    }
}

#[tokio::test]
async fn a_panic_is_the_failure_of_its_instance_and_others_go_on() {
    let cases = [
        ("text", "panicked: out of paper"),
        ("formatted", "panicked: out of paper"),
        ("no text", "panicked: no text"),
        ("in the error", "panicked: cannot print"),
    ];
    for house in House::all() {
        let builder = house.builder().definition(line("risky", &["service risk"]));
        let engine = builder.handler("risk", misbehave).start().await.unwrap();
        for (how, message) in cases {
            let run = engine.start_definition("risky", json!({ "how": how })).await.unwrap();
            let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("{how}") };
            assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Panic, message));
        }
        let well = engine.start_definition("risky", json!({})).await.unwrap();
        well.outcome().await.unwrap().completed().unwrap();
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_panic_before_and_behind_the_work_is_caught_too() {
    for house in House::all() {
        let early = |vars: Value| {
            assert!(vars["early"].is_null(), "too early");
            async move {
                let kept = Undroppable;
                std::future::ready(()).await;
                drop(kept);
                Ok::<_, TaskError>(json!({}))
            }
        };
        let builder = house.builder().definition(line("early", &["service early"]));
        let engine = builder.handler("early", early).start().await.unwrap();
        for (input, message) in [
            (json!({ "early": true }), "panicked: too early"),
            (json!({}), "panicked: cannot drop"),
        ] {
            let run = engine.start_definition("early", input).await.unwrap();
            let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
            assert_eq!(failure.message, message);
        }
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_result_must_be_an_object_or_nothing() {
    let cases = [
        (json!(null), None),
        (json!({ "a": 1 }), None),
        (json!(3), Some("its result must be a JSON object")),
        (json!([{}]), Some("its result must be a JSON object")),
    ];
    for house in House::all() {
        let give = |vars: Value| async move { Ok::<_, TaskError>(vars["give"].clone()) };
        let builder = house.builder().definition(line("giving", &["service give"]));
        let engine = builder.handler("give", give).start().await.unwrap();
        for (value, refused) in &cases {
            let run = engine.start_definition("giving", json!({ "give": value })).await.unwrap();
            match (run.outcome().await.unwrap(), refused) {
                (Outcome::Completed(_), None) => {}
                (Outcome::Failed(failure), Some(why)) => {
                    assert!(failure.message.starts_with(why), "{failure}");
                }
                (outcome, _) => panic!("{value}: {outcome:?}"),
            }
        }
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_engine_does_not_start_without_a_handler() {
    let started = Engine::builder().store(Memory::new()).definition(chain());
    let Err(error) = started.handler("stpe1", done).start().await else { panic!("started") };
    assert_eq!(
        error.to_string(),
        "nothing handles the service task `step1` of `chain`\n  help: there is a handler `stpe1`: \
         did you mean that?"
    );
}

#[tokio::test]
async fn a_handler_knows_its_attempt() {
    let house = House::memory();
    let builder = house.builder().definition(line("line", &["service a"]));
    let tell = |_: Value, cx: TaskContext| async move {
        let key = cx.idempotency_key().to_string();
        Ok::<_, TaskError>(json!({ "attempt": cx.attempt(), "idempotency": key, "key": cx.key() }))
    };
    let engine = builder.handler_with("a", tell).start().await.unwrap();
    let run = engine.start_definition("line", json!({})).key("k").await.unwrap();
    let variables = run.outcome().await.unwrap().completed().unwrap();
    let idempotency = format!("{}/a/1", run.id());
    assert_eq!(variables, json!({ "attempt": 1, "idempotency": idempotency, "key": "k" }));
    house.finish(engine).await;
}
