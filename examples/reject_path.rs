//! The default edge: a small amount is rejected without anyone being asked.

use bpm_engine::prelude::*;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definition = ProcessDefinition::builder("reject_path")
        .start("start")
        .exclusive("gateway")
        .user("approve")
        .end("approved")
        .end("reject")
        .edge("start", "gateway")
        .edge_if("gateway", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("gateway", "reject", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()?;
    let engine = Engine::builder().store(Memory::new()).definition(definition).start().await?;

    let run = engine.start_definition("reject_path", json!({ "amount": 20 })).await?;
    run.outcome().await?.completed()?;
    println!("open user tasks: {}", engine.user_tasks().list().await?.len());
    for turn in engine.history(run.id()).await? {
        for change in &turn.changes {
            match change {
                Change::TokenMoved { node, .. } => println!("passed {node}"),
                Change::UserTaskCreated { name, .. } => println!("asked {name}"),
                Change::ProcessCompleted { node, .. } => println!("reached {node}"),
                _ => {}
            }
        }
    }
    engine.shutdown().await?;
    Ok(())
}
