//! Incidents: the token rests, visibly, until a person decides: to run the step again, to give
//! the value that it could not give, or to let it fail.

use bpm_model::graph::Text;

use crate::change::{Change, Closing};
use crate::event::{Actor, Failure, FailureKind, TokenId};
use crate::ids::IncidentId;
use crate::instance::{Attempts, Token, TokenState};
use crate::json::Json;
use crate::planted;
use crate::refused::Refused;

use super::Turn;

impl Turn<'_> {
    pub(super) fn raise(&mut self, token: TokenId, node: Text, error: &str, hint: &str) {
        let attempts = self.instance.attempts(token);
        let counts = attempts.map_or((0, 0), |attempts| (attempts.failed, attempts.lost));
        self.raise_after(token, node, counts, error, hint);
    }

    /// After so many attempts that failed, and so many that were lost, since the activity began
    /// or a person last had it retried.
    pub(super) fn raise_after(
        &mut self,
        token: TokenId,
        node: Text,
        (attempts, lost): (u32, u32),
        error: &str,
        hint: &str,
    ) {
        let now = self.current.now;
        let incident = IncidentId::derive(self.instance.id, self.instance.seq, token, now);
        let (error, hint) = (error.to_owned(), hint.to_owned());
        self.record(Change::IncidentRaised { token, incident, node, error, hint, attempts, lost });
    }

    /// An invariant of the graph does not hold. The checks exclude it; should it happen all the
    /// same, the instance rests and nothing wrong is done.
    pub(super) fn broken(&mut self, token: TokenId, node: usize, what: &str) {
        let error = format!("an invariant does not hold at this node: {what}");
        self.raise(token, self.id(node), &error, "report this as a bug; cancel the instance");
    }

    pub(super) fn admit_incident(&self, incident: IncidentId) -> Result<&Token, Refused> {
        self.instance.resting(incident).ok_or(Refused::UnknownIncident(incident))
    }

    /// Only an activity has a value that a person can give.
    pub(super) fn admit_skip(&self, incident: IncidentId, value: &Json) -> Result<(), Refused> {
        let node = self.admit_incident(incident)?.node.clone();
        let wrong = |why: String| Refused::CannotSkip { incident, node: node.to_string(), why };
        let Some(index) = self.definition.node(&node) else {
            return Err(wrong("the definition has no such node".to_owned()));
        };
        if !self.definition.graph().nodes[index].kind.is_activity() {
            return Err(wrong("it is no activity and gives no value".to_owned()));
        }
        self.accepts(index, value).map_err(wrong)
    }

    /// The failure of an undo has nowhere to go: it is retried, or a person takes it on.
    pub(super) fn admit_fail(&self, incident: IncidentId) -> Result<(), Refused> {
        let node = self.admit_incident(incident)?.node.clone();
        match self.definition.node(&node) {
            Some(index) if self.is_undo(index) => {
                Err(Refused::CannotFail { incident, node: node.to_string() })
            }
            _ => Ok(()),
        }
    }

    pub(super) fn retry_incident(&mut self, incident: IncidentId, by: &Actor) {
        let Some((token, attempts, _)) = self.close(incident, Closing::Retried, by) else { return };
        match attempts {
            // The attempts so far are used up: the round that begins now has as many again.
            Some(attempts) if planted!(IncidentRetryKeepsCounts) => {
                self.run_attempt(token, attempts.next());
            }
            Some(attempts) => {
                self.run_attempt(token, Attempts { failed: 0, lost: 0, ..attempts }.next());
            }
            None => self.ready.push_back(token),
        }
    }

    pub(super) fn skip_incident(&mut self, incident: IncidentId, value: &Json, by: &Actor) {
        let Some((token, ..)) = self.close(incident, Closing::Skipped, by) else { return };
        let Some(node) = self.node_of(token) else { return };
        if self.is_undo(node) {
            self.undone(token);
        } else {
            self.complete_by_hand(token, node, value);
        }
    }

    pub(super) fn fail_incident(&mut self, incident: IncidentId, by: &Actor) {
        let Some((token, _, error)) = self.close(incident, Closing::Failed, by) else { return };
        let node = self.instance.token(token).map(|token| token.node.to_string());
        let failure = Failure::new(node.unwrap_or_default(), FailureKind::Incident, error);
        self.fail(token, failure);
    }

    /// Closes an incident; what rested goes on as the caller says.
    fn close(
        &mut self,
        incident: IncidentId,
        how: Closing,
        by: &Actor,
    ) -> Option<(TokenId, Option<Attempts>, String)> {
        let resting = self.instance.resting(incident)?;
        let TokenState::Incident { error, attempts, .. } = &resting.state else { return None };
        let (token, attempts, error) = (resting.id, *attempts, error.clone());
        self.record(Change::IncidentClosed { token, incident, how, by: Some(by.clone()) });
        Some((token, attempts, error))
    }
}
