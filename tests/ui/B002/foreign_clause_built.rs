//! A clause of service tasks at a user task.

use bpm_engine::{Findings, ProcessDefinition, Retry};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .service("notify")
        .user("approve")
        .end("end")
        .retry("approve", Retry::times(3))
        .edge("start", "notify")
        .edge("notify", "approve")
        .edge("approve", "end")
        .build()
}

/// The clause names the service task.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .service("notify")
        .user("approve")
        .end("end")
        .retry("notify", Retry::times(3))
        .edge("start", "notify")
        .edge("notify", "approve")
        .edge("approve", "end")
        .build()
}
