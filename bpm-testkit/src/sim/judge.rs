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

/// So many models are kept that are right so far.
const MODELS_MAX: usize = 24;

/// Judges the turns of one instance, one after the other.
pub struct Judge<'a> {
    /// All that may be: an order that no rule names leads to more than one.
    models: Vec<Model<'a>>,
    /// The changes so far, applied.
    replayed: Instance,
    /// Whether each turn goes on until no token can move, so that the model says the same.
    exact: bool,
}

impl<'a> Judge<'a> {
    /// A judge of an instance that does not exist yet. `exact`: no turn stops at the bound on
    /// moves; otherwise only what holds of every order is judged.
    pub fn new(process: &'a Process, instance: Instance, lost_max: u32, exact: bool) -> Self {
        Self { models: vec![Model::new(process, lost_max)], replayed: instance, exact }
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
        let stops = |model: &Model<'_>, node: &str| model.stopping().any(|stops| stops == node);
        let all = |node: &str| self.models.iter().all(|model| stops(model, node));
        self.exact && token.is_some_and(|at| all(&at.node))
    }

    /// Whether the last turn told the right attempts to stop, by their nodes. One may be told
    /// again when what is around it is to be undone, too.
    pub fn stops(&self, told: &[String]) -> Result<(), String> {
        let right = |model: &Model<'_>| {
            let stopping = |node: &String| model.stopping().any(|stopping| stopping == node);
            model.stopped().iter().all(|node| told.contains(node)) && told.iter().all(stopping)
        };
        if !self.exact || self.models.iter().any(right) {
            return Ok(());
        }
        Err(format!("told to stop: {told:?}, and by the model {:?}", self.models[0].stopped()))
    }

    /// A turn is durable: says what is wrong with it.
    pub fn turn(&mut self, turn: &Recorded) -> Result<(), String> {
        if turn.seq != self.replayed.seq + 1 {
            let seq = self.replayed.seq;
            return Err(format!("turn {} came after turn {seq}", turn.seq));
        }
        let undoable = self.replayed.not_undone().len();
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
        if let Event::ResumeRequested { .. } = turn.event {
            let models = std::mem::take(&mut self.models);
            self.models = models.into_iter().flat_map(|model| model.resumed(now)).collect();
            return !self.models.is_empty();
        }
        self.takes(turn)
    }

    fn takes(&mut self, turn: &Recorded) -> bool {
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
            Event::SuspendRequested { .. } => Happened::Suspended,
            // A turn goes on until no token can move, so that there is nothing to continue.
            Event::ResumeRequested { .. } | Event::Continued => return false,
        };
        self.models.retain_mut(|model| model.take(&happened, now));
        !self.models.is_empty()
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

    /// One of the models is right; the others are not.
    fn compare(&mut self) -> Result<(), String> {
        let differ: Vec<Option<String>> =
            self.models.iter().map(|model| self.differs_from(model)).collect();
        let mut at = differ.iter();
        if differ.iter().any(Option::is_none) {
            self.models.retain(|_| at.next().is_some_and(Option::is_none));
            self.models.truncate(MODELS_MAX);
            return Ok(());
        }
        let nearest = differ.into_iter().flatten().min_by_key(String::len);
        Err(nearest.unwrap_or_else(|| "no order leads here".to_owned()))
    }

    fn differs_from(&self, model: &Model<'_>) -> Option<String> {
        let undoable: Vec<(String, i64)> = self.replayed.not_undone().iter().map(kept).collect();
        let status = self.replayed.status;
        let closing = matches!(status, Status::Failing | Status::Cancelling | Status::Completing);
        let expected = model.is_closing() && model.end().is_none();
        let end = self.replayed.ending().map(|ending| ended(&ending));
        let suspended = self.replayed.suspended().is_some();
        let found = [
            differs("tokens", &self.resting(), &known(model)),
            differs("undoable", &undoable, &model.undoable()),
            differs("closing", &closing, &expected),
            differs("end", &end.as_ref(), &model.end()),
            differs("suspended", &suspended, &(model.is_suspended() && model.end().is_none())),
        ];
        let found: Vec<String> = found.into_iter().flatten().collect();
        (!found.is_empty()).then(|| found.join("\n"))
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
}

/// Where a model's tokens rest, without what people are told of it.
fn known(model: &Model<'_>) -> Vec<(String, Rest)> {
    let mut resting = model.resting();
    for (_, rest) in &mut resting {
        if let Rest::Incident(_, message) = rest {
            *message = None;
        }
    }
    resting
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
