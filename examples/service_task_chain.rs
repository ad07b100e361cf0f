//! Three service tasks in a row; each result is durable before the next task starts.

use bpm_engine::prelude::*;

#[service_task]
async fn step1(number: u32) -> Result<u32, std::num::TryFromIntError> {
    u32::try_from(u64::from(number) * 2)
}

#[service_task]
async fn step2(doubled: u32) -> String {
    format!("twice the number is {doubled}")
}

#[service_task]
async fn step3(text: &str, cx: TaskContext) -> String {
    format!("{text} (attempt {})", cx.attempt())
}

workflow! {
    process ServiceTaskChain(number: u32) -> String {
        let doubled = service step1(number);
        let text = service step2(doubled);
        let said = service step3(&text);
        'end: return said;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine =
        Engine::builder().store(Memory::new()).process::<ServiceTaskChain>().start().await?;

    let run = engine.start(ServiceTaskChain { number: 21 }).await?;
    println!("outcome: {}", run.outcome().await?.completed()?);
    engine.history(run.id()).await?.iter().for_each(print_turn);

    let run = engine.start(ServiceTaskChain { number: u32::MAX }).await?;
    println!(
        "outcome: {}",
        run.outcome().await?.completed().err().map_or_else(String::new, |e| e.to_string())
    );
    engine.shutdown().await?;
    Ok(())
}

fn print_turn(turn: &Recorded) {
    match &turn.event {
        Event::TaskCompleted { node, result, .. } => println!("{}: {node} gave {result}", turn.seq),
        Event::ProcessStarted { input } => println!("{}: started with {input:?}", turn.seq),
        event => println!("{}: {event:?}", turn.seq),
    }
    for change in &turn.changes {
        if let Change::ProcessCompleted { node, .. } = change {
            println!("reached: {node}");
        }
    }
}
