//! A condition on an edge that leaves a task.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("check")
        .service("charge")
        .end("end")
        .edge("start", "check")
        .edge_if("check", "charge", EdgeCondition::Expression("valid".into()))
        .edge("charge", "end")
        .build()
}

/// A gateway chooses.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("check")
        .exclusive("valid")
        .service("charge")
        .end("end")
        .end("refused")
        .edge("start", "check")
        .edge("check", "valid")
        .edge_if("valid", "charge", EdgeCondition::Expression("valid".into()))
        .edge_if("valid", "refused", EdgeCondition::Default)
        .edge("charge", "end")
        .build()
}
