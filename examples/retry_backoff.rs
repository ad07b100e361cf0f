//! Retries with backoff: a task that fails twice, attempt by attempt. The clock is virtual and the
//! jitter seeded, so that the delays are the same in every run and nobody waits for them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_testkit::clock::TestClock;

/// A service that is down for its first two callers.
struct Bank(AtomicU32);

/// Five attempts; up to a second after the first failure, twice that after the next one.
#[service_task(retry 5 every 1s..1m, timeout 30s)]
async fn charge(bank: State<Bank>, amount: u64) -> Result<String, &'static str> {
    match bank.0.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Err("the bank does not answer"),
        _ => Ok(format!("{amount} charged")),
    }
}

workflow! {
    process RetryBackoff(amount: u64) -> String {
        let receipt = service charge(amount);
        return receipt;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = TestClock::new();
    let engine = Engine::builder()
        .store(Memory::new())
        .process::<RetryBackoff>()
        .state(Bank(AtomicU32::new(0)))
        .clock(clock.clone())
        .options(EngineOptions { jitter_seed: 1, ..Default::default() })
        .start()
        .await?;

    let mut watch = engine.watch();
    let run = engine.start(RetryBackoff { amount: 60 }).key("order-4711").await?;
    while let Some(Watched::Turn(turn)) = watch.next().await {
        match turn.recorded.changes.last() {
            Some(Change::RetryScheduled { due, .. }) => clock.advance(due.since(turn.recorded.at)),
            Some(Change::ProcessCompleted { .. }) => break,
            _ => {}
        }
    }
    println!("outcome: {}", run.outcome().await?.completed()?);
    engine.history(run.id()).await?.iter().for_each(print_attempts);
    engine.shutdown().await?;
    Ok(())
}

/// What a turn says of attempts: how one ended, when the next one comes, that it began.
fn print_attempts(turn: &Recorded) {
    match &turn.event {
        Event::TaskFailed { attempt, failure, .. } => {
            println!("attempt {attempt} failed: {}", failure.message);
        }
        Event::TaskCompleted { attempt, result, .. } => println!("attempt {attempt} gave {result}"),
        _ => {}
    }
    for change in &turn.changes {
        match change {
            Change::RetryScheduled { due, .. } => {
                let delay: Duration = due.since(turn.at);
                println!("  the next one comes in {delay:?}");
            }
            Change::TaskStarted { attempt, failed, .. } => {
                println!("attempt {attempt} began, {failed} failed before");
            }
            _ => {}
        }
    }
}
