//! A store, a clock and a task that does what a test says, for one engine after another.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bpm_core::change::Change;
use bpm_core::clock::Timestamp;
use bpm_core::definition::{DefinitionBuilder, ProcessDefinition};
use bpm_core::engine::{Engine, EngineOptions, Observed, Run, Watch, Watched};
use bpm_core::store::{Store, TimerRow};
use bpm_core::task::TaskError;
use bpm_testkit::clock::TestClock;
use serde_json::{Value, json};

use crate::spy::Spy;

/// What an attempt of the task does.
pub(crate) enum Does {
    Fail(&'static str),
    FailForGood(&'static str),
    Panic,
    /// Waits for ever; what is sent when it is dropped.
    Hang(Dropped),
    /// Blocks its thread until something is sent.
    Block(Receiver<()>),
}

/// Counts itself when it is dropped.
pub(crate) struct Dropped(pub(crate) Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: TestClock,
    pub(crate) store: Spy,
    pub(crate) options: EngineOptions,
    next: Arc<Mutex<VecDeque<Does>>>,
    calls: Arc<AtomicU32>,
}

impl World {
    /// A world in which the task's attempts do these things, one after another, and then succeed.
    pub(crate) fn new(attempts: impl IntoIterator<Item = Does>) -> Self {
        let options =
            EngineOptions { jitter_seed: 7, grace: Duration::ZERO, ..EngineOptions::default() };
        Self {
            clock: TestClock::new(),
            store: Spy::default(),
            options,
            next: Arc::new(Mutex::new(attempts.into_iter().collect())),
            calls: Arc::default(),
        }
    }

    /// How many attempts there were.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }

    /// An engine for a process, and for one without any step.
    pub(crate) async fn engine(&self, process: DefinitionBuilder) -> Engine {
        let work = self.clone();
        let nothing = ProcessDefinition::builder("nothing").start("start").end("end");
        let engine = Engine::builder()
            .store(self.store.clone())
            .clock(self.clock.clone())
            .options(self.options.clone())
            .definition(process.build().unwrap())
            .definition(nothing.edge("start", "end").build().unwrap())
            .handler("work", move |_| work.clone().attempt())
            .handler("other", |_| async { Ok::<_, String>(json!({ "other": true })) });
        engine.start().await.unwrap()
    }

    async fn attempt(self) -> Result<Value, TaskError> {
        let does = self.next.lock().unwrap().pop_front();
        self.calls.fetch_add(1, Ordering::SeqCst);
        match does {
            None => Ok(json!({ "done": self.calls() })),
            Some(Does::Fail(why)) => Err(why.into()),
            Some(Does::FailForGood(why)) => Err(TaskError::permanent(why)),
            Some(Does::Panic) => panic!("out of ink"),
            Some(Does::Hang(_dropped)) => std::future::pending().await,
            Some(Does::Block(until)) => {
                until.recv()?;
                Ok(json!({ "late": true }))
            }
        }
    }

    /// The timers that are set.
    pub(crate) fn timers(&self) -> Vec<TimerRow> {
        self.store.timers(None, 10_000).unwrap()
    }
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) const MILLI: Duration = Duration::from_millis(1);

/// `start → work → end`.
pub(crate) fn work() -> DefinitionBuilder {
    ProcessDefinition::builder("job")
        .start("start")
        .service("work")
        .end("end")
        .edge("start", "work")
        .edge("work", "end")
}

/// `start → pause → end`.
pub(crate) fn pause(after: &str) -> DefinitionBuilder {
    ProcessDefinition::builder("job")
        .start("start")
        .wait("pause", after)
        .end("end")
        .edge("start", "pause")
        .edge("pause", "end")
}

/// Starts an instance of the process.
pub(crate) async fn start(engine: &Engine) -> Run<Value> {
    engine.start_definition("job", json!({})).await.unwrap()
}

/// Returns when everything that could happen by now is durable: an instance that is started now
/// has ended.
pub(crate) async fn settle(engine: &Engine) {
    let last = engine.start_definition("nothing", json!({})).await.unwrap();
    last.outcome().await.unwrap();
}

/// Returns when so many attempts have begun: one that is dropped before does nothing.
pub(crate) async fn begun(world: &World, attempts: u32) {
    while world.calls() < attempts {
        tokio::task::yield_now().await;
    }
}

/// The next turn with such a change.
pub(crate) async fn until(watch: &mut Watch, is: impl Fn(&Change) -> bool) -> Arc<Observed> {
    loop {
        let next = tokio::time::timeout(secs(20), watch.next()).await;
        let Watched::Turn(turn) = next.expect("it comes").expect("the engine runs") else {
            panic!("the watcher was too slow");
        };
        if turn.recorded.changes.iter().any(&is) {
            return turn;
        }
    }
}

/// When the next retry was scheduled, and for when.
pub(crate) async fn backs_off(watch: &mut Watch) -> (Timestamp, Timestamp) {
    let turn = until(watch, |change| matches!(change, Change::RetryScheduled { .. })).await;
    let due = turn.recorded.changes.iter().find_map(|change| match change {
        Change::RetryScheduled { due, .. } => Some(*due),
        _ => None,
    });
    (turn.recorded.at, due.unwrap())
}

/// Lets retries come due until an incident is raised or the instance has ended.
pub(crate) async fn exhaust(world: &World, watch: &mut Watch) {
    loop {
        let turn = until(watch, |change| {
            matches!(
                change,
                Change::RetryScheduled { .. }
                    | Change::IncidentRaised { .. }
                    | Change::ProcessFailed
                    | Change::ProcessCompleted { .. }
            )
        });
        let turn = turn.await;
        let goes_on = |change: &Change| matches!(change, Change::RetryScheduled { .. });
        if !turn.recorded.changes.iter().any(goes_on) {
            return;
        }
        world.clock.advance(secs(60));
    }
}
