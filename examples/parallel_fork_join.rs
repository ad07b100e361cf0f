//! A fork, two branches that run at once, and a join. Which branches have arrived at the join is
//! part of the instance's durable state: here the engine stops between the two arrivals.

use std::convert::Infallible;
use std::sync::Arc;

use bpm_engine::prelude::*;
use serde_json::{Value, json};
use tokio::sync::Notify;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = Memory::new();
    let gate = Arc::new(Notify::new());

    // Branch b does not finish: the engine stops while it is at work.
    let engine = start(store.clone(), Arc::clone(&gate)).await?;
    let mut watch = engine.watch();
    let run = engine.start_definition("parallel_fork_join", json!({})).await?;
    let id = run.id();
    while let Some(Watched::Turn(turn)) = watch.next().await {
        if turn.recorded.changes.iter().any(|change| matches!(change, Change::TokenJoining { .. }))
        {
            println!("branch_a waits at the join; the engine stops");
            break;
        }
    }
    drop((engine, run, watch));

    // A new engine goes on where the other one was.
    gate.notify_one();
    let engine = start(store, gate).await?;
    println!("resumed: {} instance", engine.recovered().resumed.len());
    println!("outcome: {}", engine.run::<Value>(id).outcome().await?.completed()?);
    for turn in engine.history(id).await? {
        print_moves(&turn);
    }
    engine.shutdown().await?;
    Ok(())
}

async fn start(store: Memory, gate: Arc<Notify>) -> Result<Engine, Box<dyn std::error::Error>> {
    let definition = ProcessDefinition::builder("parallel_fork_join")
        .start("start")
        .parallel("fork")
        .service("branch_a")
        .service("branch_b")
        .parallel("join")
        .end("end")
        .edge("start", "fork")
        .edge("fork", "branch_a")
        .edge("fork", "branch_b")
        .edge("branch_a", "join")
        .edge("branch_b", "join")
        .edge("join", "end")
        .build()?;
    let engine = Engine::builder()
        .store(store)
        .definition(definition)
        .handler("branch_a", |_| async { Ok::<_, Infallible>(json!({ "a": "done" })) })
        .handler("branch_b", move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                Ok::<_, Infallible>(json!({ "b": "done" }))
            }
        })
        .options(EngineOptions { grace: std::time::Duration::ZERO, ..Default::default() })
        .start()
        .await?;
    Ok(engine)
}

fn print_moves(turn: &Recorded) {
    let nodes = turn.changes.iter().filter_map(|change| match change {
        Change::TokenMoved { token, node } | Change::TokenCreated { token, node } => {
            Some(format!("{token}@{node}"))
        }
        _ => None,
    });
    println!("{}: {}", turn.seq, nodes.collect::<Vec<_>>().join(" "));
}
