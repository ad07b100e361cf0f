//! Long-running business processes as checked Rust.
//!
//! A process is written with [`workflow!`], its work is done by async functions that are marked
//! with [`#[service_task]`](service_task), and an [`Engine`] runs it: durably, in your own
//! binary, in one SQLite file. The README shows it in five minutes.
//!
//! This crate is the facade: it re-exports what the crates of the workspace offer to users.
//! Deliberately not here: any logic.

pub use bpm_core::change::{Change, Closing};
pub use bpm_core::clock::{Clock, Timestamp};
pub use bpm_core::definition::{
    After, DefinitionBuilder, EdgeCondition, Exhausted, ProcessDefinition, Retry,
};
pub use bpm_core::engine::{
    AttemptInfo, Completion, Engine, EngineBuilder, EngineOptions, Heartbeat, Incident, Incidents,
    InstanceInfo, Instances, MissingDefinition, Observed, Outcome, Recorded, Recovered, Run, Runs,
    StartCall, Statistics, UserTask, UserTasks, Watch, Watched,
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
///
/// ```
/// use bpm_engine::prelude::*;
///
/// #[service_task]
/// async fn price(item: &str) -> Result<u64, std::io::Error> {
///     Ok(item.len() as u64 * 10)
/// }
///
/// workflow! {
///     /// Asks for leave where the price is high.
///     pub process Purchase(item: String) -> String {
///         let price = service price(&item);
///         if price > 50 {
///             let allowed: bool = user approve { item: &item, price } for group "managers" due 3d;
///             if !allowed {
///                 return format!("{item} was refused");
///             }
///         }
///         return format!("{item} for {price}");
///     }
/// }
///
/// let input = Purchase { item: "chair".to_owned() };
/// let definition = Purchase::definition();
/// assert!(definition.to_mermaid().contains("approve"));
/// # let _ = (input, Purchase::APPROVE);
/// ```
///
/// The macro makes a struct of the parameters, which is the process's input and implements
/// [`Process`], and a typed constant for each user task. A process without parameters is a unit
/// struct.
///
/// # Statements
///
/// | statement | what it does |
/// |---|---|
/// | `let x = service task(args);` | runs an async function that is marked with [`service_task`]; its result is durable before the flow goes on; clauses: `retry`, `timeout`, `undo`, `on`, `also` |
/// | `let x: T = user name { field: expr, … };` | opens a task for a person and waits; clauses: `for group`, `for user`, `due`, `priority`, `undo`, `on`, `also` |
/// | `wait 14d;`, `wait duration;`, `wait until time;` | waits, durably: without a thread, and over restarts |
/// | `let pattern = expr;` | sets variables by a Rust expression, which runs inside the turn: quick, without side effects, without `.await` |
/// | `if`, `match`, `let … else` | chooses; a string as condition (`if "amount > 50"`) is data and evaluated by the engine |
/// | `for`, `while`, `loop`, `break`, `continue` | repeats; a loop without a durable point on its path is refused |
/// | `parallel { a: { … } b after a: { … } }` | runs branches at the same time and waits for all |
/// | `race { a: { … } b: { … } }`, `race 2 of { … }` | runs branches until the first one, or as many as it says, has completed; the others are cancelled and undone. Each branch sets copies of its own, those of a winner become visible |
/// | `scope { … } on … also …` | what completes as one or is undone as one; clauses: `on`, `also` |
/// | `return expr;` | ends the instance; branches that are not complete are cancelled and undone |
/// | `fail "no room for {guests}";` | fails the innermost scope, with what `format!` takes as the reason |
///
/// A label in front of a statement names its node: `'again: service charge(&order);`. Without one
/// the node has the name of its task. `process.now`, `process.id` and `process.key` are what
/// expressions know of their instance.
///
/// # Clauses
///
/// Clauses stand behind an activity or a scope, in any order: each at most once, `on` and `also`
/// any number of times. Behind a closing `}` the `;` may be left out.
///
/// | clause | what it does |
/// |---|---|
/// | `retry 5 every 1s..1m then suspend` | five attempts in all, with delays that double from 1 s to 1 min; then an incident instead of a failure. `every` and `then` may be left out: `retry 5` means `every 1s..1m`, and `every 5s` leaves the bound of 1 min, or is its own where it is longer |
/// | `timeout 30s` | how long one attempt may take |
/// | `undo task(args)` | what takes the activity back if it completed and the instance fails or is cancelled. The values of the variables that it mentions are kept when the activity completes |
/// | `on error pattern if guard => { … }` | what handles a failure: the first pattern that matches the error of the task, or the [`Failure`] of a scope, catches it. What completed in the scope is undone, then the block runs and the flow goes on behind the statement. An error that a pattern matches is not attempted again |
/// | `on after 3d => { … }`, `on at time => { … }` | interrupts: the activity or scope is cancelled and undone, then the block runs |
/// | `also after 1d => { … }`, `also every 1d => { … }` | runs the block beside the activity or scope, which goes on |
///
/// `#[service_task(retry 5 every 1s..1m, timeout 30s)]` says the same of a task wherever it is
/// called; a clause in the process takes the place of the same word there, as a whole. Durations
/// are literals with a unit: `500ms`, `30s`, `5m`, `2h`, `3d`, `1.5h`.
///
/// # Variables
///
/// `let` sets a variable of the process, also again; a variable that is set on every path to a
/// statement may be read there, across blocks and behind joins. Names that a pattern of `if let`,
/// `match`, `while let` or `for` binds belong to its block. An expression has the variables that
/// it mentions as owned values. They are `Clone + Serialize + DeserializeOwned + Send + Sync +
/// 'static`.
///
/// # Attributes
///
/// `#[version = 2]` is the version (1 without it), `#[name = "…"]` the stored name (the struct's
/// without it). Doc comments and other attributes go to the struct; those of a parameter go to its
/// field.
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

    #[doc = include_str!("../docs/saga.md")]
    struct Saga;

    #[doc = include_str!("../docs/testing.md")]
    struct Testing;
}
