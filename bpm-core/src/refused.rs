//! Refusals: a command that is not valid now. Nothing changed.

use std::fmt;

use crate::change::Closing;
use crate::clock::Timestamp;
use crate::event::Actor;
use crate::ids::{IncidentId, InstanceId, UserTaskId};
use crate::store::{Closed, Status};

/// Why a command was refused. The command changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// No instance has this id.
    UnknownInstance(InstanceId),
    /// No process of this name is registered.
    UnknownProcess {
        /// The name.
        name: String,
        /// The names that are registered.
        known: Vec<String>,
    },
    /// The definition with which the instance was started is not registered.
    MissingDefinition {
        /// The instance.
        instance: InstanceId,
        /// The process.
        process: String,
        /// The version.
        version: u32,
    },
    /// The key was used with another input.
    KeyTaken {
        /// The process.
        process: String,
        /// The key.
        key: String,
        /// The instance that has it.
        instance: InstanceId,
    },
    /// The input cannot be stored.
    InvalidInput {
        /// The process.
        process: String,
        /// What is wrong.
        why: String,
    },
    /// A value is larger than `EngineOptions::payload_bytes`.
    TooLarge {
        /// What it is.
        what: String,
        /// Its size as JSON.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// A key, or an actor's name, is longer than `EngineOptions::name_bytes`.
    NameTooLong {
        /// What it is.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        limit: usize,
    },
    /// The instance has ended.
    Ended {
        /// The instance.
        instance: InstanceId,
        /// How.
        status: Status,
    },
    /// The instance is already being cancelled.
    AlreadyCancelling {
        /// The instance.
        instance: InstanceId,
        /// Who cancelled it.
        by: Actor,
    },
    /// The instance is suspended: nobody completes or decides anything in it until it is resumed.
    Suspended {
        /// The instance.
        instance: InstanceId,
        /// Who suspended it.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// The instance is not suspended.
    NotSuspended {
        /// The instance.
        instance: InstanceId,
        /// Who resumed it and when, if it was suspended before.
        resumed: Option<(Actor, Timestamp)>,
    },
    /// No user task has this id.
    UnknownUserTask(UserTaskId),
    /// The user task is no longer open.
    UserTaskClosed {
        /// The user task.
        task: UserTaskId,
        /// The activity.
        node: String,
        /// What happened to it.
        closed: Closed,
    },
    /// The user task is another one than the caller means.
    OtherUserTask {
        /// The user task.
        task: UserTaskId,
        /// What the caller means: process and name.
        expected: (String, String),
        /// What it is: process and name.
        found: (String, String),
    },
    /// The payload does not fit the user task's type.
    WrongPayload {
        /// The user task.
        task: UserTaskId,
        /// The activity.
        node: String,
        /// What is wrong.
        why: String,
    },
    /// No such timer is set, or it is not due.
    NoSuchTimer {
        /// The instance.
        instance: InstanceId,
        /// The timer's number.
        timer: u64,
    },
    /// No incident has this id.
    UnknownIncident(IncidentId),
    /// The incident is over.
    IncidentClosed {
        /// The incident.
        incident: IncidentId,
        /// Where it was.
        node: String,
        /// What happened to it.
        closed: Closed,
    },
    /// The value cannot stand for what the step of the incident gives.
    CannotSkip {
        /// The incident.
        incident: IncidentId,
        /// Where it is.
        node: String,
        /// What is wrong.
        why: String,
    },
    /// An undo cannot fail: nothing could handle its failure.
    CannotFail {
        /// The incident.
        incident: IncidentId,
        /// The undo.
        node: String,
    },
    /// No attempt of this activity is in flight.
    NoSuchAttempt {
        /// The instance.
        instance: InstanceId,
        /// The activity.
        node: String,
    },
    /// The engine is shutting down.
    ShuttingDown,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::UnknownInstance(instance) => write!(f, "no instance {instance}\n  help: the store may be another one, or the instance was purged"),
            Refused::UnknownProcess { name, known } => unknown_process(f, name, known),
            Refused::MissingDefinition { instance, process, version } => write!(
                f,
                "instance {instance} was started with `{process}` version {version}, which is not registered\n  help: register that version with the engine's builder; the instance rests until then"
            ),
            Refused::KeyTaken { process, key, instance } => write!(
                f,
                "the key `{key}` of `{process}` belongs to instance {instance}, which was started with another input\n  help: use another key, or the same input to get that instance"
            ),
            Refused::InvalidInput { process, why } => {
                write!(f, "the input of `{process}` cannot be stored: {why}")
            }
            Refused::TooLarge { what, bytes, limit } => write!(
                f,
                "{what} has {bytes} bytes as JSON, more than the {limit} of `EngineOptions::payload_bytes`\n  help: store it elsewhere and pass a reference, or raise the bound"
            ),
            Refused::NameTooLong { what, bytes, limit } => name_too_long(f, what, *bytes, *limit),
            Refused::Ended { instance, status } => {
                write!(f, "instance {instance} has ended: {status}\n  help: nothing can be done with it any more")
            }
            Refused::AlreadyCancelling { instance, by } => {
                write!(f, "instance {instance} is already being cancelled by {by}")
            }
            Refused::Suspended { instance, by, at } => write!(
                f,
                "instance {instance} was suspended by {by} at {at}\n  help: resume it first; cancelling and terminating are possible"
            ),
            Refused::NotSuspended { instance, resumed } => not_suspended(f, *instance, resumed.as_ref()),
            Refused::UnknownUserTask(task) => write!(f, "no user task {task}\n  help: list the open ones with `engine.user_tasks()`"),
            Refused::UserTaskClosed { task, node, closed } => closed_wait(f, "user task", &task.to_string(), node, closed),
            Refused::OtherUserTask { task, expected, found } => write!(
                f,
                "user task {task} is `{}` of `{}`, not `{}` of `{}`\n  help: complete it with the constant of its own process",
                found.1, found.0, expected.1, expected.0
            ),
            Refused::WrongPayload { task, node, why } => write!(
                f,
                "the payload does not fit user task `{node}` ({task}): {why}\n  help: the task is still open; send a payload of its type"
            ),
            Refused::NoSuchAttempt { instance, node } => {
                write!(f, "no attempt of `{node}` is in flight in instance {instance}")
            }
            Refused::NoSuchTimer { instance, timer } => {
                write!(f, "timer {timer} of instance {instance} is not set or not due")
            }
            Refused::UnknownIncident(incident) => write!(
                f,
                "no incident {incident}\n  help: list the open ones with `engine.incidents()`"
            ),
            Refused::IncidentClosed { incident, node, closed } => {
                closed_wait(f, "incident at", &incident.to_string(), node, closed)
            }
            Refused::CannotSkip { incident, node, why } => write!(
                f,
                "incident {incident} at `{node}` cannot be skipped with this value: {why}\n  help: the incident is still open; give a value of the activity's type"
            ),
            Refused::CannotFail { incident, node } => write!(
                f,
                "incident {incident} is at `{node}`, and the failure of an undo has nowhere to go\n  help: retry it, or undo by hand and skip it"
            ),
            Refused::ShuttingDown => {
                f.write_str("the engine is shutting down\n  help: nothing is lost; call again after the next start")
            }
        }
    }
}

