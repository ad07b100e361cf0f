//! Conditions as expressions: `choice == "a"`, `amount > 50`, and a default. An expression that
//! cannot be decided is an incident, never a silent `false`.

use bpm_engine::prelude::*;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definition = ProcessDefinition::builder("el_gateway")
        .start("start")
        .exclusive("gateway")
        .end("by_choice")
        .end("by_amount")
        .end("by_default")
        .edge("start", "gateway")
        .edge_if("gateway", "by_choice", EdgeCondition::Expression(r#"choice == "a""#.into()))
        .edge_if("gateway", "by_amount", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("gateway", "by_default", EdgeCondition::Default)
        .build()?;
    let engine = Engine::builder().store(Memory::new()).definition(definition).start().await?;

    for input in [
        json!({ "choice": "a", "amount": 10 }),
        json!({ "choice": "b", "amount": 60 }),
        json!({ "choice": "b", "amount": 50 }),
    ] {
        println!("{input} reached {}", end_reached(&engine, input.clone()).await?);
    }
    show_incident(&engine).await?;
    engine.shutdown().await?;
    Ok(())
}

/// Runs one instance and says which end its history shows.
async fn end_reached(engine: &Engine, input: Value) -> Result<String, Error> {
    let run = engine.start_definition("el_gateway", input).await?;
    run.outcome().await?.completed()?;
    let history = engine.history(run.id()).await?;
    let ends = history.iter().flat_map(|turn| &turn.changes).filter_map(|change| match change {
        Change::ProcessCompleted { node, .. } => Some(node.to_string()),
        _ => None,
    });
    Ok(ends.collect())
}

/// A variable that is missing, and the incident that says so.
async fn show_incident(engine: &Engine) -> Result<(), Error> {
    let run = engine.start_definition("el_gateway", json!({ "choice": "b" })).await?;
    for incident in engine.incidents().list().await? {
        println!("incident at `{}`: {}", incident.node, incident.error);
    }
    engine.cancel(run.id(), Actor::new("operator")).await?;
    println!("after the cancellation: {}", run.status().await?);
    Ok(())
}
