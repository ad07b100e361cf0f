//! The engine: what callers do with instances.
//!
//! ```text
//!   callers ─► mailbox ─► dispatcher: step ─► writer: commit ─► dispatcher: release
//!                 ▲                                                 │
//!                 ╰──────────── workers: attempts ◄─────────────────╯
//! ```
//!
//! Effects (attempts, answers) leave only after the turn that led to them is durable, and every
//! one can be derived again from what is stored: after a crash, recovery does just that.

mod again;
mod builder;
#[doc(hidden)]
pub mod by_hand;
mod completion;
mod dispatcher;
mod live;
mod mailbox;
mod operate;
mod options;
mod pulse;
mod queries;
mod recovery;
mod registry;
mod retention;
mod shared;
mod start;
mod statistics;
mod timers;
mod turn;
mod unreadable;
mod watch;
mod workers;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::event::{Actor, Event};
use crate::ids::{IncidentId, InstanceId, UserTaskId};
use crate::json::Json;
use crate::process::Process;
use crate::refused::Refused;
use crate::vars::UserTaskName;

use mailbox::Message;
use shared::Shared;

pub use crate::history::Recorded;
pub use builder::EngineBuilder;
pub use completion::Completion;
pub use options::EngineOptions;
pub use pulse::{AttemptInfo, Heartbeat};
pub use queries::{Incident, Incidents, InstanceInfo, Instances, UserTask, UserTasks};
pub use recovery::{MissingDefinition, Recovered};
pub use start::{Outcome, Run, Runs, StartCall};
pub use statistics::Statistics;
pub use watch::{Observed, Watch, Watched};

/// A process engine. Cloning gives another handle on the same one; when the last handle is
/// dropped the engine stops as it is, with everything that was acknowledged kept.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    recovered: Arc<Recovered>,
    _owner: Arc<Owner>,
}

/// Stops the engine's threads when the last handle goes.
struct Owner {
    shared: Arc<Shared>,
    dispatcher: Mutex<Option<JoinHandle<()>>>,
    _runtime: Background,
}

