//! A loop of gateways alone.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("polling")
        .start("start")
        .exclusive("again")
        .exclusive("ready")
        .end("end")
        .edge("start", "again")
        .edge("again", "ready")
        .edge_if("ready", "end", EdgeCondition::Expression(r#"state == "ready""#.into()))
        .edge_if("ready", "again", EdgeCondition::Default)
        .build()
}

/// A service task stands in the loop: the token rests there, and the variable can change.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("polling")
        .start("start")
        .exclusive("again")
        .exclusive("ready")
        .service("ask")
        .end("end")
        .edge("start", "again")
        .edge("again", "ask")
        .edge("ask", "ready")
        .edge_if("ready", "end", EdgeCondition::Expression(r#"state == "ready""#.into()))
        .edge_if("ready", "again", EdgeCondition::Default)
        .build()
}
