//! A trip is a flight, a hotel and a car, or nothing: when the car fails, what was booked is taken
//! back in reverse order.

use bpm_engine::prelude::*;

#[service_task]
async fn book(what: &str, to: &str) -> Result<String, TaskError> {
    if what == "car" && to == "Venice" {
        return Err(TaskError::permanent("there are no cars in Venice"));
    }
    Ok(format!("{what} to {to}"))
}

#[service_task]
async fn give_back(booked: &str) {
    println!("  gives back the {booked}");
}

workflow! {
    /// Books a trip, or nothing at all.
    process Trip(to: String) -> String {
        'flight: let flight = service book("flight", &to) undo give_back(&flight);
        'hotel: let hotel = service book("hotel", &to) undo give_back(&hotel);
        'car: let car = service book("car", &to) retry 3 undo give_back(&car);
        let price = 100 * to.len();
        if price > 600 {
            'too_expensive: fail "{price} is too much for {}, {} and {}", flight, hotel, car;
        }
        return format!("{flight}, {hotel}, {car}");
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder().store(Memory::new()).process::<Trip>().start().await?;

    for to in ["Rome", "Venice", "Copenhagen"] {
        println!("{to}:");
        let run = engine.start(Trip { to: to.to_owned() }).await?;
        match run.outcome().await? {
            Outcome::Completed(booked) => println!("  booked: {booked}"),
            Outcome::Failed(failure) => println!("  {failure}"),
            outcome => println!("  {outcome:?}"),
        }
        println!("  undone: {:?}", undone(&engine, run.id()).await?);
    }
    engine.shutdown().await?;
    Ok(())
}

/// The activities that were undone, as the history has them.
async fn undone(engine: &Engine, instance: InstanceId) -> Result<Vec<String>, Error> {
    let history = engine.history(instance).await?;
    let undone = history.iter().flat_map(|turn| &turn.changes).filter_map(|change| match change {
        Change::Undone { node, .. } => Some(node.to_string()),
        _ => None,
    });
    Ok(undone.collect())
}
