//! The writer thread: one commit for the turns of many instances.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::clock::Timestamp;
use crate::failpoint;
use crate::step::panic_text;
use crate::store::{self, Batch, Store};

use super::mailbox::{Mailbox, Message};
use super::turn::PendingTurn;

/// The turns of one commit, and its time.
pub(super) type Job = (Timestamp, Vec<PendingTurn>);

/// The dispatcher's end of the writer thread.
pub(super) struct Writer {
    jobs: SyncSender<Job>,
    /// None if commits are made by hand.
    thread: Option<JoinHandle<()>>,
    busy: bool,
}

impl Writer {
    pub(super) fn start(store: Arc<dyn Store>, mailbox: Arc<Mailbox>) -> io::Result<Self> {
        let (jobs, queue) = sync_channel(1);
        let thread = Builder::new()
            .name("bpm-writer".to_owned())
            .spawn(move || write(&*store, &queue, &mailbox))?;
        Ok(Self { jobs, thread: Some(thread), busy: false })
    }

    /// A writer without a thread: whoever has the jobs makes the commits.
    pub(super) fn by_hand() -> (Self, Receiver<Job>) {
        let (jobs, queue) = sync_channel(1);
        (Self { jobs, thread: None, busy: false }, queue)
    }

    /// Whether a commit is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// Hands over the turns of the next commit; the answer comes through the mailbox.
    pub(super) fn commit(&mut self, now: Timestamp, turns: Vec<PendingTurn>) {
        self.busy = true;
        if self.jobs.send((now, turns)).is_err() {
            unreachable!("the writer lives as long as its dispatcher");
        }
    }

    /// The answer came.
    pub(super) fn done(&mut self) {
        self.busy = false;
    }

    /// Ends the thread.
    pub(super) fn join(self) {
        drop(self.jobs);
        // A panic of the thread was printed by its hook; there is nothing left to do about it.
        let _ = self.thread.map(JoinHandle::join);
    }
}

fn write(store: &dyn Store, queue: &Receiver<Job>, mailbox: &Mailbox) {
    let mut batch = Batch::default();
    for job in queue {
        write_one(store, &mut batch, job, mailbox);
    }
}

/// Makes one commit. The room of the batch serves the next one.
pub(super) fn write_one(store: &dyn Store, batch: &mut Batch, job: Job, mailbox: &Mailbox) {
    let (now, mut turns) = job;
    failpoint!(BatchTaken);
    batch.now = now;
    batch.turns.extend(turns.iter_mut().map(PendingTurn::rows));
    let verdicts = catch_unwind(AssertUnwindSafe(|| store.commit(batch)));
    let verdicts = verdicts.unwrap_or_else(|panic| Err(panicked(&*panic)));
    failpoint!(VerdictsKnown);
    mailbox.post(Message::Committed(turns, verdicts));
    batch.turns.clear();
}

/// A store that panics has failed, like one that cannot write.
fn panicked(panic: &(dyn std::any::Any + Send)) -> store::Error {
    store::Error::Io(format!("it panicked: {}", panic_text(panic)).into())
}
