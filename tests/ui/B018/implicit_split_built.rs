//! Two edges leave a task.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("shipping")
        .start("start")
        .service("pack")
        .service("ship")
        .service("invoice")
        .parallel("join")
        .end("end")
        .edge("start", "pack")
        .edge("pack", "ship")
        .edge("ship", "join")
        .edge("pack", "invoice")
        .edge("invoice", "join")
        .edge("join", "end")
        .build()
}

/// A gateway says that both ways are taken.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("shipping")
        .start("start")
        .service("pack")
        .parallel("fork")
        .service("ship")
        .service("invoice")
        .parallel("join")
        .end("end")
        .edge("start", "pack")
        .edge("pack", "fork")
        .edge("fork", "ship")
        .edge("ship", "join")
        .edge("fork", "invoice")
        .edge("invoice", "join")
        .edge("join", "end")
        .build()
}
