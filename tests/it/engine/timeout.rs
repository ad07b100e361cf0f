//! `timeout`: what takes too long is dropped, and that is a failure like others.

use std::time::Duration;

use bpm_engine::FailureKind;
use bpm_engine::prelude::*;

use crate::diary::*;
use crate::house::*;

workflow! {
    process Hurry(what: String) -> String {
        let booked = service book(&what) timeout 30s retry 3 every 1s..1m;
        return booked;
    }
}

workflow! {
    process HurryOnce(what: String) -> String {
        let booked = service book(&what) timeout 30s undo free(&booked);
        return booked;
    }
}

const LIMIT: Duration = Duration::from_secs(30);

async fn engine(office: &Office) -> Engine {
    office.builder().process::<Hurry>().process::<HurryOnce>().start().await.unwrap()
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_dropped_and_retried() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let mut watch = engine.watch();
        let mut held = office.diary.hold("book x");
        office.diary.plan("book x", [Plan::Hang]);
        let run = engine.start(Hurry { what: "x".into() }).await.unwrap();
        office.diary.begun("book x", 1).await;
        office.clock.advance(LIMIT);
        held.closed().await;
        until(&mut watch, backs_off).await;
        office.clock.advance(2 * LIMIT);
        office.diary.begun("book x", 2).await;
        office.clock.advance(LIMIT);
        until(&mut watch, backs_off).await;
        office.clock.advance(2 * LIMIT);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "the x");
        let history = engine.history(run.id()).await.unwrap();
        let kinds = history.iter().filter_map(|turn| match &turn.event {
            Event::TaskFailed { failure, retryable, .. } => Some((failure.kind, *retryable)),
            _ => None,
        });
        assert_eq!(kinds.collect::<Vec<_>>(), [(FailureKind::Timeout, true); 2]);
        assert_eq!((office.diary.attempts("book x"), office.diary.said().len()), (3, 1));
        office.house.finish(engine).await;
    }
}

fn backs_off(turn: &Recorded) -> bool {
    turn.changes.iter().any(|change| matches!(change, Change::RetryScheduled { .. }))
}

/// Its outcome is unknown, so it did not complete, and there is nothing to undo.
#[tokio::test]
async fn without_retry_the_activity_fails_and_is_not_undone() {
    for office in Office::all() {
        let engine = engine(&office).await;
        office.diary.plan("book x", [Plan::Hang]);
        let run = engine.start(HurryOnce { what: "x".into() }).await.unwrap();
        office.diary.begun("book x", 1).await;
        office.clock.advance(LIMIT);
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!((failure.node.as_str(), failure.kind), ("book", FailureKind::Timeout));
        assert!(office.diary.said().is_empty());
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn what_ends_in_time_is_not_touched() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let held = office.diary.hold("book x");
        let run = engine.start(HurryOnce { what: "x".into() }).await.unwrap();
        office.diary.begun("book x", 1).await;
        office.clock.advance(LIMIT - Duration::from_millis(1));
        drop(held);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "the x");
        office.house.finish(engine).await;
    }
}
