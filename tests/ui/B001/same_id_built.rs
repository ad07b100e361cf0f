//! Two service tasks with one id.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("charge")
        .service("charge")
        .end("end")
        .edge("start", "charge")
        .edge("charge", "end")
        .build()
}

/// Each node has an id of its own.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("charge")
        .service("charge_rest")
        .end("end")
        .edge("start", "charge")
        .edge("charge", "charge_rest")
        .edge("charge_rest", "end")
        .build()
}
