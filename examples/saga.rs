//! A trip is booked as a whole or not at all: when the car cannot be had, the hotel and the flight
//! are given back, in reverse order. The engine stops in the middle of that, and goes on.

use std::sync::Arc;

use bpm_engine::prelude::*;
use tokio::sync::Notify;

#[service_task]
async fn book_flight(to: &str) -> String {
    format!("flight to {to}")
}

#[service_task]
async fn cancel_flight(flight: &str) {
    println!("gave back the {flight}");
}

#[service_task]
async fn book_hotel(to: &str) -> String {
    format!("hotel in {to}")
}

/// Waits at the desk: the first engine stops while it does.
#[service_task]
async fn cancel_hotel(desk: State<Arc<Notify>>, hotel: &str) {
    desk.notified().await;
    println!("gave back the {hotel}");
}

#[service_task]
async fn book_car(to: &str) -> Result<String, TaskError> {
    Err(TaskError::permanent(format!("no car in {to}")))
}

workflow! {
    process Trip(to: String) -> String {
        let flight = service book_flight(&to) undo cancel_flight(&flight);
        let hotel = service book_hotel(&to) undo cancel_hotel(&hotel);
        let car = service book_car(&to);
        return format!("{flight}, {hotel}, {car}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, desk) = (Memory::new(), Arc::new(Notify::new()));

    let engine = start(store.clone(), Arc::clone(&desk)).await?;
    let mut watch = engine.watch();
    let id = engine.start(Trip { to: "Rome".to_owned() }).await?.id();
    while let Some(Watched::Turn(turn)) = watch.next().await {
        let undoes = |change: &Change| matches!(change, Change::UndoStarted { .. });
        if turn.recorded.changes.iter().any(undoes) {
            println!("the engine stops");
            break;
        }
    }
    drop((engine, watch));

    // What was booked is still booked, and a new engine gives it back.
    desk.notify_one();
    let engine = start(store, desk).await?;
    match engine.run::<Trip>(id).outcome().await? {
        Outcome::Failed(failure) => println!("failed: {failure}"),
        other => println!("{other:?}"),
    }
    for turn in engine.history(id).await? {
        turn.changes.iter().for_each(print_change);
    }
    engine.shutdown().await?;
    Ok(())
}

async fn start(store: Memory, desk: Arc<Notify>) -> Result<Engine, Error> {
    Engine::builder().store(store).process::<Trip>().state(desk).start().await
}

fn print_change(change: &Change) {
    match change {
        Change::UndoRecorded { node, .. } => println!("  {node} completed"),
        Change::ProcessFailing { failure } => println!("  {failure}"),
        Change::UndoStarted { node, .. } => println!("  {node} begins"),
        Change::Undone { node, .. } => println!("  {node} is undone"),
        Change::ProcessFailed => println!("  the trip has failed"),
        _ => {}
    }
}
