//! A gateway with two defaults.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .exclusive("method")
        .service("card")
        .service("invoice")
        .exclusive("paid")
        .end("end")
        .edge("start", "method")
        .edge_if("method", "card", EdgeCondition::Default)
        .edge_if("method", "invoice", EdgeCondition::Default)
        .edge("card", "paid")
        .edge("invoice", "paid")
        .edge("paid", "end")
        .build()
}

/// One of the two has a condition.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .exclusive("method")
        .service("card")
        .service("invoice")
        .exclusive("paid")
        .end("end")
        .edge("start", "method")
        .edge_if("method", "card", EdgeCondition::Expression("has_card".into()))
        .edge_if("method", "invoice", EdgeCondition::Default)
        .edge("card", "paid")
        .edge("invoice", "paid")
        .edge("paid", "end")
        .build()
}
