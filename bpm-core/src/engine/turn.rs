//! A turn that was taken and is not durable yet, and the rows that it writes.

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::history;
use crate::ids::InstanceId;
use crate::step::Effect;
use crate::store::{Closed, IncidentRow, StartRow, StateRow, TurnRows, UserTaskRow};

use super::mailbox::Answer;
use super::registry::Registered;

/// A turn between step and release.
pub(super) struct PendingTurn {
    pub(super) instance: InstanceId,
    pub(super) registered: Registered,
    pub(super) key: Option<String>,
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) event: Event,
    pub(super) changes: Vec<Change>,
    pub(super) effects: Vec<Effect>,
    pub(super) start: Option<StartRow>,
    pub(super) state: Option<StateRow>,
    pub(super) answer: Option<Answer>,
    /// How many bytes of history it wrote; known once it is written.
    pub(super) bytes: usize,
}

impl PendingTurn {
    /// The rows of the turn. Start and state row are handed over.
    pub(super) fn rows(&mut self) -> TurnRows {
        let body = history::body(&self.event, &self.changes);
        self.bytes = body.len();
        let mut rows = TurnRows {
            instance: self.instance,
            seq: self.seq,
            at: self.at,
            body,
            start: self.start.take(),
            state: self.state.take(),
            opened: Vec::new(),
            closed: Vec::new(),
            raised: Vec::new(),
            settled: Vec::new(),
        };
        for change in &self.changes {
            self.wait_rows(change, &mut rows);
        }
        rows
    }

    /// The rows of what opens and closes.
    fn wait_rows(&self, change: &Change, rows: &mut TurnRows) {
        match change {
            Change::UserTaskCreated { .. } => rows.opened.extend(self.user_task(change)),
            Change::UserTaskClosed { task, how, by, .. } => {
                rows.closed.push((*task, Closed { how: *how, at: self.at, by: by.clone() }));
            }
            Change::IncidentRaised { .. } => rows.raised.extend(self.incident(change)),
            Change::IncidentClosed { incident, .. } => rows.settled.push(*incident),
            _ => {}
        }
    }

    fn user_task(&self, change: &Change) -> Option<UserTaskRow> {
        let Change::UserTaskCreated { token, task, name, form, group, user, due, priority } =
            change
        else {
            return None;
        };
        Some(UserTaskRow {
            id: *task,
            instance: self.instance,
            process: self.registered.definition.name().to_owned(),
            key: self.key.clone(),
            node: self.node_of(*token).unwrap_or(name).to_owned(),
            name: name.to_string(),
            form: form.text().to_owned(),
            group: group.clone(),
            user: user.clone(),
            due: *due,
            priority: *priority,
            created: self.at,
            closed: None,
        })
    }

    fn incident(&self, change: &Change) -> Option<IncidentRow> {
        let Change::IncidentRaised { incident, node, error, hint, .. } = change else {
            return None;
        };
        Some(IncidentRow {
            id: *incident,
            instance: self.instance,
            process: self.registered.definition.name().to_owned(),
            node: node.to_string(),
            error: error.clone(),
            attempts: 0,
            lost: 0,
            hint: hint.clone(),
            since: self.at,
        })
    }

    /// The node that a token entered last in this turn.
    fn node_of(&self, of: u64) -> Option<&str> {
        self.changes.iter().rev().find_map(|change| match change {
            Change::TokenMoved { token, node } | Change::TokenCreated { token, node }
                if *token == of =>
            {
                Some(node.as_ref())
            }
            _ => None,
        })
    }
}
