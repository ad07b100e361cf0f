//! A condition that is a number.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .exclusive("large")
        .user("approve")
        .end("approved")
        .end("small")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("size(lines) + 1".into()))
        .edge_if("large", "small", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}

/// The number is compared.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .exclusive("large")
        .user("approve")
        .end("approved")
        .end("small")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("size(lines) > 1".into()))
        .edge_if("large", "small", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}
