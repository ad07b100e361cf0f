//! The open scopes of an instance: what is inside of which, and what is undone when.

use bpm_model::graph::Text;
use serde::{Deserialize, Serialize};

use crate::change::Unwinding;
use crate::event::{Failure, ScopeId, TokenId};
use crate::json::Json;
use crate::planted;
use crate::store::Status;

use super::{Instance, Token, TokenState, Undoable};

/// The process itself, as a scope.
pub(crate) const PROCESS: ScopeId = 0;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_process(scope: &ScopeId) -> bool {
    *scope == PROCESS
}

/// A scope that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Its number.
    pub scope: ScopeId,
    /// The node that opened it.
    pub node: Text,
    /// The scope around it.
    #[serde(default, skip_serializing_if = "is_process")]
    pub parent: ScopeId,
    /// Why what is inside of it is undone, once that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unwinding: Option<Unwinding>,
}

/// Where a result came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// The end node.
    pub node: Text,
    /// The scopes in which nothing is undone.
    pub stands: Vec<ScopeId>,
}

impl Instance {
    pub(super) fn open(&mut self, scope: ScopeId, node: &Text, parent: ScopeId) {
        self.number(scope);
        self.scopes.push(Opened { scope, node: node.clone(), parent, unwinding: None });
    }

    pub(super) fn enter(&mut self, token: TokenId, scope: ScopeId) {
        if let Some(token) = self.find(token) {
            token.scope = scope;
        }
    }

    /// What was to be handled inside of it is a further cause of its own failure.
    pub(super) fn unwind(&mut self, scope: ScopeId, why: &Unwinding) {
        let inner = self.scopes.iter().filter(|opened| self.is_within(opened.scope, scope));
        let failures: Vec<Failure> = inner.filter_map(handled).cloned().collect();
        if let Some(opened) = self.opened(scope) {
            opened.unwinding = Some(why.clone());
        }
        failures.iter().for_each(|failure| self.relate_in(scope, failure));
    }

    /// A later cause, of what is being undone already.
    pub(super) fn relate_in(&mut self, scope: ScopeId, failure: &Failure) {
        if scope == PROCESS {
            return self.relate(failure);
        }
        if let Some(Opened { unwinding: Some(Unwinding::Failed { failure: first, .. }), .. }) =
            self.opened(scope)
        {
            first.related.push(failure.clone());
        }
    }

    fn opened(&mut self, scope: ScopeId) -> Option<&mut Opened> {
        self.scopes.iter_mut().find(|opened| opened.scope == scope)
    }

    pub(super) fn close(&mut self, scope: ScopeId) {
        let Some(at) = self.scopes.iter().position(|opened| opened.scope == scope) else { return };
        let parent = self.scopes.remove(at).parent;
        let tokens = self.tokens.iter_mut().map(|token| &mut token.scope);
        let undoable = self.undoable.iter_mut().map(|done| &mut done.scope);
        let inner = self.scopes.iter_mut().map(|opened| &mut opened.parent);
        planted!(EntriesGoneWithTheirScope => return tokens.chain(inner).filter(|around| **around == scope).for_each(|around| *around = parent));
        for around in tokens.chain(undoable).chain(inner) {
            if *around == scope {
                *around = parent;
            }
        }
    }

    pub(super) fn undo(&mut self, token: TokenId, node: &Text, visit: u64) {
        self.create(token, node.clone());
        let Some(done) = self.undoable.iter_mut().find(|done| done.visit == visit) else { return };
        done.by = Some(token);
        let scope = done.scope;
        self.enter(token, scope);
    }

    pub(super) fn fix(&mut self, node: &Text, result: &Json, stands: &[ScopeId]) {
        self.status = Status::Completing;
        self.result = Some(result.clone());
        self.returned = Some(Returned { node: node.clone(), stands: stands.to_vec() });
    }

    /// The whole process is undone, so no scope handles its failure any more: each is a further
    /// cause.
    pub(super) fn absorb_failures(&mut self) {
        let failures: Vec<Failure> = self.scopes.iter().filter_map(handled).cloned().collect();
        failures.iter().for_each(|failure| self.relate(failure));
    }

    /// The scopes that are open, in the order in which they were opened.
    pub fn scopes(&self) -> &[Opened] {
        &self.scopes
    }

    /// The open scope of this number.
    pub fn scope(&self, scope: ScopeId) -> Option<&Opened> {
        let at = self.scopes.binary_search_by_key(&scope, |opened| opened.scope).ok()?;
        Some(&self.scopes[at])
    }

