//! Retries: how often, how long between, what counts and what follows.

use std::collections::BTreeSet;

use bpm_core::change::Change;
use bpm_core::definition::Retry;
use bpm_core::engine::{Engine, EngineOptions, Outcome};
use bpm_core::event::{Actor, FailureKind};
use bpm_core::ids::InstanceId;
use bpm_core::store::Store;
use serde_json::json;

use crate::world::{Does, MILLI, World, backs_off, exhaust, secs, settle, start, until, work};

const LAZY: Retry = Retry::times(5).every(secs(1), secs(3));

/// The numbers of the attempts, and how many had failed before each.
async fn attempts(engine: &Engine, instance: InstanceId) -> Vec<(u32, u32)> {
    let history = engine.history(instance).await.unwrap();
    let started = history.iter().flat_map(|turn| &turn.changes).filter_map(|change| match change {
        Change::TaskStarted { attempt, failed, .. } => Some((*attempt, *failed)),
        _ => None,
    });
    started.collect()
}

#[tokio::test]
async fn delays_stay_within_bounds_that_double_and_are_never_cut_short() {
    let world = World::new((0..4).map(|_| Does::Fail("no answer")));
    let engine = world.engine(work().retry("work", LAZY)).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    for (failed, bound) in [(1, 1_000), (2, 2_000), (3, 3_000), (4, 3_000)] {
        let (at, due) = backs_off(&mut watch).await;
        let delay = due.since(at);
        assert!(delay.as_millis() <= bound, "{delay:?} after {failed} failures");
        if delay > MILLI {
            world.clock.advance(delay - MILLI);
            settle(&engine).await;
            assert_eq!((world.calls(), world.timers().len()), (failed, 1), "not before it is due");
            world.clock.advance(MILLI);
        } else {
            world.clock.advance(delay);
        }
    }
    assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({ "done": 5 }));
    assert_eq!(attempts(&engine, run.id()).await, [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)]);
    assert_eq!(world.timers(), []);
}

/// The delays, in milliseconds, of an instance with this key.
async fn delays(seed: u64, key: &str) -> Vec<u128> {
    let mut world = World::new((0..4).map(|_| Does::Fail("no answer")));
    world.options = EngineOptions { jitter_seed: seed, ..world.options };
    let engine = world.engine(work().retry("work", LAZY)).await;
    let mut watch = engine.watch();
    engine.start_definition("job", json!({})).key(key).await.unwrap();
    let mut delays = Vec::new();
    for _ in 0..4 {
        let (at, due) = backs_off(&mut watch).await;
        delays.push(due.since(at).as_millis());
        world.clock.advance(due.since(at));
    }
    delays
}

#[tokio::test]
async fn the_same_seed_and_key_give_the_same_delays() {
    let first = delays(1, "order-1").await;
    assert_eq!(delays(1, "order-1").await, first);
    assert_ne!(delays(2, "order-1").await, first);
    assert_ne!(delays(1, "order-2").await, first);
}

#[tokio::test]
async fn what_failed_together_does_not_come_again_together() {
    let world = World::new((0..200).map(|_| Does::Fail("overloaded")));
    let engine = world.engine(work().retry("work", LAZY)).await;
    let mut watch = engine.watch();
    for _ in 0..200 {
        start(&engine).await;
    }
    let mut delays = BTreeSet::new();
    for _ in 0..200 {
        let (at, due) = backs_off(&mut watch).await;
        delays.insert(due.since(at).as_millis());
    }
    assert!(delays.len() > 100, "{delays:?}");
    assert!(delays.first().unwrap() < &100 && delays.last().unwrap() > &900, "{delays:?}");
}

#[tokio::test]
async fn the_last_cause_is_the_failure() {
    let world = World::new(["first", "second", "third"].map(Does::Fail));
    let engine = world.engine(work().retry("work", Retry::times(3))).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    exhaust(&world, &mut watch).await;
    let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("it fails") };
    assert_eq!((failure.node.as_str(), failure.message.as_str()), ("work", "third"));
    assert_eq!((failure.kind, failure.related.len()), (FailureKind::Error, 0));
    assert_eq!(world.calls(), 3);
}

