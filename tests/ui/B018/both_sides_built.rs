//! One gateway that merges and chooses.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("review")
        .start("start")
        .exclusive("good")
        .user("review")
        .end("published")
        .edge("start", "good")
        .edge("good", "review")
        .edge("review", "good")
        .edge_if("good", "published", EdgeCondition::Expression("accepted".into()))
        .build()
}

/// One gateway merges, another one chooses.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("review")
        .start("start")
        .exclusive("round")
        .user("review")
        .exclusive("good")
        .end("published")
        .edge("start", "round")
        .edge("round", "review")
        .edge("review", "good")
        .edge_if("good", "published", EdgeCondition::Expression("accepted".into()))
        .edge_if("good", "round", EdgeCondition::Default)
        .build()
}
