//! What is stored, against the definitions of a new build.

use bpm_core::definition::{DefinitionBuilder, ProcessDefinition};
use bpm_testkit::verify;
use bpm_testkit::verify::Obstacle;

use crate::shop::{engine, shop, start};

async fn obstacles(definitions: &[ProcessDefinition]) -> Vec<Obstacle> {
    let engine = engine("kept").start().await.unwrap();
    let run = start(&engine, "kept", 60).await;
    start(&engine, "kept", 1).await;
    engine.settle().await;
    let verified = verify(engine.store(), definitions).unwrap();
    assert_eq!(verified.instances.len(), 1, "the other one has ended");
    assert_eq!(verified.instances[0].instance, run.id());
    assert_eq!(verified.is_ok(), verified.instances[0].obstacles.is_empty());
    assert_eq!(verified.go_on().count() + verified.stuck().count(), 1);
    verified.instances[0].obstacles.clone()
}

fn built(definition: DefinitionBuilder) -> ProcessDefinition {
    definition.build().unwrap()
}

/// `start → approve → end`, where `approve` is what it is made to be.
fn other(approve: impl Fn(DefinitionBuilder) -> DefinitionBuilder) -> ProcessDefinition {
    let start = ProcessDefinition::builder("kept").start("start").service("price");
    let all = approve(start).end("end").edge("start", "price");
    built(all)
}

#[tokio::test]
async fn the_same_definition_goes_on() {
    assert_eq!(obstacles(&[built(shop("kept"))]).await, []);
}

#[tokio::test]
async fn a_definition_that_is_missing_is_named() {
    assert_eq!(obstacles(&[]).await, [Obstacle::MissingDefinition]);
    let next = built(shop("kept").version(2));
    assert_eq!(obstacles(&[next]).await, [Obstacle::MissingDefinition]);
}

#[tokio::test]
async fn a_node_that_is_gone_and_one_that_is_another_are_named() {
    let gone = other(|process| process.edge("price", "end"));
    let found = obstacles(&[gone]).await;
    assert!(matches!(found[0], Obstacle::Fingerprint { .. }), "{found:?}");
    assert_eq!(found[1..], [Obstacle::MissingNode { node: "approve".to_owned() }]);

    let waits = other(|process| {
        process.wait("approve", "1d").edge("price", "approve").edge("approve", "end")
    });
    let found = obstacles(&[waits]).await;
    let (node, stored) = ("approve".to_owned(), "user task".to_owned());
    assert_eq!(found[1..], [Obstacle::NodeKind { node, stored, current: "timer".to_owned() }]);
}
