//! A whole engine on a disk that fails, and then works again.

use std::time::Duration;

use bpm_core::definition::ProcessDefinition;
use bpm_core::engine::Engine;
use bpm_core::error::Error;
use bpm_core::store::Error as StoreError;
use bpm_powercut::disk::{Call, Disk, Fault, Image, Trouble};
use bpm_powercut::trial::open;
use bpm_powercut::vfs::Mount;
use bpm_sqlite::Durability;
use bpm_testkit::clock::TestClock;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

fn definition() -> ProcessDefinition {
    let builder = ProcessDefinition::builder("order").start("start").service("ship").end("end");
    builder.edge("start", "ship").edge("ship", "end").build().unwrap()
}

/// Starts are answered with the error, reading goes on, and a result that could not be stored is
/// stored when it can be: nobody calls again.
async fn goes_on_by_itself(trouble: Trouble, call: Call) {
    let mount = Mount::new(Disk::new(&Image::new(), 1));
    let clock = TestClock::new();
    let gate = std::sync::Arc::new(Semaphore::new(0));
    let (begin, mut begun) = mpsc::unbounded_channel();
    let wait = std::sync::Arc::clone(&gate);
    let engine = Engine::builder()
        .store(open(&mount, Durability::Full, 8).unwrap())
        .clock(clock.clone())
        .definition(definition())
        .handler("ship", move |_: Value| {
            let (wait, begin) = (std::sync::Arc::clone(&wait), begin.clone());
            async move {
                begin.send(()).map_err(|_| "the test is over")?;
                wait.acquire().await.map_err(|_| "the test is over")?.forget();
                Ok::<_, &str>(json!({ "shipped": true }))
            }
        })
        .start()
        .await
        .unwrap();
    let run = engine.start_definition("order", json!({})).await.unwrap();
    begun.recv().await.unwrap();
    mount.disk.fail(Fault { call, nth: 1, lasts: true, trouble });
    let refused = engine.start_definition("order", json!({})).await.map(drop).unwrap_err();
    let is_full = matches!(refused, Error::Store(StoreError::Full(_)));
    assert!(matches!(refused, Error::Store(_)), "{refused}");
    assert_eq!(is_full, trouble == Trouble::Full, "{refused}");
    gate.add_permits(1);
    assert!(!run.status().await.unwrap().is_end(), "reading goes on");
    // The result is tried again, and again in vain.
    engine.start_definition("order", json!({})).await.map(drop).unwrap_err();
    clock.advance(Duration::from_secs(1));
    engine.start_definition("order", json!({})).await.map(drop).unwrap_err();
    assert!(mount.disk.mend() >= 3);
    let advance = async {
        loop {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::select! {
        outcome = run.outcome() => outcome.unwrap().completed().unwrap(),
        () = advance => unreachable!("it has no end"),
    };
    assert_eq!(outcome, json!({ "shipped": true }));
    gate.add_permits(1);
    let again = engine.start_definition("order", json!({})).await.unwrap();
    again.outcome().await.unwrap().completed().unwrap();
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_engine_goes_on_when_the_disk_has_room_again() {
    goes_on_by_itself(Trouble::Full, Call::Write).await;
}

#[tokio::test]
async fn an_engine_goes_on_when_the_disk_writes_again() {
    goes_on_by_itself(Trouble::Failed, Call::Write).await;
}

#[tokio::test]
async fn an_engine_goes_on_when_the_disk_flushes_again() {
    goes_on_by_itself(Trouble::Failed, Call::Sync).await;
}
