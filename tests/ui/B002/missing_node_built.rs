//! An edge to an end that was never added.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .user("approve")
        .edge("start", "approve")
        .edge("approve", "archived")
        .build()
}

/// The end is added.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .user("approve")
        .end("archived")
        .edge("start", "approve")
        .edge("approve", "archived")
        .build()
}
