//! Long-running business processes as checked Rust.

pub use bpm_core::process::Process;
pub use bpm_core::task::{State, TaskContext, TaskError};
pub use bpm_macros::service_task;

#[doc(hidden)]
pub mod __private {
    pub use bpm_core::__private::*;
    pub use bpm_macros::workflow_in;
}

/// Writes a process.
#[macro_export]
macro_rules! workflow {
    ($($tokens:tt)*) => { $crate::__private::workflow_in! { ($crate) $($tokens)* } };
}

/// Everything that a process needs.
pub mod prelude {
    pub use crate::{Process, State, TaskContext, TaskError, service_task, workflow};
}
