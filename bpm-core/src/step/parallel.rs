//! Parallel gateways: a fork sends a token along every way out, a join waits for one from every
//! way in. Who has arrived is part of the instance's state and so survives everything it does.

use crate::change::Change;
use crate::event::TokenId;
use crate::instance::TokenState;

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
        if self.instance.tokens().len() - 1 + ways.len() > self.limits.tokens {
            return self.too_many_tokens(token, node);
        }
        self.record(Change::TokenConsumed { token });
        for edge in ways {
            self.create(self.edge(*edge).to);
        }
    }

    fn too_many_tokens(&mut self, token: TokenId, node: usize) {
        let limit = self.limits.tokens;
        let error = format!(
            "the fork would give the instance more than {limit} tokens, the bound of \
             `EngineOptions::tokens_per_instance`"
        );
        self.raise(token, self.id(node), &error, "raise the bound and try again, or cancel");
    }

    fn join(&mut self, token: TokenId, node: usize) {
        self.record(Change::TokenJoining { token });
        let arrived = self.arrived(node);
        if arrived.len() < self.definition.ways_in(node) {
            return;
        }
        for token in arrived {
            self.record(Change::TokenConsumed { token });
        }
        let definition = self.definition;
        match definition.ways_out(node) {
            [edge] => self.create(self.edge(*edge).to),
            _ => unreachable!("a join has one way out: checked when the definition was made"),
        }
    }

    fn arrived(&self, node: usize) -> Vec<TokenId> {
        let id = &self.definition.graph().nodes[node].id;
        let tokens = self.instance.tokens().iter();
        tokens
            .filter(|token| token.state == TokenState::Joining && token.node == *id)
            .map(|token| token.id)
            .collect()
    }
}