/// A runtime that ends without being waited for, wherever it is dropped: on one of its own threads
/// the wait would never end, and in a caller's async context it is not allowed.
struct Background(Option<Runtime>);

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Engine {
    /// Collects what an engine is made of.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// What the engine found when it started.
    pub fn recovered(&self) -> &Recovered {
        &self.recovered
    }

    /// Starts an instance of a process that is written with `workflow!`.
    pub fn start<P: Process>(&self, process: P) -> StartCall<P> {
        StartCall::of_process(Arc::clone(&self.shared), &process)
    }

    /// Starts an instance of a built definition, of the highest version that is registered. The
    /// input is a JSON object; the instance completes with all its variables.
    pub fn start_definition(
        &self,
        name: &str,
        input: serde_json::Value,
    ) -> StartCall<serde_json::Value> {
        StartCall::of_definition(Arc::clone(&self.shared), name, input)
    }

    /// A handle on an instance by its id, also after a restart.
    pub fn run<P>(&self, instance: InstanceId) -> Run<P> {
        Run::new(Arc::clone(&self.shared), instance)
    }

    /// An instance by its id.
    pub async fn instance(&self, instance: InstanceId) -> Result<InstanceInfo, Error> {
        let row = self.shared.read(move |store| store.instance(instance)).await?;
        row.map(InstanceInfo::from).ok_or_else(|| Refused::UnknownInstance(instance).into())
    }

    /// A query for instances, such as those that are suspended.
    pub fn instances(&self) -> Instances {
        Instances::new(Arc::clone(&self.shared))
    }

    /// A query for open user tasks.
    pub fn user_tasks(&self) -> UserTasks {
        UserTasks::new(Arc::clone(&self.shared))
    }

    /// Completes a user task with a payload of its type.
    pub fn complete<T: Serialize>(
        &self,
        task: UserTaskId,
        name: UserTaskName<T>,
        payload: T,
    ) -> Completion {
        let expected = Some((name.process(), name.name()));
        Completion::new(Arc::clone(&self.shared), task, expected, Json::of(&payload))
    }

    /// Completes a user task with JSON, which is checked against the task's type before anything
    /// changes.
    pub fn complete_json(&self, task: UserTaskId, payload: serde_json::Value) -> Completion {
        Completion::new(Arc::clone(&self.shared), task, None, Ok(Json::from(&payload)))
    }

    /// The attempts in flight, the oldest first, with what each said last of its progress. Those
    /// that wait for a place among the `workers` are not in flight.
    pub async fn attempts(&self) -> Result<Vec<AttemptInfo>, Error> {
        let (sender, attempts) = oneshot::channel();
        self.shared.mailbox.post(Message::ListAttempts(sender));
        attempts.await.map_err(|_| Error::Stopped)
    }

    /// Questions about incidents.
    pub fn incidents(&self) -> Incidents {
        Incidents::new(Arc::clone(&self.shared))
    }

    /// Cancels an instance: no new work starts in it, what waits is closed, attempts in flight are
    /// told to stop and awaited up to the grace time, and then what completed is undone. Returns
    /// when the cancellation is durable; `outcome` tells when the instance has ended.
    pub async fn cancel(&self, instance: InstanceId, actor: Actor) -> Result<(), Error> {
        let event = Event::CancelRequested { actor };
        self.shared.deliver(instance, event).await
    }

    /// Ends an instance at once and undoes nothing, also in the middle of undoing. The outcome
    /// lists what was not undone.
    pub async fn terminate(&self, instance: InstanceId, actor: Actor) -> Result<(), Error> {
        let event = Event::TerminateRequested { actor };
        self.shared.deliver(instance, event).await
    }

    /// Suspends an instance: until it is resumed no token moves and no attempt begins. Attempts in
    /// flight end, and their results are kept. Returns when the suspension is durable.
    pub async fn suspend(&self, instance: InstanceId, actor: Actor) -> Result<(), Error> {
        let event = Event::SuspendRequested { actor };
        self.shared.deliver(instance, event).await
    }

    /// Resumes a suspended instance: it goes on from where it was, and timers that came due
    /// meanwhile fire, oldest first.
    pub async fn resume(&self, instance: InstanceId, actor: Actor) -> Result<(), Error> {
        let event = Event::ResumeRequested { actor };
        self.shared.deliver(instance, event).await
    }

    /// Runs the step of an incident again: a service task has as many attempts as it had at
    /// first, a condition is evaluated again.
    pub async fn retry(&self, incident: IncidentId, actor: Actor) -> Result<(), Error> {
        self.shared.settle(incident, Event::IncidentRetried { incident, actor }).await
    }

    /// Gives the value that the activity of an incident could not give, and goes on behind it.
    /// The value is checked against the activity's type before anything changes.
    pub async fn skip_with<T: Serialize>(
        &self,
        incident: IncidentId,
        value: T,
        actor: Actor,
    ) -> Result<(), Error> {
        let value = Json::of(&value).map_err(|source| Error::Unreadable {
            what: format!("the value for incident {incident}"),
            source,
        })?;
        let limit = self.shared.options.payload_bytes;
        if value.text().len() > limit {
            let (what, bytes) = (format!("the value for incident {incident}"), value.text().len());
            return Err(Refused::TooLarge { what, bytes, limit }.into());
        }
        self.shared.settle(incident, Event::IncidentSkipped { incident, value, actor }).await
    }

    /// Lets an incident fail: its error becomes the failure of the activity.
    pub async fn fail(&self, incident: IncidentId, actor: Actor) -> Result<(), Error> {
        self.shared.settle(incident, Event::IncidentFailed { incident, actor }).await
    }

    /// What happened to an instance, in order: everything from turn 1 on, or of a very long
    /// history about the last three quarters of [`history_turns`](EngineOptions::history_turns), or
    /// more.
    pub async fn history(&self, instance: InstanceId) -> Result<Vec<Recorded>, Error> {
        let history = self.shared.read(move |store| queries::history(store, instance)).await?;
        if history.is_empty() {
            return Err(Refused::UnknownInstance(instance).into());
        }
        Ok(history)
    }

    /// Every turn of every instance from now on, as it becomes durable.
    pub fn watch(&self) -> Watch {
        Watch::new(self.shared.watchers.subscribe())
    }

    /// What the engine has done since it started.
    pub fn statistics(&self) -> Statistics {
        self.shared.counters.read()
    }

    /// Waits until nothing can happen before time passes: every call that was answered is durable,
    /// no commit and no attempt is under way. Says how much time must pass until something
    /// happens by itself; `None` if nothing will. For tests with a clock that is set by hand.
    #[doc(hidden)]
    pub async fn rest(&self) -> Result<Option<Duration>, Error> {
        let (sender, resting) = oneshot::channel();
        self.shared.mailbox.post(Message::Rest(sender));
        resting.await.map_err(|_| Error::Stopped)
    }

    /// Stops the engine without any grace: attempts in flight are lost. For tests of what a crash
    /// leaves.
    #[doc(hidden)]
    pub async fn abandon(&self) -> Result<(), Error> {
        self.shared.mailbox.post(Message::Abandon);
        self.shutdown().await
    }

    /// Stops the engine: nothing new is taken or dispatched, attempts in flight get
    /// `EngineOptions::grace` and are then dropped as lost, and the store is closed. What was
    /// acknowledged is kept; the next start goes on with the rest.
    pub async fn shutdown(&self) -> Result<(), Error> {
        let (answer, done) = oneshot::channel();
        self.shared.mailbox.post(Message::Shutdown(answer));
        done.await.unwrap_or(Ok(()))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.mailbox.post(Message::Abandon);
        let mut dispatcher = self.dispatcher.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = dispatcher.take() {
            // A panic of the thread was printed by its hook; there is nothing left to do about it.
            let _ = thread.join();
        }
    }
}
