//! Timeouts: an attempt that takes too long is dropped, and its place is free.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use bpm_core::change::Change;
use bpm_core::definition::{DefinitionBuilder, Retry};
use bpm_core::engine::{EngineOptions, Outcome};
use bpm_core::event::{Event, FailureKind};
use serde_json::{Value, json};

use crate::world::{
    Does, Dropped, MILLI, World, backs_off, begun, secs, settle, start, until, work,
};

fn limited() -> DefinitionBuilder {
    work().timeout("work", secs(5)).retry("work", Retry::times(2))
}

/// A world with one place for attempts.
fn narrow(attempts: impl IntoIterator<Item = Does>) -> World {
    let mut world = World::new(attempts);
    world.options = EngineOptions { workers: 1, ..world.options };
    world
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_dropped_and_the_next_one_runs() {
    let dropped = Arc::new(AtomicU32::new(0));
    let world = World::new([Does::Hang(Dropped(Arc::clone(&dropped)))]);
    let engine = world.engine(limited()).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    settle(&engine).await;
    begun(&world, 1).await;
    world.clock.advance(secs(5) - MILLI);
    settle(&engine).await;
    assert_eq!(engine.history(run.id()).await.unwrap().len(), 1, "not before its time");
    world.clock.advance(MILLI);
    let (at, due) = backs_off(&mut watch).await;
    world.clock.advance(due.since(at));
    assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({ "done": 2 }));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    let history = engine.history(run.id()).await.unwrap();
    let Event::TaskFailed { failure, retryable: true, .. } = &history[1].event else {
        panic!("{:?}", history[1].event)
    };
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.message, "it took longer than its timeout; its outcome is unknown");
}

#[tokio::test]
async fn the_last_timeout_is_the_failure() {
    let hang = || Does::Hang(Dropped(Arc::default()));
    let world = World::new([hang(), hang()]);
    let engine = world.engine(limited()).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    settle(&engine).await;
    begun(&world, 1).await;
    world.clock.advance(secs(5));
    let (at, due) = backs_off(&mut watch).await;
    world.clock.advance(due.since(at));
    // The second attempt begins, and has its own five seconds.
    until(&mut watch, |change| matches!(change, Change::TaskStarted { attempt: 2, .. })).await;
    settle(&engine).await;
    begun(&world, 2).await;
    world.clock.advance(secs(5));
    let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("it fails") };
    assert_eq!(failure.kind, FailureKind::Timeout);
}

#[tokio::test]
async fn the_place_of_a_dropped_attempt_is_free() {
    let world = narrow([Does::Hang(Dropped(Arc::default()))]);
    let engine = world.engine(limited()).await;
    let mut watch = engine.watch();
    let first = start(&engine).await;
    let second = start(&engine).await;
    settle(&engine).await;
    begun(&world, 1).await;
    world.clock.advance(secs(5));
    assert_eq!(second.outcome().await.unwrap().completed().unwrap(), json!({ "done": 2 }));
    let (at, due) = backs_off(&mut watch).await;
    world.clock.advance(due.since(at));
    assert_eq!(first.outcome().await.unwrap().completed().unwrap(), json!({ "done": 3 }));
}

#[tokio::test]
async fn a_task_that_blocks_its_thread_loses_its_place_and_its_late_result() {
    let (sender, blocks) = mpsc::channel();
    let world = narrow([Does::Block(blocks)]);
    let engine = world.engine(work().timeout("work", secs(5))).await;
    let blocked = start(&engine).await;
    let next = start(&engine).await;
    settle(&engine).await;
    begun(&world, 1).await;
    world.clock.advance(secs(5));
    assert_eq!(next.outcome().await.unwrap().completed().unwrap(), json!({ "done": 2 }));
    let Outcome::Failed(failure) = blocked.outcome().await.unwrap() else { panic!("it fails") };
    assert_eq!(failure.kind, FailureKind::Timeout);
    sender.send(()).unwrap();
    settle(&engine).await;
    let last = engine.history(blocked.id()).await.unwrap().len();
    assert_eq!(last, 2, "a result that comes too late is nobody's");
}

#[tokio::test]
async fn an_attempt_that_waits_for_a_place_does_not_use_up_its_time() {
    let (sender, blocks) = mpsc::channel();
    let world = narrow([Does::Block(blocks)]);
    let engine = world.engine(work().timeout("work", secs(5))).await;
    let first = start(&engine).await;
    world.clock.advance(secs(4));
    let second = start(&engine).await;
    sender.send(()).unwrap();
    assert_eq!(first.outcome().await.unwrap().completed().unwrap(), json!({ "late": true }));
    let outcome: Value = second.outcome().await.unwrap().completed().unwrap();
    assert_eq!(outcome, json!({ "done": 2 }));
}
