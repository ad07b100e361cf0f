//! A built process for tests of the test engine: a task, a choice, a person, a wait.

use bpm_core::definition::{DefinitionBuilder, EdgeCondition, ProcessDefinition};
use bpm_core::engine::Run;
use bpm_testkit::TestEngine;
use bpm_testkit::engine::TestEngineBuilder;
use serde_json::{Value, json};

/// `start → price → choice → (approve →) pause → end`, or `→ small` where the amount is.
pub(crate) fn shop(name: &str) -> DefinitionBuilder {
    ProcessDefinition::builder(name)
        .start("start")
        .service("price")
        .exclusive("choice")
        .user("approve")
        .wait("pause", "30d")
        .end("end")
        .end("small")
        .edge("start", "price")
        .edge("price", "choice")
        .edge_if("choice", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("choice", "small", EdgeCondition::Default)
        .edge("approve", "pause")
        .edge("pause", "end")
}

pub(crate) fn engine(name: &str) -> TestEngineBuilder {
    TestEngine::builder()
        .definition(shop(name).build().unwrap())
        .handler("price", |_| async { Ok::<_, String>(json!({ "price": 7 })) })
}

pub(crate) async fn start(engine: &TestEngine, name: &str, amount: u64) -> Run<Value> {
    engine.start_definition(name, json!({ "amount": amount })).await.unwrap()
}

/// Completes the only open user task.
pub(crate) async fn approve(engine: &TestEngine) {
    let open = engine.user_tasks().list().await.unwrap();
    assert_eq!(open.len(), 1);
    engine.complete_json(open[0].id, json!({ "approved": true })).await.unwrap();
}
