//! Timers: durable, never early, never lost.

use std::time::Duration;

use bpm_core::change::Change;
use bpm_core::clock::Timestamp;
use bpm_core::definition::ProcessDefinition;
use bpm_core::engine::{Engine, EngineOptions, Outcome, Run};
use bpm_core::event::Actor;
use bpm_core::ids::InstanceId;
use bpm_core::store::{Status, Store};
use serde_json::{Value, json};

use crate::world::{MILLI, World, pause, secs, settle, start, until};

const HOUR: Duration = secs(3_600);
const YEAR: Duration = secs(365 * 24 * 3_600);

async fn status(engine: &Engine, id: InstanceId) -> Status {
    settle(engine).await;
    engine.run::<Value>(id).status().await.unwrap()
}

/// The outcome, which is there soon or never.
async fn outcome(run: &Run<Value>) -> Outcome<Value> {
    tokio::time::timeout(secs(20), run.outcome()).await.expect("it ends").unwrap()
}

#[tokio::test]
async fn a_timer_fires_when_it_is_due_and_not_before() {
    let world = World::new([]);
    let engine = world.engine(pause("14d")).await;
    let run = start(&engine).await;
    assert_eq!(world.store.active(None, 9).unwrap(), [], "it rests");
    world.clock.advance(14 * 24 * HOUR - MILLI);
    assert_eq!(status(&engine, run.id()).await, Status::Running);
    assert_eq!(world.timers().len(), 1);
    world.clock.advance(MILLI);
    assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({}));
    assert_eq!(world.timers(), []);
}

#[tokio::test]
async fn a_timer_goes_on_over_restarts() {
    let world = World::new([]);
    let engine = world.engine(pause("1h")).await;
    let id = start(&engine).await.id();
    engine.shutdown().await.unwrap();
    world.clock.advance(HOUR / 2);
    let engine = world.engine(pause("1h")).await;
    world.clock.advance(HOUR / 2 - MILLI);
    assert_eq!(status(&engine, id).await, Status::Running);
    world.clock.advance(MILLI);
    assert!(matches!(engine.run::<Value>(id).outcome().await.unwrap(), Outcome::Completed(_)));
}

#[tokio::test]
async fn jumps_of_the_wall_clock_correct_the_time_so_little_that_nothing_is_early() {
    let world = World::new([]);
    let engine = world.engine(pause("1h")).await;
    let run = start(&engine).await;
    let wall = bpm_core::clock::Clock::wall(&world.clock);
    world.clock.set_wall(wall.after(YEAR));
    assert_eq!(status(&engine, run.id()).await, Status::Running, "not early");
    world.clock.advance(HOUR / 2);
    assert_eq!(status(&engine, run.id()).await, Status::Running, "not early");
    world.clock.set_wall(Timestamp::default());
    world.clock.advance(HOUR / 2 - MILLI);
    assert_eq!(status(&engine, run.id()).await, Status::Running, "not early");
    world.clock.advance(2 * MILLI);
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)), "and not late");
}

/// By 0.05 %, and only by the time that passes.
#[tokio::test]
async fn the_time_is_drawn_to_the_wall_clock_slowly() {
    for (ahead, due) in [(true, 1_998_999), (false, 2_000_999)] {
        let world = World::new([]);
        let engine = world.engine(pause("2000s")).await;
        let run = start(&engine).await;
        let wall = bpm_core::clock::Clock::wall(&world.clock).as_millis();
        let set = if ahead { wall + 3_600_000 } else { wall - 3_600_000 };
        world.clock.set_wall(Timestamp::from_millis(set));
        world.clock.advance(Duration::from_millis(due));
        assert_eq!(status(&engine, run.id()).await, Status::Running, "not early");
        world.clock.advance(2 * MILLI);
        assert!(matches!(outcome(&run).await, Outcome::Completed(_)));
    }
}

#[tokio::test]
async fn a_wall_clock_that_was_set_forward_counts_at_once_after_a_restart() {
    let world = World::new([]);
    let engine = world.engine(pause("1h")).await;
    let id = start(&engine).await.id();
    let wall = bpm_core::clock::Clock::wall(&world.clock);
    world.clock.set_wall(wall.after(HOUR));
    assert_eq!(status(&engine, id).await, Status::Running);
    engine.shutdown().await.unwrap();
    let engine = world.engine(pause("1h")).await;
    assert!(matches!(outcome(&engine.run(id)).await, Outcome::Completed(_)));
}

#[tokio::test]
async fn a_wall_clock_that_goes_back_while_the_engine_is_down_loses_no_timer() {
    let world = World::new([]);
    let engine = world.engine(pause("1h")).await;
    let id = start(&engine).await.id();
    world.clock.advance(HOUR / 2);
    settle(&engine).await;
    engine.shutdown().await.unwrap();
    world.clock.set_wall(Timestamp::default());
    let engine = world.engine(pause("1h")).await;
    world.clock.advance(HOUR / 2 - MILLI);
    assert_eq!(status(&engine, id).await, Status::Running, "time goes on from what is stored");
    // And is drawn to the wall clock, which is far behind.
    world.clock.advance(HOUR / 2 / 1_999 + 2 * MILLI);
    assert!(matches!(engine.run::<Value>(id).outcome().await.unwrap(), Outcome::Completed(_)));
}

/// So many instances, each with a timer that is due a second after the one before.
async fn staggered(world: &World, count: usize) -> Vec<InstanceId> {
    let engine = world.engine(pause("1h")).await;
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(start(&engine).await.id());
        world.clock.advance(secs(1));
    }
    engine.shutdown().await.unwrap();
    world.store.committed();
    ids
}

/// Those of these instances whose turns were committed since the last call, in order.
fn committed(world: &World, ids: &[InstanceId]) -> Vec<InstanceId> {
    world.store.committed().into_iter().filter(|id| ids.contains(id)).collect()
}

