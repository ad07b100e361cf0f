//! The judge: compares what an engine made durable with what the model says.

use std::fmt::Debug;

use bpm_core::change::Change;
use bpm_core::event::{Event, FailureKind};
use bpm_core::history::Recorded;
use bpm_core::ids::{IncidentId, InstanceId};
use bpm_core::instance::{Attempts, Ending, Instance, TokenState};
use bpm_core::store::Status;

use super::model::{End, Fault, Happened, Model, Rest, Tries};
use super::tree::Process;

/// Judges the turns of one instance, one after the other.
pub struct Judge<'a> {
    model: Model<'a>,
    /// The changes so far, applied.
    replayed: Instance,
    /// Whether each turn goes on until no token can move, so that the model says the same.
    exact: bool,
}

impl<'a> Judge<'a> {
    /// A judge of an instance that does not exist yet. `exact`: no turn stops at the bound on
    /// moves; otherwise only what holds of every order is judged.
    pub fn new(process: &'a Process, instance: Instance, lost_max: u32, exact: bool) -> Self {
        Self { model: Model::new(process, lost_max), replayed: instance, exact }
    }

    /// The instance that the turns lead to.
    pub fn replayed(&self) -> &Instance {
        &self.replayed
    }

    /// The instance's id.
    pub fn id(&self) -> InstanceId {
        self.replayed.id
    }

    /// The value that was kept for what a visit undoes, if it undoes something.
    pub fn kept_for(&self, visit: u64) -> Option<i64> {
        let runs =
            |state: &TokenState| matches!(state, TokenState::Executing(at) if at.visit == visit);
        let token = self.replayed.tokens().iter().find(|token| runs(&token.state))?.id;
        let done = self.replayed.not_undone().iter().find(|done| done.by == Some(token))?;
        Some(kept(done).1)
    }

    /// Whether the attempt of a visit was told to stop.
    pub fn is_stopping(&self, visit: u64) -> bool {
        let runs =
            |state: &TokenState| matches!(state, TokenState::Executing(at) if at.visit == visit);
        let token = self.replayed.tokens().iter().find(|token| runs(&token.state));
        self.exact && token.is_some_and(|at| self.model.stopping().any(|node| node == at.node))
    }

    /// Whether the last turn told the right attempts to stop, by their nodes. One may be told
    /// again when what is around it is to be undone, too.
    pub fn stops(&self, told: &[String]) -> Result<(), String> {
        let mut expected = self.model.stopped().iter();
        let stopping = |node: &String| self.model.stopping().any(|stopping| stopping == node);
        if !self.exact || (expected.all(|node| told.contains(node)) && told.iter().all(stopping)) {
            return Ok(());
        }
        Err(format!("told to stop: {told:?}, and by the model {:?}", self.model.stopped()))
    }

    /// A turn is durable: says what is wrong with it.
    pub fn turn(&mut self, turn: &Recorded) -> Result<(), String> {
        if turn.seq != self.replayed.seq + 1 {
            let seq = self.replayed.seq;
            return Err(format!("turn {} came after turn {seq}", turn.seq));
        }
        let undoable = self.replayed.not_undone().len();
        // The model knows no suspensions: from then on only what holds of every order is judged.
        self.exact &= !matches!(turn.event, Event::SuspendRequested { .. });
        if self.replayed.suspended().is_some() && moves(turn) {
            return Err(format!("it moved while it was suspended: {turn:?}"));
        }
        let wrong = self.exact && !self.happened(turn);
        turn.changes.iter().for_each(|change| self.replayed.apply(change));
        self.replayed.seq = turn.seq;
        if wrong {
            return Err("the model says that this cannot have happened".to_owned());
        }
        self.judge_order(turn, undoable)?;
        if self.exact { self.compare() } else { Ok(()) }
    }

    fn happened(&mut self, turn: &Recorded) -> bool {
        let now = u64::try_from(turn.at.as_millis()).unwrap_or(0);
        let resting = |incident: &IncidentId| {
            let rests = |state: &TokenState| matches!(state, TokenState::Incident { incident: id, .. } if id == incident);
            let token = self.replayed.tokens().iter().find(|token| rests(&token.state));
            token.map_or_else(String::new, |token| token.node.to_string())
        };
        let rested;
        let happened = match &turn.event {
            Event::ProcessStarted { .. } => Happened::Started,
            Event::TaskCompleted { node, result, .. } => {
                Happened::Completed(node, result.decode().unwrap_or(0))
            }
            Event::UserTaskCompleted { node, payload, .. } => {
                Happened::Completed(node, payload.decode().unwrap_or(0))
            }
            Event::TaskFailed { node, failure, retryable, .. } => {
                let typed = failure.kind == FailureKind::Error;
                let dropped = failure.kind == FailureKind::Dropped;
                let (message, retryable) = (failure.message.as_str(), *retryable);
                Happened::Failed(node, Fault { message, retryable, typed, dropped })
            }
            Event::TaskLost { node, .. } => Happened::Lost(node),
            Event::TimerFired { node, .. } => Happened::Fired(node),
            Event::IncidentRetried { incident, .. } => {
                rested = resting(incident);
                Happened::Retried(&rested)
            }
            Event::IncidentSkipped { incident, value, .. } => {
                rested = resting(incident);
                Happened::Completed(&rested, value.decode().unwrap_or(0))
            }
            Event::IncidentFailed { incident, .. } => {
                rested = resting(incident);
                Happened::Given(&rested)
            }
            Event::CancelRequested { .. } => Happened::Cancelled,
            Event::TerminateRequested { .. } => Happened::Terminated,
            Event::SuspendRequested { .. } | Event::ResumeRequested { .. } | Event::Continued => {
                return false;
            }
        };
        self.model.take(&happened, now)
    }

