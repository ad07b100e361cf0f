//! Parallel gateways: all branches run at once, a join waits for each.

use bpm_engine::FailureKind;
use bpm_engine::prelude::*;
use serde_json::json;

use crate::house::*;

#[tokio::test]
async fn branches_run_at_once_and_the_join_waits_for_all() {
    for house in House::all() {
        let (a, mut began_a) = gate();
        let (b, mut began_b) = gate();
        let builder = house.builder().definition(fork("fork", &["service a", "service b"]));
        let engine = builder.handler("a", a).handler("b", b).start().await.unwrap();
        let mut watch = engine.watch();
        let run = engine.start_definition("fork", json!({})).await.unwrap();
        let (a, b) = (began_a.begun().await, began_b.begun().await);
        b.end.send(Ok(json!({ "b": 2 }))).unwrap();
        let joins = |change: &Change| matches!(change, Change::TokenJoining { .. });
        until(&mut watch, |turn| turn.changes.iter().any(joins)).await;
        assert_eq!(run.status().await.unwrap(), Status::Running);
        a.end.send(Ok(json!({ "a": 1 }))).unwrap();
        let result = run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(result, json!({ "a": 1, "b": 2 }));
        let history = engine.history(run.id()).await.unwrap();
        assert_eq!(entered(&history).iter().filter(|node| *node == "end").count(), 1);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn people_in_two_branches_complete_in_any_order() {
    for order in [["look", "sign"], ["sign", "look"]] {
        for house in House::all() {
            let engine = house.engine(fork("desk", &["user look", "user sign"])).await;
            let run = engine.start_definition("desk", json!({})).await.unwrap();
            for name in order {
                let [task] =
                    engine.user_tasks().named(name).list().await.unwrap().try_into().unwrap();
                engine.complete_json(task.id, json!({ name: true })).await.unwrap();
            }
            let result = run.outcome().await.unwrap().completed().unwrap();
            assert_eq!(result, json!({ "look": true, "sign": true }));
            house.finish(engine).await;
        }
    }
}

/// What rests is stored exactly: while one of two people is done and the other is not, too.
#[tokio::test]
async fn half_a_join_rests_as_it_is() {
    for house in House::all() {
        let engine = house.engine(fork("desk", &["user look", "user sign"])).await;
        engine.start_definition("desk", json!({})).await.unwrap();
        let [task] = engine.user_tasks().named("look").list().await.unwrap().try_into().unwrap();
        engine.complete_json(task.id, json!({})).await.unwrap();
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_branch_that_fails_ends_the_others_and_the_first_cause_stands() {
    for house in House::all() {
        let (a, mut began_a) = gate();
        let (b, mut began_b) = gate();
        let definition = fork("fork", &["service a", "service b", "user c"]);
        let builder = house.builder().definition(definition);
        let engine = builder.handler("a", a).handler("b", b).start().await.unwrap();
        let mut watch = engine.watch();
        let run = engine.start_definition("fork", json!({})).await.unwrap();
        let task = the_task(&engine).await;
        let (a, b) = (began_a.begun().await, began_b.begun().await);
        a.end.send(Err(TaskError::permanent("first"))).unwrap();
        let failing = |change: &Change| matches!(change, Change::ProcessFailing { .. });
        until(&mut watch, |turn| turn.changes.iter().any(failing)).await;
        assert_eq!(run.status().await.unwrap(), Status::Failing);
        let refused = refusal(engine.complete_json(task.id, json!({})).await);
        assert!(matches!(refused, Refused::UserTaskClosed { .. }), "{refused}");
        b.end.send(Err(TaskError::permanent("second"))).unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert_eq!((failure.node.as_str(), failure.message.as_str()), ("a", "first"));
        let related: Vec<_> = failure.related.iter().map(|one| one.message.as_str()).collect();
        assert_eq!((related, failure.kind), (vec!["second"], FailureKind::Error));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn forks_nest() {
    let definition = ProcessDefinition::builder("nest")
        .start("start")
        .parallel("outer")
        .parallel("inner")
        .service("a")
        .service("b")
        .service("c")
        .parallel("inner_join")
        .parallel("outer_join")
        .end("end")
        .edge("start", "outer")
        .edge("outer", "inner")
        .edge("outer", "c")
        .edge("inner", "a")
        .edge("inner", "b")
        .edge("a", "inner_join")
        .edge("b", "inner_join")
        .edge("inner_join", "outer_join")
        .edge("c", "outer_join")
        .edge("outer_join", "end")
        .build()
        .unwrap();
    for house in House::all() {
        let engine = house.engine(definition.clone()).await;
        let run = engine.start_definition("nest", json!({})).await.unwrap();
        run.outcome().await.unwrap().completed().unwrap();
        let history = engine.history(run.id()).await.unwrap();
        let count = |node: &str| entered(&history).iter().filter(|one| *one == node).count();
        assert_eq!(["a", "b", "c", "end"].map(count), [1; 4]);
        house.finish(engine).await;
    }
}
