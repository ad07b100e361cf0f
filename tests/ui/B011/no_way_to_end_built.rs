//! A part of the graph that never leads to an end.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("support")
        .start("start")
        .exclusive("solved")
        .end("closed")
        .exclusive("again")
        .service("ask")
        .service("wait_for_reply")
        .edge("start", "solved")
        .edge_if("solved", "closed", EdgeCondition::Expression("answered".into()))
        .edge_if("solved", "again", EdgeCondition::Default)
        .edge("again", "ask")
        .edge("ask", "wait_for_reply")
        .edge("wait_for_reply", "again")
        .build()
}

/// The loop can be left.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("support")
        .start("start")
        .exclusive("solved")
        .end("closed")
        .exclusive("again")
        .service("ask")
        .service("wait_for_reply")
        .edge("start", "again")
        .edge("again", "ask")
        .edge("ask", "wait_for_reply")
        .edge("wait_for_reply", "solved")
        .edge_if("solved", "closed", EdgeCondition::Expression("answered".into()))
        .edge_if("solved", "again", EdgeCondition::Default)
        .build()
}
