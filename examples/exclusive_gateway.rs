//! An exclusive gateway: the first edge whose condition holds wins, whichever sort it is of.

use bpm_engine::prelude::*;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definition = ProcessDefinition::builder("exclusive_gateway")
        .start("start")
        .exclusive("gateway")
        .end("end_a")
        .end("end_b")
        .edge("start", "gateway")
        .edge_if("gateway", "end_a", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("gateway", "end_b", EdgeCondition::VariableEq("vip".into(), json!(true)))
        .edge_if("gateway", "end_a", EdgeCondition::Default)
        .build()?;
    println!("{}", definition.to_mermaid());
    let engine = Engine::builder().store(Memory::new()).definition(definition).start().await?;

    for input in [
        json!({ "amount": 60, "vip": false }),
        json!({ "amount": 60, "vip": true }),
        json!({ "amount": 40, "vip": true }),
        json!({ "amount": 40 }),
    ] {
        println!("{input} reached {}", end_reached(&engine, input.clone()).await?);
    }
    engine.shutdown().await?;
    Ok(())
}

/// Runs one instance and says which end its history shows.
async fn end_reached(engine: &Engine, input: Value) -> Result<String, Error> {
    let run = engine.start_definition("exclusive_gateway", input).await?;
    run.outcome().await?.completed()?;
    let history = engine.history(run.id()).await?;
    let ends = history.iter().flat_map(|turn| &turn.changes).filter_map(|change| match change {
        Change::ProcessCompleted { node, .. } => Some(node.to_string()),
        _ => None,
    });
    Ok(ends.collect())
}
