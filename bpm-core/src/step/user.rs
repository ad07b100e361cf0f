//! User tasks: open in the work list until someone completes them.

use bpm_model::graph::Text;

use crate::change::{Change, Closing};
use crate::event::{Actor, TokenId};
use crate::ids::UserTaskId;
use crate::instance::TokenState;
use crate::json::Json;
use crate::refused::Refused;
use crate::vars::{Cx, Does, Work};

use super::Turn;

impl Turn<'_> {
    pub(super) fn open_user_task(&mut self, token: TokenId, node: usize, name: Text) {
        match self.work(node) {
            Ok(work) => self.create_user_task(token, self.id(node), name, work),
            Err(failure) => self.fail(token, failure),
        }
    }

    fn work(&mut self, node: usize) -> Result<Work, crate::event::Failure> {
        if self.definition.visit().is_none() {
            return Ok(Work::new());
        }
        match self.visit(node)? {
            Does::User(work) => Ok(work),
            _ => unreachable!("a user task opens a user task"),
        }
    }

    fn create_user_task(&mut self, token: TokenId, node: Text, name: Text, work: Work) {
        let task = UserTaskId::derive(self.instance.id, self.instance.seq, token, self.current.now);
        let form = work.form();
        let Work { group, user, due, priority, .. } = work;
        self.record(Change::UserTaskCreated {
            token,
            task,
            node,
            name,
            form,
            group,
            user,
            due,
            priority,
        });
    }

    pub(super) fn admit_payload(&self, task: UserTaskId, payload: &Json) -> Result<(), Refused> {
        let Some(token) = self.waiting_for(task) else {
            return Err(Refused::UnknownUserTask(task));
        };
        let id = self.instance.token(token).map(|token| token.node.clone()).unwrap_or_default();
        let wrong = |why: String| Refused::WrongPayload { task, node: id.to_string(), why };
        let Some(node) = self.definition.node(&id) else {
            return Err(wrong("the definition has no such node".to_owned()));
        };
        self.accepts(node, payload).map_err(wrong)
    }

    /// Whether a value from outside fits what the node sets.
    pub(super) fn accepts(&self, node: usize, value: &Json) -> Result<(), String> {
        if self.definition.visit().is_none() {
            return self.definition.results(node, value).map(drop);
        }
        let accepted = self.evaluate(node, Cx::Accept(value.clone()));
        accepted.map(drop).map_err(|failure| failure.message)
    }

    pub(super) fn user_task_completed(
        &mut self,
        task: UserTaskId,
        payload: &Json,
        by: Option<Actor>,
    ) {
        let Some(token) = self.waiting_for(task) else { return };
        let Some(node) = self.node_of(token) else { return };
        self.record(Change::UserTaskClosed { token, task, how: Closing::Completed, by });
        self.complete_by_hand(token, node, payload);
    }

    /// A person gave the activity's value, which was found to fit.
    pub(super) fn complete_by_hand(&mut self, token: TokenId, node: usize, value: &Json) {
        if self.set_result(node, value).is_ok() {
            let visit = self.instance.next_number();
            self.remember_undo(token, node, visit);
            self.leave(token, node);
        }
    }

    fn waiting_for(&self, task: UserTaskId) -> Option<TokenId> {
        let waits = |state: &TokenState| *state == TokenState::Waiting { task };
        self.instance.tokens().iter().find(|token| waits(&token.state)).map(|token| token.id)
    }
}
