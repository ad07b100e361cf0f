//! The dispatcher: takes events, takes turns, hands them to the writer, and lets their effects
//! out once they are durable.
//!
//! One thread owns every instance in memory. An instance has at most one turn on its way to the
//! store; what happens to it meanwhile waits in its queue, and other instances never wait for it.

mod attempts;
mod clock;
mod commits;
mod endings;
mod guard;
mod pause;
mod recover;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::error::Error;
use crate::event::Event;
use crate::failpoint;
use crate::ids::InstanceId;
use crate::instance::{Ending, Instance};
use crate::planted;
use crate::refused::Refused;
use crate::step::step;
use crate::store::StartRow;

use super::again::Again;
use super::live::{Cache, Live};
use super::mailbox::{Answer, Message, Post, Start};
use super::retention::Retention;
use super::shared::Shared;
use super::timers::Timers;
use super::turn::PendingTurn;
use super::workers::Workers;
use super::writer::Writer;

type Waiting = Vec<oneshot::Sender<Result<Ending, Error>>>;

/// The dispatcher's thread.
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    cache: Cache,
    workers: Workers,
    writer: Writer,
    pending: Vec<PendingTurn>,
    /// Room for the turns after these.
    spare: Vec<PendingTurn>,
    waiting: HashMap<InstanceId, Waiting>,
    again: Again,
    timers: Timers,
    closing: Option<Closing>,
    /// Those who wait until nothing can happen before time passes.
    resting: Vec<oneshot::Sender<Option<Duration>>>,
}

/// Closes mailbox and watches when the dispatcher ends, so that nobody waits for it any more.
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.mailbox.close();
        self.0.watchers.close();
    }
}

/// The engine stops.
struct Closing {
    answers: Vec<oneshot::Sender<Result<(), Error>>>,
    /// When it no longer waits for a store that failed.
    until: Duration,
}

impl Dispatcher {
    pub(super) fn new(
        shared: Arc<Shared>,
        workers: Workers,
        writer: Writer,
        timers: Timers,
    ) -> Self {
        Self {
            cache: Cache::new(shared.options.cached_instances),
            shared,
            workers,
            writer,
            pending: Vec::new(),
            spare: Vec::new(),
            waiting: HashMap::new(),
            again: Again::default(),
            timers,
            closing: None,
            resting: Vec::new(),
        }
    }

    /// Runs until the engine stops. Should it panic, callers get an answer all the same.
    pub(super) fn run(mut self) {
        let _closed = CloseOnDrop(Arc::clone(&self.shared));
        let mut messages = Vec::new();
        while !self.is_done() {
            self.shared.mailbox.take(self.wait(), &mut messages);
            self.round(&mut messages);
        }
        self.finish();
    }

    /// Handles what came, and what the time brings; hands over what queued to the writer and the
    /// workers.
    pub(super) fn round(&mut self, messages: &mut Vec<Message>) {
        for message in messages.drain(..) {
            self.handle(message);
        }
        self.take_overdue(self.shared.clock.monotonic());
        self.fire_timers();
        self.commit();
        self.workers.launch_due();
        self.tell_resting();
    }

    fn is_done(&self) -> bool {
        let Some(closing) = &self.closing else { return false };
        let busy = !self.workers.is_idle() || !self.pending.is_empty() || self.writer.is_busy();
        let waits = self.again.has_posts() && self.shared.clock.monotonic() < closing.until;
        !busy && !waits
    }

