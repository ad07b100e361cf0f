//! Ends: the instance completes, or fails once its attempts in flight are over.

use bpm_model::graph::Outcome as Carries;
use bpm_model::kind::Kind;

use crate::change::Change;
use crate::event::{Failure, TokenId};
use crate::json::Json;
use crate::vars::Does;

use super::Turn;

impl Turn<'_> {
    pub(super) fn end(&mut self, token: TokenId, node: usize) {
        if self.instance.tokens().len() > 1 {
            return self.broken(token, node, "other tokens are left at the end");
        }
        match self.result(node) {
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

    /// The instance fails: step 1 of the rules of failure begins.
    pub(super) fn fail(&mut self, token: TokenId, failure: Failure) {
        self.record(Change::ProcessFailing { failure });
        self.record(Change::TokenConsumed { token });
        self.quiesce(None);
        self.end_if_quiet();
    }
}
