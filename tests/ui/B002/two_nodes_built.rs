//! An end that was never added, named by two edges, and an edge between two nodes that are not
//! there: each node is reported once.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .exclusive("large")
        .user("approve")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "done", EdgeCondition::Default)
        .edge("approve", "done")
        .edge("remind", "escalate")
        .build()
}

/// The end is added, and the edge that led from nowhere to nowhere is gone.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .exclusive("large")
        .user("approve")
        .end("done")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "done", EdgeCondition::Default)
        .edge("approve", "done")
        .build()
}
