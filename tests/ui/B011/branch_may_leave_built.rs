//! One of two concurrent branches may end before the join.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("order")
        .start("start")
        .parallel("fork")
        .service("reserve")
        .service("charge")
        .exclusive("available")
        .parallel("join")
        .end("shipped")
        .end("sold_out")
        .edge("start", "fork")
        .edge("fork", "reserve")
        .edge("reserve", "available")
        .edge_if("available", "join", EdgeCondition::Expression("in_stock".into()))
        .edge_if("available", "sold_out", EdgeCondition::Default)
        .edge("fork", "charge")
        .edge("charge", "join")
        .edge("join", "shipped")
        .build()
}

/// Both branches come to the join; the choice is made behind it.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("order")
        .start("start")
        .parallel("fork")
        .service("reserve")
        .service("charge")
        .parallel("join")
        .exclusive("available")
        .end("shipped")
        .end("sold_out")
        .edge("start", "fork")
        .edge("fork", "reserve")
        .edge("reserve", "join")
        .edge("fork", "charge")
        .edge("charge", "join")
        .edge("join", "available")
        .edge_if("available", "shipped", EdgeCondition::Expression("in_stock".into()))
        .edge_if("available", "sold_out", EdgeCondition::Default)
        .build()
}
