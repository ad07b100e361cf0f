//! Timers: the next ones in memory, the others in the store until they come near.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::ids::InstanceId;
use crate::planted;
use crate::store::{self, Store, TimerRow};

/// How many due timers are taken at once, so that what was asked meanwhile comes in between.
pub(super) const SLICE: usize = 100;

/// What the clocks show.
#[derive(Clone, Copy)]
pub(super) struct Now {
    /// The engine's time.
    pub(super) time: Timestamp,
    pub(super) wall: Timestamp,
}

/// The timers that come next: those by the engine's time, and those by the wall clock.
pub(super) struct Timers {
    by_time: Line,
    by_wall: Line,
}

impl Timers {
    /// The first timers of a store: of both sorts so many.
    pub(super) fn load(store: &dyn Store, bound: usize) -> Result<Self, store::Error> {
        let (by_time, by_wall) =
            (Line::load(store, bound, false)?, Line::load(store, bound, true)?);
        Ok(Self { by_time, by_wall })
    }

    /// Takes in a timer that was set.
    pub(super) fn set(&mut self, timer: TimerRow) {
        let line = if timer.calendar { &mut self.by_wall } else { &mut self.by_time };
        line.set(timer);
    }

    /// When the next timer is due by the engine's time.
    pub(super) fn next_by_time(&self) -> Option<Timestamp> {
        self.by_time.next_due()
    }

    /// When the next timer is due by the wall clock.
    pub(super) fn next_by_wall(&self) -> Option<Timestamp> {
        self.by_wall.next_due()
    }

    /// Takes the timers that are due, oldest first, at most a slice of them.
    pub(super) fn due(&mut self, now: Now) -> Vec<TimerRow> {
        let mut due = Vec::new();
        while due.len() < SLICE
            && let Some(timer) = self.next(now)
        {
            due.push(timer);
        }
        due
    }

    fn next(&mut self, now: Now) -> Option<TimerRow> {
        let by_time = self.by_time.next_due().filter(|due| *due <= now.time);
        let by_wall = self.by_wall.next_due().filter(|due| *due <= now.wall);
        match (by_time, by_wall) {
            (Some(time), Some(wall)) if wall < time => self.by_wall.near.pop_first(),
            (Some(_), _) => self.by_time.near.pop_first(),
            (None, Some(_)) => self.by_wall.near.pop_first(),
            (None, None) => None,
        }
    }

    /// Reads on in the store when nothing is left in memory.
    pub(super) fn read_on(&mut self, store: &dyn Store) -> Result<(), store::Error> {
        self.by_time.read_on(store)?;
        self.by_wall.read_on(store)
    }
}

/// The timers of one sort.
///
/// ```text
///   due:   now ──────── kept in memory ───────┤ horizon ├──── in the store only ────►
/// ```
struct Line {
    calendar: bool,
    near: BTreeSet<TimerRow>,
    /// Behind the last timer that is known to be in memory; `None` if all of them are.
    horizon: Option<TimerRow>,
    bound: usize,
}

impl Line {
    fn load(store: &dyn Store, bound: usize, calendar: bool) -> Result<Self, store::Error> {
        let mut line = Self { calendar, near: BTreeSet::new(), horizon: None, bound: bound.max(1) };
        // The store has those by the engine's time before those by the wall clock.
        let before = calendar.then(last_by_time);
        planted!(TimersNotReadAtStart => return Ok(line));
        line.read(store, before.as_ref())?;
        Ok(line)
    }

    fn set(&mut self, timer: TimerRow) {
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

    fn next_due(&self) -> Option<Timestamp> {
        self.near.first().map(|timer| timer.due)
    }

    fn read_on(&mut self, store: &dyn Store) -> Result<(), store::Error> {
        match self.horizon.clone() {
            Some(horizon) if self.near.is_empty() && !planted!(LaterTimersNotRead) => {
                self.read(store, Some(&horizon))
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, store: &dyn Store, after: Option<&TimerRow>) -> Result<(), store::Error> {
        let page = store.timers(after, self.bound)?;
        let more = page.len() == self.bound;
        let last = page.last().filter(|last| more && last.calendar == self.calendar);
        self.horizon = last.cloned();
        self.near.extend(page.into_iter().filter(|timer| timer.calendar == self.calendar));
        Ok(())
    }
}

/// A place behind every timer by the engine's time, and before those by the wall clock.
fn last_by_time() -> TimerRow {
    TimerRow {
        calendar: false,
        due: Timestamp::from_millis(i64::MAX),
        instance: InstanceId::from_bytes([0xff; 16]),
        timer: i64::MAX.cast_unsigned(),
        token: i64::MAX.cast_unsigned(),
    }
}
