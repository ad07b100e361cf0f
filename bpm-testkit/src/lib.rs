//! Tests for stores and processes of bpm-engine.
//!
//! For users: [`TestEngine`] runs processes on a virtual clock, with doubles for their tasks and
//! with crashes; [`assert_path!`] says which way an instance went, [`coverage`] which ways no test
//! went, and [`verify()`] which stored instances a new build can go on with. The other modules are
//! the judges of stores and of the engine itself.

pub mod arbitrary;
pub mod audit;
pub mod blocks;
pub mod clock;
pub mod coverage;
pub mod engine;
pub mod events;
pub mod explorer;
pub mod faults;
pub mod forward;
pub mod fuzz;
pub mod path;
pub mod readings;
pub mod sim;
pub mod store_conformance;
pub mod verify;

pub use coverage::Coverage;
pub use engine::TestEngine;
pub use verify::verify;
