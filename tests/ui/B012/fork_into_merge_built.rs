//! The branches of a fork meet in an exclusive gateway.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("fulfilment")
        .start("start")
        .parallel("fork")
        .service("pack")
        .service("invoice")
        .exclusive("both")
        .service("ship")
        .end("end")
        .edge("start", "fork")
        .edge("fork", "pack")
        .edge("pack", "both")
        .edge("fork", "invoice")
        .edge("invoice", "both")
        .edge("both", "ship")
        .edge("ship", "end")
        .build()
}

/// What was forked is joined by a parallel gateway.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("fulfilment")
        .start("start")
        .parallel("fork")
        .service("pack")
        .service("invoice")
        .parallel("both")
        .service("ship")
        .end("end")
        .edge("start", "fork")
        .edge("fork", "pack")
        .edge("pack", "both")
        .edge("fork", "invoice")
        .edge("invoice", "both")
        .edge("both", "ship")
        .edge("ship", "end")
        .build()
}
