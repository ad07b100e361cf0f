//! The desk on which attempts lie until the simulation decides how they end.
//!
//! Everything of one simulation runs on one thread, so the desk is that thread's own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;

use bpm_core::__private::{TaskContext, TaskError};
use bpm_core::ids::InstanceId;
use tokio::sync::oneshot;

/// An attempt: its instance, and its idempotency key with its number.
pub type Attempt = (InstanceId, String, u32);

thread_local! {
    static DESK: RefCell<BTreeMap<Attempt, oneshot::Sender<Result<i64, TaskError>>>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// The body of every task: waits until the simulation says how it ends.
pub(super) fn attempt(
    context: &TaskContext,
) -> impl Future<Output = Result<i64, TaskError>> + Send + use<> {
    let (sender, result) = oneshot::channel();
    let key = context.idempotency_key().to_string();
    let attempt = (context.instance(), key, context.attempt());
    DESK.with(|desk| desk.borrow_mut().insert(attempt, sender));
    async move {
        match result.await {
            Ok(result) => result,
            Err(_) => std::future::pending().await,
        }
    }
}

/// The attempts that run, in the order of their names. Those that were dropped are gone.
pub fn running() -> Vec<Attempt> {
    DESK.with(|desk| {
        let mut desk = desk.borrow_mut();
        desk.retain(|_, sender| !sender.is_closed());
        desk.keys().cloned().collect()
    })
}

/// Ends an attempt.
pub fn end(attempt: &Attempt, result: Result<i64, TaskError>) {
    let sender = DESK.with(|desk| desk.borrow_mut().remove(attempt));
    if let Some(sender) = sender {
        // Whoever was dropped meanwhile does not hear of it.
        let _ = sender.send(result);
    }
}

/// Forgets everything: the process that ran the attempts is gone.
pub fn clear() {
    DESK.with(|desk| desk.borrow_mut().clear());
}
