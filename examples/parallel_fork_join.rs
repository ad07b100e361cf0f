//! A fork, two branches that run at once, and a join. Which branches have arrived at the join is
//! part of the instance's durable state: here the engine stops between the two arrivals.

use std::sync::Arc;
use std::time::Duration;

use bpm_engine::prelude::*;
use tokio::sync::Notify;

#[service_task]
async fn branch_a() -> String {
    "a is done".to_owned()
}

/// Does not end before someone opens the gate.
#[service_task]
async fn branch_b(gate: State<Arc<Notify>>) -> String {
    gate.notified().await;
    "b is done".to_owned()
}

workflow! {
    process ParallelForkJoin() -> String {
        parallel {
            one: { let a = service branch_a(); }
            two: { let b = service branch_b(); }
        }
        'end: return format!("{a}, {b}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Memory::new();
    let gate = Arc::new(Notify::new());

    let engine = start(store.clone(), Arc::clone(&gate)).await?;
    let mut watch = engine.watch();
    let id = engine.start(ParallelForkJoin).await?.id();
    while let Some(Watched::Turn(turn)) = watch.next().await {
        let joins = |change: &Change| matches!(change, Change::TokenJoining { .. });
        if turn.recorded.changes.iter().any(joins) {
            println!("branch one waits at the join; the engine stops");
            break;
        }
    }
    engine.shutdown().await?;

    // A new engine goes on where the other one was.
    gate.notify_one();
    let engine = start(store, gate).await?;
    println!("resumed: {} instance", engine.recovered().resumed.len());
    let outcome = engine.run::<ParallelForkJoin>(id).outcome().await?;
    println!("outcome: {}", outcome.completed()?);
    engine.history(id).await?.iter().for_each(print_moves);
    engine.shutdown().await?;
    Ok(())
}

async fn start(store: Memory, gate: Arc<Notify>) -> Result<Engine, Error> {
    Engine::builder()
        .store(store)
        .process::<ParallelForkJoin>()
        .state(gate)
        .options(EngineOptions { grace: Duration::ZERO, ..Default::default() })
        .start()
        .await
}

/// One line a turn: which token came to which node.
fn print_moves(turn: &Recorded) {
    let moves = turn.changes.iter().filter_map(|change| match change {
        Change::TokenCreated { token, node } => Some(format!("new {token} at {node}")),
        Change::TokenMoved { token, node } => Some(format!("{token} to {node}")),
        Change::TokenJoining { token } => Some(format!("{token} joins")),
        Change::TaskStarted { token, attempt, .. } => Some(format!("{token} attempt {attempt}")),
        Change::ProcessCompleted { node, .. } => Some(format!("reached {node}")),
        _ => None,
    });
    println!("{}: {}", turn.seq, moves.collect::<Vec<_>>().join(", "));
}
