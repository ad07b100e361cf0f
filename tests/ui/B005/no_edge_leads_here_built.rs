//! A task that no edge leads to.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("shipping")
        .start("start")
        .service("pack")
        .service("notify")
        .end("end")
        .edge("start", "pack")
        .edge("pack", "end")
        .edge("notify", "end")
        .build()
}

/// The task stands on the path.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("shipping")
        .start("start")
        .service("pack")
        .service("notify")
        .end("end")
        .edge("start", "pack")
        .edge("pack", "notify")
        .edge("notify", "end")
        .build()
}