    fn finish(self) {
        self.writer.join();
        failpoint!(BeforeClose);
        let closed = self.shared.store.close();
        for answer in self.closing.into_iter().flat_map(|closing| closing.answers) {
            let closed = match &closed {
                Ok(()) => Ok(()),
                Err(error) => Err(Error::Store(error.repeat())),
            };
            // Whoever asked for the shutdown may have stopped waiting.
            let _ = answer.send(closed);
        }
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Start(start) => self.start(*start),
            Message::Post(post) => self.deliver(post),
            Message::Over(over) => self.attempt_over(over),
            Message::Committed(turns, Ok(verdicts)) => self.committed(turns, verdicts),
            Message::Committed(turns, Err(error)) => self.not_committed(turns, error),
            Message::Recover(instance) => self.recover(instance),
            Message::Fire(timer) => self.fire(timer),
            Message::LookAtTimers => {}
            Message::LookFor(turn) => self.look_for(turn),
            Message::Await(instance, sender) => self.await_end(instance, sender),
            Message::Rest(sender) => self.resting.push(sender),
            // Whoever asked may have stopped waiting.
            Message::ListAttempts(sender) => drop(sender.send(self.workers.list())),
            Message::Shutdown(answer) => self.close(Some(answer), self.shared.options.grace),
            Message::Abandon => self.close(None, Duration::ZERO),
        }
    }

    fn start(&mut self, start: Start) {
        if self.closing.is_some() {
            return start.answer.refuse(Refused::ShuttingDown);
        }
        let Start { id, registered, key, input, input_hash, answer } = start;
        let row = StartRow {
            process: registered.definition.name().to_owned(),
            version: registered.definition.version(),
            key: key.clone(),
            input_hash,
        };
        self.cache.insert(Live::new(Instance::new(id, key), registered));
        let event = Event::ProcessStarted { input };
        self.take_turn(Post { instance: id, event, answer: Some(answer) }, Some(row));
    }

    /// Brings an event to its instance: now, or when the instance's turn is durable.
    fn deliver(&mut self, post: Post) {
        if self.closing.is_some() && post.answer.is_some() {
            return refuse(post.answer, Refused::ShuttingDown);
        }
        match self.cache.load(post.instance, &*self.shared.store, &self.shared.registry) {
            Ok(Some(live)) if live.uncommitted => live.queue.push_back(post),
            Ok(Some(_)) => self.take_turn(post, None),
            Ok(None) => {
                let unknown = Refused::UnknownInstance(post.instance);
                refuse(post.answer, unknown);
            }
            Err(error) => self.undelivered(post, error),
        }
    }

    /// The instance could not be loaded: a caller gets the error; what the engine told itself is
    /// tried again, if the store may get well.
    fn undelivered(&mut self, post: Post, error: Error) {
        self.note_unreadable(post.instance, &error);
        match post.answer {
            Some(answer) => answer.send(Err(error)),
            None if error.may_pass() => {
                self.try_again(Message::Post(post));
            }
            None => {}
        }
    }

    /// Takes one turn of an instance that is in memory.
    fn take_turn(&mut self, post: Post, start: Option<StartRow>) {
        let at = self.shared.clock.now();
        let options = &self.shared.options;
        let limits = options.limits();
        let Some(live) = self.cache.get(post.instance) else { return };
        let Live { instance, registered, .. } = live;
        let turn = || step(&registered.definition, instance, &post.event, at, limits);
        let outcome = match guard::guarded(turn) {
            Err(broken) => return self.set_aside(post, &broken),
            Ok(Ok(outcome)) => outcome,
            Ok(Err(refused)) => {
                refuse(post.answer, refused);
                return self.cache.settle(post.instance);
            }
        };
        live.uncommitted = true;
        let state = live.state_row(options);
        let forget = Retention::of(options).forgets(live.instance.seq, state.as_ref());
        let forget = forget.filter(|_| !planted!(NothingForgotten));
        self.pending.push(PendingTurn {
            instance: post.instance,
            registered: live.registered.clone(),
            key: live.instance.key.clone(),
            seq: live.instance.seq,
            at,
            event: post.event,
            changes: outcome.changes,
            effects: outcome.effects,
            start,
            state,
            forget,
            answer: post.answer,
            bytes: 0,
        });
    }

    /// What waits for the instance, or for itself. Others come first: an instance that never rests
    /// can be cancelled.
    fn go_on(&mut self, instance: InstanceId) {
        while let Some(live) = self.cache.get(instance)
            && !live.uncommitted
        {
            let can_move = live.instance.can_move();
            if let Some(post) = live.queue.pop_front() {
                self.take_turn(post, None);
            } else if std::mem::take(&mut live.recovers) {
                return self.recover(instance);
            } else if can_move && self.closing.is_none() {
                self.take_turn(Post { instance, event: Event::Continued, answer: None }, None);
            } else {
                return self.cache.settle(instance);
            }
        }
    }

    fn close(&mut self, answer: Option<oneshot::Sender<Result<(), Error>>>, grace: Duration) {
        let until = self.later(grace);
        self.workers.stop_all(until);
        let closing = self.closing.get_or_insert(Closing { answers: Vec::new(), until });
        closing.until = closing.until.min(until);
        closing.answers.extend(answer);
    }
}

fn refuse(answer: Option<Answer>, refused: Refused) {
    if let Some(answer) = answer {
        answer.refuse(refused);
    }
}
