//! The engine of bpm-engine: tokens, events and turns over a store.

pub mod change;
pub mod clock;
pub mod definition;
pub mod engine;
pub mod error;
pub mod event;
#[cfg(feature = "failpoints")]
pub mod failpoint;
pub mod history;
pub mod ids;
pub mod instance;
pub mod json;
#[cfg(feature = "planted-bugs")]
pub mod planted;
pub mod process;
pub mod refused;
pub mod step;
pub mod store;
pub mod task;
mod thrown;
pub mod vars;

/// Names a place at which a test can have the process die; nothing without `failpoints`.
#[cfg(feature = "failpoints")]
#[doc(hidden)]
#[macro_export]
macro_rules! failpoint {
    ($point:ident) => {
        $crate::failpoint::reach($crate::failpoint::Failpoint::$point)
    };
}

/// Names a place at which a test can have the process die; nothing without `failpoints`.
#[cfg(not(feature = "failpoints"))]
#[doc(hidden)]
#[macro_export]
macro_rules! failpoint {
    ($point:ident) => {};
}

/// Whether the engine has a planted bug, or with `=>` what it does then; `false` and nothing
/// without `planted-bugs`.
#[cfg(feature = "planted-bugs")]
#[doc(hidden)]
#[macro_export]
macro_rules! planted {
    ($bug:ident) => {
        $crate::planted::is($crate::planted::Bug::$bug)
    };
    ($bug:ident => $does:expr) => {
        if $crate::planted::is($crate::planted::Bug::$bug) {
            $does
        }
    };
}

/// Whether the engine has a planted bug, or with `=>` what it does then; `false` and nothing
/// without `planted-bugs`.
#[cfg(not(feature = "planted-bugs"))]
#[doc(hidden)]
#[macro_export]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
    ($bug:ident => $does:expr) => {};
}

/// Without the feature no bug is compiled, nor need there be one.
#[cfg(not(feature = "planted-bugs"))]
const _: () = assert!(!planted!(ThereIsNone));

/// What the output of the macros refers to. Not for people: it changes with the macros.
#[doc(hidden)]
pub mod __private {
    pub use std::borrow::Cow;
    pub use std::boxed::Box;
    pub use std::clone::Clone;
    pub use std::convert::Into;
    pub use std::format;
    pub use std::marker::PhantomData;
    pub use std::option::Option::{self, None, Some};
    pub use std::result::Result::{self, Err, Ok};
    pub use std::string::String;
    pub use std::time::Duration;
    pub use std::vec::Vec;

    pub use bpm_model::graph::{
        Condition, Edge, Graph, List, Node, Origin, Outcome, Scope, ScopeKind, Text,
        Variable as Slot,
    };
    pub use bpm_model::kind::{Kind, Trigger};
    pub use bpm_model::policy::{Exhausted, Policy, Retry};

    pub use crate::process::{Input, Never, Process};
    pub use crate::task::{
        Argument, ArgumentOther, Called, Key, Pick, Probe, ProbeOther, ServiceTask, State,
        StateType, TaskContext, TaskError, TaskResult,
    };
    pub use crate::thrown::{
        Thrown, Told, ToldAsDebug, ToldAsDisplay, ToldAsError, ToldAsNothing, ToldAsTaskError,
    };
    pub use crate::vars::UserTaskName as UserTask;
    pub use crate::vars::{Current, Cx, Values, Var, Variable, Vars, Visit, Visited, Work};
}
