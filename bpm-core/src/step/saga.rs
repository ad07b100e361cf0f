//! The Saga: when a scope has failed, was interrupted or is cancelled and nothing is in flight in
//! it any more, what completed in it is undone, one by one, in reverse order of completion, by a
//! token of its own. The process is the outermost scope.
//!
//! ```text
//!   running ─► fail, cancel ─► quiet ─► undo the latest ─► undo the one before ─► … ─► handler, end
//!                                          │      ▲
//!                                          ╰─► incident: never skipped by the engine
//! ```

use bpm_model::graph::Text;
use bpm_model::kind::Kind;

use crate::change::{Change, Unwinding};
use crate::event::{Actor, Failure, FailureKind, ScopeId, TokenId};
use crate::instance::PROCESS;
use crate::planted;
use crate::store::Status;
use crate::vars::Does;

use super::{Effect, Turn};

impl Turn<'_> {
    /// An activity completed: if it can be undone, keeps what its undo will need.
    pub(super) fn remember_undo(&mut self, token: TokenId, node: usize, visit: u64) {
        let definition = self.definition;
        let Some(undo) = definition.undo_of(node) else { return };
        let reads = definition.graph().nodes[undo].reads.iter();
        let keys = reads.map(|&variable| definition.graph().variables[variable].key.clone());
        let values = keys
            .filter_map(|key| self.instance.values().get(&key).map(|value| (key, value.clone())))
            .collect();
        let scope = self.scope_of(token);
        self.record(Change::UndoRecorded { node: self.id(node), visit, values, scope });
    }

    /// Whether the node undoes something.
    pub(super) fn is_undo(&self, node: usize) -> bool {
        matches!(self.definition.graph().nodes[node].kind, Kind::Undo { .. })
    }

    /// The undo that a token runs succeeded, or a person said so.
    pub(super) fn undone(&mut self, token: TokenId) {
        let Some(done) = self.instance.undoing(token) else {
            let node = self.instance.token(token).map(|token| token.node.clone());
            return self.misled(token, node.unwrap_or_default(), "it has nothing to undo");
        };
        let (node, visit, scope) = (done.node.clone(), done.visit, done.scope);
        if !planted!(UndoNotRemoved) {
            self.record(Change::Undone { node, visit });
        }
        self.record(Change::TokenConsumed { token });
        self.settle(scope);
    }

    /// From here on what is inside of a scope is undone.
    pub(super) fn unwind(&mut self, scope: ScopeId, why: Unwinding) {
        self.record(Change::ScopeUnwinding { scope, why });
        self.quiesce(scope, None);
        self.settle(scope);
    }

    /// If what is around a scope is being undone and nothing is in flight there: undoes what is
    /// left, the latest first, or goes on behind it. Not while the instance is suspended.
    pub(super) fn settle(&mut self, scope: ScopeId) {
        let Some(unwinder) = self.instance.unwinder(scope) else { return };
        if self.instance.tokens_within(unwinder).next().is_some()
            || self.instance.suspended().is_some()
        {
            return;
        }
        planted!(HandlerBeforeUndos => if unwinder != PROCESS { return self.go_on_undone(unwinder) });
        match self.instance.next_undo(unwinder).map(|done| (done.node.clone(), done.visit)) {
            Some((node, visit)) => self.start_undo(&node, visit),
            None if unwinder == PROCESS => self.end_undone(),
            None => self.go_on_undone(unwinder),
        }
    }

    fn end_undone(&mut self) {
        match self.instance.status {
            Status::Failing => self.record(Change::ProcessFailed),
            Status::Cancelling => self.record(Change::ProcessCancelled),
            Status::Completing => self.complete_undone(),
            status => unreachable!("an instance that is {status} undoes nothing"),
        }
    }

    fn complete_undone(&mut self) {
        let Some((node, result)) = self.instance.returned() else { return };
        let (node, result) = (node.clone(), result.clone());
        self.record(Change::ProcessCompleted { node, result });
    }

    /// What was inside of a scope is undone: its handler runs, or the race goes on.
    fn go_on_undone(&mut self, scope: ScopeId) {
        let Some(opened) = self.instance.scope(scope).cloned() else { return };
        let opener = self.opener(scope);
        self.close_within(scope);
        match opened.unwinding {
            Some(Unwinding::Failed { boundary, .. } | Unwinding::Interrupted { boundary }) => {
                match self.boundary_of(opener, &boundary) {
                    Some(handler) => self.create(handler, opened.parent),
                    None => self.create_misled(boundary, opened.parent, "it handles no such scope"),
                }
            }
            Some(Unwinding::Won) => match opener.and_then(|race| self.behind_race(race)) {
                Some(next) => self.create(next, opened.parent),
                None => self.create_misled(opened.node, opened.parent, "it is no race"),
            },
            None => unreachable!("only a scope that is unwinding is undone"),
        }
    }

    /// The node of a boundary event, if it is one of the node that opened a scope.
    pub(super) fn boundary_of(&self, opener: Option<usize>, boundary: &str) -> Option<usize> {
        let boundaries = self.definition.boundaries(opener?);
        self.definition.node(boundary).filter(|boundary| boundaries.contains(boundary))
    }

    fn create_misled(&mut self, node: Text, scope: ScopeId, what: &str) {
        let token = self.create_at(node.clone(), scope);
        self.misled(token, node, what);
    }

    /// The rows of the instance say of a node what the definition does not: the token rests there.
    fn misled(&mut self, token: TokenId, node: Text, what: &str) {
        let error = format!("what is stored of the instance does not fit this node: {what}");
        self.raise(token, node, &error, "the rows are damaged, or this is a bug; end the instance");
    }

    /// Closes a scope and all scopes in it, the inner ones first.
    fn close_within(&mut self, outer: ScopeId) {
        let opened = self.instance.scopes().iter().map(|opened| opened.scope);
        let within: Vec<ScopeId> =
            opened.filter(|scope| self.instance.is_within(*scope, outer)).collect();
        for scope in within.into_iter().rev() {
            self.record(Change::ScopeClosed { scope });
        }
    }

    fn start_undo(&mut self, activity: &Text, visit: u64) {
        let token = self.instance.next_token();
        let node = self.definition.node(activity);
        let Some(undo) = node.and_then(|node| self.definition.undo_of(node)) else {
            let node = activity.clone();
            self.record(Change::UndoStarted { token, node: node.clone(), visit });
            return self.misled(token, node, "it has no undo");
        };
        self.record(Change::UndoStarted { token, node: self.id(undo), visit });
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
        self.end_all(actor);
        self.record(Change::ProcessTerminated { actor: actor.clone() });
    }
}
