//! A function whose name is written wrongly.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("routing")
        .start("start")
        .exclusive("region")
        .service("post")
        .end("sent")
        .end("elsewhere")
        .edge("start", "region")
        .edge_if("region", "post", EdgeCondition::Expression(r#"region.startswith("C")"#.into()))
        .edge_if("region", "elsewhere", EdgeCondition::Default)
        .edge("post", "sent")
        .build()
}

/// The function as the language calls it.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("routing")
        .start("start")
        .exclusive("region")
        .service("post")
        .end("sent")
        .end("elsewhere")
        .edge("start", "region")
        .edge_if("region", "post", EdgeCondition::Expression(r#"region.startsWith("C")"#.into()))
        .edge_if("region", "elsewhere", EdgeCondition::Default)
        .edge("post", "sent")
        .build()
}
