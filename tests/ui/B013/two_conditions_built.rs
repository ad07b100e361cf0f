//! Two conditions that leave a value out.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .exclusive("large")
        .user("approve")
        .end("approved")
        .end("rejected")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "rejected", EdgeCondition::Expression("amount < 50".into()))
        .edge("approve", "approved")
        .build()
}

/// The last way is the default.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .exclusive("large")
        .user("approve")
        .end("approved")
        .end("rejected")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "rejected", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}
