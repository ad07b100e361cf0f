//! The state of an instance: tokens, variables, status. Only [`Instance::apply`] changes it.

mod replay;
mod scopes;

use std::collections::BTreeMap;

use bpm_model::graph::Text;
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::{Actor, Failure, ScopeId, TokenId};
use crate::ids::{IncidentId, InstanceId, UserTaskId};
use crate::json::Json;
use crate::planted;
use crate::store::{Status, TimerRow};
use crate::vars::Values;

pub use scopes::{Opened, Returned};

pub(crate) use scopes::{PROCESS, is_process};

/// An instance of a process, as its changes have made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// The id.
    pub id: InstanceId,
    /// The business key.
    pub key: Option<String>,
    /// The number of the last turn.
    pub seq: u64,
    /// The status; that it is [suspended](Self::suspended) comes on top of it.
    pub status: Status,
    tokens: Vec<Token>,
    next_token: TokenId,
    next_number: u64,
    values: Values,
    failure: Option<Failure>,
    cancelled_by: Option<Actor>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::json::some"
    )]
    result: Option<Json>,
    /// What completed and can be undone, in the order of completion.
    #[serde(default)]
    undoable: Vec<Undoable>,
    /// The scopes that are open, in the order in which they were opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Opened>,
    /// Where the result came from, while what has not completed is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    returned: Option<Returned>,
    /// What failed attempts said last, by token, as long as their visits go on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    heartbeats: BTreeMap<TokenId, Json>,
    /// The last time that it was suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suspension: Option<Suspension>,
}

/// That an instance was suspended, and whether it still is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Who suspended it.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Who resumed it, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<(Actor, Timestamp)>,
}

/// A completed activity that can be undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undoable {
    /// The activity.
    pub node: Text,
    /// The number of the visit.
    pub visit: u64,
    /// The variables that the undo reads, as they were when the activity completed.
    pub values: Values,
    /// The scope that it belongs to.
    #[serde(default, skip_serializing_if = "is_process")]
    pub scope: ScopeId,
    /// The token that undoes it, once one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<TokenId>,
}

/// A token: the unit of execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its number in the instance.
    #[serde(rename = "token")]
    pub id: TokenId,
    /// The node that it is at.
    pub node: Text,
    /// The scope that it is in.
    #[serde(default, skip_serializing_if = "is_process")]
    pub scope: ScopeId,
    /// What it does there.
    #[serde(flatten)]
    pub state: TokenState,
}

/// What a token does at its node.
///
/// ```text
///           ╭──────────────◄ result, payload ◄───────────────╮
///           ▼                                                │
///   (new) Ready ──► service task ──► Executing ◄─► BackingOff
///           │ │                         ╰────────────────────┤
///           │ ├───► wait ──────────► Timing ─────────────────┤
///           │ ├───► user task ─────► Waiting ────────────────┤
///           │ ├───► boundary ──────► Timing ───► (its handler)
///           │ ├───► join ──────────► Joining ──► (consumed)  │
///           │ ╰───► what a person must mend ──► Incident ────╯
///           ╰─────► gateway, script ──► Ready at the next node; end ──► (consumed)
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state")]
pub enum TokenState {
    /// It can move: the node has not been executed.
    Ready,
    /// An attempt of the node's service task is in flight.
    Executing(Attempts),
    /// An attempt failed; the next one is due later.
    BackingOff {
        /// The attempts so far.
        #[serde(flatten)]
        attempts: Attempts,
        /// The timer's number.
        timer: u64,
        /// When it is due.
        due: Timestamp,
    },
    /// It waits for a time.
    Timing {
        /// The timer's number.
        timer: u64,
        /// When it is due.
        due: Timestamp,
        /// Whether that is by the wall clock (`wait until`).
        #[serde(default, skip_serializing_if = "crate::change::is_false")]
        calendar: bool,
    },
    /// A user task is open.
    Waiting {
        /// The user task.
        task: UserTaskId,
    },
    /// It waits for others: at a join, at the end of a race, or where its activity or scope has
    /// completed while something still runs beside.
    Joining,
    /// A person must decide.
    Incident {
        /// The incident.
        incident: IncidentId,
        /// The error, which becomes the failure if a person lets it fail.
        error: String,
        /// The attempts of the service task that rests, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempts: Option<Attempts>,
    },
}

/// The attempts of one visit of a service task so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// The number of the visit.
    pub visit: u64,
    /// The number of the latest one, from 1.
    pub attempt: u32,
    /// How many failed and count against `retry`.
    #[serde(default)]
    pub failed: u32,
    /// How many were lost.
    #[serde(default)]
    pub lost: u32,
}

