//! Conditions as expressions: `choice == "a"`, `amount > 50`, and a default. In `workflow!` they
//! are parsed and checked at compile time; in a built definition they are data. An expression
//! that cannot be decided is an incident, never a silent `false`.

use bpm_engine::prelude::*;
use serde_json::json;

workflow! {
    process ElGateway(choice: String, amount: i64) {
        if r#"choice == "a""# {
            'by_choice: return;
        } else if "amount > 50" {
            'by_amount: return;
        }
        'by_default: return;
    }
}

/// The same as data.
fn built() -> Result<ProcessDefinition, bpm_engine::Findings> {
    ProcessDefinition::builder("el_gateway")
        .start("start")
        .exclusive("gateway")
        .end("by_choice")
        .end("by_amount")
        .end("by_default")
        .edge("start", "gateway")
        .edge_if("gateway", "by_choice", EdgeCondition::Expression(r#"choice == "a""#.into()))
        .edge_if("gateway", "by_amount", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("gateway", "by_default", EdgeCondition::Default)
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder()
        .store(Memory::new())
        .process::<ElGateway>()
        .definition(built()?)
        .start()
        .await?;

    for (choice, amount) in [("a", 10), ("b", 60), ("b", 50)] {
        let typed = engine.start(ElGateway { choice: choice.to_owned(), amount }).await?;
        typed.outcome().await?.completed()?;
        let input = json!({ "choice": choice, "amount": amount });
        let built = engine.start_definition("el_gateway", input).await?;
        built.outcome().await?.completed()?;
        println!(
            "choice {choice}, amount {amount}: {} and {}",
            end_reached(&engine, typed.id()).await?,
            end_reached(&engine, built.id()).await?
        );
    }
    show_incident(&engine).await?;
    engine.shutdown().await?;
    Ok(())
}

/// The end node that an instance reached, as its history has it.
async fn end_reached(engine: &Engine, instance: InstanceId) -> Result<String, Error> {
    let history = engine.history(instance).await?;
    let ends = history.iter().flat_map(|turn| &turn.changes).filter_map(|change| match change {
        Change::ProcessCompleted { node, .. } => Some(node.to_string()),
        _ => None,
    });
    Ok(ends.collect())
}

/// A variable that is missing, which only data can have, and the incident that says so.
async fn show_incident(engine: &Engine) -> Result<(), Error> {
    let run = engine.start_definition("el_gateway", json!({ "choice": "b" })).await?;
    for incident in engine.incidents().list().await? {
        println!("incident at `{}`: {}", incident.node, incident.error);
    }
    engine.cancel(run.id(), Actor::new("operator")).await?;
    println!("after the cancellation: {}", run.status().await?);
    Ok(())
}
