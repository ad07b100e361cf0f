//! Definitions against what is stored: changed ones are refused, missing ones are listed.

use bpm_engine::prelude::*;
use bpm_engine::{MissingDefinition, StartError};
use serde_json::json;

use crate::house::*;

fn one() -> ProcessDefinition {
    line("desk", &["user look"])
}

fn other() -> ProcessDefinition {
    line("desk", &["user look", "user sign"])
}

#[tokio::test]
async fn a_changed_definition_is_refused_while_instances_of_it_live() {
    for house in House::all() {
        let engine = house.engine(one()).await;
        for _ in 0..2 {
            engine.start_definition("desk", json!({})).await.unwrap();
        }
        engine.shutdown().await.unwrap();
        drop(engine);

        let Err(Error::Start(error)) = house.builder().definition(other()).start().await else {
            panic!("started")
        };
        let (stored, registered) = (one().fingerprint(), other().fingerprint());
        let StartError::Changed { version: 1, live: 2, .. } = &error else { panic!("{error}") };
        let said = error.to_string();
        assert!(
            said.contains(&stored.to_string()) && said.contains(&registered.to_string()),
            "{said}"
        );
        assert!(said.contains("2 of its instances live") && said.contains("version 2"), "{said}");

        // The refused start left everything as it was.
        let engine = house.engine(one()).await;
        let tasks = engine.user_tasks().list().await.unwrap();
        for task in tasks {
            engine.complete_json(task.id, json!({})).await.unwrap();
        }
        engine.shutdown().await.unwrap();
        drop(engine);

        let engine = house.engine(other()).await;
        let run = engine.start_definition("desk", json!({})).await.unwrap();
        assert_eq!(engine.instance(run.id()).await.unwrap().version, 1);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_missing_definition_is_listed_and_its_instances_rest() {
    let work = || line("work", &["service task"]);
    for house in House::all() {
        let (task, mut attempts) = gate();
        let builder = house.builder().definition(one()).definition(work());
        let engine = builder.handler("task", task).start().await.unwrap();
        let waits = engine.start_definition("desk", json!({})).await.unwrap().id();
        let works = engine.start_definition("work", json!({})).await.unwrap().id();
        let task = the_task(&engine).await;
        let _attempt = attempts.begun().await;
        drop(engine);

        let engine = house.engine(line("new", &["user look"])).await;
        let missing =
            |process: &str| MissingDefinition { process: process.to_owned(), version: 1, live: 1 };
        assert_eq!(engine.recovered().missing, [missing("desk"), missing("work")]);
        assert_eq!(engine.recovered().resumed, [works]);
        let refused = refusal(engine.complete_json(task.id, json!({})).await);
        assert!(matches!(refused, Refused::MissingDefinition { .. }), "{refused}");
        let refused = refusal(engine.cancel(works, Actor::new("ann")).await);
        assert!(refused.to_string().contains("`work` version 1"), "{refused}");
        assert_eq!(engine.instance(waits).await.unwrap().status, Status::Running);
        let run = engine.start_definition("new", json!({})).await.unwrap();
        assert_eq!(run.status().await.unwrap(), Status::Running);
        engine.shutdown().await.unwrap();
        drop((run, engine));

        let builder = house.builder().definition(one()).definition(work());
        let engine = builder.handler("task", done).start().await.unwrap();
        assert_eq!(engine.recovered().resumed, [works]);
        engine.run::<serde_json::Value>(works).outcome().await.unwrap().completed().unwrap();
        engine.complete_json(task.id, json!({})).await.unwrap();
        engine.run::<serde_json::Value>(waits).outcome().await.unwrap().completed().unwrap();
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn one_name_and_version_is_one_definition() {
    let twice = Engine::builder().store(Memory::new()).definition(one()).definition(one());
    twice.start().await.unwrap();
    let two = Engine::builder().store(Memory::new()).definition(one()).definition(other());
    let Err(Error::Start(StartError::TwoDefinitions { name, version: 1 })) = two.start().await
    else {
        panic!("started")
    };
    assert_eq!(name, "desk");
}

#[tokio::test]
async fn an_engine_needs_a_store() {
    let Err(Error::Start(StartError::NoStore)) = Engine::builder().start().await else {
        panic!("started")
    };
}
