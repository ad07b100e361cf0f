//! Scopes at run time: what opens them, what arms and brings their boundary events, how they
//! complete. A scope is opened by a sub-process, by an activity with boundary events, and by a
//! boundary event that runs something beside its owner.
//!
//! ```text
//!   token ─► opened ─► body … ─► completed ─► (what runs beside is over) ─► closed ─► goes on
//!               │                    │
//!               ╰─► timers armed     ╰─► timers closed: from here on nothing interrupts it
//! ```

use bpm_model::kind::{Kind, Trigger};

use crate::change::{Change, Unwinding};
use crate::clock::Timestamp;
use crate::event::{Caught, Failure, FailureKind, ScopeId, TokenId};
use crate::instance::{PROCESS, TokenState};
use crate::planted;
use crate::vars::{Cx, Does};

use super::Turn;

impl Turn<'_> {
    /// Whether an activity may begin: one without boundary events may, and one whose scope is
    /// open. Else opens the scope.
    pub(super) fn is_guarded(&mut self, token: TokenId, node: usize) -> bool {
        if self.definition.boundaries(node).is_empty() || self.owns(token, node) {
            return true;
        }
        self.open(token, node)
    }

    fn owns(&self, token: TokenId, node: usize) -> bool {
        let id = &self.definition.graph().nodes[node].id;
        let scope = self.scope_of(token);
        self.instance.scope(scope).is_some_and(|opened| opened.node == *id)
    }

    pub(super) fn open_scope(&mut self, token: TokenId, node: usize) {
        if self.open(token, node) {
            self.copy(node, |of, copy| (of, copy));
            self.go_on(token, node);
        }
    }

    /// Opens the scope of a node around a token; whether that went well.
    fn open(&mut self, token: TokenId, node: usize) -> bool {
        let definition = self.definition;
        let boundaries = definition.boundaries(node);
        if !self.has_room(token, node, boundaries.len()) {
            return false;
        }
        let parent = self.scope_of(token);
        let scope = self.open_for(node, parent);
        self.record(Change::TokenEntered { token, scope });
        for &boundary in boundaries {
            if let Err(failure) = self.arm(boundary, scope) {
                self.fail(token, failure);
                return false;
            }
        }
        true
    }

    pub(super) fn open_for(&mut self, node: usize, parent: ScopeId) -> ScopeId {
        let scope = self.instance.next_number();
        self.record(Change::ScopeOpened { scope, node: self.id(node), parent });
        scope
    }

    /// A boundary event that waits for a time is a token that rests at it.
    fn arm(&mut self, boundary: usize, scope: ScopeId) -> Result<(), Failure> {
        let Some((on, _)) = self.boundary(boundary).filter(|(on, _)| on.is_timer()) else {
            return Ok(());
        };
        let (due, calendar) = self.due(boundary, None)?;
        if on == Trigger::Every && due <= self.current.now {
            return Err(self.no_interval(boundary));
        }
        let token = self.create_resting(boundary, scope);
        let timer = self.instance.next_number();
        self.record(Change::TimerSet { token, timer, due, calendar });
        Ok(())
    }

    fn no_interval(&self, boundary: usize) -> Failure {
        let what = "the time after which it comes again is zero; it must be longer";
        Failure::new(self.id(boundary), FailureKind::Code, what)
    }

    /// What a boundary event waits for, and whether it interrupts.
    fn boundary(&self, node: usize) -> Option<(Trigger, bool)> {
        match self.definition.graph().nodes[node].kind {
            Kind::Boundary { on, interrupts, .. } => Some((on, interrupts)),
            _ => None,
        }
    }

    pub(super) fn is_boundary(&self, node: usize) -> bool {
        self.boundary(node).is_some()
    }

    /// The timer of a boundary event fired, which was due then.
    pub(super) fn boundary_fired(&mut self, token: TokenId, node: usize, was_due: Timestamp) {
        let Some((on, interrupts)) = self.boundary(node) else { return };
        let scope = self.scope_of(token);
        let boundary = self.id(node);
        if self.boundary_of(self.opener(scope), &boundary).is_none() {
            return self.broken(token, node, "its token is not in the scope that it belongs to");
        }
        if interrupts {
            return self.unwind(scope, Unwinding::Interrupted { boundary });
        }
        if on == Trigger::Every {
            if let Err(failure) = self.arm_again(token, node, was_due) {
                return self.fail_from(self.outside(scope), token, failure);
            }
            if self.runs_beside(node, scope) && !planted!(EveryOverlapsItself) {
                return;
            }
        } else {
            self.record(Change::TokenConsumed { token });
        }
        let body = self.open_for(node, scope);
        self.create(node, body);
    }

    /// Sets the timer anew: for the first multiple of its interval that is not past. Whatever was
    /// missed meanwhile counts as one.
    fn arm_again(
        &mut self,
        token: TokenId,
        node: usize,
        was_due: Timestamp,
    ) -> Result<(), Failure> {
        let now = self.current.now;
        let interval = self.due(node, None)?.0.since(now);
        if interval.is_zero() {
            return Err(self.no_interval(node));
        }
        let past = now.since(was_due).as_millis() / interval.as_millis();
        let past = if planted!(EveryMissedCounts) { 0 } else { past };
        let rounds = u32::try_from(past).unwrap_or(u32::MAX).saturating_add(1);
        let due = was_due.after(interval.saturating_mul(rounds));
        let timer = self.instance.next_number();
        self.record(Change::TimerSet { token, timer, due, calendar: false });
        Ok(())
    }

    fn runs_beside(&self, boundary: usize, owner: ScopeId) -> bool {
        let id = &self.definition.graph().nodes[boundary].id;
        self.instance.scopes().iter().any(|opened| opened.parent == owner && opened.node == *id)
    }

    /// The body of a scope, or the activity that is one, has completed: nothing interrupts it any
    /// more. What runs beside it is awaited.
    pub(super) fn complete_scope(&mut self, token: TokenId, node: usize) {
        let scope = self.scope_of(token);
        let owner = match self.definition.graph().nodes[node].kind {
            Kind::Leave { of } => of,
            _ => node,
        };
        if self.opener(scope) != Some(owner) {
            return self.broken(token, node, "its token is not in the scope that it completes");
        }
        if self.is_boundary(owner) {
            return self.beside_is_over(token, scope);
        }
        if !planted!(BoundaryNotDisarmed) {
            self.disarm(scope);
        }
        if self.instance.has_inner(scope) && !planted!(BesideNotAwaited) {
            return self.record(Change::TokenJoining { token });
        }
        self.close_scope(token, node);
    }

    fn disarm(&mut self, scope: ScopeId) {
        let armed = self.instance.tokens().iter().filter(|token| token.scope == scope);
        let armed = armed.filter_map(|token| match token.state {
            TokenState::Timing { timer, .. } => Some((token.id, timer, token.node.clone())),
            _ => None,
        });
        let armed: Vec<_> = armed.collect();
        for (token, timer, node) in armed {
            if self.definition.node(&node).is_some_and(|node| self.is_boundary(node)) {
                self.record(Change::TimerClosed { token, timer });
                self.record(Change::TokenConsumed { token });
            }
        }
    }

    fn close_scope(&mut self, token: TokenId, node: usize) {
        let scope = self.scope_of(token);
        if let Some(opener) = self.opener(scope).filter(|_| !planted!(WinnersVariablesLost)) {
            self.copy(opener, |of, copy| (copy, of));
        }
        self.record(Change::ScopeClosed { scope });
        self.go_on(token, node);
    }

    /// What ran beside a scope or an activity is over; if that has completed and waits for
    /// nothing else, it goes on.
    fn beside_is_over(&mut self, token: TokenId, body: ScopeId) {
        self.record(Change::TokenConsumed { token });
        let owner = self.instance.scope(body).map_or(PROCESS, |opened| opened.parent);
        self.record(Change::ScopeClosed { scope: body });
        if self.instance.has_inner(owner) {
            return;
        }
        let Some((token, node)) = self.completed(owner) else { return };
        self.close_scope(token, node);
    }

    /// The token that waits where a scope has completed.
    fn completed(&self, scope: ScopeId) -> Option<(TokenId, usize)> {
        let waiting = self.instance.tokens().iter();
        let mut waiting =
            waiting.filter(|token| token.scope == scope && token.state == TokenState::Joining);
        waiting.find_map(|token| {
            let node = self.definition.node(&token.node)?;
            let leaves = matches!(self.definition.graph().nodes[node].kind, Kind::Leave { .. })
                || !self.definition.boundaries(node).is_empty();
            leaves.then_some((token.id, node))
        })
    }

    /// The node that opened a scope.
    pub(super) fn opener(&self, scope: ScopeId) -> Option<usize> {
        self.definition.node(&self.instance.scope(scope)?.node)
    }

    /// Copies the variables of which a scope has copies of its own.
    fn copy(&mut self, node: usize, ways: fn(usize, usize) -> (usize, usize)) {
        let definition = self.definition;
        let Kind::Scope { copies } = &definition.graph().nodes[node].kind else { return };
        for &(of, copy) in copies.iter() {
            let (from, to) = ways(of, copy);
            let variables = &definition.graph().variables;
            if let Some(value) = self.instance.values().get(&variables[from].key).cloned() {
                self.record(Change::VariableSet { key: variables[to].key.clone(), value });
            }
        }
    }

    /// The scope to which a failure of a scope goes if nothing in it catches it. What runs beside
    /// an owner runs in the scope outside of the owner.
    pub(super) fn outside(&self, scope: ScopeId) -> ScopeId {
        let parent = |scope| self.instance.scope(scope).map_or(PROCESS, |opened| opened.parent);
        match self.opener(scope) {
            Some(opener) if self.is_boundary(opener) => parent(parent(scope)),
            _ => parent(scope),
        }
    }

    /// The scopes around a place at which the process returns, from the inside.
    pub(super) fn outwards(&self, scope: ScopeId) -> Vec<ScopeId> {
        let mut outwards = vec![scope];
        let mut at = scope;
        while at != PROCESS {
            at = self.outside(at);
            outwards.push(at);
        }
        outwards
    }

    /// The innermost scope, from here outwards, with a boundary event that catches a failure, and
    /// the boundary event. Sets what its pattern binds.
    pub(super) fn catcher(
        &mut self,
        scope: ScopeId,
        failure: &mut Failure,
    ) -> Option<(ScopeId, usize)> {
        let definition = self.definition;
        let mut outwards = self.outwards(scope);
        outwards.sort_by_key(|scope| if planted!(OuterScopeCatchesFirst) { *scope } else { 0 });
        for scope in outwards {
            let Some(opener) = self.opener(scope) else { continue };
            for &boundary in definition.boundaries(opener) {
                if self.catches(boundary, failure) {
                    return Some((scope, boundary));
                }
            }
        }
        None
    }

    /// A pattern that cannot be decided catches nothing, and says so.
    fn catches(&mut self, boundary: usize, failure: &mut Failure) -> bool {
        if self.boundary(boundary).is_none_or(|(on, _)| on != Trigger::Error) {
            return false;
        }
        let (does, kept) = match self.evaluate(boundary, Cx::Catch(failure.clone())) {
            Ok(answer) => answer,
            Err(error) => {
                failure.related.push(error);
                return false;
            }
        };
        let catches = matches!(does, Does::Caught(true));
        if catches {
            self.set_kept(kept);
        }
        catches
    }

    /// A boundary event of the activity matched the error itself.
    pub(super) fn caught(
        &mut self,
        token: TokenId,
        node: usize,
        failure: Failure,
        caught: &Caught,
    ) {
        let scope = self.scope_of(token);
        if self.boundary_of(self.opener(scope), &caught.boundary).is_none() {
            return self.broken(token, node, "its token is not in the scope of its boundary event");
        }
        for (key, value) in &caught.values {
            self.record(Change::VariableSet { key: key.clone(), value: value.clone() });
        }
        let boundary = caught.boundary.clone();
        self.record(Change::TokenConsumed { token });
        self.unwind(scope, Unwinding::Failed { boundary, failure });
    }
}
