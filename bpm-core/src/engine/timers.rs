//! Timers: the next ones in memory, the others in the store until they come near.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::planted;
use crate::store::{self, Store, TimerRow};

/// How many due timers are taken at once, so that what was asked meanwhile comes in between.
pub(super) const SLICE: usize = 100;

/// The timers that come next.
///
/// ```text
///   due:   now ──────── kept in memory ───────┤ horizon ├──── in the store only ────►
/// ```
pub(super) struct Timers {
    near: BTreeSet<TimerRow>,
    /// Behind the last timer that is known to be in memory; `None` if all of them are.
    horizon: Option<TimerRow>,
    bound: usize,
}

impl Timers {
    /// The first timers of a store.
    pub(super) fn load(store: &dyn Store, bound: usize) -> Result<Self, store::Error> {
        let mut timers = Self { near: BTreeSet::new(), horizon: None, bound: bound.max(1) };
        planted!(TimersNotReadAtStart => return Ok(timers));
        timers.read(store, None)?;
        Ok(timers)
    }

    /// Takes in a timer that was set.
    pub(super) fn set(&mut self, timer: TimerRow) {
        if self.horizon.as_ref().is_some_and(|horizon| timer > *horizon) {
            return;
        }
        self.near.insert(timer);
        if self.near.len() > self.bound
            && let Some(last) = self.near.pop_last()
        {
            // The last one that is still in memory: what is behind it is in the store only.
            self.horizon = self.near.last().cloned().or(Some(last));
        }
    }

    /// When the next timer is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.near.first().map(|timer| timer.due)
    }

    /// Takes the timers that are due, oldest first, at most a slice of them.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<TimerRow> {
        let mut due = Vec::new();
        while due.len() < SLICE
            && self.near.first().is_some_and(|timer| timer.due <= now)
            && let Some(timer) = self.near.pop_first()
        {
            due.push(timer);
        }
        due
    }

    /// Reads on in the store when nothing is left in memory.
    pub(super) fn read_on(&mut self, store: &dyn Store) -> Result<(), store::Error> {
        match self.horizon.clone() {
            Some(horizon) if self.near.is_empty() && !planted!(LaterTimersNotRead) => {
                self.read(store, Some(&horizon))
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, store: &dyn Store, after: Option<&TimerRow>) -> Result<(), store::Error> {
        let page = store.timers(after, self.bound)?;
        self.horizon = if page.len() == self.bound { page.last().cloned() } else { None };
        self.near.extend(page);
        Ok(())
    }
}
