//! A task that hangs is dropped at its timeout and attempted again.

use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_testkit::clock::TestClock;

/// Hangs the first time it is asked.
#[service_task]
async fn ask(cx: TaskContext, clock: State<TestClock>) -> String {
    if cx.attempt() == 1 {
        clock.advance(Duration::from_secs(30));
        std::future::pending::<()>().await;
    }
    format!("answered at attempt {}", cx.attempt())
}

workflow! {
    process Hurry() -> String {
        let answer = service ask() timeout 30s retry 2 every 1s..1s;
        return answer;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = TestClock::new();
    let engine = Engine::builder()
        .store(Memory::new())
        .process::<Hurry>()
        .state(clock.clone())
        .clock(clock.clone())
        .start()
        .await?;

    let mut watch = engine.watch();
    let run = engine.start(Hurry).await?;
    while let Some(Watched::Turn(turn)) = watch.next().await {
        if let Event::TaskFailed { failure, .. } = &turn.recorded.event {
            println!("{failure}");
            clock.advance(Duration::from_secs(1));
            break;
        }
    }
    println!("{}", run.outcome().await?.completed()?);
    engine.shutdown().await?;
    Ok(())
}
