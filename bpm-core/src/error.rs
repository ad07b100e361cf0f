//! Errors of the engine's methods.

use std::fmt;

use crate::event::Failure;
use crate::instance::Cancellation;
use crate::refused::Refused;
use crate::store;

/// Why a method of the engine failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The command is not valid now; nothing changed.
    Refused(Refused),
    /// The engine cannot start with what it was given.
    Start(StartError),
    /// The store failed; the command did not happen.
    Store(store::Error),
    /// The instance failed, where a result was asked for.
    Failed(Failure),
    /// The instance was cancelled, where a result was asked for.
    Cancelled(Cancellation),
    /// The instance was terminated, where a result was asked for.
    Terminated {
        /// The activities that have an `undo`, completed and were not undone.
        not_undone: Vec<String>,
    },
    /// What is stored does not read as what is asked for.
    Unreadable {
        /// What was read.
        what: String,
        /// Why it does not fit.
        source: serde_json::Error,
    },
    /// The engine stopped before the answer was there. A command may have happened.
    Stopped,
}

impl Error {
    /// Whether a store failed that may get well by itself.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Error::Store(error) if error.may_pass())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refused) => refused.fmt(f),
            Error::Start(error) => error.fmt(f),
            Error::Store(error) => error.fmt(f),
            Error::Failed(failure) => write!(f, "the instance failed: {failure}"),
            Error::Cancelled(cancelled) => write!(f, "the instance was cancelled by {}", cancelled.by),
            Error::Terminated { not_undone } if not_undone.is_empty() => {
                f.write_str("the instance was terminated")
            }
            Error::Terminated { not_undone } => {
                write!(f, "the instance was terminated; not undone: {}", not_undone.join(", "))
            }
            Error::Unreadable { what, source } => write!(f, "{what} cannot be read: {source}"),
            Error::Stopped => f.write_str("the engine stopped before it answered\n  help: after the next start, look whether the command happened"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Refused(refused) => Some(refused),
            Error::Start(error) => Some(error),
            Error::Store(error) => Some(error),
            Error::Failed(failure) => Some(failure),
            Error::Unreadable { source, .. } => Some(source),
            Error::Cancelled(_) | Error::Terminated { .. } | Error::Stopped => None,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::Refused(refused)
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        Error::Start(error)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::Store(error)
    }
}

/// Why an engine does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The builder was given no store.
    NoStore,
    /// Two different definitions have one name and version.
    TwoDefinitions {
        /// The name.
        name: String,
        /// The version.
        version: u32,
    },
    /// A definition changed while instances of it live.
    Changed {
        /// The name.
        name: String,
        /// The version.
        version: u32,
        /// The fingerprint with which the instances were started.
        stored: String,
        /// The fingerprint that was registered.
        registered: String,
        /// How many instances have not ended.
        live: u64,
    },
    /// A task takes a state that the builder was not given.
    MissingState {
        /// The process.
        process: String,
        /// The task.
        task: String,
        /// The type of the state.
        state: String,
    },
    /// A built definition names a service task that nothing handles.
    MissingHandler {
        /// The process.
        process: String,
        /// The service task.
        task: String,
        /// The nearest name that something handles.
        nearest: Option<String>,
    },
    /// A definition has more nodes than `EngineOptions::nodes_per_definition`.
    TooManyNodes {
        /// The process.
        process: String,
        /// How many nodes it has.
        nodes: usize,
        /// The bound.
        limit: usize,
    },
    /// A thread or the runtime could not be started.
    Threads(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NoStore => f.write_str("the engine has no store\n  help: give the builder one: `.store(Sqlite::open(\"shop.db\")?)`"),
            StartError::TwoDefinitions { name, version } => write!(
                f,
                "two different definitions are called `{name}` version {version}\n  help: give one of them another name or version"
            ),
            StartError::Changed { name, version, stored, registered, live } => write!(
                f,
                "`{name}` version {version} has changed while {live} of its instances live: they were started with fingerprint {stored}, registered is {registered}\n  help: register the old definition as it was and the new one as version {}",
                version + 1
            ),
            StartError::MissingState { process, task, state } => write!(
                f,
                "task `{task}` of `{process}` takes `State<{state}>`, which the engine does not have\n  help: give the builder one: `.state(…)`"
            ),
            StartError::MissingHandler { process, task, nearest } => {
                write!(f, "nothing handles the service task `{task}` of `{process}`\n  help: ")?;
                match nearest {
                    Some(nearest) => write!(f, "there is a handler `{nearest}`: did you mean that?"),
                    None => write!(f, "give the builder a handler: `.handler(\"{task}\", …)`"),
                }
            }
            StartError::TooManyNodes { process, nodes, limit } => write!(
                f,
                "`{process}` has {nodes} nodes, more than the {limit} of `EngineOptions::nodes_per_definition`\n  help: divide it into several processes, or raise the bound"
            ),
            StartError::Threads(why) => write!(f, "the engine cannot start its threads: {why}"),
        }
    }
}

impl std::error::Error for StartError {}