impl Attempts {
    /// The same with one more.
    pub(crate) fn next(self) -> Self {
        Self { attempt: self.attempt.saturating_add(1), ..self }
    }
}

impl TokenState {
    /// Its numbers of the sequence that visits and timers share.
    fn numbers(&self) -> impl Iterator<Item = u64> {
        let (visit, timer) = match self {
            Self::Executing(attempts) => (Some(attempts.visit), None),
            Self::BackingOff { attempts, timer, .. } => (Some(attempts.visit), Some(*timer)),
            Self::Timing { timer, .. } => (None, Some(*timer)),
            Self::Incident { attempts, .. } => (attempts.map(|attempts| attempts.visit), None),
            Self::Ready | Self::Waiting { .. } | Self::Joining => (None, None),
        };
        visit.into_iter().chain(timer)
    }
}

impl Instance {
    /// An instance that nothing has happened to.
    pub fn new(id: InstanceId, key: Option<String>) -> Self {
        Self {
            id,
            key,
            seq: 0,
            status: Status::Running,
            tokens: Vec::new(),
            next_token: 0,
            next_number: 1,
            values: Values::default(),
            failure: None,
            cancelled_by: None,
            result: None,
            undoable: Vec::new(),
            scopes: Vec::new(),
            returned: None,
            heartbeats: BTreeMap::new(),
            suspension: None,
        }
    }