#[tokio::test]
async fn overdue_timers_fire_at_start_oldest_first() {
    let world = World::new([]);
    let ids = staggered(&world, 30).await;
    world.clock.advance(YEAR);
    let engine = world.engine(pause("1h")).await;
    settle(&engine).await;
    assert_eq!(world.timers(), []);
    assert_eq!(committed(&world, &ids), ids);
}

#[tokio::test]
async fn commands_come_in_between_slices_of_overdue_timers() {
    let world = World::new([]);
    let ids = staggered(&world, 350).await;
    world.clock.advance(YEAR);
    world.store.hold_commits();
    let engine = world.engine(pause("1h")).await;
    world.store.until_held();
    // The command is taken before anything of the next slices is handed over.
    let call = tokio::spawn({
        let engine = engine.clone();
        async move { engine.start_definition("nothing", json!({})).await.unwrap().id() }
    });
    tokio::task::yield_now().await;
    settle_mailbox().await;
    world.store.release_commits();
    let called = call.await.unwrap();
    settle(&engine).await;
    let committed = world.store.committed();
    let at = committed.iter().position(|id| *id == called).unwrap();
    assert!(at <= 200, "it came after {at} timers");
    let fired: Vec<_> = committed.into_iter().filter(|id| ids.contains(id)).collect();
    assert_eq!(fired, ids, "oldest first");
}

/// The command is on its way: its task has been polled.
async fn settle_mailbox() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn timers_beyond_those_in_memory_fire_too() {
    let mut world = World::new([]);
    world.options = EngineOptions { timers_in_memory: 3, ..world.options };
    let ids = staggered(&world, 20).await;
    let engine = world.engine(pause("1h")).await;
    let late = start(&engine).await;
    world.clock.advance(HOUR - secs(20));
    for fired in 1..=20 {
        settle(&engine).await;
        assert_eq!(world.timers().len(), 21 - fired, "each when it is due");
        world.clock.advance(secs(1));
    }
    world.clock.advance(HOUR);
    late.outcome().await.unwrap();
    assert_eq!(committed(&world, &ids), ids);
}

#[tokio::test]
async fn cancelling_closes_a_timer() {
    let world = World::new([]);
    let engine = world.engine(pause("1h")).await;
    let run = start(&engine).await;
    engine.cancel(run.id(), Actor::new("ann")).await.unwrap();
    assert_eq!(world.timers(), []);
    world.clock.advance(HOUR);
    settle(&engine).await;
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
}

#[tokio::test]
async fn a_store_that_cannot_be_read_for_a_while_loses_no_timer() {
    let mut world = World::new([]);
    world.options = EngineOptions { cached_instances: 0, ..world.options };
    let engine = world.engine(pause("1h")).await;
    let run = start(&engine).await;
    world.store.fail_loads(1);
    world.clock.advance(HOUR);
    settle(&engine).await;
    assert!(world.store.has_failed());
    world.clock.advance(secs(1));
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
}

#[tokio::test]
async fn a_page_of_timers_that_cannot_be_read_for_a_while_is_read_later() {
    let mut world = World::new([]);
    world.options = EngineOptions { timers_in_memory: 2, ..world.options };
    staggered(&world, 6).await;
    let engine = world.engine(pause("1h")).await;
    world.store.fail_pages(1);
    world.clock.advance(HOUR);
    settle(&engine).await;
    assert!(world.store.has_failed());
    for _ in 0..3 {
        world.clock.advance(secs(1));
        settle(&engine).await;
    }
    assert_eq!(world.timers(), []);
}

#[tokio::test]
async fn a_cancellation_that_was_not_durable_leaves_the_timer_set() {
    let world = World::new([]);
    let engine = world.engine(pause("1h")).await;
    let run = start(&engine).await;
    world.clock.advance(HOUR - MILLI);
    world.store.hold_commits();
    let (other, id) = (engine.clone(), run.id());
    let cancel = tokio::spawn(async move { other.cancel(id, Actor::new("ann")).await });
    settle_mailbox().await;
    world.store.until_held();
    // In memory the instance has ended; the store does not know, and will not.
    let mut watch = engine.watch();
    world.clock.advance(MILLI);
    let started = tokio::spawn({
        let engine = engine.clone();
        async move { settle(&engine).await }
    });
    settle_mailbox().await;
    world.store.fail_commits(1);
    world.store.release_commits();
    cancel.await.unwrap().unwrap_err();
    started.await.unwrap();
    world.clock.advance(secs(1));
    until(&mut watch, |change| matches!(change, Change::TimerClosed { .. })).await;
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
}

#[tokio::test]
async fn a_timer_whose_commit_fails_fires_again() {
    let world = World::new([]);
    let engine = world.engine(pause("1h")).await;
    let run = start(&engine).await;
    world.store.fail_commits(1);
    world.clock.advance(HOUR);
    while !world.store.has_failed() {
        tokio::task::yield_now().await;
    }
    settle(&engine).await;
    world.clock.advance(secs(1));
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Completed(_)));
}

#[tokio::test]
async fn where_a_parked_token_is_stays_exact() {
    let process = ProcessDefinition::builder("job")
        .start("start")
        .wait("first", "1h")
        .wait("second", "1h")
        .end("end")
        .edge("start", "first")
        .edge("first", "second")
        .edge("second", "end");
    let world = World::new([]);
    let engine = world.engine(process).await;
    let run = start(&engine).await;
    world.clock.advance(HOUR);
    settle(&engine).await;
    let row = world.store.instance(run.id()).unwrap().unwrap();
    assert!(!row.state.active);
    assert!(row.state.tokens.contains("\"second\""), "{}", row.state.tokens);
}
