//! A diary: what tasks of tests did, and what a test has them do instead.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_engine::{EngineBuilder, Runs, Watch};
use bpm_testkit::clock::TestClock;
use tokio::sync::{Notify, oneshot};

use crate::house::*;

/// What an attempt does instead of succeeding.
pub(crate) enum Plan {
    Fail(&'static str),
    FailForGood(&'static str),
    /// Never ends.
    Hang,
    /// Succeeds once the other end is dropped.
    Await(oneshot::Receiver<()>),
    /// Fails once the other end is dropped.
    FailLate(oneshot::Receiver<()>),
}

/// Tasks write here; clones are the same diary.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Inner>);

#[derive(Default)]
struct Inner {
    pages: Mutex<Pages>,
    turned: Notify,
}

#[derive(Default)]
struct Pages {
    said: Vec<String>,
    attempts: HashMap<String, usize>,
    plans: HashMap<String, VecDeque<Plan>>,
}

impl Diary {
    /// The next attempts of what writes this entry go so; later ones succeed.
    pub(crate) fn plan(&self, entry: &str, plans: impl IntoIterator<Item = Plan>) {
        self.pages().plans.entry(entry.to_owned()).or_default().extend(plans);
    }

    /// The next attempt waits until what this gives is dropped.
    pub(crate) fn hold(&self, entry: &str) -> oneshot::Sender<()> {
        let (release, held) = oneshot::channel();
        self.plan(entry, [Plan::Await(held)]);
        release
    }

    /// What succeeded, in order.
    pub(crate) fn said(&self) -> Vec<String> {
        self.pages().said.clone()
    }

    /// How many attempts of an entry began.
    pub(crate) fn attempts(&self, entry: &str) -> usize {
        self.pages().attempts.get(entry).copied().unwrap_or(0)
    }

    /// Waits until so many attempts of an entry have begun.
    pub(crate) async fn begun(&self, entry: &str, count: usize) {
        loop {
            let turned = self.0.turned.notified();
            tokio::pin!(turned);
            turned.as_mut().enable();
            if self.attempts(entry) >= count {
                return;
            }
            turned.await;
        }
    }

    /// What a task does: writes an entry, or what is planned instead.
    pub(crate) async fn write(&self, entry: &str) -> Result<(), TaskError> {
        let plan = {
            let mut pages = self.pages();
            *pages.attempts.entry(entry.to_owned()).or_default() += 1;
            pages.plans.get_mut(entry).and_then(VecDeque::pop_front)
        };
        self.0.turned.notify_waiters();
        match plan {
            None => {}
            Some(Plan::Fail(why)) => return Err(why.into()),
            Some(Plan::FailForGood(why)) => return Err(TaskError::permanent(why)),
            Some(Plan::Hang) => std::future::pending().await,
            // Nothing is ever sent: this ends when the sender is dropped.
            Some(Plan::Await(held)) => drop(held.await),
            Some(Plan::FailLate(held)) => {
                drop(held.await);
                return Err(TaskError::permanent("late"));
            }
        }
        self.pages().said.push(entry.to_owned());
        Ok(())
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.pages.lock().unwrap()
    }
}

/// Books something; gives what was booked.
#[service_task]
pub(crate) async fn book(diary: State<Diary>, what: &str) -> Result<String, TaskError> {
    diary.write(&format!("book {what}")).await?;
    Ok(format!("the {what}"))
}

/// Takes a booking back. What it gives, nobody takes.
#[service_task]
pub(crate) async fn free(diary: State<Diary>, what: &str) -> Result<usize, TaskError> {
    diary.write(&format!("free {what}")).await?;
    Ok(what.len())
}

workflow! {
    pub(crate) process Nothing() {}
}

/// Whatever was due has happened when another instance has run from start to end; the
/// engine has the process `Nothing`.
pub(crate) async fn settle(engine: &Engine) {
    engine.start(Nothing).await.unwrap().outcome().await.unwrap();
}

/// A house, a diary and a clock.
pub(crate) struct Office {
    pub(crate) house: House,
    pub(crate) diary: Diary,
    pub(crate) clock: TestClock,
}

impl Office {
    pub(crate) fn all() -> [Self; 2] {
        House::all().map(|house| Self { house, diary: Diary::default(), clock: TestClock::new() })
    }

    /// A builder whose engines drop attempts at once when they stop.
    pub(crate) fn builder(&self) -> EngineBuilder {
        let options =
            EngineOptions { grace: Duration::ZERO, jitter_seed: 7, ..EngineOptions::default() };
        let builder = self.house.builder().clock(self.clock.clone()).options(options);
        builder.state(self.diary.clone())
    }

    /// A builder whose engines await attempts that are told to stop.
    pub(crate) fn patient(&self) -> EngineBuilder {
        self.builder().options(EngineOptions { jitter_seed: 7, ..EngineOptions::default() })
    }

    /// The outcome of a run; whenever something waits for a time, that time comes.
    pub(crate) async fn outcome<P: Runs>(
        &self,
        run: &Run<P>,
        watch: &mut Watch,
    ) -> Outcome<P::Output> {
        loop {
            tokio::select! {
                outcome = run.outcome() => return outcome.unwrap(),
                turn = watch.next() => {
                    if let Some(Watched::Turn(turn)) = turn {
                        turn.recorded.changes.iter().for_each(|change| self.pass(change));
                    }
                }
            }
        }
    }

    fn pass(&self, change: &Change) {
        if let Change::RetryScheduled { .. } | Change::TimerSet { .. } = change {
            self.clock.advance(Duration::from_secs(100 * 24 * 3_600));
        }
    }

    /// The next incident; whenever something waits for a time before, that time comes.
    pub(crate) async fn incident(&self, watch: &mut Watch, engine: &Engine) -> Incident {
        let raised = |change: &Change| matches!(change, Change::IncidentRaised { .. });
        loop {
            let turn = until(watch, |_| true).await;
            turn.recorded.changes.iter().for_each(|change| self.pass(change));
            if turn.recorded.changes.iter().any(raised) {
                let [incident] = engine.incidents().list().await.unwrap().try_into().unwrap();
                return incident;
            }
        }
    }
}