    /// Applies one change.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::TokenCreated { token, node } => self.create(*token, node.clone()),
            Change::TokenMoved { token, node } => self.place(*token, node.clone()),
            Change::TokenJoining { token } => self.put(*token, TokenState::Joining),
            Change::TokenConsumed { token } => self.remove(*token),
            Change::VariableSet { key, value } => self.values.set(key.clone(), value.clone()),
            Change::TaskStarted { token, visit, attempt, failed, lost } => {
                let (visit, attempt, failed, lost) = (*visit, *attempt, *failed, *lost);
                self.start(*token, Attempts { visit, attempt, failed, lost });
            }
            Change::HeartbeatKept { token, heartbeat } => self.keep(*token, heartbeat),
            Change::RetryScheduled { token, timer, due } => self.back_off(*token, *timer, *due),
            Change::TimerSet { token, timer, due, calendar } => {
                self.number(*timer);
                let (timer, due, calendar) = (*timer, *due, *calendar);
                self.put(*token, TokenState::Timing { timer, due, calendar });
            }
            Change::UserTaskCreated { token, task, .. } => {
                self.put(*token, TokenState::Waiting { task: *task });
            }
            Change::IncidentRaised { token, incident, error, .. } => {
                self.rest(*token, *incident, error);
            }
            Change::UserTaskClosed { token, .. } | Change::TimerClosed { token, .. } => {
                self.put(*token, TokenState::Ready);
            }
            Change::IncidentClosed { token, .. } => self.put(*token, TokenState::Ready),
            Change::TokenEntered { token, scope } => self.enter(*token, *scope),
            Change::ScopeOpened { scope, node, parent } => self.open(*scope, node, *parent),
            Change::ScopeUnwinding { scope, why } => self.unwind(*scope, why),
            Change::ScopeClosed { scope } => self.close(*scope),
            Change::ProcessFailing { failure } => self.fail(failure),
            Change::FailureRelated { failure, scope } => self.relate_in(*scope, failure),
            Change::ProcessCancelling { actor } => self.cancel(actor),
            Change::UndoRecorded { node, visit, values, scope } => {
                self.keep_undoable(node, *visit, values, *scope);
            }
            Change::UndoStarted { token, node, visit } => self.undo(*token, node, *visit),
            Change::Undone { visit, .. } => self.undoable.retain(|done| done.visit != *visit),
            Change::ProcessSuspended { actor, at } => self.suspend(actor, *at),
            Change::ProcessResumed { actor, at } => self.resume(actor, *at),
            Change::ProcessTerminated { actor } => self.terminate(actor),
            Change::ResultFixed { node, result, stands } => self.fix(node, result, stands),
            Change::ProcessCompleted { result, .. } => self.complete(result),
            Change::ProcessFailed => self.end(Status::Failed),
            Change::ProcessCancelled => self.end(Status::Cancelled),
        }
    }

    fn create(&mut self, token: TokenId, node: Text) {
        self.tokens.push(Token { id: token, node, scope: 0, state: TokenState::Ready });
        self.next_token = token.saturating_add(1);
    }

    fn place(&mut self, token: TokenId, node: Text) {
        self.heartbeats.remove(&token);
        if let Some(token) = self.find(token) {
            token.node = node;
            token.state = TokenState::Ready;
        }
    }

    fn put(&mut self, token: TokenId, state: TokenState) {
        if let Some(token) = self.find(token) {
            token.state = state;
        }
    }

    fn remove(&mut self, token: TokenId) {
        self.heartbeats.remove(&token);
        if let Ok(at) = self.position(token) {
            self.tokens.remove(at);
        }
    }

    fn start(&mut self, token: TokenId, attempts: Attempts) {
        self.number(attempts.visit);
        self.put(token, TokenState::Executing(attempts));
    }

    fn keep(&mut self, token: TokenId, heartbeat: &Json) {
        self.heartbeats.insert(token, heartbeat.clone());
    }

    fn back_off(&mut self, token: TokenId, timer: u64, due: Timestamp) {
        self.number(timer);
        let Some(mut attempts) = self.attempts(token) else { return };
        attempts.failed = attempts.failed.saturating_add(1);
        self.put(token, TokenState::BackingOff { attempts, timer, due });
    }

    fn rest(&mut self, token: TokenId, incident: IncidentId, error: &str) {
        let (error, attempts) = (error.to_owned(), self.attempts(token));
        self.put(token, TokenState::Incident { incident, error, attempts });
    }

    /// Visits and timers share one sequence of numbers.
    fn number(&mut self, used: u64) {
        self.next_number = self.next_number.max(used.saturating_add(1));
    }

    fn fail(&mut self, failure: &Failure) {
        self.status = Status::Failing;
        self.relate(failure);
        self.absorb_failures();
    }

    fn relate(&mut self, failure: &Failure) {
        match &mut self.failure {
            Some(_) if planted!(LastFailureTold) => self.failure = Some(failure.clone()),
            Some(first) => first.related.push(failure.clone()),
            None => self.failure = Some(failure.clone()),
        }
    }

    fn cancel(&mut self, actor: &Actor) {
        self.status = Status::Cancelling;
        self.cancelled_by = Some(actor.clone());
        self.absorb_failures();
    }

    fn keep_undoable(&mut self, node: &Text, visit: u64, kept: &[(Text, Json)], scope: ScopeId) {
        self.number(visit);
        let mut values = Values::default();
        kept.iter().for_each(|(key, value)| values.set(key.clone(), value.clone()));
        self.undoable.push(Undoable { node: node.clone(), visit, values, scope, by: None });
    }

    fn suspend(&mut self, by: &Actor, at: Timestamp) {
        self.suspension = Some(Suspension { by: by.clone(), at, resumed: None });
    }

    fn resume(&mut self, by: &Actor, at: Timestamp) {
        if let Some(suspension) = &mut self.suspension {
            suspension.resumed = Some((by.clone(), at));
        }
    }

    fn terminate(&mut self, actor: &Actor) {
        self.cancelled_by = Some(actor.clone());
        self.end(Status::Terminated);
    }

    fn complete(&mut self, result: &Json) {
        self.result = Some(result.clone());
        self.end(Status::Completed);
    }

    fn end(&mut self, status: Status) {
        self.status = status;
        self.tokens.clear();
        self.scopes.clear();
        self.heartbeats.clear();
    }

    /// The tokens, by id.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The token with this id.
    pub fn token(&self, token: TokenId) -> Option<&Token> {
        self.position(token).ok().map(|at| &self.tokens[at])
    }

    /// The variables.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// Whether it must go on by itself: a token can move, or an attempt is in flight. While it is
    /// suspended no token can move.
    pub fn is_active(&self) -> bool {
        let can_move = self.suspended().is_none();
        self.tokens.iter().any(|token| match token.state {
            TokenState::Ready => can_move,
            TokenState::Executing(_) => !planted!(InFlightCountsAsResting),
            _ => false,
        })
    }

    /// Whether a token can move.
    pub(crate) fn can_move(&self) -> bool {
        let ready = |token: &Token| token.state == TokenState::Ready;
        self.suspended().is_none() && self.tokens.iter().any(ready)
    }

    /// The suspension, while it is suspended.
    pub fn suspended(&self) -> Option<&Suspension> {
        let suspension = self.suspension.as_ref().filter(|suspension| suspension.resumed.is_none());
        suspension.filter(|_| !self.status.is_end())
    }

    /// Who resumed it last, and when.
    pub(crate) fn resumed(&self) -> Option<&(Actor, Timestamp)> {
        self.suspension.as_ref()?.resumed.as_ref()
    }

    /// The status that is stored and shown: `status`, or that it is suspended.
    pub fn shown_status(&self) -> Status {
        if self.suspended().is_some() { Status::Suspended } else { self.status }
    }

    /// How it ended, if it has.
    pub fn ending(&self) -> Option<Ending> {
        match self.status {
            Status::Completed => self.result.clone().map(Ending::Completed),
            Status::Failed => self.failure.clone().map(Ending::Failed),
            Status::Cancelled => self
                .cancelled_by
                .clone()
                .map(|by| Ending::Cancelled(Cancellation { by, failure: self.failure.clone() })),
            Status::Terminated => self.cancelled_by.clone().map(|by| {
                let not_undone = self.undoable.iter().map(|done| done.node.to_string()).collect();
                Ending::Terminated(Termination { by, not_undone })
            }),
            Status::Running
            | Status::Failing
            | Status::Cancelling
            | Status::Completing
            | Status::Suspended => None,
        }
    }

    /// Who cancelled it, if someone has.
    pub(crate) fn cancelled_by(&self) -> Option<&Actor> {
        self.cancelled_by.as_ref()
    }

    pub(crate) fn next_token(&self) -> TokenId {
        self.next_token
    }

    /// The number of the next visit or timer.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// The attempts of the service task that a token is at, if there were any.
    pub(crate) fn attempts(&self, token: TokenId) -> Option<Attempts> {
        match self.token(token)?.state {
            TokenState::Executing(attempts) | TokenState::BackingOff { attempts, .. } => {
                Some(attempts)
            }
            TokenState::Incident { attempts, .. } => attempts,
            _ => None,
        }
    }

    /// The attempt that a token executes.
    pub(crate) fn executes(&self, token: TokenId) -> Option<Attempts> {
        match self.token(token)?.state {
            TokenState::Executing(attempts) => Some(attempts),
            _ => None,
        }
    }

    /// What an earlier attempt of the token's visit said last.
    pub(crate) fn heartbeat(&self, token: TokenId) -> Option<&Json> {
        self.heartbeats.get(&token)
    }

    /// The timers that are set.
    pub(crate) fn timers(&self) -> impl Iterator<Item = TimerRow> {
        self.tokens.iter().filter_map(|token| match token.state {
            TokenState::Timing { timer, due, calendar } => {
                Some(TimerRow { calendar, due, instance: self.id, timer, token: token.id })
            }
            TokenState::BackingOff { timer, due, .. } => {
                Some(TimerRow { calendar: false, due, instance: self.id, timer, token: token.id })
            }
            _ => None,
        })
    }

    /// The token that rests with this incident.
    pub(crate) fn resting(&self, incident: IncidentId) -> Option<&Token> {
        let rests = |token: &&Token| matches!(&token.state, TokenState::Incident { incident: id, .. } if *id == incident);
        self.tokens.iter().find(rests)
    }

    /// The completed activities that have an `undo` and are not undone, in order of completion.
    pub fn not_undone(&self) -> &[Undoable] {
        &self.undoable
    }

    #[cfg(feature = "planted-bugs")]
    pub(crate) fn without_undos(&self) -> Self {
        Self { undoable: Vec::new(), ..self.clone() }
    }

    /// The values as one JSON object.
    pub(crate) fn values_as_json(&self) -> Json {
        let values: BTreeMap<&str, &Json> = self.values.iter().collect();
        Json::of(&values).unwrap_or_else(|_| unreachable!("JSON values print as JSON"))
    }

    fn find(&mut self, token: TokenId) -> Option<&mut Token> {
        self.position(token).ok().map(|at| &mut self.tokens[at])
    }

    fn position(&self, token: TokenId) -> Result<usize, usize> {
        self.tokens.binary_search_by_key(&token, |token| token.id)
    }
}

/// How an instance ended, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ending {
    /// With a result.
    Completed(Json),
    /// With a failure.
    Failed(Failure),
    /// Because someone cancelled it.
    Cancelled(Cancellation),
    /// Because someone ended it at once.
    Terminated(Termination),
}

/// Who ended an instance at once, and what was not undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// Who.
    pub by: Actor,
    /// The activities that have an `undo`, completed and were not undone, in the order of
    /// completion.
    pub not_undone: Vec<String>,
}

/// Who cancelled an instance, and the failure that it had by then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cancellation {
    /// Who.
    pub by: Actor,
    /// What had failed before, or failed meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}
