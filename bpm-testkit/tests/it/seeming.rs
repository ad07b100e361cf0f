//! Commits that seem to fail and are durable all the same: what they did to attempts is made up
//! for, by what is stored.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bpm_core::definition::ProcessDefinition;
use bpm_core::engine::by_hand::ByHand;
use bpm_core::engine::{Engine, EngineOptions};
use bpm_core::event::{Actor, Event};
use bpm_core::ids::InstanceId;
use bpm_core::store::{InstanceFilter, Memory, Status, Store};
use bpm_core::task::TaskContext;
use bpm_testkit::clock::TestClock;
use bpm_testkit::sim::faults::{Fault, Faulty, Plan};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

const INSTANCE: InstanceId = InstanceId::from_bytes([7; 16]);

/// An engine with one place for the attempts of two tasks, `one` and `two`.
struct House {
    engine: ByHand,
    runtime: Runtime,
    clock: TestClock,
    store: Arc<dyn Store>,
    plan: Plan,
    seen: Arc<Mutex<Vec<String>>>,
    ends: Arc<Notify>,
}

fn both() -> ProcessDefinition {
    let builder = ProcessDefinition::builder("both").start("start").parallel("fork");
    let builder = builder.service("one").service("two").parallel("join").end("end");
    let edges = [
        ("start", "fork"),
        ("fork", "one"),
        ("fork", "two"),
        ("one", "join"),
        ("two", "join"),
        ("join", "end"),
    ];
    edges.into_iter().fold(builder, |builder, (from, to)| builder.edge(from, to)).build().unwrap()
}

impl House {
    /// The instance has begun: an attempt runs, and another one has no place yet.
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (clock, plan) = (TestClock::new(), Plan::default());
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let (seen, ends) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(Notify::new()));
        let (told, over) = (Arc::clone(&seen), Arc::clone(&ends));
        let attempt = move |node: &'static str, context: TaskContext| {
            let (seen, ends) = (Arc::clone(&told), Arc::clone(&over));
            async move {
                seen.lock().unwrap().push(node.to_owned());
                tokio::select! {
                    () = ends.notified() => {}
                    () = context.cancelled() => seen.lock().unwrap().push("told".to_owned()),
                }
                Ok::<Value, String>(json!({}))
            }
        };
        let (first, second) = (attempt.clone(), attempt);
        let engine = Engine::builder()
            .store(Faulty::new(Arc::clone(&store), plan.clone()))
            .clock(clock.clone())
            .options(EngineOptions { workers: 1, watch_turns: 1, ..EngineOptions::default() })
            .definition(both())
            .handler_with("one", move |_, context| first("one", context))
            .handler_with("two", move |_, context| second("two", context))
            .start_by_hand(runtime.handle().clone())
            .unwrap();
        drop(engine.start(INSTANCE, "both", None, Vec::new()).unwrap());
        let mut house = Self { engine, runtime, clock, store, plan, seen, ends };
        house.settle();
        house
    }

    /// Everything goes on until nothing is left to do without time.
    fn settle(&mut self) {
        for _ in 0..20 {
            self.engine.dispatch();
            self.engine.commit();
            self.runtime.block_on(async {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            });
        }
    }

    /// Someone asks for something, and gets an error although it is durable.
    fn seems_to_fail(&mut self, event: Event) {
        let mut answer = self.engine.deliver(INSTANCE, event).unwrap();
        self.plan.next_commit(Fault::After);
        self.settle();
        assert!(answer.try_recv().unwrap().is_err());
    }

    fn is_taken(&mut self, event: Event) {
        let mut answer = self.engine.deliver(INSTANCE, event).unwrap();
        self.settle();
        assert!(answer.try_recv().unwrap().is_ok());
    }

    /// What was tried in vain is tried again.
    fn later(&mut self) {
        self.clock.advance(Duration::from_millis(100));
        self.settle();
    }

    fn attempt_ends(&mut self) {
        self.ends.notify_one();
        self.settle();
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    fn status(&self) -> Status {
        self.store.instances(&InstanceFilter::default()).unwrap()[0].state.status
    }
}

fn suspend() -> Event {
    Event::SuspendRequested { actor: Actor::new("ann") }
}

fn resume() -> Event {
    Event::ResumeRequested { actor: Actor::new("ann") }
}

#[test]
fn no_attempt_begins_behind_a_suspension_that_seemed_to_fail() {
    for known in [false, true] {
        let mut house = House::new();
        house.seems_to_fail(suspend());
        assert_eq!(house.status(), Status::Suspended);
        if known {
            house.later();
        }
        house.attempt_ends();
        house.later();
        assert_eq!(house.seen(), ["one"], "known: {known}");
        house.is_taken(resume());
        assert_eq!(house.seen(), ["one", "two"]);
        house.attempt_ends();
        assert_eq!(house.status(), Status::Completed);
    }
}

#[test]
fn what_was_held_begins_behind_a_resumption_that_seemed_to_fail() {
    let mut house = House::new();
    house.is_taken(suspend());
    house.attempt_ends();
    house.seems_to_fail(resume());
    house.later();
    assert_eq!(house.seen(), ["one", "two"]);
    house.attempt_ends();
    assert_eq!(house.status(), Status::Completed);
}

#[test]
fn attempts_hear_of_a_cancellation_that_seemed_to_fail() {
    let mut house = House::new();
    house.seems_to_fail(Event::CancelRequested { actor: Actor::new("ann") });
    house.later();
    assert_eq!(house.seen(), ["one", "told"]);
    assert_eq!(house.status(), Status::Cancelled);
}

#[test]
fn a_resumption_lets_nothing_begin_behind_a_cancellation_that_seemed_to_fail() {
    let mut house = House::new();
    house.seems_to_fail(Event::CancelRequested { actor: Actor::new("ann") });
    house.is_taken(suspend());
    house.is_taken(resume());
    house.later();
    assert_eq!(house.seen(), ["one", "told"]);
    assert_eq!(house.status(), Status::Cancelled);
}

#[test]
fn attempts_are_gone_behind_a_termination_that_seemed_to_fail() {
    let mut house = House::new();
    house.seems_to_fail(Event::TerminateRequested { actor: Actor::new("ann") });
    house.later();
    assert_eq!(house.seen(), ["one"]);
    assert_eq!(house.status(), Status::Terminated);
    // The attempt was dropped, and its place is free.
    drop(house.engine.start(InstanceId::from_bytes([8; 16]), "both", None, Vec::new()).unwrap());
    house.settle();
    assert_eq!(house.seen(), ["one", "one"]);
}
