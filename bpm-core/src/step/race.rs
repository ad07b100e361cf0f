//! Races: a token for each branch, each branch a scope of its own. When enough have completed,
//! what the others have done is undone, and one token goes on.

use bpm_model::kind::Kind;

use crate::change::{Change, Unwinding};
use crate::event::TokenId;
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
        let scope = self.scope_of(token);
        if self.opener(scope) != Some(race) {
            return self.broken(token, node, "its token is not in the race");
        }
        self.record(Change::TokenJoining { token });
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

    /// Where it goes on when the losers of a race are undone.
    pub(super) fn behind_race(&self, race: usize) -> Option<usize> {
        let mut nodes = self.definition.graph().nodes.iter();
        let end = nodes.position(|node| node.kind == Kind::Won { race })?;
        let [edge] = self.definition.ways_out(end) else { return None };
        Some(self.edge(*edge).to)
    }
}
