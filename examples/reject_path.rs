//! The default way: a small amount is rejected without anyone being asked. Written twice: as Rust,
//! and as the builder calls that it equals.

use bpm_engine::prelude::*;
use serde_json::json;

workflow! {
    process RejectPath(amount: i64) -> String {
        'gateway: if "amount > 50" {
            let comment: String = user approve { amount: &amount };
            'approved: return comment;
        }
        'reject: return format!("{amount} is too small to ask anyone");
    }
}

/// The same as data; it completes with its variables.
fn built() -> Result<ProcessDefinition, bpm_engine::Findings> {
    ProcessDefinition::builder("reject_path")
        .start("start")
        .exclusive("gateway")
        .user("approve")
        .end("approved")
        .end("reject")
        .edge("start", "gateway")
        .edge_if("gateway", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("gateway", "reject", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder()
        .store(Memory::new())
        .process::<RejectPath>()
        .definition(built()?)
        .start()
        .await?;

    let run = engine.start(RejectPath { amount: 20 }).await?;
    println!("outcome: {}", run.outcome().await?.completed()?);
    print_path(&engine, run.id()).await?;

    let run = engine.start_definition("reject_path", json!({ "amount": 20 })).await?;
    println!("outcome: {}", run.outcome().await?.completed()?);
    print_path(&engine, run.id()).await?;
    println!("open user tasks: {}", engine.user_tasks().list().await?.len());
    engine.shutdown().await?;
    Ok(())
}

/// The way that an instance took, as its history has it.
async fn print_path(engine: &Engine, instance: InstanceId) -> Result<(), Error> {
    for turn in engine.history(instance).await? {
        for change in &turn.changes {
            match change {
                Change::TokenMoved { node, .. } => println!("passed {node}"),
                Change::UserTaskCreated { name, .. } => println!("asked {name}"),
                Change::ProcessCompleted { node, .. } => println!("reached {node}"),
                _ => {}
            }
        }
    }
    Ok(())
}
