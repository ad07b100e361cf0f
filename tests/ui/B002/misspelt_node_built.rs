//! An edge to a node whose id is written wrongly.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .user("approve")
        .end("end")
        .edge("start", "aprove")
        .edge("approve", "end")
        .build()
}

/// The id as it was given.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .user("approve")
        .end("end")
        .edge("start", "approve")
        .edge("approve", "end")
        .build()
}
