//! Exclusive gateways: the first way out that is true is taken. What cannot be decided is an
//! incident that names the expression: nothing is ever silently false.

use bpm_model::graph::Condition;

use crate::event::TokenId;
use crate::vars::Does;

use super::Turn;

impl Turn<'_> {
    pub(super) fn choose(&mut self, token: TokenId, node: usize) {
        let definition = self.definition;
        let ways = definition.ways_out(node);
        match ways {
            // A merge. A choice of one way still has code, which may set what its pattern binds.
            [edge] if self.edge(*edge).condition != Condition::Code => self.follow(token, *edge),
            _ if ways.iter().any(|edge| self.edge(*edge).condition == Condition::Code) => {
                self.choose_by_code(token, node, ways);
            }
            _ => self.choose_by_data(token, node, ways),
        }
    }

    fn choose_by_code(&mut self, token: TokenId, node: usize, ways: &[usize]) {
        match self.visit(node) {
            Ok(Does::Port(port)) if port < ways.len() => self.follow(token, ways[port]),
            Ok(_) => self.broken(token, node, "its code chose no way out"),
            Err(failure) => self.fail(token, failure),
        }
    }

    fn choose_by_data(&mut self, token: TokenId, node: usize, ways: &[usize]) {
        match self.first_match(ways) {
            Ok(Some(edge)) => self.follow(token, edge),
            Ok(None) => {
                let id = self.id(node);
                self.raise(
                    token,
                    id,
                    "no condition of the gateway is true and it has no default",
                    "cancel the instance, and give the gateway a default in a new version",
                );
            }
            Err(error) => {
                let id = self.id(node);
                let hint = "mend the variable and try again, or cancel the instance";
                self.raise(token, id, &error, hint);
            }
        }
    }

    /// The first edge whose condition holds; the default stands behind all others.
    fn first_match(&self, ways: &[usize]) -> Result<Option<usize>, String> {
        let mut default = None;
        for &edge in ways {
            match &self.edge(edge).condition {
                Condition::Default => default = Some(edge),
                _ if self.definition.holds(edge, self.instance.values())? => return Ok(Some(edge)),
                _ => {}
            }
        }
        Ok(default)
    }
}
