//! Heartbeats: an attempt that says how far it is has its timeout anew, and the next one of its
//! visit hears of it.

use bpm_core::definition::{DefinitionBuilder, Retry};
use bpm_core::engine::{Engine, EngineOptions, Heartbeat, Run};
use bpm_core::error::Error;
use bpm_core::event::{Actor, Event, FailureKind};
use bpm_core::task::{TaskContext, TaskError};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::world::{MILLI, World, backs_off, secs, settle, start, work};

/// An attempt that began. The test speaks for it.
struct Begun {
    cx: TaskContext,
    end: oneshot::Sender<Result<Value, TaskError>>,
}

/// An engine whose attempts arrive here.
struct Place {
    world: World,
    engine: Engine,
    begun: Mutex<mpsc::UnboundedReceiver<Begun>>,
}

impl Place {
    async fn new(world: &World, process: DefinitionBuilder) -> Self {
        let (arrivals, begun) = mpsc::unbounded_channel();
        let attempt = move |_: Value, cx: TaskContext| {
            let (end, ended) = oneshot::channel();
            // A test that is over takes no more attempts.
            let _ = arrivals.send(Begun { cx, end });
            async move { ended.await.unwrap_or_else(|_| Err(TaskError::permanent("over"))) }
        };
        let nothing = bpm_core::definition::ProcessDefinition::builder("nothing");
        let nothing = nothing.start("start").end("end").edge("start", "end");
        let engine = Engine::builder()
            .store(world.store.clone())
            .clock(world.clock.clone())
            .options(world.options.clone())
            .definition(process.build().unwrap())
            .definition(nothing.build().unwrap())
            .handler_with("other", attempt.clone())
            .handler_with("work", attempt);
        let engine = engine.start().await.unwrap();
        Self { world: world.clone(), engine, begun: Mutex::new(begun) }
    }

    async fn begun(&self) -> Begun {
        let next = async { self.begun.lock().await.recv().await };
        tokio::time::timeout(secs(20), next).await.expect("it begins").unwrap()
    }

    /// Lets the retry that is scheduled next come due.
    async fn next_attempt(&self, watch: &mut bpm_core::engine::Watch) -> Begun {
        let (at, due) = backs_off(watch).await;
        self.world.clock.advance(due.since(at));
        self.begun().await
    }

    async fn turns(&self, run: &Run<Value>) -> usize {
        settle(&self.engine).await;
        self.engine.history(run.id()).await.unwrap().len()
    }
}

fn limited() -> DefinitionBuilder {
    work().timeout("work", secs(5)).retry("work", Retry::times(3))
}

