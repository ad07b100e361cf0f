//! The macros `workflow!` and `#[service_task]` of bpm-engine.
