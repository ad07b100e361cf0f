//! The desk on which attempts lie until the simulation decides how they end.
//!
//! Everything of one simulation runs on one thread, so the desk is that thread's own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;

use bpm_core::__private::{TaskContext, TaskError};
use bpm_core::ids::InstanceId;
use tokio::sync::oneshot;

use super::times::Told;

/// An attempt: its instance, and its idempotency key with its number.
pub type Attempt = (InstanceId, String, u32);

/// The last two parts of its idempotency key: the node's name, of an undo only its last word, and
/// the visit.
pub fn node_and_visit((_, key, _): &Attempt) -> (&str, u64) {
    let mut parts = key.rsplit('/');
    let visit = parts.next().and_then(|visit| visit.parse().ok());
    (parts.next().unwrap_or_default(), visit.unwrap_or(0))
}

#[derive(Default)]
struct Desk {
    open: BTreeMap<Attempt, oneshot::Sender<Told>>,
    begun: Vec<(Attempt, Option<i64>)>,
}

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

/// The body of every task, which saw a value: waits until the simulation says how it ends.
pub(super) fn attempt(
    context: &TaskContext,
    saw: Option<i64>,
) -> impl Future<Output = Result<i64, TaskError>> + Send + use<> {
    let (sender, result) = oneshot::channel();
    let key = context.idempotency_key().to_string();
    let attempt = (context.instance(), key, context.attempt());
    DESK.with_borrow_mut(|desk| {
        desk.begun.push((attempt.clone(), saw));
        desk.open.insert(attempt, sender);
    });
    async move {
        match result.await {
            Ok(Told::Value(value)) => Ok(value),
            Ok(Told::Error(message, true)) => Err(TaskError::retryable(message)),
            Ok(Told::Error(message, false)) => Err(TaskError::permanent(message)),
            // As a panic does, but for its noise.
            Ok(Told::Panic(text)) => std::panic::resume_unwind(Box::new(text)),
            Err(_) => std::future::pending().await,
        }
    }
}

/// The attempts that began since this was last asked, each with what it saw.
pub fn begun() -> Vec<(Attempt, Option<i64>)> {
    DESK.with_borrow_mut(|desk| std::mem::take(&mut desk.begun))
}

/// How many attempts run. Those that were dropped are gone.
pub fn running() -> usize {
    DESK.with_borrow_mut(|desk| {
        desk.open.retain(|_, sender| !sender.is_closed());
        desk.open.len()
    })
}

/// The attempts that run, in the order of their names.
pub fn open() -> Vec<Attempt> {
    running();
    DESK.with_borrow(|desk| desk.open.keys().cloned().collect())
}

/// Ends the n-th attempt that runs, in the order of their names; which one that is.
pub fn end(n: usize, how: Told) -> Option<Attempt> {
    let (attempt, sender) = DESK.with_borrow_mut(|desk| {
        let attempt = desk.open.keys().nth(n).cloned()?;
        let sender = desk.open.remove(&attempt)?;
        Some((attempt, sender))
    })?;
    // Whoever was dropped meanwhile does not hear of it.
    let _ = sender.send(how);
    Some(attempt)
}

/// Forgets everything: the process that ran the attempts is gone.
pub fn clear() {
    DESK.with_borrow_mut(|desk| *desk = Desk::default());
}
