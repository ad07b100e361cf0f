//! The test kit, and with its virtual clock the engine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod conformance;
mod doubles;
mod engine;
mod fuzz;
mod heartbeats;
mod incidents;
mod kept;
mod paths;
mod retries;
mod seeming;
mod shop;
mod sim;
mod soundness;
mod spy;
mod starts;
mod timeouts;
mod timers;
mod verified;
mod world;