    /// Whatever the order of moves: nothing is forgotten that is to be undone.
    fn judge_order(&self, turn: &Recorded, before: usize) -> Result<(), String> {
        let left = self.replayed.not_undone();
        let ended = self.replayed.ending();
        if !left.is_empty() && matches!(ended, Some(Ending::Failed(_) | Ending::Cancelled(_))) {
            return Err(format!("it ended, and {} is not undone", left[0].node));
        }
        if before > left.len() + 1 {
            return Err(format!("one turn undid {} activities: {:?}", before - left.len(), turn));
        }
        Ok(())
    }

    fn compare(&self) -> Result<(), String> {
        let undoable: Vec<(String, i64)> = self.replayed.not_undone().iter().map(kept).collect();
        let status = self.replayed.status;
        let closing = matches!(status, Status::Failing | Status::Cancelling | Status::Completing);
        let expected = self.model.is_closing() && self.model.end().is_none();
        let end = self.replayed.ending().map(|ending| ended(&ending));
        let found = [
            differs("tokens", &self.resting(), &self.expected()),
            differs("undoable", &undoable, &self.model.undoable()),
            differs("closing", &closing, &expected),
            differs("end", &end.as_ref(), &self.model.end()),
        ];
        let found: Vec<String> = found.into_iter().flatten().collect();
        if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
    }

    /// Where the engine's tokens rest. Those that wait for others in a block are not seen.
    fn resting(&self) -> Vec<(String, Rest)> {
        let rest = |state: &TokenState| match state {
            TokenState::Executing(attempts) => Some(Rest::Running(tries(*attempts))),
            TokenState::BackingOff { attempts, .. } => Some(Rest::BackingOff(tries(*attempts))),
            TokenState::Timing { due, .. } => {
                Some(Rest::Timing(u64::try_from(due.as_millis()).unwrap_or(0)))
            }
            TokenState::Waiting { .. } => Some(Rest::Open),
            TokenState::Incident { attempts, .. } => {
                Some(Rest::Incident(attempts.map_or_else(Tries::default, tries), None))
            }
            _ => None,
        };
        let tokens = self.replayed.tokens().iter();
        let mut resting: Vec<_> = tokens
            .filter_map(|token| Some((token.node.to_string(), rest(&token.state)?)))
            .collect();
        resting.sort_by(|one, other| one.0.cmp(&other.0));
        resting
    }

    fn expected(&self) -> Vec<(String, Rest)> {
        let mut resting = self.model.resting();
        for (_, rest) in &mut resting {
            if let Rest::Incident(_, message) = rest {
                *message = None;
            }
        }
        resting
    }
}

/// Whether work begins that a suspended instance must not begin.
fn moves(turn: &Recorded) -> bool {
    let wakes = matches!(
        turn.event,
        Event::ResumeRequested { .. }
            | Event::CancelRequested { .. }
            | Event::TerminateRequested { .. }
    );
    let begins = |change: &Change| {
        matches!(
            change,
            Change::TaskStarted { .. }
                | Change::TimerSet { .. }
                | Change::UserTaskCreated { .. }
                | Change::UndoStarted { .. }
        )
    };
    !wakes && turn.changes.iter().any(begins)
}

fn differs<T: PartialEq + Debug>(what: &str, engine: &T, model: &T) -> Option<String> {
    (engine != model).then(|| format!("{what}: the engine says {engine:?}, the model {model:?}"))
}

fn tries(attempts: Attempts) -> Tries {
    Tries { attempt: attempts.attempt, failed: attempts.failed, lost: attempts.lost }
}

/// An activity that can be undone, with the one value that its undo reads.
fn kept(done: &bpm_core::instance::Undoable) -> (String, i64) {
    let value = done.values.iter().next().and_then(|(_, json)| json.decode().ok());
    (done.node.to_string(), value.unwrap_or(-1))
}

fn ended(ending: &Ending) -> End {
    match ending {
        Ending::Completed(result) => End::Completed(result.decode().ok()),
        Ending::Failed(failure) => End::Failed(failure.node.clone()),
        Ending::Cancelled(cancelled) => {
            End::Cancelled(cancelled.failure.as_ref().map(|failure| failure.node.clone()))
        }
        Ending::Terminated(terminated) => End::Terminated(terminated.not_undone.clone()),
    }
}
