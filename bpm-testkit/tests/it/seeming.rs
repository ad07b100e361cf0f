//! Commits that seem to fail and are durable all the same: what they did to attempts is made up
//! for, by what is stored.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bpm_core::clock::Timestamp;
use bpm_core::definition::ProcessDefinition;
use bpm_core::engine::by_hand::ByHand;
use bpm_core::engine::{Engine, EngineBuilder, EngineOptions};
use bpm_core::event::{Actor, Event};
use bpm_core::ids::InstanceId;
use bpm_core::json::Json;
use bpm_core::store::{InstanceFilter, Memory, Status, Store, UserTaskFilter};
use bpm_core::task::TaskContext;
use bpm_testkit::clock::TestClock;
use bpm_testkit::sim::faults::{Fault, Faulty, Plan};
use bpm_testkit::sim::times::Told;
use bpm_testkit::sim::tree::{Branch, Clause, On, Process, Stmt, Task, User};
use bpm_testkit::sim::{desk, lower};
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
        let build = |engine: EngineBuilder| {
            let engine = engine.definition(both());
            let engine = engine.handler_with("one", move |_, context| first("one", context));
            engine.handler_with("two", move |_, context| second("two", context))
        };
        Self { seen, ends, ..Self::begun(TestClock::new(), build, "both", Vec::new()) }
    }

    /// An instance of a process that is written as a tree; its attempts are on the desk.
    fn of(process: &Process) -> Self {
        let definition = lower::definition(process);
        let keys = definition.graph().variables.iter().map(|variable| variable.key.to_string());
        let input = keys.map(|key| (key, Json::from(&0.into()))).collect();
        let clock = TestClock::at(Timestamp::from_millis(0));
        Self::begun(clock, |engine| engine.definition(definition), "Random", input)
    }

    fn begun(
        clock: TestClock,
        build: impl FnOnce(EngineBuilder) -> EngineBuilder,
        process: &str,
        input: Vec<(String, Json)>,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let plan = Plan::default();
        let store: Arc<dyn Store> = Arc::new(Memory::new());
        let engine = Engine::builder()
            .store(Faulty::new(Arc::clone(&store), plan.clone()))
            .clock(clock.clone())
            .options(EngineOptions { workers: 1, watch_turns: 1, ..EngineOptions::default() });
        let engine = build(engine).start_by_hand(runtime.handle().clone()).unwrap();
        drop(engine.start(INSTANCE, process, None, input).unwrap());
        let (seen, ends) = Default::default();
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
        self.pass(100);
    }

    fn pass(&mut self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
        self.settle();
    }

    /// The one attempt on the desk succeeds.
    fn desk_ends(&mut self) {
        desk::end(0, Told::Value(1)).unwrap();
        self.settle();
    }

    /// What completes the user task that is open.
    fn completed(&self) -> Event {
        let open = self.store.user_tasks(&UserTaskFilter::default()).unwrap();
        let (task, node, payload) = (open[0].id, open[0].node.clone(), Json::from(&0.into()));
        Event::UserTaskCompleted { task, node, payload, actor: None }
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

/// Those that began on the desk since this was last asked: node and attempt.
fn began() -> Vec<(String, u32)> {
    let name = |attempt: &desk::Attempt| desk::node_and_visit(attempt).0.to_owned();
    desk::begun().iter().map(|(attempt, _)| (name(attempt), attempt.2)).collect()
}

fn user() -> Stmt {
    Stmt::User(User { id: "user".to_owned(), clauses: Vec::new() })
}

fn beside(one: Vec<Stmt>, other: Vec<Stmt>) -> Process {
    let branch = |body| Branch { body, after: Vec::new() };
    let branches = vec![branch(one), branch(other)];
    Process::of(vec![Stmt::Parallel("both".to_owned(), branches)])
}

fn task(id: &str) -> Task {
    Task::undoable(id)
}

/// Found as seed 10044878: the recovery stopped an attempt that had no place, and what the
/// instance began then, not even durable, it thought to be lost.
#[test]
fn what_begins_in_a_recovery_is_not_lost() {
    let body = vec![Stmt::Task(task("late"))];
    let clauses = vec![Clause { id: "on".to_owned(), on: On::After(1), body }];
    let waits = Stmt::Task(Task { clauses, ..task("waits") });
    let mut house = House::of(&beside(vec![Stmt::Task(task("runs"))], vec![waits]));
    assert_eq!(began(), [("runs".to_owned(), 1)]);
    house.plan.next_commit(Fault::After);
    house.pass(1);
    house.later();
    house.desk_ends();
    assert_eq!(began(), [("late".to_owned(), 1)]);
    house.desk_ends();
    assert_eq!(began(), []);
    assert_eq!(house.status(), Status::Completed);
}

/// Found as seed 10601122: each time that the instance was to be recovered a turn of it was on its
/// way, and the timers of the one that had seemed to fail came late.
#[test]
fn a_recovery_follows_the_turn_that_is_on_its_way() {
    let wait = Stmt::Wait("wait".to_owned(), 150);
    let waits = vec![Stmt::Task(task("first")), wait, Stmt::Task(task("second"))];
    let mut house = House::of(&beside(waits, vec![user()]));
    house.plan.next_commit(Fault::After);
    house.desk_ends();
    assert_eq!(began(), [("first".to_owned(), 1)]);
    let mut answer = house.engine.deliver(INSTANCE, house.completed()).unwrap();
    house.later();
    assert!(answer.try_recv().unwrap().is_ok());
    house.pass(50);
    assert_eq!(began(), [("second".to_owned(), 1)]);
    house.desk_ends();
    assert_eq!(house.status(), Status::Completed);
}

/// A result that comes while the store cannot be read waits until it can, and the recovery of its
/// instance with it.
#[test]
fn a_result_that_waits_for_the_store_is_not_lost() {
    let mut house = House::of(&beside(vec![Stmt::Task(task("runs"))], vec![user()]));
    house.seems_to_fail(house.completed());
    house.pass(50);
    house.plan.fail_reads(Some(0));
    house.desk_ends();
    house.plan.fail_reads(None);
    house.pass(50);
    house.pass(50);
    assert_eq!(began(), [("runs".to_owned(), 1)]);
    assert_eq!(house.status(), Status::Completed);
}
