//! An expression that ends too early.

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
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50 &&".into()))
        .edge_if("large", "small", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}

/// The expression is whole.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .exclusive("large")
        .user("approve")
        .end("approved")
        .end("small")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50 && valid".into()))
        .edge_if("large", "small", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}