#[tokio::test]
async fn without_a_clause_there_is_one_attempt() {
    let world = World::new([Does::Fail("no answer")]);
    let engine = world.engine(work()).await;
    let failure = start(&engine).await.outcome().await.unwrap().completed().unwrap_err();
    assert_eq!(failure.to_string(), "the instance failed: `work` failed: no answer");
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn a_permanent_error_is_not_retried_and_no_incident() {
    let world = World::new([Does::Fail("no answer"), Does::FailForGood("no such account")]);
    let engine = world.engine(work().retry("work", LAZY.then_suspend())).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    exhaust(&world, &mut watch).await;
    let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("it fails") };
    assert_eq!(failure.message, "no such account");
    assert_eq!((world.calls(), engine.incidents().list().await.unwrap().len()), (2, 0));
}

#[tokio::test]
async fn a_panic_is_retried() {
    let world = World::new([Does::Panic]);
    let engine = world.engine(work().retry("work", LAZY)).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    exhaust(&world, &mut watch).await;
    assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({ "done": 2 }));
}

#[tokio::test]
async fn the_count_survives_restarts() {
    let world = World::new(["first", "second", "third"].map(Does::Fail));
    let process = || work().retry("work", Retry::times(3));
    let engine = world.engine(process()).await;
    let mut watch = engine.watch();
    let id = start(&engine).await.id();
    backs_off(&mut watch).await;
    engine.shutdown().await.unwrap();
    assert_eq!(world.store.active(None, 9).unwrap(), [], "a backoff is a parked timer");
    let engine = world.engine(process()).await;
    let mut watch = engine.watch();
    world.clock.advance(secs(60));
    backs_off(&mut watch).await;
    engine.shutdown().await.unwrap();
    world.clock.advance(secs(60));
    let engine = world.engine(process()).await;
    let outcome = engine.run::<serde_json::Value>(id).outcome().await.unwrap();
    let Outcome::Failed(failure) = outcome else { panic!("it fails") };
    assert_eq!((failure.message.as_str(), world.calls()), ("third", 3));
    assert_eq!(attempts(&engine, id).await, [(1, 0), (2, 1), (3, 2)]);
}

#[tokio::test]
async fn cancelling_closes_the_timer_of_a_backoff() {
    let world = World::new([Does::Fail("no answer")]);
    let engine = world.engine(work().retry("work", LAZY)).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    backs_off(&mut watch).await;
    engine.cancel(run.id(), Actor::new("ann")).await.unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
    assert_eq!(world.timers(), []);
    world.clock.advance(secs(60));
    settle(&engine).await;
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn lost_attempts_have_a_bound_of_their_own() {
    let mut world =
        World::new((0..9).map(|_| Does::Hang(crate::world::Dropped(Default::default()))));
    world.options = EngineOptions { lost_attempts_max: 2, ..world.options };
    let process = || work().retry("work", Retry::times(1));
    let engine = world.engine(process()).await;
    let id = start(&engine).await.id();
    engine.shutdown().await.unwrap();
    for _ in 0..2 {
        let engine = world.engine(process()).await;
        settle(&engine).await;
        assert_eq!(engine.incidents().list().await.unwrap(), []);
        engine.shutdown().await.unwrap();
    }
    let engine = world.engine(process()).await;
    settle(&engine).await;
    let incident = engine.incidents().list().await.unwrap().remove(0);
    assert_eq!((incident.instance, incident.node.as_str()), (id, "work"));
    assert_eq!((incident.attempts, incident.lost), (0, 3), "lost ones did not fail");
    assert!(incident.error.starts_with("3 attempts were lost, more than"), "{}", incident.error);
    assert_eq!(attempts(&engine, id).await, [(1, 0), (2, 0), (3, 0)]);
    engine.shutdown().await.unwrap();
    // What rests is not looked at again, and a person can still decide after a restart.
    let engine = world.engine(process()).await;
    settle(&engine).await;
    let mut watch = engine.watch();
    engine.retry(incident.id, Actor::new("ann")).await.unwrap();
    until(&mut watch, |change| matches!(change, Change::TaskStarted { attempt: 4, lost: 0, .. }))
        .await;
    engine.shutdown().await.unwrap();
    let engine = world.engine(process()).await;
    settle(&engine).await;
    assert_eq!(engine.incidents().list().await.unwrap(), [], "they are counted from the retry on");
    assert_eq!(attempts(&engine, id).await.len(), 5);
}