    /// Whether a scope is open; the process always is.
    pub(crate) fn is_open(&self, scope: ScopeId) -> bool {
        scope == PROCESS || self.scope(scope).is_some()
    }

    /// A scope and those around it, from the inside, without the process.
    pub(crate) fn around(&self, scope: ScopeId) -> impl Iterator<Item = &Opened> {
        // A scope is opened after the one around it. That damaged rows may say otherwise is found
        // behind their turn, which must end before.
        std::iter::successors(self.scope(scope), |opened| {
            self.scope(opened.parent).filter(|outer| outer.scope < opened.scope)
        })
    }

    /// Whether a scope is open directly inside of another one.
    pub(crate) fn has_inner(&self, scope: ScopeId) -> bool {
        self.scopes.iter().any(|opened| opened.parent == scope)
    }

    /// Whether a scope is another one or inside of it.
    pub(crate) fn is_within(&self, scope: ScopeId, outer: ScopeId) -> bool {
        outer == PROCESS || self.around(scope).any(|opened| opened.scope == outer)
    }

    /// The outermost scope, among a scope and those around it, of which the inside is undone.
    pub(crate) fn unwinder(&self, scope: ScopeId) -> Option<ScopeId> {
        if self.status != Status::Running {
            return Some(PROCESS);
        }
        let unwinding = self.around(scope).filter(|opened| opened.unwinding.is_some());
        unwinding.last().map(|opened| opened.scope)
    }

    /// The tokens that are inside of a scope.
    pub(crate) fn tokens_within(&self, scope: ScopeId) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(move |token| self.is_within(token.scope, scope))
    }

    /// The tokens whose attempts are told to stop: what is around them is undone.
    pub(crate) fn halted(&self) -> impl Iterator<Item = TokenId> {
        let halted = |token: &&Token| {
            matches!(token.state, TokenState::Executing(_))
                && self.unwinder(token.scope).is_some()
                && self.undoing(token.id).is_none()
        };
        self.tokens.iter().filter(halted).map(|token| token.id)
    }

    /// The completed activity that is undone next, when what is inside of a scope is undone.
    pub(crate) fn next_undo(&self, scope: ScopeId) -> Option<&Undoable> {
        let is_next =
            |done: &&Undoable| self.is_within(done.scope, scope) && !self.stands(done.scope, scope);
        planted!(UndoInForwardOrder => return self.undoable.iter().find(is_next));
        planted!(CancelWithoutUndo => return self.next_but_cancelled(is_next));
        self.undoable.iter().rev().find(is_next)
    }

    #[cfg(feature = "planted-bugs")]
    fn next_but_cancelled(&self, is_next: impl Fn(&&Undoable) -> bool) -> Option<&Undoable> {
        let next = self.undoable.iter().rev().find(is_next);
        next.filter(|_| self.status != Status::Cancelling)
    }

    /// Whether what completed in a scope stands although what is around it is undone: it belongs
    /// to a winner, or to the path that gave the result.
    fn stands(&self, scope: ScopeId, unwinder: ScopeId) -> bool {
        if unwinder == PROCESS {
            let returned = self.returned.as_ref().filter(|_| self.status == Status::Completing);
            planted!(ReturnUndoesNothing => return returned.is_some());
            planted!(ReturnUndoesItsOwnPath => return false);
            return returned.is_some_and(|returned| returned.stands.contains(&scope));
        }
        let won = |opened: &Opened| opened.unwinding == Some(Unwinding::Won);
        planted!(LoserNotUndone => return self.scope(unwinder).is_some_and(won));
        planted!(WinnerUndone => return false);
        scope == unwinder && self.scope(unwinder).is_some_and(won)
    }

    /// What a token undoes.
    pub(crate) fn undoing(&self, token: TokenId) -> Option<&Undoable> {
        self.undoable.iter().find(|done| done.by == Some(token))
    }

    /// Where the result came from, while what has not completed is undone.
    pub(crate) fn returned(&self) -> Option<(&Text, &Json)> {
        Some((&self.returned.as_ref()?.node, self.result.as_ref()?))
    }
}

/// The failure that a boundary event of the scope will handle.
fn handled(opened: &Opened) -> Option<&Failure> {
    match &opened.unwinding {
        Some(Unwinding::Failed { failure, .. }) => Some(failure),
        _ => None,
    }
}
