//! Exclusive gateways: the first edge that matches wins, a default is the last resort, and what
//! cannot be decided is an incident.

use bpm_engine::DefinitionBuilder;
use bpm_engine::prelude::EdgeCondition::{Default, Expression, VariableEq};
use bpm_engine::prelude::*;
use serde_json::{Value, json};

use crate::house::*;

fn expression(text: &str) -> EdgeCondition {
    Expression(text.to_owned())
}

fn equals(variable: &str, value: Value) -> EdgeCondition {
    VariableEq(variable.to_owned(), value)
}

/// A gateway whose n-th edge leads to the end `n`.
fn choice(conditions: &[EdgeCondition]) -> ProcessDefinition {
    let builder = ProcessDefinition::builder("choice").start("start").exclusive("gateway");
    let end = |builder: DefinitionBuilder, (n, condition): (usize, &EdgeCondition)| {
        builder.end(n.to_string()).edge_if("gateway", n.to_string(), condition.clone())
    };
    let ends = conditions.iter().enumerate().fold(builder.edge("start", "gateway"), end);
    ends.build().unwrap()
}

/// Which end each input reaches, or a part of the incident that it ends in.
async fn check(conditions: &[EdgeCondition], cases: &[(Value, Result<usize, &str>)]) {
    for house in House::all() {
        let engine = house.engine(choice(conditions)).await;
        for (input, expected) in cases {
            let run = engine.start_definition("choice", input.clone()).await.unwrap();
            let open = engine.incidents().list().await.unwrap();
            let mine = open.into_iter().find(|incident| incident.instance == run.id());
            match (mine, expected) {
                (None, Ok(end)) => {
                    run.outcome().await.unwrap().completed().unwrap();
                    let history = engine.history(run.id()).await.unwrap();
                    assert_eq!(entered(&history).last(), Some(&end.to_string()), "{input}");
                }
                (Some(incident), Err(part)) => {
                    assert_eq!(incident.node, "gateway");
                    assert!(incident.error.contains(part), "{input}: {}", incident.error);
                }
                (incident, _) => panic!("{input}: {incident:?}, not {expected:?}"),
            }
        }
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn the_first_edge_that_matches_wins() {
    let conditions = [
        expression("amount > 100"),
        expression("amount > 50"),
        equals("vip", json!(true)),
        Default,
    ];
    let cases = [
        (json!({ "amount": 200, "vip": true }), Ok(0)),
        (json!({ "amount": 60, "vip": true }), Ok(1)),
        (json!({ "amount": 50, "vip": true }), Ok(2)),
        (json!({ "amount": 50, "vip": false }), Ok(3)),
        (json!({ "amount": 50 }), Ok(3)),
    ];
    check(&conditions, &cases).await;
}

#[tokio::test]
async fn a_default_is_last_wherever_it_stands() {
    let conditions = [Default, expression("choice == \"a\""), equals("choice", json!("b"))];
    let cases = [
        (json!({ "choice": "a" }), Ok(1)),
        (json!({ "choice": "b" }), Ok(2)),
        (json!({ "choice": "c" }), Ok(0)),
    ];
    check(&conditions, &cases).await;
}

#[tokio::test]
async fn a_variable_that_is_not_set_equals_nothing() {
    let conditions = [equals("vip", json!(null)), equals("vip", json!(false)), Default];
    let cases = [
        (json!({}), Ok(2)),
        (json!({ "vip": null }), Ok(0)),
        (json!({ "vip": false }), Ok(1)),
        (json!({ "vip": 0 }), Ok(2)),
    ];
    check(&conditions, &cases).await;
}

#[tokio::test]
async fn values_compare_as_the_expression_language_compares() {
    let conditions = [
        equals("v", json!(1)),
        equals("v", json!({ "a": [1, 2] })),
        equals("v", json!("1")),
        Default,
    ];
    let cases = [
        (json!({ "v": 1 }), Ok(0)),
        (json!({ "v": 1.0 }), Ok(0)),
        (json!({ "v": { "a": [1, 2] } }), Ok(1)),
        (json!({ "v": { "a": [2, 1] } }), Ok(3)),
        (json!({ "v": "1" }), Ok(2)),
        (json!({ "v": true }), Ok(3)),
    ];
    check(&conditions, &cases).await;
}

#[tokio::test]
async fn an_expression_that_cannot_be_decided_is_an_incident_in_spite_of_a_default() {
    let conditions = [expression("amount > 50"), Default];
    let cases = [
        (json!({ "amount": 60 }), Ok(0)),
        (json!({ "amount": 5 }), Ok(1)),
        (json!({}), Err("the expression `amount > 50` cannot be decided")),
        (json!({ "amount": "much" }), Err("the expression `amount > 50` cannot be decided")),
        (json!({ "amount": null }), Err("`amount > 50`")),
    ];
    check(&conditions, &cases).await;
}

#[tokio::test]
async fn an_edge_before_the_undecidable_one_still_wins() {
    let conditions = [equals("vip", json!(true)), expression("amount > 50"), Default];
    let cases = [(json!({ "vip": true }), Ok(0)), (json!({ "vip": false }), Err("`amount > 50`"))];
    check(&conditions, &cases).await;
}

#[tokio::test]
async fn a_merge_lets_everything_through() {
    let definition = ProcessDefinition::builder("merge")
        .start("start")
        .exclusive("split")
        .service("left")
        .service("right")
        .exclusive("merge")
        .end("end")
        .edge("start", "split")
        .edge_if("split", "left", equals("way", json!("left")))
        .edge_if("split", "right", Default)
        .edge("left", "merge")
        .edge("right", "merge")
        .edge("merge", "end")
        .build()
        .unwrap();
    for house in House::all() {
        let engine = house.engine(definition.clone()).await;
        for way in ["left", "right"] {
            let run = engine.start_definition("merge", json!({ "way": way })).await.unwrap();
            run.outcome().await.unwrap().completed().unwrap();
            let history = engine.history(run.id()).await.unwrap();
            assert_eq!(entered(&history), ["start", "split", way, "merge", "end"]);
        }
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_loop_runs_until_its_condition_holds() {
    let definition = ProcessDefinition::builder("loop")
        .start("start")
        .exclusive("again")
        .service("count")
        .exclusive("enough")
        .end("end")
        .edge("start", "again")
        .edge("again", "count")
        .edge("count", "enough")
        .edge_if("enough", "end", expression("n >= 5"))
        .edge_if("enough", "again", Default)
        .build()
        .unwrap();
    for house in House::all() {
        let count = |vars: Value| async move {
            Ok::<_, TaskError>(json!({ "n": vars["n"].as_i64().unwrap_or(0) + 1 }))
        };
        let builder = house.builder().definition(definition.clone());
        let engine = builder.handler("count", count).start().await.unwrap();
        let run = engine.start_definition("loop", json!({})).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({ "n": 5 }));
        assert_eq!(engine.history(run.id()).await.unwrap().len(), 6);
        house.finish(engine).await;
    }
}
