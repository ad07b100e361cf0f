//! A clause at a node whose id is written wrongly.

use std::time::Duration;

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("charge")
        .end("end")
        .timeout("chrage", Duration::from_secs(30))
        .edge("start", "charge")
        .edge("charge", "end")
        .build()
}

/// The id as it was given.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("charge")
        .end("end")
        .timeout("charge", Duration::from_secs(30))
        .edge("start", "charge")
        .edge("charge", "end")
        .build()
}
