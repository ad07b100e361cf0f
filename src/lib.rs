//! Long-running business processes as checked Rust.
//!
//! A process is written with [`workflow!`], its work is done by async functions that are marked
//! with [`#[service_task]`](service_task), and an [`Engine`] runs it: durably, in your own
//! binary, in one SQLite file. The README shows it in five minutes.
//!
//! This crate is the facade: it re-exports what the crates of the workspace offer to users.
//! Deliberately not here: any logic.

pub use bpm_core::change::{Change, Closing};
pub use bpm_core::clock::Timestamp;
pub use bpm_core::definition::{
    After, DefinitionBuilder, EdgeCondition, Exhausted, ProcessDefinition, Retry,
};
pub use bpm_core::engine::{
    Completion, Engine, EngineBuilder, EngineOptions, Incident, Incidents, InstanceInfo,
    MissingDefinition, Observed, Outcome, Recorded, Recovered, Run, Runs, StartCall, Statistics,
    UserTask, UserTasks, Watch, Watched,
};
pub use bpm_core::error::{Error, StartError};
pub use bpm_core::event::{Actor, Event, Failure, FailureKind};
pub use bpm_core::ids::{IncidentId, InstanceId, UserTaskId};
pub use bpm_core::instance::Cancellation;
pub use bpm_core::json::Json;
pub use bpm_core::process::Process;
pub use bpm_core::refused::Refused;
pub use bpm_core::store::{self, Memory, Status};
pub use bpm_core::task::{IdempotencyKey, State, TaskContext, TaskError};
pub use bpm_core::vars::{UserTaskName, Variable};
pub use bpm_macros::service_task;
pub use bpm_model::finding::{Code, Finding, Findings};
pub use bpm_sqlite::{Durability, Sqlite};

#[doc(hidden)]
pub mod __private {
    pub use bpm_core::__private::*;
    pub use bpm_macros::workflow_in;
}

/// Writes a process: a function-like block of statements that reads like Rust and means BPMN.
#[macro_export]
macro_rules! workflow {
    ($($tokens:tt)*) => { $crate::__private::workflow_in! { ($crate) $($tokens)* } };
}

/// Everything that programs with processes use.
pub mod prelude {
    pub use crate::{
        Actor, Change, Durability, EdgeCondition, Engine, EngineOptions, Error, Event, Failure,
        Incident, IncidentId, InstanceId, Memory, Outcome, Process, ProcessDefinition, Recorded,
        Refused, Retry, Run, Sqlite, StartError, State, Status, TaskContext, TaskError, Timestamp,
        UserTask, UserTaskId, Watched, service_task, workflow,
    };
}

/// The programs of the documents, which `cargo test` compiles and runs.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../docs/engine.md")]
    struct Engine;

    #[doc = include_str!("../docs/timers-and-retries.md")]
    struct TimersAndRetries;
}
