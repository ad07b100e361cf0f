//! A largest delay that is below the first one.

use std::time::Duration;

use bpm_engine::{Findings, ProcessDefinition, Retry};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("charge")
        .end("end")
        .edge("start", "charge")
        .edge("charge", "end")
        .retry("charge", Retry::times(5).every(Duration::from_secs(60), Duration::from_secs(1)))
        .build()
}

/// The first delay, and then the largest one.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("billing")
        .start("start")
        .service("charge")
        .end("end")
        .edge("start", "charge")
        .edge("charge", "end")
        .retry("charge", Retry::times(5).every(Duration::from_secs(1), Duration::from_secs(60)))
        .build()
}
