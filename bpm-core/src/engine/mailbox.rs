//! The dispatcher's mailbox: everything that wants something of it, in order of arrival.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::error::Error;
use crate::event::{Caught, Event, Failure, TokenId};
use crate::ids::InstanceId;
use crate::instance::Ending;
use crate::json::Json;
use crate::refused::Refused;
use crate::store::TimerRow;
use crate::store::{self, Verdict};

use super::pulse::AttemptInfo;
use super::registry::Registered;
use super::turn::PendingTurn;

/// What the dispatcher can be asked or told.
pub(super) enum Message {
    /// Start an instance.
    Start(Box<Start>),
    /// Something happened to an instance.
    Post(Post),
    /// An attempt is over.
    Over(Over),
    /// The writer is done with a commit.
    Committed(Vec<PendingTurn>, Result<Vec<Verdict>, store::Error>),
    /// An instance must go on after a restart.
    Recover(InstanceId),
    /// Bring this timer to its instance; it is due.
    Fire(TimerRow),
    /// Nothing but the time has come to look at the timers.
    LookAtTimers,
    /// A commit failed that may have happened all the same: look whether the turn is there.
    LookFor(Unsure),
    /// Someone waits for the end of an instance.
    Await(InstanceId, oneshot::Sender<Result<Ending, Error>>),
    /// Someone waits until nothing can happen before time passes.
    Rest(oneshot::Sender<Option<Duration>>),
    /// Someone asks for the attempts in flight.
    ListAttempts(oneshot::Sender<Vec<AttemptInfo>>),
    /// Take no more work, await what is in flight, close the store, answer.
    Shutdown(oneshot::Sender<Result<(), Error>>),
    /// The engine was dropped: stop at once, with what is committed.
    Abandon,
}

/// A start.
pub(super) struct Start {
    pub(super) id: InstanceId,
    pub(super) registered: Registered,
    pub(super) key: Option<String>,
    pub(super) input: Vec<(String, Json)>,
    pub(super) input_hash: u64,
    pub(super) answer: Answer,
}

/// An event on its way to its instance.
pub(super) struct Post {
    pub(super) instance: InstanceId,
    pub(super) event: Event,
    pub(super) answer: Option<Answer>,
}

/// The end of an attempt.
pub(super) struct Over {
    pub(super) instance: InstanceId,
    pub(super) token: TokenId,
    pub(super) visit: u64,
    pub(super) attempt: u32,
    pub(super) node: String,
    pub(super) result: Result<Json, Failed>,
}

/// Why an attempt failed, and whether another one may mend it.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) retryable: bool,
    /// The boundary event that catches it, if one does.
    pub(super) caught: Option<Caught>,
}

/// A turn of which nobody knows whether it is durable.
pub(super) struct Unsure {
    pub(super) instance: InstanceId,
    pub(super) process: String,
    pub(super) seq: u64,
}

/// Where a caller waits. The call counts against the mailbox's bound until it is answered.
pub(super) struct Answer {
    pub(super) sender: oneshot::Sender<Result<InstanceId, Error>>,
    pub(super) permit: OwnedSemaphorePermit,
}

impl Answer {
    pub(super) fn send(self, answer: Result<InstanceId, Error>) {
        // A caller that no longer waits needs no answer.
        let _ = self.sender.send(answer);
        drop(self.permit);
    }

    pub(super) fn refuse(self, refused: Refused) {
        self.send(Err(refused.into()));
    }
}

/// The queue between everyone and the dispatcher. Calls from outside are bounded by permits;
/// what the engine tells itself is bounded by attempts and commits in flight.
#[derive(Default)]
pub(super) struct Mailbox {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    messages: Vec<Message>,
    woken: bool,
    closed: bool,
}

impl Mailbox {
    /// Adds a message, unless the mailbox is closed: then the message is dropped, and with it its
    /// answer.
    pub(super) fn post(&self, message: Message) {
        let mut queue = self.lock();
        if queue.closed {
            return;
        }
        queue.messages.push(message);
        // The dispatcher sleeps only while there is no message, and to wake someone is a system
        // call.
        if queue.messages.len() == 1 {
            self.wake.notify_one();
        }
    }

    /// Whether nothing waits in it.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    /// Whether nothing is taken any more.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes everything there is. Waits for the first message, or a while, or until it is
    /// [woken](Self::wake). The room of `taken`, which is empty, serves the queue next.
    pub(super) fn take(&self, wait: Option<Duration>, taken: &mut Vec<Message>) {
        let mut queue = self.lock();
        if queue.messages.is_empty() && !queue.woken {
            let idle = |queue: &mut Queue| queue.messages.is_empty() && !queue.woken;
            queue = match wait {
                Some(wait) => {
                    let waited = self.wake.wait_timeout_while(queue, wait, idle);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner),
            };
        }
        queue.woken = false;
        std::mem::swap(&mut queue.messages, taken);
    }

    /// Has the dispatcher look at its deadlines: the clock was set forward.
    pub(super) fn wake(&self) {
        self.lock().woken = true;
        self.wake.notify_one();
    }

    /// Drops what is queued and all that comes later.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.messages.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
