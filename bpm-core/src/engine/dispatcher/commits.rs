//! Commits: turns on their way to the store, and what becomes of them.

use crate::error::Error;
use crate::event::Event;
use crate::failpoint;
use crate::history::Recorded;
use crate::planted;
use crate::refused::Refused;
use crate::store::{self, Started, Verdict};

use super::super::mailbox::{Message, Post, Unsure};
use super::super::start::input_hash;
use super::super::turn::PendingTurn;
use super::Dispatcher;

impl Dispatcher {
    /// Hands what has queued to the writer, if it is free.
    pub(super) fn commit(&mut self) {
        if self.writer.is_busy() || self.pending.is_empty() {
            return;
        }
        let most = self.shared.options.turns_per_commit.max(1);
        let mut turns = std::mem::replace(&mut self.pending, std::mem::take(&mut self.spare));
        self.pending.extend(turns.drain(turns.len().min(most)..));
        planted!(AcknowledgedBeforeCommit => turns.iter_mut().for_each(PendingTurn::acknowledge));
        planted!(EffectBeforeCommit => self.let_out_early(&mut turns));
        self.writer.commit(self.shared.clock.now(), turns);
    }

    pub(super) fn committed(&mut self, mut turns: Vec<PendingTurn>, verdicts: Vec<Verdict>) {
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
    pub(super) fn not_committed(&mut self, turns: Vec<PendingTurn>, error: store::Error) {
        planted!(FailedCommitIgnored => return self.committed_all(turns));
        self.writer.done();
        for mut turn in turns {
            let answered =
                turn.answer.take().map(|answer| answer.send(Err(Error::Store(error.repeat()))));
            self.forget(turn, answered.is_none());
        }
    }

    #[cfg(feature = "planted-bugs")]
    fn let_out_early(&mut self, turns: &mut [PendingTurn]) {
        for turn in turns {
            let effects = std::mem::take(&mut turn.effects);
            effects.iter().for_each(|effect| self.let_out(turn.instance, effect));
        }
    }

    #[cfg(feature = "planted-bugs")]
    fn committed_all(&mut self, turns: Vec<PendingTurn>) {
        let verdicts = vec![Verdict::Committed; turns.len()];
        self.committed(turns, verdicts);
    }

    /// Someone else took a turn of the instance: it is read again, and the event delivered again.
    /// After a while, since a store that keeps saying so must not keep the engine busy.
    pub(super) fn stale(&mut self, turn: PendingTurn) {
        self.forget(turn, true);
    }

    /// Forgets an instance whose turn did not happen as far as it is known. A while later its
    /// events come again, and then whatever its stored state says is in flight and is not.
    fn forget(&mut self, turn: PendingTurn, deliver: bool) {
        let PendingTurn { instance, registered, seq, event, answer, .. } = turn;
        let process = registered.definition.name().to_owned();
        let look = Message::LookFor(Unsure { instance, process, seq });
        // What became durable may be that none of them begins any more: the recovery will know.
        self.workers.hold(instance);
        let queue = self.cache.remove(instance).map(|live| live.queue).unwrap_or_default();
        let first = deliver.then_some(Post { instance, event, answer });
        let posts = first.into_iter().chain(queue).map(Message::Post);
        for message in [look].into_iter().chain(posts).chain([Message::Recover(instance)]) {
            self.try_again(message);
        }
    }

    /// Another instance has the key: with the same input it is the one that the caller wants.
    pub(super) fn key_taken(&mut self, turn: PendingTurn, started: &Started) {
        self.cache.remove(turn.instance);
        let Some(answer) = turn.answer else { return };
        let Event::ProcessStarted { input } = &turn.event else {
            unreachable!("only a start has a key")
        };
        if input_hash(input) == started.input_hash {
            return answer.send(Ok(started.instance));
        }
        answer.refuse(Refused::KeyTaken {
            process: turn.registered.definition.name().to_owned(),
            key: turn.key.unwrap_or_default(),
            instance: started.instance,
        });
    }

    /// A turn is durable: its watchers, its answer and its effects. Watchers come first, so that
    /// whoever got an answer has seen what led to it; and they take the changes with them, so that
    /// its timers come before.
    pub(super) fn release(&mut self, mut turn: PendingTurn) {
        if !planted!(TimerNotTakenIn) {
            turn.timers_set().for_each(|timer| self.timers.set(timer));
        }
        let paused = turn.pauses();
        failpoint!(BeforeAnswer);
        self.shared.watchers.tell(&mut turn);
        if let Some(answer) = turn.answer.take() {
            answer.send(Ok(turn.instance));
        }
        failpoint!(Answered);
        let effects = std::mem::take(&mut turn.effects);
        effects.iter().for_each(|effect| self.let_out(turn.instance, effect));
        self.pause(turn.instance, paused);
        failpoint!(Released);
        let Some(live) = self.cache.get(turn.instance) else { return };
        live.uncommitted = false;
        live.wrote(turn.bytes);
        if let Some(ending) = live.instance.ending() {
            self.tell_waiting(turn.instance, &ending);
        }
        planted!(WakeUpLost => return);
        self.go_on(turn.instance);
    }

    /// Tells watchers of a turn that is durable although its commit seemed to fail.
    pub(super) fn look_for(&mut self, turn: Unsure) {
        let Unsure { instance, seq, .. } = turn;
        match self.shared.store.history(instance, seq - 1, 1) {
            Ok(rows) => {
                let row = rows.first().filter(|row| row.seq == seq);
                if let Some(Ok(recorded)) = row.map(|row| Recorded::read(instance, row)) {
                    self.shared.watchers.send(instance, &turn.process, || recorded);
                }
            }
            Err(error) if error.may_pass() => {
                self.try_again(Message::LookFor(turn));
            }
            Err(_) => {}
        }
    }
}
