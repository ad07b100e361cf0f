//! Watching: every turn as it becomes durable.

use std::sync::Arc;

use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::history::Recorded;
use crate::ids::InstanceId;

/// A turn that became durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// The instance.
    pub instance: InstanceId,
    /// Its process.
    pub process: String,
    /// The turn.
    pub recorded: Recorded,
}

/// A stream of turns, from [`Engine::watch`](super::Engine::watch) on.
pub struct Watch(Receiver<Arc<Observed>>);

/// What a [`Watch`] gives.
#[derive(Clone, Debug)]
pub enum Watched {
    /// A turn.
    Turn(Arc<Observed>),
    /// The watcher was too slow and missed so many turns (`EngineOptions::watch_turns`); history
    /// has them.
    Missed(u64),
}

impl Watch {
    pub(super) fn new(receiver: Receiver<Arc<Observed>>) -> Self {
        Self(receiver)
    }

    /// The next turn; `None` when the engine has stopped.
    pub async fn next(&mut self) -> Option<Watched> {
        match self.0.recv().await {
            Ok(observed) => Some(Watched::Turn(observed)),
            Err(RecvError::Lagged(missed)) => Some(Watched::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}
