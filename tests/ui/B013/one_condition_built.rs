//! A gateway with a single way out, under a condition.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("archive")
        .start("start")
        .exclusive("paid")
        .service("file")
        .end("end")
        .edge("start", "paid")
        .edge_if("paid", "file", EdgeCondition::Expression("paid".into()))
        .edge("file", "end")
        .build()
}

/// There is a way for the other case.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("archive")
        .start("start")
        .exclusive("paid")
        .service("file")
        .end("end")
        .end("unpaid")
        .edge("start", "paid")
        .edge_if("paid", "file", EdgeCondition::Expression("paid".into()))
        .edge_if("paid", "unpaid", EdgeCondition::Default)
        .edge("file", "end")
        .build()
}
