//! Start → End, in memory: the smallest process there is.

use bpm_engine::prelude::*;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definition = ProcessDefinition::builder("minimal")
        .start("start")
        .end("end")
        .edge("start", "end")
        .build()?;
    let engine = Engine::builder().store(Memory::new()).definition(definition).start().await?;

    let run = engine.start_definition("minimal", json!({})).await?;
    println!("outcome: {:?}", run.outcome().await?);
    println!("reached: {}", end_reached(&engine.history(run.id()).await?).unwrap_or("no end"));
    engine.shutdown().await?;
    Ok(())
}

/// The end node that an instance reached, as its history has it.
fn end_reached(history: &[Recorded]) -> Option<&str> {
    history.iter().flat_map(|turn| &turn.changes).find_map(|change| match change {
        Change::ProcessCompleted { node, .. } => Some(node.as_ref()),
        _ => None,
    })
}