fn name_too_long(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    bytes: usize,
    limit: usize,
) -> fmt::Result {
    write!(
        f,
        "{what} has {bytes} bytes, more than the {limit} of `EngineOptions::name_bytes`\n  help: use a shorter one, such as a hash of it, or raise the bound"
    )
}

fn not_suspended(
    f: &mut fmt::Formatter<'_>,
    instance: InstanceId,
    resumed: Option<&(Actor, Timestamp)>,
) -> fmt::Result {
    match resumed {
        Some((by, at)) => write!(f, "instance {instance} was resumed by {by} at {at}"),
        None => write!(f, "instance {instance} is not suspended"),
    }
}

fn unknown_process(f: &mut fmt::Formatter<'_>, name: &str, known: &[String]) -> fmt::Result {
    write!(f, "no process `{name}` is registered\n  help: ")?;
    match bpm_model::spell::nearest(name, known.iter().map(String::as_str)) {
        Some(nearest) => write!(f, "did you mean `{nearest}`?"),
        None => write!(f, "registered are: {}", known.join(", ")),
    }
}

fn closed_wait(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    id: &str,
    node: &str,
    closed: &Closed,
) -> fmt::Result {
    let how = match closed.how {
        Closing::Completed => "completed",
        Closing::Cancelled => "cancelled",
        Closing::Retried => "retried",
        Closing::Skipped => "skipped",
        Closing::Failed => "failed",
    };
    write!(f, "{what} `{node}` ({id}) was {how}")?;
    if let Some(by) = &closed.by {
        write!(f, " by {by}")?;
    }
    write!(f, " at {}", closed.at)
}

impl std::error::Error for Refused {}
