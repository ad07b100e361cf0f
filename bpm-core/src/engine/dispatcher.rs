//! The dispatcher: takes events, takes turns, hands them to the writer, and lets their effects
//! out once they are durable.
//!
//! One thread owns every instance in memory. An instance has at most one turn on its way to the
//! store; what happens to it meanwhile waits in its queue, and other instances never wait for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bpm_model::kind::Kind;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::event::{Event, Failure, FailureKind, TokenId};
use crate::history::Recorded;
use crate::ids::InstanceId;
use crate::instance::{Attempts, Ending, Instance, Token, TokenState};
use crate::refused::Refused;
use crate::step::{Effect, step};
use crate::store::{self, StartRow, Started, TimerRow, Verdict};
use crate::vars::{Current, Values};

use super::live::{Cache, Live};
use super::mailbox::{Answer, Failed, Message, Over, Post, Start, Unsure};
use super::registry::Registered;
use super::shared::Shared;
use super::timers::{self, Timers};
use super::turn::PendingTurn;
use super::workers::{Dropped, Launch, Workers};
use super::writer::Writer;

/// How long the dispatcher waits before it takes events again whose commit failed.
const RETRY_COMMIT: Duration = Duration::from_millis(100);

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
    /// What could not be done because the store failed, and when it is tried again.
    again: Vec<(Duration, Message)>,
    timers: Timers,
    closing: Option<Closing>,
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
#[derive(Default)]
struct Closing {
    answers: Vec<oneshot::Sender<Result<(), Error>>>,
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
            again: Vec::new(),
            timers,
            closing: None,
        }
    }

    /// Runs until the engine stops. Should it panic, callers get an answer all the same.
    pub(super) fn run(mut self) {
        let _closed = CloseOnDrop(Arc::clone(&self.shared));
        let mut messages = Vec::new();
        while !self.is_done() {
            self.shared.mailbox.take(self.wait(), &mut messages);
            for message in messages.drain(..) {
                self.handle(message);
            }
            self.take_overdue(self.shared.clock.monotonic());
            self.fire_timers();
            self.commit();
            self.workers.launch_due(self.shared.clock.monotonic());
        }
        self.finish();
    }

    fn is_done(&self) -> bool {
        self.closing.is_some()
            && self.workers.is_idle()
            && self.pending.is_empty()
            && !self.writer.is_busy()
    }

    fn finish(self) {
        self.writer.join();
        let closed = self.shared.store.close();
        for answer in self.closing.unwrap_or_default().answers {
            let closed = match &closed {
                Ok(()) => Ok(()),
                Err(error) => Err(Error::Store(error.repeat())),
            };
            // Whoever asked for the shutdown may have stopped waiting.
            let _ = answer.send(closed);
        }
    }

    /// How long to wait for messages; `None`: until there is one.
    fn wait(&self) -> Option<Duration> {
        let again = self.again.iter().map(|(at, _)| *at);
        let timer = self.timers.next_due().filter(|_| self.may_fire());
        let timer = timer.map(|due| self.shared.clock.monotonic_at(due));
        let deadline = again.chain(self.workers.next_drop()).chain(timer).min()?;
        self.shared.clock.sleep(deadline)
    }

    /// The moment so long after now.
    fn later(&self, wait: Duration) -> Duration {
        self.shared.clock.monotonic().saturating_add(wait)
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
            None if matches!(error, Error::Store(store::Error::Io(_) | store::Error::Full(_))) => {
                self.again.push((self.later(RETRY_COMMIT), Message::Post(post)));
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
        let outcome = match step(&registered.definition, instance, &post.event, at, limits) {
            Ok(outcome) => outcome,
            Err(refused) => {
                refuse(post.answer, refused);
                return self.cache.settle(post.instance);
            }
        };
        live.uncommitted = true;
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
            state: live.state_row(options.snapshot_turns),
            answer: post.answer,
            bytes: 0,
        });
    }

    /// Hands what has queued to the writer, if it is free.
    fn commit(&mut self) {
        if self.writer.is_busy() || self.pending.is_empty() {
            return;
        }
        let most = self.shared.options.turns_per_commit.max(1);
        let mut turns = std::mem::replace(&mut self.pending, std::mem::take(&mut self.spare));
        self.pending.extend(turns.drain(turns.len().min(most)..));
        self.writer.commit(self.shared.clock.now(), turns);
    }

    fn committed(&mut self, mut turns: Vec<PendingTurn>, verdicts: Vec<Verdict>) {
        self.writer.done();
        self.commit();
        let durable = verdicts.iter().filter(|verdict| **verdict == Verdict::Committed).count();
        self.shared.counters.committed(durable);
        for (turn, verdict) in turns.drain(..).zip(verdicts) {
            match verdict {
                Verdict::Committed => self.release(turn),
                Verdict::Stale => self.stale(turn),
                Verdict::KeyTaken(started) => self.key_taken(turn, &started),
            }
        }
        self.spare = turns;
    }

    /// Nothing of the batch happened, or nobody knows: callers get the error, the instances are
    /// read again, and what the engine told itself is delivered once more. What had become
    /// durable all the same is then refused as done.
    fn not_committed(&mut self, turns: Vec<PendingTurn>, error: store::Error) {
        self.writer.done();
        let at = self.later(RETRY_COMMIT);
        for mut turn in turns {
            let answered =
                turn.answer.take().map(|answer| answer.send(Err(Error::Store(error.repeat()))));
            let again = self.forget(turn, answered.is_none());
            self.again.extend(again.into_iter().map(|message| (at, message)));
        }
    }

    /// Someone else took a turn of the instance: it is read again, and the event delivered again.
    /// After a while, since a store that keeps saying so must not keep the engine busy.
    fn stale(&mut self, turn: PendingTurn) {
        let at = self.later(RETRY_COMMIT);
        let again = self.forget(turn, true);
        self.again.extend(again.into_iter().map(|message| (at, message)));
    }

    /// Forgets an instance whose turn did not happen as far as it is known. What must be done
    /// then: its events again, and whatever its stored state says is in flight and is not.
    fn forget(&mut self, turn: PendingTurn, deliver: bool) -> Vec<Message> {
        let PendingTurn { instance, registered, seq, event, answer, .. } = turn;
        let process = registered.definition.name().to_owned();
        let look = Message::LookFor(Unsure { instance, process, seq });
        let queue = self.cache.remove(instance).map(|live| live.queue).unwrap_or_default();
        let first = deliver.then_some(Post { instance, event, answer });
        let posts = first.into_iter().chain(queue).map(Message::Post);
        [look].into_iter().chain(posts).chain([Message::Recover(instance)]).collect()
    }

    /// Another instance has the key: with the same input it is the one that the caller wants.
    fn key_taken(&mut self, turn: PendingTurn, started: &Started) {
        self.cache.remove(turn.instance);
        let Some(answer) = turn.answer else { return };
        let Event::ProcessStarted { input } = &turn.event else {
            unreachable!("only a start has a key")
        };
        if super::start::input_hash(input) == started.input_hash {
            return answer.send(Ok(started.instance));
        }
        answer.refuse(Refused::KeyTaken {
            process: turn.registered.definition.name().to_owned(),
            key: turn.key.unwrap_or_default(),
            instance: started.instance,
        });
    }

    /// A turn is durable: its watchers, its answer and its effects. Watchers come first, so that
    /// whoever got an answer has seen what led to it.
    fn release(&mut self, mut turn: PendingTurn) {
        self.shared.watchers.tell(&mut turn);
        if let Some(answer) = turn.answer.take() {
            answer.send(Ok(turn.instance));
        }
        turn.timers_set().for_each(|timer| self.timers.set(timer));
        let effects = std::mem::take(&mut turn.effects);
        effects.iter().for_each(|effect| self.let_out(turn.instance, effect));
        let Some(live) = self.cache.get(turn.instance) else { return };
        live.uncommitted = false;
        live.wrote(turn.bytes);
        if let Some(ending) = live.instance.ending() {
            self.tell_waiting(turn.instance, &ending);
        }
        self.go_on(turn.instance);
    }

    /// What waits for the instance, or for itself. Others come first: an instance that never rests
    /// can be cancelled.
    fn go_on(&mut self, instance: InstanceId) {
        while let Some(live) = self.cache.get(instance)
            && !live.uncommitted
        {
            let can_move = live.instance.tokens().iter().any(|t| t.state == TokenState::Ready);
            if let Some(post) = live.queue.pop_front() {
                self.take_turn(post, None);
            } else if can_move && self.closing.is_none() {
                self.take_turn(Post { instance, event: Event::Continued, answer: None }, None);
            } else {
                return self.cache.settle(instance);
            }
        }
    }

    fn let_out(&mut self, instance: InstanceId, effect: &Effect) {
        match *effect {
            Effect::Run { token } if self.closing.is_none() => self.launch(instance, token),
            Effect::Run { .. } => {}
            Effect::Stop { token } => self.stop_attempt(instance, token),
            Effect::Drop { token } => self.workers.forget(instance, token),
        }
    }

    fn launch(&mut self, instance: InstanceId, token: TokenId) {
        let now = self.shared.clock.now();
        let Some(live) = self.cache.get(instance) else { return };
        if let Some(launch) = launch(&live.instance, &live.registered, token, now) {
            self.workers.launch(launch);
        }
    }

    fn stop_attempt(&mut self, instance: InstanceId, token: TokenId) {
        let drop_at = self.later(self.shared.options.grace);
        if let Some(dropped) = self.workers.stop(instance, token, drop_at) {
            self.attempt_dropped(dropped);
        }
    }

    fn attempt_over(&mut self, over: Over) {
        if !self.workers.finish(&over) {
            return;
        }
        let Over { instance, token, visit, attempt, node, result } = over;
        let event = match result {
            Ok(result) => Event::TaskCompleted { token, node, visit, attempt, result },
            Err(Failed { failure, retryable }) => {
                Event::TaskFailed { token, node, visit, attempt, failure, retryable }
            }
        };
        self.deliver(Post { instance, event, answer: None });
    }

    fn attempt_dropped(&mut self, dropped: Dropped) {
        let Dropped { instance, token, visit, attempt, node, timed_out } = dropped;
        let (kind, message) = if timed_out {
            (FailureKind::Timeout, "it took longer than its timeout; its outcome is unknown")
        } else {
            let message = "told to stop and dropped after the grace time; its outcome is unknown";
            (FailureKind::Dropped, message)
        };
        let failure = Failure::new(node.as_str(), kind, message);
        let retryable = timed_out;
        let event = Event::TaskFailed { token, node, visit, attempt, failure, retryable };
        self.deliver(Post { instance, event, answer: None });
    }

    /// Attempts whose grace time is over, and events whose commit failed a while ago.
    fn take_overdue(&mut self, now: Duration) {
        for dropped in self.workers.drop_overdue(now) {
            if self.closing.is_none() {
                self.attempt_dropped(dropped);
            }
        }
        let due = self.again.extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>();
        due.into_iter().for_each(|(_, message)| self.handle(message));
    }

    /// Brings timers that are due to their instances, a slice of them at a time.
    fn fire_timers(&mut self) {
        if !self.may_fire() {
            return;
        }
        let due = self.timers.due(self.shared.clock.now());
        due.into_iter().for_each(|timer| self.fire(timer));
        if self.timers.read_on(&*self.shared.store).is_err() {
            self.again.push((self.later(RETRY_COMMIT), Message::LookAtTimers));
        }
    }

    /// Whether timers fire now: not before the last slice of them is on its way to the store, so
    /// that what is asked meanwhile comes in between, and not while the engine stops.
    fn may_fire(&self) -> bool {
        let fired = |turn: &&PendingTurn| matches!(turn.event, Event::TimerFired { .. });
        self.closing.is_none() && self.pending.iter().filter(fired).count() < timers::SLICE
    }

    fn fire(&mut self, timer: TimerRow) {
        let TimerRow { instance, timer: number, token, .. } = timer;
        match self.cache.load(instance, &*self.shared.store, &self.shared.registry) {
            Ok(Some(live)) => {
                let Some(token) = live.instance.token(token) else { return };
                let (token, node) = (token.id, token.node.to_string());
                let event = Event::TimerFired { token, node, timer: number };
                self.deliver(Post { instance, event, answer: None });
            }
            Err(Error::Store(store::Error::Io(_) | store::Error::Full(_))) => {
                self.again.push((self.later(RETRY_COMMIT), Message::Fire(timer)));
            }
            Ok(None) | Err(_) => {}
        }
    }

    /// Goes on with an instance that was active when the engine last stopped, or whose commit
    /// failed: attempts that are stored as in flight and are not are lost, and timers that are
    /// stored as set are, whatever was thought of them meanwhile.
    fn recover(&mut self, instance: InstanceId) {
        let loaded = self.cache.load(instance, &*self.shared.store, &self.shared.registry);
        match loaded {
            Ok(Some(live)) if live.uncommitted => self.recover_later(instance),
            Ok(Some(live)) => {
                live.instance.timers().for_each(|timer| self.timers.set(timer));
                for event in self.lost_attempts(instance) {
                    self.deliver(Post { instance, event, answer: None });
                }
                self.tell_if_ended(instance);
                self.go_on(instance);
            }
            Err(Error::Store(store::Error::Io(_) | store::Error::Full(_))) => {
                self.recover_later(instance);
            }
            Err(error) => self.note_unreadable(instance, &error),
            Ok(None) => {}
        }
    }

    /// An instance whose rows cannot be read rests, and that is visible.
    fn note_unreadable(&self, instance: InstanceId, error: &Error) {
        if let Error::Store(store::Error::Corrupt(what)) = error {
            let (store, now) = (&*self.shared.store, self.shared.clock.now());
            self.shared.unreadable.note(store, instance, what.clone(), now);
        }
    }

    /// Tells watchers of a turn that is durable although its commit seemed to fail.
    fn look_for(&mut self, turn: Unsure) {
        let Unsure { instance, seq, .. } = turn;
        match self.shared.store.history(instance, seq - 1, 1) {
            Ok(rows) => {
                let row = rows.first().filter(|row| row.seq == seq);
                if let Some(Ok(recorded)) = row.map(|row| Recorded::read(instance, row)) {
                    self.shared.watchers.send(instance, &turn.process, || recorded);
                }
            }
            Err(store::Error::Io(_) | store::Error::Full(_)) => {
                self.again.push((self.later(RETRY_COMMIT), Message::LookFor(turn)));
            }
            Err(_) => {}
        }
    }

    /// When its turn is durable, or the store has got well.
    fn recover_later(&mut self, instance: InstanceId) {
        self.again.push((self.later(RETRY_COMMIT), Message::Recover(instance)));
    }

    fn lost_attempts(&mut self, instance: InstanceId) -> Vec<Event> {
        let Some(live) = self.cache.get(instance) else { return Vec::new() };
        let lost = |token: &Token| match token.state {
            TokenState::Executing(Attempts { visit, attempt, .. })
                if !self.workers.has(instance, token.id) =>
            {
                let node = token.node.to_string();
                Some(Event::TaskLost { token: token.id, node, visit, attempt })
            }
            _ => None,
        };
        live.instance.tokens().iter().filter_map(lost).collect()
    }

    fn await_end(&mut self, instance: InstanceId, sender: oneshot::Sender<Result<Ending, Error>>) {
        let in_memory = self
            .cache
            .get(instance)
            .is_some_and(|live| live.uncommitted || !live.instance.status.is_end());
        if in_memory {
            return self.waiting.entry(instance).or_default().push(sender);
        }
        match super::queries::ending(&*self.shared.store, instance) {
            Ok(None) => self.waiting.entry(instance).or_default().push(sender),
            Ok(Some(ending)) => drop(sender.send(Ok(ending))),
            Err(error) => drop(sender.send(Err(error))),
        }
    }

    /// A commit that seemed to fail may have ended the instance all the same.
    fn tell_if_ended(&mut self, instance: InstanceId) {
        let live = self.cache.get(instance).filter(|live| !live.uncommitted);
        if let Some(ending) = live.and_then(|live| live.instance.ending()) {
            self.tell_waiting(instance, &ending);
        }
    }

    fn tell_waiting(&mut self, instance: InstanceId, ending: &Ending) {
        for sender in self.waiting.remove(&instance).unwrap_or_default() {
            // Someone who no longer waits is not told.
            let _ = sender.send(Ok(ending.clone()));
        }
    }

    fn close(&mut self, answer: Option<oneshot::Sender<Result<(), Error>>>, grace: Duration) {
        self.workers.stop_all(self.later(grace));
        self.closing.get_or_insert_default().answers.extend(answer);
    }
}

fn refuse(answer: Option<Answer>, refused: Refused) {
    if let Some(answer) = answer {
        answer.refuse(refused);
    }
}

/// The attempt that a token executes, as it stands in the committed state.
fn launch(
    instance: &Instance,
    registered: &Registered,
    token: TokenId,
    now: crate::clock::Timestamp,
) -> Option<Launch> {
    let at = instance.token(token)?;
    let TokenState::Executing(Attempts { visit, attempt, .. }) = at.state else { return None };
    let node = registered.definition.node(&at.node)?;
    Some(Launch {
        registered: registered.clone(),
        current: Current { now, id: instance.id, key: instance.key.clone() },
        token,
        node,
        timeout: registered.definition.policy(node).timeout_ms.map(Duration::from_millis),
        visit,
        attempt,
        values: values(instance, registered, node).clone(),
    })
}

/// What an attempt sees: the variables, or for an undo those that were kept for it.
fn values<'a>(instance: &'a Instance, registered: &Registered, node: usize) -> &'a Values {
    match (&registered.definition.graph().nodes[node].kind, instance.next_undo()) {
        (Kind::Undo { .. }, Some(done)) => &done.values,
        _ => instance.values(),
    }
}
