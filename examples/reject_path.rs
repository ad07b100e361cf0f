//! The default way: a small amount is rejected without anyone being asked.

use bpm_engine::prelude::*;

workflow! {
    process RejectPath(amount: i64) -> String {
        'gateway: if "amount > 50" {
            let comment: String = user approve { amount: &amount };
            'approved: return comment;
        }
        'reject: return format!("{amount} is too small to ask anyone");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().store(Memory::new()).process::<RejectPath>().start().await?;

    let run = engine.start(RejectPath { amount: 20 }).await?;
    println!("outcome: {}", run.outcome().await?.completed()?);
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
