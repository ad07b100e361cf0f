//! Service tasks: an attempt is counted here and runs outside.

use crate::change::Change;
use crate::event::{Failure, FailureKind, TokenId};
use crate::instance::TokenState;
use crate::json::Json;
use crate::refused::Refused;
use crate::store::Status;

use super::{Effect, Turn};

impl Turn<'_> {
    pub(super) fn start_attempt(&mut self, token: TokenId) {
        let visit = self.instance.next_visit();
        self.record(Change::TaskStarted { token, visit, attempt: 1 });
        self.outcome.effects.push(Effect::Run { token });
    }

    pub(super) fn admit_attempt(
        &self,
        token: TokenId,
        node: &str,
        (visit, attempt): (u64, u32),
    ) -> Result<(), Refused> {
        let executing = self.instance.token(token).is_some_and(|token| {
            token.node == node && token.state == TokenState::Executing { visit, attempt }
        });
        let instance = self.instance.id;
        executing
            .then_some(())
            .ok_or_else(|| Refused::NoSuchAttempt { instance, node: node.to_owned() })
    }

    pub(super) fn task_completed(&mut self, token: TokenId, result: &Json) {
        if self.instance.status != Status::Running {
            return self.attempt_is_over(token);
        }
        let Some(node) = self.node_of(token) else { return };
        match self.set_result(node, result) {
            Ok(()) => self.leave(token, node),
            Err(why) => {
                let failure = Failure::new(self.id(node), FailureKind::Error, why);
                self.fail(token, failure);
            }
        }
    }

    pub(super) fn task_failed(&mut self, token: TokenId, failure: &Failure) {
        if self.instance.status == Status::Running {
            return self.fail(token, failure.clone());
        }
        if failure.kind != FailureKind::Dropped {
            self.record(Change::FailureRelated { failure: failure.clone() });
        }
        self.attempt_is_over(token);
    }

    /// An attempt without an outcome: it is dispatched again, unless no new work may start.
    pub(super) fn task_lost(&mut self, token: TokenId) {
        if self.instance.status != Status::Running {
            return self.attempt_is_over(token);
        }
        let Some(TokenState::Executing { visit, attempt }) =
            self.instance.token(token).map(|token| token.state.clone())
        else {
            return;
        };
        self.record(Change::TaskStarted { token, visit, attempt: attempt.saturating_add(1) });
        self.outcome.effects.push(Effect::Run { token });
    }

    /// Sets what a node's result sets: its variable, or in a built graph the fields of the object.
    pub(super) fn set_result(&mut self, node: usize, result: &Json) -> Result<(), String> {
        for (key, value) in self.definition.results(node, result)? {
            self.record(Change::VariableSet { key, value });
        }
        Ok(())
    }
}
