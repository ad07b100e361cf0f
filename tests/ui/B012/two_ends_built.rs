//! Each branch of a fork has its own end.

use bpm_engine::{Findings, ProcessDefinition};

/// Refused.
pub fn build() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("onboarding")
        .start("start")
        .parallel("fork")
        .service("account")
        .service("badge")
        .end("account_made")
        .end("badge_made")
        .edge("start", "fork")
        .edge("fork", "account")
        .edge("account", "account_made")
        .edge("fork", "badge")
        .edge("badge", "badge_made")
        .build()
}

/// The branches are joined, and one end follows.
pub fn mended() -> Result<ProcessDefinition, Findings> {
    ProcessDefinition::builder("onboarding")
        .start("start")
        .parallel("fork")
        .service("account")
        .service("badge")
        .parallel("join")
        .end("ready")
        .edge("start", "fork")
        .edge("fork", "account")
        .edge("account", "join")
        .edge("fork", "badge")
        .edge("badge", "join")
        .edge("join", "ready")
        .build()
}
