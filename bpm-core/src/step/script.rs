//! Script tasks: pure expressions that run inside the turn.

use crate::event::TokenId;

use super::Turn;

impl Turn<'_> {
    pub(super) fn script(&mut self, token: TokenId, node: usize) {
        match self.visit(node) {
            Ok(_) => self.leave(token, node),
            Err(failure) => self.fail(token, failure),
        }
    }
}
