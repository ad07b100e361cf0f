//! Two activities that fail for good rest as incidents, and a person decides what becomes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bpm_engine::Watch;
use bpm_engine::prelude::*;

/// Whether the card reader is plugged in.
#[derive(Clone, Default)]
struct Plugged(Arc<AtomicBool>);

#[service_task(retry 1 then suspend)]
async fn charge(amount: u64, reader: State<Plugged>) -> Result<String, TaskError> {
    if reader.0.load(Ordering::Relaxed) {
        return Ok(format!("charged {amount}"));
    }
    Err("the card reader does not answer".into())
}

#[service_task(retry 1 then suspend)]
async fn print() -> Result<String, TaskError> {
    Err("the printer is out of paper".into())
}

workflow! {
    process Sale(amount: u64) -> String {
        let charged = service charge(amount);
        let receipt = service print();
        return format!("{charged}, {receipt}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let reader = Plugged::default();
    let engine = Engine::builder()
        .store(Memory::new())
        .process::<Sale>()
        .state(reader.clone())
        .start()
        .await?;
    let mut watch = engine.watch();
    let run = engine.start(Sale { amount: 60 }).await?;

    let incident = next(&engine, &mut watch).await?;
    println!("{} rests: {}", incident.node, incident.error);
    println!("    help: {}", incident.hint);
    reader.0.store(true, Ordering::Relaxed);
    engine.retry(incident.id, Actor::new("ann")).await?;

    let incident = next(&engine, &mut watch).await?;
    println!("{} rests: {}", incident.node, incident.error);
    engine.skip_with(incident.id, "a receipt by hand", Actor::new("ann")).await?;

    println!("{}", run.outcome().await?.completed()?);
    engine.shutdown().await?;
    Ok(())
}

/// Waits until an incident is raised, and gives it.
async fn next(engine: &Engine, watch: &mut Watch) -> Result<Incident, Error> {
    let raised = |change: &Change| matches!(change, Change::IncidentRaised { .. });
    while let Some(Watched::Turn(turn)) = watch.next().await {
        if turn.recorded.changes.iter().any(raised) {
            break;
        }
    }
    Ok(engine.incidents().list().await?.remove(0))
}
