//! A duration without its unit.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("reminder")
        .start("start")
        .wait("pause", "14")
        .service("remind")
        .end("end")
        .edge("start", "pause")
        .edge("pause", "remind")
        .edge("remind", "end")
        .build()
}

/// A number and a unit.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("reminder")
        .start("start")
        .wait("pause", "14d")
        .service("remind")
        .end("end")
        .edge("start", "pause")
        .edge("pause", "remind")
        .edge("remind", "end")
        .build()
}
