//! Two of three branches are joined, the third one is merged.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("closing")
        .start("start")
        .parallel("fork")
        .service("count")
        .service("sum")
        .service("notify")
        .parallel("counted")
        .exclusive("done")
        .end("end")
        .edge("start", "fork")
        .edge("fork", "count")
        .edge("count", "counted")
        .edge("fork", "sum")
        .edge("sum", "counted")
        .edge("fork", "notify")
        .edge("notify", "done")
        .edge("counted", "done")
        .edge("done", "end")
        .build()
}

/// All three branches come to the join.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("closing")
        .start("start")
        .parallel("fork")
        .service("count")
        .service("sum")
        .service("notify")
        .parallel("counted")
        .end("end")
        .edge("start", "fork")
        .edge("fork", "count")
        .edge("count", "counted")
        .edge("fork", "sum")
        .edge("sum", "counted")
        .edge("fork", "notify")
        .edge("notify", "counted")
        .edge("counted", "end")
        .build()
}