#[tokio::test]
async fn a_heartbeat_restarts_the_timeout() {
    let place = Place::new(&World::new([]), limited()).await;
    let mut watch = place.engine.watch();
    let run = start(&place.engine).await;
    let attempt = place.begun().await;
    // Three times as long as the timeout, but never silent for so long.
    for page in 1..=3 {
        place.world.clock.advance(secs(5) - MILLI);
        attempt.cx.heartbeat(json!({ "page": page }));
        assert_eq!(place.turns(&run).await, 1);
    }
    place.world.clock.advance(secs(5) - MILLI);
    assert_eq!(place.turns(&run).await, 1, "not before its time");
    place.world.clock.advance(MILLI);
    let second = place.next_attempt(&mut watch).await;
    let history = place.engine.history(run.id()).await.unwrap();
    let Event::TaskFailed { failure, heartbeat, .. } = &history[1].event else { panic!() };
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(heartbeat.as_ref().map(|said| said.text()), Some(r#"{"page":3}"#));
    assert_eq!(second.cx.last_heartbeat(), Some(json!({ "page": 3 })));
    second.end.send(Ok(json!({}))).unwrap();
    run.outcome().await.unwrap().completed().unwrap();
}

/// After an error like after a timeout; an attempt that says nothing does not unsay it.
#[tokio::test]
async fn the_next_attempts_hear_what_was_said_last_also_after_a_restart() {
    let world = World::new([]);
    let place = Place::new(&world, limited()).await;
    let mut watch = place.engine.watch();
    let run = start(&place.engine).await;
    let first = place.begun().await;
    assert_eq!(first.cx.last_heartbeat(), None);
    first.cx.heartbeat(json!(1));
    first.cx.heartbeat(json!(2));
    assert_eq!(first.cx.last_heartbeat(), None, "its own is not an earlier one");
    first.end.send(Err("no paper".into())).unwrap();
    let (at, due) = backs_off(&mut watch).await;
    let id = run.id();
    place.engine.shutdown().await.unwrap();

    let place = Place::new(&world, limited()).await;
    let mut watch = place.engine.watch();
    world.clock.advance(due.since(at));
    let second = place.begun().await;
    assert_eq!(second.cx.last_heartbeat(), Some(json!(2)));
    second.end.send(Err("no ink".into())).unwrap();
    let third = place.next_attempt(&mut watch).await;
    assert_eq!(third.cx.last_heartbeat(), Some(json!(2)));
    third.end.send(Ok(json!({}))).unwrap();
    place.engine.run::<Value>(id).outcome().await.unwrap().completed().unwrap();
}

#[tokio::test]
async fn what_a_lost_attempt_said_is_lost_and_what_was_stored_is_not() {
    let world = World::new([]);
    let place = Place::new(&world, limited()).await;
    let mut watch = place.engine.watch();
    start(&place.engine).await;
    let first = place.begun().await;
    first.cx.heartbeat(json!("stored"));
    first.end.send(Err("no paper".into())).unwrap();
    let second = place.next_attempt(&mut watch).await;
    second.cx.heartbeat(json!("lost"));
    drop(watch);
    drop(place);

    let place = Place::new(&world, limited()).await;
    let third = place.begun().await;
    assert_eq!((third.cx.attempt(), third.cx.last_heartbeat()), (3, Some(json!("stored"))));
}

#[tokio::test]
async fn another_visit_hears_nothing() {
    let twice = bpm_core::definition::ProcessDefinition::builder("job");
    let twice = twice.start("start").service("work").service("other").end("end");
    let twice = twice.edge("start", "work").edge("work", "other").edge("other", "end");
    let place = Place::new(&World::new([]), twice.retry("work", Retry::times(2))).await;
    let mut watch = place.engine.watch();
    let run = start(&place.engine).await;
    let first = place.begun().await;
    first.cx.heartbeat(json!(1));
    first.end.send(Err("no paper".into())).unwrap();
    let again = place.next_attempt(&mut watch).await;
    assert_eq!(again.cx.last_heartbeat(), Some(json!(1)));
    again.end.send(Ok(json!({}))).unwrap();
    let second = place.begun().await;
    assert_eq!(second.cx.last_heartbeat(), None);
    second.end.send(Ok(json!({}))).unwrap();
    run.outcome().await.unwrap().completed().unwrap();
}

/// A person who has an incident retried lets the same visit go on.
#[tokio::test]
async fn a_retry_by_hand_hears_it_too() {
    let suspends = work().retry("work", Retry::times(1).then_suspend());
    let place = Place::new(&World::new([]), suspends).await;
    let mut watch = place.engine.watch();
    start(&place.engine).await;
    let first = place.begun().await;
    first.cx.heartbeat(json!("half"));
    first.end.send(Err("no paper".into())).unwrap();
    let raised = |change: &bpm_core::change::Change| {
        matches!(change, bpm_core::change::Change::IncidentRaised { .. })
    };
    crate::world::until(&mut watch, raised).await;
    let [incident] = &place.engine.incidents().list().await.unwrap()[..] else { panic!() };
    place.engine.retry(incident.id, Actor::new("ann")).await.unwrap();
    assert_eq!(place.begun().await.cx.last_heartbeat(), Some(json!("half")));
}

#[tokio::test]
async fn attempts_in_flight_are_listed_with_what_they_said() {
    let mut world = World::new([]);
    world.options = EngineOptions { workers: 2, payload_bytes: 10, ..world.options };
    let place = Place::new(&world, work()).await;
    assert_eq!(place.engine.attempts().await.unwrap(), []);
    let first = start(&place.engine).await;
    let attempt = place.begun().await;
    world.clock.advance(secs(1));
    let second = start(&place.engine).await;
    let other = place.begun().await;
    let third = start(&place.engine).await;
    settle(&place.engine).await;
    world.clock.advance(secs(1));
    attempt.cx.heartbeat(json!(7));
    world.clock.advance(secs(1));
    attempt.cx.heartbeat(json!("longer than ten bytes"));
    let [one, two] = &place.engine.attempts().await.unwrap()[..] else { panic!("two places") };
    let began = one.since;
    assert_eq!((one.instance, one.attempt), (first.id(), 1));
    assert_eq!((one.process.as_str(), one.node.as_str()), ("job", "work"));
    let said = Heartbeat { value: json!(7), at: began.after(secs(2)) };
    assert_eq!(one.heartbeat, Some(said), "what is too large is not kept");
    assert_eq!((two.instance, two.since), (second.id(), began.after(secs(1))));
    assert_eq!(two.heartbeat, None);
    attempt.end.send(Ok(json!({}))).unwrap();
    first.outcome().await.unwrap();
    drop(other.end);
    second.outcome().await.unwrap();
    place.begun().await.end.send(Ok(json!({}))).unwrap();
    third.outcome().await.unwrap();
    assert_eq!(place.engine.attempts().await.unwrap(), []);
    place.engine.shutdown().await.unwrap();
    assert!(matches!(place.engine.attempts().await, Err(Error::Stopped)));
}
