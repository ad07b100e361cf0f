//! A choice by the values of a variable.

use bpm_engine::{EdgeCondition, Findings, ProcessDefinition};
use serde_json::json;

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("routing")
        .start("start")
        .exclusive("region")
        .service("post")
        .service("courier")
        .exclusive("sent")
        .end("end")
        .edge("start", "region")
        .edge_if("region", "post", EdgeCondition::VariableEq("region".into(), json!("CH")))
        .edge_if("region", "courier", EdgeCondition::VariableEq("region".into(), json!("EU")))
        .edge("post", "sent")
        .edge("courier", "sent")
        .edge("sent", "end")
        .build()
}

/// Every other value has a way.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("routing")
        .start("start")
        .exclusive("region")
        .service("post")
        .service("courier")
        .exclusive("sent")
        .end("end")
        .end("abroad")
        .edge("start", "region")
        .edge_if("region", "post", EdgeCondition::VariableEq("region".into(), json!("CH")))
        .edge_if("region", "courier", EdgeCondition::VariableEq("region".into(), json!("EU")))
        .edge_if("region", "abroad", EdgeCondition::Default)
        .edge("post", "sent")
        .edge("courier", "sent")
        .edge("sent", "end")
        .build()
}
