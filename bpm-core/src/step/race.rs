//! Races: a token for each branch, each branch a scope of its own. When enough have completed,
//! what the others have done is undone, and one token goes on.

use bpm_model::kind::Kind;

use crate::change::{Change, Unwinding};
use crate::event::{ScopeId, TokenId};
use crate::planted;

use super::Turn;

impl Turn<'_> {
    pub(super) fn race(&mut self, token: TokenId, node: usize) {
        let definition = self.definition;
        let ways = definition.ways_out(node);
        if self.has_room(token, node, ways.len().saturating_sub(1)) {
            let scope = self.open_for(node, self.scope_of(token));
            self.split(token, ways, scope);
        }
    }

    /// A branch has completed.
    pub(super) fn arrive(&mut self, token: TokenId, node: usize, race: usize) {
        self.record(Change::TokenJoining { token });
        let scope = self.scope_of(token);
        let winners = self.arrived(node, scope);
        if winners.len() < self.wins(race) && !planted!(RaceEndsWithTheFirst) {
            return;
        }
        for token in winners {
            self.record(Change::TokenConsumed { token });
        }
        self.unwind(scope, Unwinding::Won);
    }

    fn wins(&self, race: usize) -> usize {
        match self.definition.graph().nodes[race].kind {
            Kind::Race { wins } => wins as usize,
            _ => unreachable!("the end of a race names the race"),
        }
    }

    /// The losers are undone: goes on behind the race.
    pub(super) fn race_is_over(&mut self, race: usize, around: ScopeId) {
        let nodes = &self.definition.graph().nodes;
        let ends = |kind: &Kind| *kind == Kind::Won { race };
        let Some(end) = nodes.iter().position(|node| ends(&node.kind)) else {
            unreachable!("every race has an end: it is made with it");
        };
        if let [edge] = self.definition.ways_out(end) {
            self.create(self.edge(*edge).to, around);
        }
    }
}
