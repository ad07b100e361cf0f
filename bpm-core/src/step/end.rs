//! Ends: the instance completes, or fails once its attempts in flight are over.

use bpm_model::graph::{Origin, Outcome as Carries};
use bpm_model::kind::Kind;

use crate::change::{Change, Unwinding};
use crate::event::{Failure, FailureKind, ScopeId, TokenId};
use crate::instance::PROCESS;
use crate::json::Json;
use crate::planted;
use crate::vars::Does;

use super::Turn;

impl Turn<'_> {
    pub(super) fn end(&mut self, token: TokenId, node: usize) {
        let alone = planted!(ReturnEndsAtOnce)
            || self.instance.tokens().len() == 1 && self.instance.scopes().is_empty();
        if !alone && self.definition.graph().origin == Origin::Built {
            return self.broken(token, node, "other tokens are left at the end");
        }
        match self.result(node) {
            Ok(result) if !alone => self.return_early(token, node, result),
            Ok(result) => {
                self.record(Change::TokenConsumed { token });
                self.record(Change::ProcessCompleted { node: self.id(node), result });
            }
            Err(failure) => self.fail(token, failure),
        }
    }

    fn result(&mut self, node: usize) -> Result<Json, Failure> {
        let graph = self.definition.graph();
        if graph.outcome == Carries::Variables {
            return Ok(self.instance.values_as_json());
        }
        if graph.nodes[node].kind != (Kind::End { returns: true }) {
            return Ok(Json::null());
        }
        match self.visit(node)? {
            Does::End(result) => Ok(result),
            _ => Ok(Json::null()),
        }
    }

    /// `return` while other things go on: what has not completed is undone, what has stands.
    fn return_early(&mut self, token: TokenId, node: usize, result: Json) {
        let stands = self.outwards(self.scope_of(token));
        self.record(Change::TokenConsumed { token });
        self.record(Change::ResultFixed { node: self.id(node), result, stands });
        self.quiesce(PROCESS, None);
        self.settle(PROCESS);
    }

    /// A failure goes outwards to where it is caught: step 1 of the rules of failure begins there.
    pub(super) fn fail(&mut self, token: TokenId, failure: Failure) {
        if failure.kind == FailureKind::Unreadable {
            return self.unreadable(token, &failure);
        }
        self.fail_from(self.scope_of(token), token, failure);
    }

    /// The data of the instance and the code do not agree: undoing would not mend that.
    fn unreadable(&mut self, token: TokenId, failure: &Failure) {
        let hint = "let the type read what was stored, deploy that and retry, or let it fail";
        self.raise(token, failure.node.clone().into(), &failure.message, hint);
    }

    pub(super) fn fail_from(&mut self, scope: ScopeId, token: TokenId, mut failure: Failure) {
        let catcher = self.catcher(scope, &mut failure);
        let Some((scope, boundary)) = catcher else { return self.fail_process(token, failure) };
        self.record(Change::TokenConsumed { token });
        let boundary = self.id(boundary);
        self.unwind(scope, Unwinding::Failed { boundary, failure });
    }

    fn fail_process(&mut self, token: TokenId, failure: Failure) {
        self.record(Change::ProcessFailing { failure });
        self.record(Change::TokenConsumed { token });
        self.quiesce(PROCESS, None);
        self.settle(PROCESS);
    }
}
