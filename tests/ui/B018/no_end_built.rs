//! A process without an end.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("greeting")
        .start("start")
        .service("greet")
        .edge("start", "greet")
        .build()
}

/// The path ends.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("greeting")
        .start("start")
        .service("greet")
        .end("end")
        .edge("start", "greet")
        .edge("greet", "end")
        .build()
}
