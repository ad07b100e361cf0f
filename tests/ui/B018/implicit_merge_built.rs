//! Two edges lead into a task.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("payment")
        .start("start")
        .exclusive("large")
        .user("approve")
        .service("charge")
        .end("end")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "charge", EdgeCondition::Default)
        .edge("approve", "charge")
        .edge("charge", "end")
        .build()
}

/// A gateway says that one of the two ways comes.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("payment")
        .start("start")
        .exclusive("large")
        .user("approve")
        .exclusive("cleared")
        .service("charge")
        .end("end")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "cleared", EdgeCondition::Default)
        .edge("approve", "cleared")
        .edge("cleared", "charge")
        .edge("charge", "end")
        .build()
}
