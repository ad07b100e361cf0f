//! Start → End, in memory: the smallest process there is, written twice.

use bpm_engine::prelude::*;
use serde_json::json;

workflow! {
    process Minimal() {
        'end: return;
    }
}

/// The same as data.
fn built() -> Result<ProcessDefinition, bpm_engine::Findings> {
    ProcessDefinition::builder("minimal").start("start").end("end").edge("start", "end").build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder()
        .store(Memory::new())
        .process::<Minimal>()
        .definition(built()?)
        .start()
        .await?;

    let run = engine.start(Minimal).await?;
    println!("Minimal: {:?}", run.outcome().await?);
    println!("  reached {}", end_reached(&engine, run.id()).await?);

    let run = engine.start_definition("minimal", json!({})).await?;
    println!("minimal: {:?}", run.outcome().await?);
    println!("  reached {}", end_reached(&engine, run.id()).await?);
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
