//! Two starts.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("intake")
        .start("by_mail")
        .start("by_form")
        .exclusive("received")
        .service("read")
        .end("end")
        .edge("by_mail", "received")
        .edge("by_form", "received")
        .edge("received", "read")
        .edge("read", "end")
        .build()
}

/// An instance begins at one place, and a choice follows.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("intake")
        .start("start")
        .exclusive("channel")
        .service("scan")
        .exclusive("received")
        .service("read")
        .end("end")
        .edge("start", "channel")
        .edge_if("channel", "scan", EdgeCondition::Expression("by_mail".into()))
        .edge_if("channel", "received", EdgeCondition::Default)
        .edge("scan", "received")
        .edge("received", "read")
        .edge("read", "end")
        .build()
}
