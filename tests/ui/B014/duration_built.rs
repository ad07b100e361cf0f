//! A duration that cannot be read.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("reminder")
        .start("start")
        .wait("cool_off", "14 days")
        .end("end")
        .edge("start", "cool_off")
        .edge("cool_off", "end")
        .build()
}

/// A number with a unit.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("reminder")
        .start("start")
        .wait("cool_off", "14d")
        .end("end")
        .edge("start", "cool_off")
        .edge("cool_off", "end")
        .build()
}
