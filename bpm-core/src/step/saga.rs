//! The Saga: when an instance has failed or is cancelled and nothing is in flight any more, what
//! completed is undone, one by one, in reverse order of completion, by a token of its own.
//!
//! ```text
//!   Running ─► fail, cancel ─► quiet ─► undo the latest ─► undo the one before ─► … ─► end
//!                                          │      ▲
//!                                          ╰─► incident: never skipped by the engine
//! ```

use bpm_model::kind::Kind;

use crate::change::Change;
use crate::event::{Actor, Failure, FailureKind, TokenId};
use crate::store::Status;
use crate::vars::Does;

use super::{Effect, Turn};

impl Turn<'_> {
    /// An activity completed: if it can be undone, keeps what its undo will need.
    pub(super) fn remember_undo(&mut self, node: usize, visit: u64) {
        let definition = self.definition;
        let Some(undo) = definition.undo_of(node) else { return };
        let reads = definition.graph().nodes[undo].reads.iter();
        let keys = reads.map(|&variable| definition.graph().variables[variable].key.clone());
        let values = keys
            .filter_map(|key| self.instance.values().get(&key).map(|value| (key, value.clone())))
            .collect();
        self.record(Change::UndoRecorded { node: self.id(node), visit, values });
    }

    /// Whether the token undoes something.
    pub(super) fn is_undo(&self, node: usize) -> bool {
        matches!(self.definition.graph().nodes[node].kind, Kind::Undo { .. })
    }

    /// The undo of the latest completed activity succeeded, or a person said so.
    pub(super) fn undone(&mut self, token: TokenId) {
        let Some(done) = self.instance.next_undo() else { return };
        let (node, visit) = (done.node.clone(), done.visit);
        self.record(Change::Undone { node, visit });
        self.record(Change::TokenConsumed { token });
        self.undo_or_end();
    }

    /// Nothing is in flight: undoes what is left, or ends. Not while the instance is suspended.
    pub(super) fn undo_or_end(&mut self) {
        if self.instance.suspended().is_some() {
            return;
        }
        let Some(next) = self.instance.next_undo() else { return self.end_undone() };
        let activity = self.definition.node(&next.node);
        match activity.and_then(|activity| self.definition.undo_of(activity)) {
            Some(undo) => self.start_undo(undo),
            None => unreachable!("the fingerprint covers every `undo` of the definition"),
        }
    }

    fn end_undone(&mut self) {
        match self.instance.status {
            Status::Failing => self.record(Change::ProcessFailed),
            Status::Cancelling => self.record(Change::ProcessCancelled),
            status => unreachable!("an instance that is {status} undoes nothing"),
        }
    }

    fn start_undo(&mut self, undo: usize) {
        let token = self.instance.next_token();
        self.record(Change::UndoStarted { token, node: self.id(undo) });
        self.start_attempt(token);
    }

    /// `fail`: the process says itself that it has failed.
    pub(super) fn fail_by_itself(&mut self, token: TokenId, node: usize) {
        let failure = match self.visit(node) {
            Ok(Does::Fail(reason)) => Failure::new(self.id(node), FailureKind::Fail, reason),
            Ok(_) => unreachable!("a failure says why"),
            Err(failure) => failure,
        };
        self.fail(token, failure);
    }

    /// Ends the instance at once, also in the middle of undoing.
    pub(super) fn terminate_requested(&mut self, actor: &Actor) {
        let executing =
            |token: &&crate::instance::Token| self.instance.attempts(token.id).is_some();
        let tokens: Vec<TokenId> =
            self.instance.tokens().iter().filter(executing).map(|token| token.id).collect();
        for token in tokens {
            self.outcome.effects.push(Effect::Drop { token });
        }
        self.quiesce(Some(actor));
        self.record(Change::ProcessTerminated { actor: actor.clone() });
    }
}
