//! Events: what happens to an instance. One event is one turn.

use bpm_model::graph::Text;
use serde::{Deserialize, Serialize};

use crate::ids::{IncidentId, UserTaskId};
use crate::json::Json;

/// Numbers the tokens of one instance, from 0; never used again.
pub type TokenId = u64;

/// Numbers what is open of the scopes of one instance, from 1; never used again. 0 is the process
/// itself.
pub type ScopeId = u64;

/// What happened to an instance from outside of its graph.
///
/// History keeps every event with the [changes](crate::change::Change) that it led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The instance begins, with the values of its parameters.
    ProcessStarted {
        /// The input: values by variable.
        input: Vec<(String, Json)>,
    },
    /// An attempt of a service task succeeded. What an earlier attempt or visit says, late or twice,
    /// is refused.
    TaskCompleted {
        /// The token that executes the task.
        token: TokenId,
        /// The activity.
        node: String,
        /// The number of the visit.
        visit: u64,
        /// The number of the attempt, from 1.
        #[serde(default = "first", skip_serializing_if = "is_first")]
        attempt: u32,
        /// What the task returned.
        result: Json,
    },
    /// An attempt of a service task failed, panicked or was dropped after the grace time.
    TaskFailed {
        /// The token that executes the task.
        token: TokenId,
        /// The activity.
        node: String,
        /// The number of the visit.
        visit: u64,
        /// The number of the attempt, from 1.
        #[serde(default = "first", skip_serializing_if = "is_first")]
        attempt: u32,
        /// How and why.
        failure: Failure,
        /// Whether another attempt may mend it.
        #[serde(default)]
        retryable: bool,
        /// The boundary event whose pattern matches the error, if one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caught: Option<Caught>,
        /// What the attempt said last of its progress, if it said anything.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "crate::json::some"
        )]
        heartbeat: Option<Json>,
    },
    /// A timer is due.
    TimerFired {
        /// The token that waits for it.
        token: TokenId,
        /// The activity.
        node: String,
        /// The timer's number in its instance.
        timer: u64,
    },
    /// Someone had the step of an incident run again.
    IncidentRetried {
        /// The incident.
        incident: IncidentId,
        /// Who.
        actor: Actor,
    },
    /// Someone gave the value that an activity with an incident could not give.
    IncidentSkipped {
        /// The incident.
        incident: IncidentId,
        /// The value.
        value: Json,
        /// Who.
        actor: Actor,
    },
    /// Someone let an incident fail its activity.
    IncidentFailed {
        /// The incident.
        incident: IncidentId,
        /// Who.
        actor: Actor,
    },
    /// An attempt has no recorded outcome: the process that ran it is gone.
    TaskLost {
        /// The token that executes the task.
        token: TokenId,
        /// The activity.
        node: String,
        /// The number of the visit.
        visit: u64,
        /// The number of the attempt, from 1.
        #[serde(default = "first", skip_serializing_if = "is_first")]
        attempt: u32,
    },
    /// Someone completed a user task.
    UserTaskCompleted {
        /// The user task.
        task: UserTaskId,
        /// The activity.
        node: String,
        /// What was entered.
        payload: Json,
        /// Who completed it, where the caller said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<Actor>,
    },
    /// Someone cancelled the instance.
    CancelRequested {
        /// Who.
        actor: Actor,
    },
    /// Someone ended the instance without undoing anything.
    TerminateRequested {
        /// Who.
        actor: Actor,
    },
    /// Someone suspended the instance.
    SuspendRequested {
        /// Who.
        actor: Actor,
    },
    /// Someone resumed the instance.
    ResumeRequested {
        /// Who.
        actor: Actor,
    },
    /// The last turn stopped at the bound on moves; the instance goes on.
    Continued,
}

impl Event {
    /// Who brought it about, where that was a person or a program and not the engine itself.
    pub fn actor(&self) -> Option<&Actor> {
        match self {
            Event::CancelRequested { actor }
            | Event::TerminateRequested { actor }
            | Event::SuspendRequested { actor }
            | Event::ResumeRequested { actor }
            | Event::IncidentRetried { actor, .. }
            | Event::IncidentSkipped { actor, .. }
            | Event::IncidentFailed { actor, .. } => Some(actor),
            Event::UserTaskCompleted { actor, .. } => actor.as_ref(),
            Event::ProcessStarted { .. }
            | Event::TaskCompleted { .. }
            | Event::TaskFailed { .. }
            | Event::TaskLost { .. }
            | Event::TimerFired { .. }
            | Event::Continued => None,
        }
    }
}

fn first() -> u32 {
    1
}

fn is_first(attempt: &u32) -> bool {
    *attempt == 1
}

/// Who does something to an instance: a person or a program, by the name that history keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(String);

impl Actor {
    /// An actor of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an instance failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The id of the node that failed.
    pub node: String,
    /// What sort of failure it is.
    pub kind: FailureKind,
    /// The error's own text.
    pub message: String,
    /// The errors that caused it, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
    /// What the error carries as data, or `null`.
    #[serde(default = "Json::null", skip_serializing_if = "is_null")]
    pub data: Json,
    /// Failures that came later, while the instance was already failing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Failure>,
}

fn is_null(json: &Json) -> bool {
    json.text() == "null"
}

/// The boundary event that catches an error of its activity, with what its pattern bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caught {
    /// The node of the boundary event.
    pub boundary: Text,
    /// The values of the names in its pattern, by variable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<(Text, Json)>,
}

/// What sort of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// A task returned an error.
    Error,
    /// A task panicked; its outcome is unknown.
    Panic,
    /// An attempt took longer than its timeout and was dropped; its outcome is unknown.
    Timeout,
    /// An attempt was dropped after the grace time; its outcome is unknown.
    Dropped,
    /// A script, a condition or an argument of the process's own code failed.
    Code,
    /// A stored variable no longer reads as its type. It is not a failure of the process: the step
    /// rests as an incident.
    Unreadable,
    /// The process failed itself (`fail`).
    Fail,
    /// A person let an incident fail.
    Incident,
}

impl Failure {
    /// A failure without causes or data.
    pub fn new(node: impl Into<String>, kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            kind,
            message: message.into(),
            chain: Vec::new(),
            data: Json::null(),
            related: Vec::new(),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` failed: {}", self.node, self.message)
    }
}

impl std::error::Error for Failure {}
