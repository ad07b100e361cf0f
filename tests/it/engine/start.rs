//! Starts: by name and key, checked before anything is written.

use bpm_engine::prelude::*;
use serde_json::json;

use crate::house::*;

fn approval() -> ProcessDefinition {
    line("approval", &["user approve"])
}

#[tokio::test]
async fn the_same_key_and_input_is_the_same_instance_running_ended_and_restarted() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let start = |engine: &Engine| {
            engine.start_definition("approval", json!({ "a": 1, "b": [2] })).key("k")
        };
        let first = start(&engine).await.unwrap().id();
        assert_eq!(start(&engine).await.unwrap().id(), first);
        engine.complete_json(the_task(&engine).await.id, json!({})).await.unwrap();
        let run = start(&engine).await.unwrap();
        assert_eq!(run.id(), first);
        run.outcome().await.unwrap().completed().unwrap();
        engine.shutdown().await.unwrap();
        drop((run, engine));

        let engine = house.engine(approval()).await;
        assert_eq!(start(&engine).await.unwrap().id(), first);
        let other_order = json!({ "b": [2], "a": 1 });
        let run = engine.start_definition("approval", other_order).key("k").await.unwrap();
        assert_eq!(run.id(), first);
        assert_eq!(house.instances().len(), 5, "refused starts are noted too");
        assert!(engine.user_tasks().list().await.unwrap().is_empty());
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn the_same_key_with_another_input_is_refused() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let run = engine.start_definition("approval", json!({ "a": 1 })).key("k").await.unwrap();
        for other in [json!({ "a": 2 }), json!({}), json!({ "b": 1 }), json!({ "a": 1, "b": 1 })] {
            let refused = refusal(engine.start_definition("approval", other).key("k").await);
            let (process, key) = ("approval".to_owned(), "k".to_owned());
            assert_eq!(refused, Refused::KeyTaken { process, key, instance: run.id() });
        }
        assert_eq!(engine.user_tasks().list().await.unwrap().len(), 1);
        engine.start_definition("approval", json!({ "a": 2 })).key("k2").await.unwrap();
        engine.start_definition("approval", json!({ "a": 2 })).await.unwrap();
        assert_eq!(engine.user_tasks().list().await.unwrap().len(), 3);
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn of_many_starts_at_once_with_one_key_there_is_one_instance() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let mut starts = tokio::task::JoinSet::new();
        for n in 0..40 {
            let start = engine.start_definition("approval", json!({ "n": n % 2 })).key("k");
            starts.spawn(async move { start.await.map(|run| run.id()) });
        }
        let (won, lost): (Vec<_>, Vec<_>) =
            starts.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (20, 20));
        let task = the_task(&engine).await;
        assert!(won.into_iter().all(|id| id.unwrap() == task.instance));
        for lost in lost {
            assert!(matches!(refusal(lost), Refused::KeyTaken { .. }));
        }
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_key_belongs_to_a_process_in_all_its_versions() {
    let second = |name: &str| {
        ProcessDefinition::builder(name)
            .version(2)
            .start("start")
            .user("sign")
            .end("end")
            .edge("start", "sign")
            .edge("sign", "end")
            .build()
            .unwrap()
    };
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let old = engine.start_definition("approval", json!({})).key("k").await.unwrap().id();
        engine.shutdown().await.unwrap();
        drop(engine);

        let builder = house.builder().definition(second("approval")).definition(approval());
        let engine = builder.definition(line("other", &["user look"])).start().await.unwrap();
        let again = engine.start_definition("approval", json!({})).key("k").await.unwrap();
        assert_eq!(again.id(), old);
        let new = engine.start_definition("approval", json!({})).key("k2").await.unwrap();
        assert_eq!(engine.instance(new.id()).await.unwrap().version, 2);
        let other = engine.start_definition("other", json!({})).key("k").await.unwrap();
        assert_ne!(other.id(), old);
        engine.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_started_is_refused() {
    for house in House::all() {
        let engine = house.engine(approval()).await;
        let refused = refusal(engine.start_definition("aproval", json!({})).await);
        assert_eq!(
            refused.to_string(),
            "no process `aproval` is registered\n  help: did you mean `approval`?"
        );
        for input in [json!(3), json!([]), json!("text")] {
            let refused = refusal(engine.start_definition("approval", input).await);
            assert!(matches!(refused, Refused::InvalidInput { .. }), "{refused}");
        }
        assert!(house.instances().is_empty());
        house.finish(engine).await;
    }
}
