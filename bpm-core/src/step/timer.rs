//! Timers: a token waits until a time, and nobody else for it.

use std::time::Duration;

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{Failure, TokenId};
use crate::ids::mix;
use crate::instance::{Attempts, TokenState};
use crate::refused::Refused;
use crate::vars::Does;

use super::Turn;

impl Turn<'_> {
    pub(super) fn wait(&mut self, token: TokenId, node: usize, after_ms: Option<u64>) {
        match self.due(node, after_ms) {
            Ok((due, calendar)) => {
                let timer = self.instance.next_number();
                self.record(Change::TimerSet { token, timer, due, calendar });
            }
            Err(failure) => self.fail(token, failure),
        }
    }

    /// When, and whether that is by the wall clock.
    pub(super) fn due(
        &mut self,
        node: usize,
        after_ms: Option<u64>,
    ) -> Result<(Timestamp, bool), Failure> {
        if let Some(after) = after_ms {
            return Ok((self.current.now.after(Duration::from_millis(after)), false));
        }
        match self.visit(node)? {
            Does::Wait(due) => Ok((due, false)),
            Does::WaitUntil(due) => Ok((due, true)),
            _ => unreachable!("a timer waits"),
        }
    }

    /// A timer fires once: it must be the one that is set, and due. A turn knows no wall clock: what
    /// is due by that is known to who brings it.
    pub(super) fn admit_timer(&self, token: TokenId, fired: u64) -> Result<(), Refused> {
        let set = match self.instance.token(token).map(|token| &token.state) {
            Some(TokenState::Timing { timer, due, calendar }) => {
                *timer == fired && (*calendar || *due <= self.current.now)
            }
            Some(TokenState::BackingOff { timer, due, .. }) => {
                *timer == fired && *due <= self.current.now
            }
            _ => false,
        };
        let instance = self.instance.id;
        set.then_some(()).ok_or(Refused::NoSuchTimer { instance, timer: fired })
    }

    pub(super) fn timer_fired(&mut self, token: TokenId, timer: u64) {
        let attempts = self.instance.attempts(token);
        let was_due = self.due_of(token);
        self.record(Change::TimerClosed { token, timer });
        if let Some(attempts) = attempts {
            return self.run_attempt(token, attempts.next());
        }
        let Some(node) = self.node_of(token) else { return };
        if self.is_boundary(node) {
            self.boundary_fired(token, node, was_due);
        } else {
            self.leave(token, node);
        }
    }

    fn due_of(&self, token: TokenId) -> Timestamp {
        match self.instance.token(token).map(|token| &token.state) {
            Some(TokenState::Timing { due, .. }) => *due,
            _ => self.current.now,
        }
    }

    /// A moment within `bound_ms` from now: full jitter, so that what failed together does not
    /// come again together. Drawn from the seed and from what it is for, since a turn knows no
    /// randomness: of the instance the key where it has one, so that a test that sets the seed
    /// and starts with a key sees the same delays again.
    pub(super) fn jittered(&self, bound_ms: u64, attempts: Attempts) -> Timestamp {
        let (high, low) = self.instance.id.as_u64_pair();
        let whose: Vec<u64> = match &self.instance.key {
            Some(key) => key.bytes().map(u64::from).collect(),
            None => vec![high, low],
        };
        let which = [attempts.visit, u64::from(attempts.attempt)];
        let parts = whose.into_iter().chain(which);
        let bits = parts.fold(self.limits.jitter_seed, |bits, part| mix(bits ^ part));
        let delay = (u128::from(bits) * u128::from(bound_ms.saturating_add(1))) >> 64;
        self.current.now.after(Duration::from_millis(delay as u64))
    }
}
