//! Parallel gateways: a fork sends a token along every way out, a join waits for one from every
//! way in. Who has arrived is part of the instance's state and so survives everything it does.

use crate::change::Change;
use crate::event::{ScopeId, TokenId};
use crate::instance::TokenState;
use crate::planted;

use super::Turn;

impl Turn<'_> {
    pub(super) fn fork_or_join(&mut self, token: TokenId, node: usize) {
        if self.definition.ways_in(node) > 1 {
            self.join(token, node);
        } else {
            self.fork(token, node);
        }
    }

    fn fork(&mut self, token: TokenId, node: usize) {
        let definition = self.definition;
        let ways = definition.ways_out(node);
        if self.has_room(token, node, ways.len().saturating_sub(1)) {
            self.split(token, ways, self.scope_of(token));
        }
    }

    /// A token for each way out, in a scope, in place of the one that came.
    pub(super) fn split(&mut self, token: TokenId, ways: &[usize], scope: ScopeId) {
        self.record(Change::TokenConsumed { token });
        for edge in ways {
            self.create(self.edge(*edge).to, scope);
        }
    }

    /// Whether the instance may have so many more tokens; if not, the token rests.
    pub(super) fn has_room(&mut self, token: TokenId, node: usize, more: usize) -> bool {
        let room = self.instance.tokens().len() + more <= self.limits.tokens;
        if !room {
            self.too_many_tokens(token, node);
        }
        room
    }

    fn too_many_tokens(&mut self, token: TokenId, node: usize) {
        let limit = self.limits.tokens;
        let error = format!(
            "the instance would have more than {limit} tokens, the bound of \
             `EngineOptions::tokens_per_instance`"
        );
        self.raise(token, self.id(node), &error, "raise the bound and try again, or cancel");
    }

    fn join(&mut self, token: TokenId, node: usize) {
        self.record(Change::TokenJoining { token });
        let scope = self.scope_of(token);
        let arrived = self.arrived(node, scope);
        if arrived.len() < self.definition.ways_in(node) && !planted!(JoinFiresAtOnce) {
            return;
        }
        for token in arrived {
            self.record(Change::TokenConsumed { token });
        }
        let definition = self.definition;
        match definition.ways_out(node) {
            [edge] => self.create(self.edge(*edge).to, scope),
            _ => unreachable!("a join has one way out: checked when the definition was made"),
        }
    }

    pub(super) fn arrived(&self, node: usize, scope: ScopeId) -> Vec<TokenId> {
        let id = &self.definition.graph().nodes[node].id;
        let tokens = self.instance.tokens().iter();
        tokens
            .filter(|token| {
                token.scope == scope && token.state == TokenState::Joining && token.node == *id
            })
            .map(|token| token.id)
            .collect()
    }
}
