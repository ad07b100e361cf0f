//! The ways of a choice meet in a parallel gateway.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("payment")
        .start("start")
        .exclusive("large")
        .user("approve")
        .service("charge")
        .parallel("paid")
        .end("end")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "charge", EdgeCondition::Default)
        .edge("approve", "paid")
        .edge("charge", "paid")
        .edge("paid", "end")
        .build()
}

/// What was chosen is merged by an exclusive gateway.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("payment")
        .start("start")
        .exclusive("large")
        .user("approve")
        .service("charge")
        .exclusive("paid")
        .end("end")
        .edge("start", "large")
        .edge_if("large", "approve", EdgeCondition::Expression("amount > 50".into()))
        .edge_if("large", "charge", EdgeCondition::Default)
        .edge("approve", "paid")
        .edge("charge", "paid")
        .edge("paid", "end")
        .build()
}
