//! Two shops are asked; the first to deliver wins, and the order at the other one is cancelled.

use bpm_engine::prelude::*;

#[service_task]
async fn order(shop: &str) -> Result<String, TaskError> {
    Ok(format!("order at {shop}"))
}

#[service_task]
async fn cancel_order(order: &str) -> Result<(), TaskError> {
    println!("cancelled: {order}");
    Ok(())
}

workflow! {
    /// Orders twice and keeps what comes first.
    process Race() -> String {
        race {
            north: {
                'north: let order = service order("the north shop") undo cancel_order(&order);
                user north_delivers {};
            }
            south: {
                'south: let order = service order("the south shop") undo cancel_order(&order);
                user south_delivers {};
            }
        }
        return order;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().store(Memory::new()).process::<Race>().start().await?;
    let mut watch = engine.watch();
    let run = engine.start(Race).await?;
    let delivered = loop {
        let tasks = engine.user_tasks().open(Race::SOUTH_DELIVERS).list().await?;
        let both = engine.user_tasks().instance(run.id()).list().await?.len() == 2;
        match tasks.first() {
            Some(task) if both => break task.id,
            _ => drop(watch.next().await),
        }
    };
    engine.complete(delivered, Race::SOUTH_DELIVERS, ()).await?;
    println!("the winner: {}", run.outcome().await?.completed()?);
    println!("open tasks: {}", engine.user_tasks().list().await?.len());
    engine.shutdown().await?;
    Ok(())
}
