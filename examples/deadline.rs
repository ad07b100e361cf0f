//! A decision with a reminder every day and a deadline after three: nobody decides, and three days
//! pass at once by a virtual clock.

use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_testkit::clock::TestClock;

#[service_task]
async fn remind(of: &str) -> Result<(), TaskError> {
    println!("  a reminder of {of}");
    Ok(())
}

workflow! {
    /// Somebody decides within three days, or it counts as no.
    process Deadline(what: String) -> bool {
        let decision: bool = user decide { what: &what }
            for group "managers"
            also every 1d => { service remind(&what); }
            on after 3d => { let decision = false; };
        return decision;
    }
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = TestClock::new();
    let builder = Engine::builder().store(Memory::new()).process::<Deadline>();
    let engine = builder.clock(clock.clone()).start().await?;

    let mut watch = engine.watch();
    let run = engine.start(Deadline { what: "the new roof".into() }).await?;
    for day in 1..=3 {
        println!("day {day}");
        clock.advance(DAY);
        // A day is over when its reminder has been sent, or the deadline has come.
        while let Some(Watched::Turn(turn)) = watch.next().await {
            let over = |change: &Change| {
                matches!(change, Change::ScopeClosed { .. } | Change::ProcessCompleted { .. })
            };
            if turn.recorded.changes.iter().any(over) {
                break;
            }
        }
    }
    println!("decided: {}", run.outcome().await?.completed()?);
    println!("open tasks: {}", engine.user_tasks().list().await?.len());

    let run = engine.start(Deadline { what: "the old cellar".into() }).await?;
    let [task] = &engine.user_tasks().instance(run.id()).list().await?[..] else {
        return Err("the task is open".into());
    };
    engine.complete(task.id, Deadline::DECIDE, true).await?;
    println!("decided: {}", run.outcome().await?.completed()?);
    engine.shutdown().await?;
    Ok(())
}
