//! Heartbeats: what an attempt in flight says of its progress, and when. It is in memory only,
//! until the event that ends the attempt takes the last one along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::InstanceId;
use crate::json::Json;

use super::shared::EngineTime;

/// An attempt in flight, as a query sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptInfo {
    /// The instance that it works for.
    pub instance: InstanceId,
    /// The instance's process.
    pub process: String,
    /// The activity.
    pub node: String,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// When it was launched.
    pub since: Timestamp,
    /// What it said last, if it said anything.
    pub heartbeat: Option<Heartbeat>,
}

/// What an attempt said of its progress.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// What it said.
    pub value: serde_json::Value,
    /// When.
    pub at: Timestamp,
}

/// What is known of an attempt while it runs: it is told by the attempt and read by the
/// dispatcher.
pub(super) struct Pulse {
    clock: Arc<EngineTime>,
    /// Bytes of one heartbeat.
    limit: usize,
    pub(super) since: Timestamp,
    last: Mutex<Last>,
}

struct Last {
    /// The monotonic time of the last heartbeat, or of the launch before there is one.
    at: Duration,
    said: Option<(Json, Timestamp)>,
}

impl Pulse {
    /// Of an attempt that is launched now.
    pub(super) fn new(clock: Arc<EngineTime>, limit: usize) -> Self {
        let last = Mutex::new(Last { at: clock.monotonic(), said: None });
        Self { since: clock.now(), clock, limit, last }
    }

    /// The attempt lives. What it says is kept unless it is too large.
    pub(super) fn beat(&self, value: Json) {
        let mut last = self.last();
        last.at = self.clock.monotonic();
        if value.text().len() <= self.limit {
            last.said = Some((value, self.clock.now()));
        }
    }

    /// Since when the attempt has said nothing.
    pub(super) fn silent_since(&self) -> Duration {
        self.last().at
    }

    /// What it said last.
    pub(super) fn said(&self) -> Option<Json> {
        self.last().said.as_ref().map(|(value, _)| value.clone())
    }

    /// The same for people, and when it was said.
    pub(super) fn heartbeat(&self) -> Option<Heartbeat> {
        let (value, at) = self.last().said.clone()?;
        Some(Heartbeat { value: value.decode().unwrap_or_default(), at })
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
