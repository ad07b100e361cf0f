//! Going on after a restart or a failed commit, by what is stored.

use crate::error::Error;
use crate::event::{Event, TokenId};
use crate::failpoint;
use crate::ids::InstanceId;
use crate::instance::{Attempts, Token, TokenState};
use crate::planted;
use crate::store;

use super::super::mailbox::{Message, Post};
use super::Dispatcher;

impl Dispatcher {
    /// Goes on with an instance that was active when the engine last stopped, or whose commit
    /// failed: attempts that are stored as in flight and are not are lost, and timers that are
    /// stored as set are, whatever was thought of them meanwhile.
    pub(super) fn recover(&mut self, instance: InstanceId) {
        let loaded = self.cache.load(instance, &*self.shared.store, &self.shared.registry);
        match loaded {
            Ok(Some(live)) if live.uncommitted => live.recovers = true,
            Ok(Some(_)) => {
                failpoint!(InstanceRecovering);
                self.agree_with_stored(instance);
                failpoint!(InstanceRecovered);
                self.tell_if_ended(instance);
                self.go_on(instance);
            }
            Err(error) if error.may_pass() => {
                self.try_again(Message::Recover(instance));
            }
            Err(error) => self.note_unreadable(instance, &error),
            Ok(None) => {}
        }
    }

    /// A commit that seemed to fail may be durable all the same, and its effects never came out:
    /// they are derived again from what is stored. Timers, too, some of which may have come due in
    /// vain.
    pub(super) fn agree_with_stored(&mut self, instance: InstanceId) {
        let Some(live) = self.cache.get(instance) else { return };
        live.instance.timers().for_each(|timer| self.timers.set(timer));
        self.workers.keep(instance, |token, visit, attempt| {
            live.instance
                .executes(token)
                .is_some_and(|at| (at.visit, at.attempt) == (visit, attempt))
        });
        let suspended = live.instance.suspended().is_some();
        let halted: Vec<_> = live.instance.halted().collect();
        // Told what was lost, or stopped before it began, the instance moves on, and no longer is
        // what the workers are compared with.
        let lost = self.lost_attempts(instance);
        let stopped: Vec<_> =
            halted.into_iter().filter_map(|token| self.tell_to_stop(instance, token)).collect();
        match suspended {
            true => self.workers.hold(instance),
            false => self.workers.let_go(instance),
        }
        if self.closing.is_some() {
            return;
        }
        stopped.into_iter().for_each(|dropped| self.attempt_dropped(dropped));
        for event in lost {
            self.deliver(Post { instance, event, answer: None });
        }
    }

    /// An instance whose rows cannot be read rests, and that is visible.
    pub(super) fn note_unreadable(&self, instance: InstanceId, error: &Error) {
        if let Error::Store(store::Error::Corrupt(what)) = error {
            let (store, now) = (&*self.shared.store, self.shared.clock.now());
            self.shared.unreadable.note(store, instance, what.clone(), now);
        }
    }

    /// What is stored as in flight and is not. A result that waits until the store takes it is not
    /// lost.
    fn lost_attempts(&mut self, instance: InstanceId) -> Vec<Event> {
        planted!(LostNotNoticed => return Vec::new());
        let Some(live) = self.cache.get(instance) else { return Vec::new() };
        let over = |token, at| {
            planted!(WaitingResultLost => return false);
            let mut waiting = live.queue.iter().chain(self.again.posts(instance));
            waiting.any(|post| ends(&post.event) == Some((token, at)))
        };
        let lost = |token: &Token| match token.state {
            TokenState::Executing(Attempts { visit, attempt, .. })
                if !self.workers.has(instance, token.id) && !over(token.id, (visit, attempt)) =>
            {
                let node = token.node.to_string();
                Some(Event::TaskLost { token: token.id, node, visit, attempt })
            }
            _ => None,
        };
        live.instance.tokens().iter().filter_map(lost).collect()
    }
}

/// The attempt whose end an event is: its token, visit and number.
fn ends(event: &Event) -> Option<(TokenId, (u64, u32))> {
    match *event {
        Event::TaskCompleted { token, visit, attempt, .. }
        | Event::TaskFailed { token, visit, attempt, .. } => Some((token, (visit, attempt))),
        _ => None,
    }
}
