//! A way whose condition is always false.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("discount")
        .start("start")
        .exclusive("loyal")
        .service("reduce")
        .service("charge")
        .exclusive("priced")
        .end("end")
        .edge("start", "loyal")
        .edge_if("loyal", "reduce", EdgeCondition::Expression("1 > 2".into()))
        .edge_if("loyal", "priced", EdgeCondition::Default)
        .edge("reduce", "priced")
        .edge("priced", "charge")
        .edge("charge", "end")
        .build()
}

/// The condition depends on a variable.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("discount")
        .start("start")
        .exclusive("loyal")
        .service("reduce")
        .service("charge")
        .exclusive("priced")
        .end("end")
        .edge("start", "loyal")
        .edge_if("loyal", "reduce", EdgeCondition::Expression("orders > 2".into()))
        .edge_if("loyal", "priced", EdgeCondition::Default)
        .edge("reduce", "priced")
        .edge("priced", "charge")
        .edge("charge", "end")
        .build()
}
