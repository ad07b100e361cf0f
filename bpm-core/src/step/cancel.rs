//! Step 1 of the rules of failure: no new work starts, waits are cancelled, attempts in flight
//! are told to stop and awaited. When the last one is over, what completed is undone.

use crate::change::{Change, Closing};
use crate::event::{Actor, ScopeId, TokenId};
use crate::instance::{PROCESS, Token, TokenState};
use crate::planted;
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

    /// An undo that is in flight, or rests, goes on; all else ends.
    pub(super) fn cancel_requested(&mut self, actor: &Actor) {
        let running = self.instance.status == Status::Running;
        self.lift_suspension(actor);
        self.record(Change::ProcessCancelling { actor: actor.clone() });
        if running || planted!(UndoStoppedByCancel) {
            self.quiesce(PROCESS, Some(actor));
        }
        self.settle(PROCESS);
    }

    /// Ends every wait and every token inside of a scope that could move, but for what is being
    /// undone; tells attempts in flight to stop.
    pub(super) fn quiesce(&mut self, scope: ScopeId, by: Option<&Actor>) {
        let within = self.instance.tokens_within(scope);
        let within = within.filter(|token| {
            planted!(UndoStoppedByCancel) || self.instance.undoing(token.id).is_none()
        });
        let within: Vec<Token> = within.cloned().collect();
        for token in within {
            self.ready.retain(|ready| *ready != token.id);
            self.quiet(&token, by.cloned());
        }
    }

    /// Ends everything, also what is being undone.
    pub(super) fn end_all(&mut self, by: &Actor) {
        self.ready.clear();
        for token in self.instance.tokens().to_vec() {
            self.quiet(&token, Some(by.clone()));
        }
    }

    fn quiet(&mut self, Token { id, state, .. }: &Token, by: Option<Actor>) {
        let token = *id;
        match state {
            TokenState::Executing(_) if planted!(AttemptsNotStopped) => return,
            TokenState::Executing(_) => {
                return self.outcome.effects.push(Effect::Stop { token });
            }
            TokenState::Waiting { .. } if planted!(WaitsNotClosed) => {}
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

    /// An attempt is over where no new work starts.
    pub(super) fn attempt_is_over(&mut self, token: TokenId) {
        let scope = self.scope_of(token);
        self.record(Change::TokenConsumed { token });
        self.settle(scope);
    }

    /// Whether no new work starts where a token is: what is around it is being undone.
    pub(super) fn is_halted(&self, token: TokenId) -> bool {
        self.instance.unwinder(self.scope_of(token)).is_some()
    }
}
