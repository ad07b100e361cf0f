//! Service tasks: an attempt is counted here and runs outside.

use bpm_model::policy::{Exhausted, Retry};

use crate::change::Change;
use crate::event::{Caught, Failure, FailureKind, TokenId};
use crate::instance::Attempts;
use crate::json::Json;
use crate::planted;
use crate::refused::Refused;

use super::{Effect, Turn};

impl Turn<'_> {
    pub(super) fn start_attempt(&mut self, token: TokenId) {
        let visit = self.instance.next_number();
        self.run_attempt(token, Attempts { visit, attempt: 1, failed: 0, lost: 0 });
    }

    pub(super) fn run_attempt(&mut self, token: TokenId, attempts: Attempts) {
        let Attempts { visit, attempt, failed, lost } = attempts;
        self.record(Change::TaskStarted { token, visit, attempt, failed, lost });
        self.outcome.effects.push(Effect::Run { token });
    }

    pub(super) fn admit_attempt(
        &self,
        token: TokenId,
        node: &str,
        (visit, attempt): (u64, u32),
    ) -> Result<(), Refused> {
        let there = self.instance.token(token).is_some_and(|token| token.node == node);
        let executing = self.instance.executes(token).is_some_and(|at| {
            planted!(AttemptGuardMissing) || (at.visit, at.attempt) == (visit, attempt)
        });
        let instance = self.instance.id;
        let refused = || Refused::NoSuchAttempt { instance, node: node.to_owned() };
        (there && executing).then_some(()).ok_or_else(refused)
    }

    pub(super) fn task_completed(&mut self, token: TokenId, result: &Json) {
        let Some(node) = self.node_of(token) else { return };
        if self.is_undo(node) {
            return self.undone(token);
        }
        let visit = self.instance.attempts(token).map_or(0, |attempts| attempts.visit);
        let running = planted!(CancelledResultAccepted) || !self.is_halted(token);
        let vain = planted!(LateSuccessNotUndone) || self.definition.undo_of(node).is_none();
        if !running && vain {
            return self.attempt_is_over(token);
        }
        match self.set_result(node, result) {
            Ok(()) => {
                self.remember_undo(token, node, visit);
                if running {
                    self.leave(token, node);
                } else {
                    // A late success is undone like any other.
                    self.attempt_is_over(token);
                }
            }
            Err(why) => {
                let failure = Failure::new(self.id(node), FailureKind::Error, why);
                self.task_failed(token, &failure, false, None);
            }
        }
    }

    /// Before it is decided what follows: whatever ends the visit forgets it again.
    pub(super) fn keep_heartbeat(&mut self, token: TokenId, heartbeat: Option<&Json>) {
        if let Some(heartbeat) = heartbeat.cloned() {
            self.record(Change::HeartbeatKept { token, heartbeat });
        }
    }

    pub(super) fn task_failed(
        &mut self,
        token: TokenId,
        failure: &Failure,
        retryable: bool,
        caught: Option<&Caught>,
    ) {
        let Some(node) = self.node_of(token) else { return };
        let scope = self.instance.unwinder(self.scope_of(token));
        let Some(scope) = scope.filter(|_| !self.is_undo(node)) else {
            return match caught {
                Some(caught) => self.caught(token, node, failure.clone(), caught),
                None => self.attempt_failed(token, node, failure, retryable),
            };
        };
        if failure.kind != FailureKind::Dropped {
            self.record(Change::FailureRelated { failure: failure.clone(), scope });
        }
        self.attempt_is_over(token);
    }

    /// Another attempt, if the error may be mended by one and the policy has one left.
    fn attempt_failed(&mut self, token: TokenId, node: usize, failure: &Failure, retryable: bool) {
        let Some(attempts) = self.instance.attempts(token) else { return };
        let undo = self.is_undo(node);
        let default = if undo { Retry::UNDO } else { Retry::ONCE };
        let retry = self.definition.policy(node).retry.unwrap_or(default);
        let retry = if planted!(UndoNotRetried) && undo { Retry::ONCE } else { retry };
        let failed = attempts.failed.saturating_add(1);
        planted!(FailedUndoSkipped => if undo && failed >= retry.attempts { return self.undone(token) });
        planted!(RetryAfterExhaustion => if retryable && failed == retry.attempts { return self.schedule_retry(token, attempts, 1) });
        let retryable = retryable || planted!(PermanentErrorRetried);
        if retryable && failed < retry.attempts {
            self.schedule_retry(token, attempts, retry.delay_ms(failed));
        } else if undo || (retryable && retry.then == Exhausted::Suspend) {
            let hint = if undo {
                "mend the cause and retry, or undo it by hand and skip"
            } else {
                "mend the cause and retry, skip with a value, or let it fail"
            };
            let counts = (failed, attempts.lost);
            self.raise_after(token, self.id(node), counts, &failure.message, hint);
        } else {
            self.fail(token, failure.clone());
        }
    }

    fn schedule_retry(&mut self, token: TokenId, attempts: Attempts, delay_ms: u64) {
        let timer = self.instance.next_number();
        let due = self.jittered(delay_ms, attempts);
        self.record(Change::RetryScheduled { token, timer, due });
    }

    /// An attempt without an outcome does not use up `retry`: it is dispatched again, within a
    /// bound of its own, unless no new work may start.
    pub(super) fn task_lost(&mut self, token: TokenId) {
        let Some(node) = self.node_of(token) else { return };
        if self.is_halted(token) && !self.is_undo(node) {
            return self.attempt_is_over(token);
        }
        let Some(attempts) = self.instance.attempts(token) else { return };
        planted!(AttemptsResetByACrash => return self.run_attempt(token, Attempts { failed: 0, ..attempts }.next()));
        planted!(LostNeverCounted => return self.run_attempt(token, attempts.next()));
        let lost = attempts.lost.saturating_add(1);
        if lost <= self.limits.lost_attempts {
            return self.run_attempt(token, Attempts { lost, ..attempts }.next());
        }
        let error = format!(
            "{lost} attempts were lost, more than `EngineOptions::lost_attempts_max`: the process \
             that ran them was gone before they ended"
        );
        let hint = "find out whether the task ends its process; then retry, skip with a value, or let it fail";
        self.raise_after(token, self.id(node), (attempts.failed, lost), &error, hint);
    }

    /// Sets what a node's result sets: its variable, or in a built graph the fields of the object.
    pub(super) fn set_result(&mut self, node: usize, result: &Json) -> Result<(), String> {
        for (key, value) in self.definition.results(node, result)? {
            self.record(Change::VariableSet { key, value });
        }
        Ok(())
    }
}
