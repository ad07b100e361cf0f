//! Step 1 of the rules of failure: no new work starts, waits are cancelled, attempts in flight
//! are told to stop and awaited. When the last one is over, what completed is undone.

use crate::change::{Change, Closing};
use crate::event::{Actor, TokenId};
use crate::instance::{Token, TokenState};
use crate::refused::Refused;
use crate::store::Status;

use super::{Effect, Turn};

impl Turn<'_> {
    pub(super) fn admit_cancel(&self) -> Result<(), Refused> {
        match self.instance.cancelled_by() {
            Some(by) => {
                Err(Refused::AlreadyCancelling { instance: self.instance.id, by: by.clone() })
            }
            None => Ok(()),
        }
    }

    /// While the instance is failing, nothing but its end changes: what is being undone goes on.
    pub(super) fn cancel_requested(&mut self, actor: &Actor) {
        let running = self.instance.status == Status::Running;
        self.lift_suspension(actor);
        self.record(Change::ProcessCancelling { actor: actor.clone() });
        if running {
            self.quiesce(Some(actor));
        }
        self.end_if_quiet();
    }

    /// Ends every wait and every token that could move; tells attempts in flight to stop.
    pub(super) fn quiesce(&mut self, by: Option<&Actor>) {
        self.ready.clear();
        for token in self.instance.tokens().to_vec() {
            self.quiet(&token, by.cloned());
        }
    }

    fn quiet(&mut self, Token { id, state, .. }: &Token, by: Option<Actor>) {
        let token = *id;
        match state {
            TokenState::Executing(_) => {
                return self.outcome.effects.push(Effect::Stop { token });
            }
            TokenState::Waiting { task } => {
                let how = Closing::Cancelled;
                self.record(Change::UserTaskClosed { token, task: *task, how, by });
            }
            TokenState::Timing { timer, .. } | TokenState::BackingOff { timer, .. } => {
                self.record(Change::TimerClosed { token, timer: *timer });
            }
            TokenState::Incident { incident, .. } => {
                let (incident, how) = (*incident, Closing::Cancelled);
                self.record(Change::IncidentClosed { token, incident, how, by });
            }
            TokenState::Ready | TokenState::Joining => {}
        }
        self.record(Change::TokenConsumed { token });
    }

    /// An attempt is over in an instance in which no new work starts.
    pub(super) fn attempt_is_over(&mut self, token: TokenId) {
        self.record(Change::TokenConsumed { token });
        self.end_if_quiet();
    }

    pub(super) fn end_if_quiet(&mut self) {
        if self.instance.tokens().is_empty() {
            self.undo_or_end();
        }
    }
}
