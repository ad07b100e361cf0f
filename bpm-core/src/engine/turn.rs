//! A turn that was taken and is not durable yet, and the rows that it writes.

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::history;
use crate::ids::InstanceId;
use crate::planted;
use crate::step::Effect;
use crate::store::{Closed, IncidentRow, StartRow, StateRow, TimerRow, TurnRows, UserTaskRow};

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
    /// Up to which turn the history may be forgotten, when it is time for that.
    pub(super) forget: Option<u64>,
    pub(super) answer: Option<Answer>,
    /// How many bytes of history it wrote; known once it is written.
    pub(super) bytes: usize,
}

/// What a turn does about the suspension of its instance.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    Begins,
    Ends,
}

impl PendingTurn {
    #[cfg(feature = "planted-bugs")]
    pub(super) fn acknowledge(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer.send(Ok(self.instance));
        }
    }

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
            forget: self.forget,
            opened: Vec::new(),
            closed: Vec::new(),
            raised: Vec::new(),
            settled: Vec::new(),
            timers_set: Vec::new(),
            timers_closed: Vec::new(),
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
            Change::IncidentClosed { incident, how, by, .. } => {
                rows.settled.push((*incident, Closed { how: *how, at: self.at, by: by.clone() }));
            }
            Change::TimerSet { .. } | Change::RetryScheduled { .. } => {
                rows.timers_set.extend(self.timer(change));
            }
            Change::TimerClosed { .. } if planted!(TimerKept) => {}
            Change::TimerClosed { timer, .. } => rows.timers_closed.push(*timer),
            _ => {}
        }
    }

    fn user_task(&self, change: &Change) -> Option<UserTaskRow> {
        let Change::UserTaskCreated { task, node, name, form, group, user, due, priority, .. } =
            change
        else {
            return None;
        };
        Some(UserTaskRow {
            id: *task,
            instance: self.instance,
            process: self.registered.definition.name().to_owned(),
            key: self.key.clone(),
            node: node.to_string(),
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
        let Change::IncidentRaised { incident, node, error, hint, attempts, lost, .. } = change
        else {
            return None;
        };
        Some(IncidentRow {
            id: *incident,
            instance: self.instance,
            process: self.registered.definition.name().to_owned(),
            node: node.to_string(),
            error: error.clone(),
            attempts: *attempts,
            lost: *lost,
            hint: hint.clone(),
            since: self.at,
            closed: None,
        })
    }

    fn timer(&self, change: &Change) -> Option<TimerRow> {
        let (token, timer, due, calendar) = match change {
            Change::TimerSet { token, timer, due, calendar } => (*token, *timer, *due, *calendar),
            Change::RetryScheduled { token, timer, due } => (*token, *timer, *due, false),
            _ => return None,
        };
        Some(TimerRow { calendar, due, instance: self.instance, timer, token })
    }

    /// Whether the turn suspends its instance, or ends a suspension.
    pub(super) fn pauses(&self) -> Option<Pause> {
        self.changes.iter().find_map(|change| match change {
            Change::ProcessSuspended { .. } => Some(Pause::Begins),
            Change::ProcessResumed { .. } | Change::ProcessTerminated { .. } => Some(Pause::Ends),
            _ => None,
        })
    }

    /// The timers that the turn sets.
    pub(super) fn timers_set(&self) -> impl Iterator<Item = TimerRow> {
        self.changes.iter().filter_map(|change| self.timer(change))
    }
}
