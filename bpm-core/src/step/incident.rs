//! Incidents: the token rests, visibly, until a person decides.

use bpm_model::graph::Text;

use crate::change::Change;
use crate::event::TokenId;
use crate::ids::IncidentId;

use super::Turn;

impl Turn<'_> {
    pub(super) fn raise(&mut self, token: TokenId, node: Text, error: &str, hint: &str) {
        let incident =
            IncidentId::derive(self.instance.id, self.instance.seq, token, self.current.now);
        let (error, hint) = (error.to_owned(), hint.to_owned());
        self.record(Change::IncidentRaised { token, incident, node, error, hint });
    }

    /// An invariant of the graph does not hold. The checks exclude it; should it happen all the
    /// same, the instance rests and nothing wrong is done.
    pub(super) fn broken(&mut self, token: TokenId, node: usize, what: &str) {
        let error = format!("an invariant does not hold at this node: {what}");
        self.raise(token, self.id(node), &error, "report this as a bug; cancel the instance");
    }
}
