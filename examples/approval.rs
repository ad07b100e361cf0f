//! An approval: a service task validates, a gateway decides, a person approves.

use bpm_engine::prelude::*;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder()
        .store(Memory::new())
        .definition(definition()?)
        .handler("validate", validate)
        .start()
        .await?;

    for amount in [60, 20] {
        let run = engine.start_definition("approval", json!({ "amount": amount })).await?;
        approve_as_a_person_would(&engine, &run).await?;
        let variables = run.outcome().await?.completed()?;
        println!("{amount}: {variables}");
    }
    engine.shutdown().await?;
    Ok(())
}

fn definition() -> Result<ProcessDefinition, bpm_engine::Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .service("validate")
        .exclusive("gateway")
        .user("approve")
        .end("approved")
        .end("reject")
        .edge("start", "validate")
        .edge("validate", "gateway")
        .edge_if("gateway", "approve", EdgeCondition::Expression("valid && amount > 50".into()))
        .edge_if("gateway", "reject", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}

async fn validate(variables: Value) -> Result<Value, String> {
    let amount = variables["amount"].as_i64().ok_or("the amount is not a number")?;
    Ok(json!({ "valid": amount > 0 }))
}

async fn approve_as_a_person_would(engine: &Engine, run: &Run<Value>) -> Result<(), Error> {
    let mut watch = engine.watch();
    loop {
        for task in engine.user_tasks().instance(run.id()).list().await? {
            println!("{} waits; ann approves", task.name);
            engine
                .complete_json(task.id, json!({ "approved": true }))
                .by(Actor::new("ann"))
                .await?;
        }
        if run.status().await?.is_end() {
            return Ok(());
        }
        watch.next().await;
    }
}
