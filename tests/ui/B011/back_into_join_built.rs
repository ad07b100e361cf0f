//! A loop that leads back into a join.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("review")
        .start("start")
        .parallel("round")
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

/// A loop begins at an exclusive gateway.
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
