//! Deadlines and timers: everything that the dispatcher does because of the time.

use std::time::Duration;

use crate::event::Event;
use crate::planted;
use crate::store::TimerRow;

use super::super::mailbox::{Message, Post};
use super::super::timers::{self, Now};
use super::super::turn::PendingTurn;
use super::Dispatcher;

impl Dispatcher {
    /// How long to wait for messages; `None`: until there is one.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.shared.clock.sleep(self.deadline()?)
    }

    /// When the time brings something, by the clock's monotonic time.
    pub(in crate::engine) fn deadline(&self) -> Option<Duration> {
        let fires = self.may_fire();
        let clock = &self.shared.clock;
        let by_time = self.timers.next_by_time().filter(|_| fires);
        let by_time = by_time.map(|due| clock.monotonic_at(due));
        let by_wall = self.timers.next_by_wall().filter(|_| fires);
        let by_wall = by_wall.map(|due| clock.monotonic_at_wall(due));
        [self.again.next(), self.workers.next_drop(), by_time, by_wall].into_iter().flatten().min()
    }

    /// Tells those who wait for it that nothing can happen before time passes, and how much of it
    /// must: no commit is under way, no attempt does anything, and nothing is due.
    pub(super) fn tell_resting(&mut self) {
        let busy = !self.pending.is_empty() || self.writer.is_busy() || !self.workers.is_resting();
        if self.resting.is_empty() || busy {
            return;
        }
        let (deadline, now) = (self.deadline(), self.shared.clock.monotonic());
        if deadline.is_some_and(|at| at <= now) {
            return;
        }
        for sender in self.resting.drain(..) {
            // Someone who no longer waits is not told.
            let _ = sender.send(deadline.map(|at| at - now));
        }
    }

    /// The moment so long after now.
    pub(super) fn later(&self, wait: Duration) -> Duration {
        self.shared.clock.monotonic().saturating_add(wait)
    }

    /// Attempts whose grace time is over, and events whose commit failed a while ago.
    pub(super) fn take_overdue(&mut self, now: Duration) {
        for dropped in self.workers.drop_overdue(now) {
            if self.closing.is_none() {
                self.attempt_dropped(dropped);
            }
        }
        while let Some(message) = self.again.take_due(now) {
            self.handle(message);
        }
    }

    /// The store failed: it may have got well in a while.
    pub(super) fn try_again(&mut self, message: Message) {
        self.again.put(self.shared.clock.monotonic(), message);
    }

    /// Brings timers that are due to their instances, a slice of them at a time.
    pub(super) fn fire_timers(&mut self) {
        if !self.may_fire() {
            return;
        }
        let (time, wall) = (self.shared.clock.now(), self.shared.clock.wall());
        let due = self.timers.due(Now { time, wall });
        due.into_iter().for_each(|timer| self.fire(timer));
        if self.timers.read_on(&*self.shared.store).is_err() {
            self.try_again(Message::LookAtTimers);
        }
    }

    /// Whether timers fire now: not before the last slice of them is on its way to the store, so
    /// that what is asked meanwhile comes in between, and not while the engine stops.
    pub(super) fn may_fire(&self) -> bool {
        let fired = |turn: &&PendingTurn| matches!(turn.event, Event::TimerFired { .. });
        self.closing.is_none() && self.pending.iter().filter(fired).count() < timers::SLICE
    }

    pub(super) fn fire(&mut self, timer: TimerRow) {
        let TimerRow { instance, timer: number, token, .. } = timer;
        planted!(ParkedNotWoken => if self.cache.get(instance).is_none() { return });
        match self.cache.load(instance, &*self.shared.store, &self.shared.registry) {
            Ok(Some(live)) => {
                let Some(token) = live.instance.token(token) else { return };
                let (token, node) = (token.id, token.node.to_string());
                let event = Event::TimerFired { token, node, timer: number };
                self.deliver(Post { instance, event, answer: None });
            }
            Err(error) if error.may_pass() => {
                self.try_again(Message::Fire(timer));
            }
            Ok(None) | Err(_) => {}
        }
    }
}
