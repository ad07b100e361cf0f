//! A task that fails twice: the delays grow, and a virtual clock makes them pass at once.

use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_testkit::clock::TestClock;

/// Answers the third time it is asked.
#[service_task(retry 5 every 10s..1m)]
async fn ask(cx: TaskContext) -> Result<String, String> {
    match cx.attempt() {
        1 | 2 => Err("the line is busy".to_owned()),
        n => Ok(format!("answered at attempt {n}")),
    }
}

workflow! {
    process RetryBackoff() -> String {
        let answer = service ask();
        return answer;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = TestClock::new();
    let engine = Engine::builder()
        .store(Memory::new())
        .process::<RetryBackoff>()
        .clock(clock.clone())
        .start()
        .await?;

    let mut watch = engine.watch();
    engine.start(RetryBackoff).key("line-1").await?;
    let (mut waits, mut ended) = (0, false);
    while !ended && let Some(Watched::Turn(turn)) = watch.next().await {
        for change in &turn.recorded.changes {
            match change {
                Change::TaskStarted { attempt, failed, .. } => {
                    println!("attempt {attempt} after {failed} failures");
                }
                Change::RetryScheduled { due, .. } => {
                    waits += 1;
                    let delay = due.since(turn.recorded.at);
                    let bound = Duration::from_secs(10 * waits);
                    println!("the next one within {bound:?}: {}", delay <= bound);
                    clock.advance(delay);
                }
                Change::ProcessCompleted { result, .. } => {
                    println!("completed with {result}");
                    ended = true;
                }
                _ => {}
            }
        }
    }
    engine.shutdown().await?;
    Ok(())
}
