//! Starting an engine.

use bpm_core::engine::Engine;
use bpm_core::error::{Error, StartError};
use bpm_core::store::Memory;

use crate::world::{secs, work};

#[tokio::test]
async fn a_start_that_fails_says_so() {
    let start = Engine::builder().store(Memory::new()).definition(work().build().unwrap()).start();
    let started = tokio::time::timeout(secs(20), start).await.expect("it returns");
    let error = started.err().expect("nothing handles `work`");
    assert!(matches!(error, Error::Start(StartError::MissingHandler { .. })), "{error}");
}
