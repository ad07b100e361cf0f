//! The engine by hand: all that it is but for its threads, for simulations that say which of them
//! goes on next. Not for people: it changes with the engine.
//!
//! The dispatcher, its queues, its recovery and its timers, the workers and what the writer does
//! are those of every engine. Attempts run on the runtime that is given; one that only its owner
//! drives makes all of it deterministic.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::event::Event;
use crate::ids::InstanceId;
use crate::json::Json;
use crate::refused::Refused;
use crate::store::Batch;

use super::dispatcher::Dispatcher;
use super::mailbox::{Answer, Message, Post, Start};
use super::shared::Shared;
use super::start::input_hash;
use super::writer::{self, Job};

/// The answer to a call: durable, refused, or that the store failed.
pub type Answered = oneshot::Receiver<Result<InstanceId, Error>>;

/// An engine without threads. Dropping it is a crash.
pub struct ByHand {
    shared: Arc<Shared>,
    dispatcher: Dispatcher,
    jobs: Receiver<Job>,
    next: Option<Job>,
    messages: Vec<Message>,
}

impl ByHand {
    pub(super) fn new(shared: Arc<Shared>, dispatcher: Dispatcher, jobs: Receiver<Job>) -> Self {
        Self { shared, dispatcher, jobs, next: None, messages: Vec::new() }
    }

    /// Starts an instance of the highest version of a process, with an id of the caller's.
    pub fn start(
        &self,
        id: InstanceId,
        process: &str,
        key: Option<String>,
        input: Vec<(String, Json)>,
    ) -> Result<Answered, Refused> {
        let Some(registered) = self.shared.registry.latest(process).cloned() else {
            let (name, known) = (process.to_owned(), self.shared.registry.names());
            return Err(Refused::UnknownProcess { name, known });
        };
        let input_hash = input_hash(&input);
        self.call(|answer| {
            Message::Start(Box::new(Start { id, registered, key, input, input_hash, answer }))
        })
    }

    /// Brings an event to its instance.
    pub fn deliver(&self, instance: InstanceId, event: Event) -> Result<Answered, Refused> {
        self.call(|answer| Message::Post(Post { instance, event, answer: Some(answer) }))
    }

    fn call(&self, message: impl FnOnce(Answer) -> Message) -> Result<Answered, Refused> {
        let permit = Arc::clone(&self.shared.calls).try_acquire_owned();
        let permit = permit.map_err(|_| Refused::ShuttingDown)?;
        let (sender, answered) = oneshot::channel();
        self.shared.mailbox.post(message(Answer { sender, permit }));
        Ok(answered)
    }

    /// Whether something waits for the dispatcher.
    pub fn has_messages(&self) -> bool {
        !self.shared.mailbox.is_empty()
    }

    /// One round of the dispatcher: all that has come, and what the time brings.
    pub fn dispatch(&mut self) {
        self.shared.mailbox.take(Some(Duration::ZERO), &mut self.messages);
        self.dispatcher.round(&mut self.messages);
    }

    /// Whether turns are on their way to the store.
    pub fn has_turns(&mut self) -> bool {
        if self.next.is_none() {
            self.next = self.jobs.try_recv().ok();
        }
        self.next.is_some()
    }

    /// The writer makes the commit that it was handed, if it was handed one.
    pub fn commit(&mut self) {
        if self.has_turns()
            && let Some(job) = self.next.take()
        {
            let shared = &self.shared;
            writer::write_one(&*shared.store, &mut Batch::default(), job, &shared.mailbox);
        }
    }

    /// The engine's time.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// When the time brings something next, by the clock's monotonic time.
    pub fn deadline(&self) -> Option<Duration> {
        self.dispatcher.deadline()
    }
}
