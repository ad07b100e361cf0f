//! The memory store keeps the contract of stores.

use bpm_core::store::Memory;
use bpm_testkit::store_conformance;

#[test]
fn memory_conforms() {
    store_conformance::all(&|| {
        let memory = Memory::new();
        Box::new(move || Ok(memory.clone()))
    });
}
