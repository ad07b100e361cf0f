//! What an engine has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// What an engine has done since it started.
///
/// `turns / commits` is how many turns share one flush of the disk: near 1 when little happens at
/// once, up to [`EngineOptions::turns_per_commit`](super::EngineOptions::turns_per_commit) under
/// load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Commits of the store.
    pub commits: u64,
    /// Turns that became durable.
    pub turns: u64,
}

/// The numbers as the engine keeps them.
#[derive(Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    turns: AtomicU64,
}

impl Counters {
    /// Counts a commit, and the turns that it made durable.
    pub(super) fn committed(&self, turns: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.turns.fetch_add(turns as u64, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Statistics {
        Statistics {
            commits: self.commits.load(Ordering::Relaxed),
            turns: self.turns.load(Ordering::Relaxed),
        }
    }
}
