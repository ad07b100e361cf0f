//! What connections to one file share: its locks, and the index of its log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::ffi::{
    SQLITE_LOCK_EXCLUSIVE, SQLITE_LOCK_NONE, SQLITE_LOCK_RESERVED, SQLITE_LOCK_SHARED,
};

/// The words of a region of the index: 32 KiB, as SQLite asks for.
const REGION_WORDS: usize = 4_096;

/// Locks that the index has.
const LOCKS: usize = 8;

/// A piece of the index. It stays where it is as long as somebody has it.
pub(super) type Region = Box<[u64; REGION_WORDS]>;

/// What connections to a file share.
#[derive(Default)]
pub(super) struct Shared(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// The lock that each connection has, by its number.
    held: BTreeMap<u64, i32>,
    regions: Vec<*mut u64>,
    mapped: usize,
    shared: [usize; LOCKS],
    exclusive: [bool; LOCKS],
}

/// The pointers lead to memory of the process that SQLite guards by its own locks.
#[allow(unsafe_code, reason = "the one place that has any")]
unsafe impl Send for Inner {}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection gets a lock on the file.
    pub(super) fn lock(&self, connection: u64, level: i32) -> bool {
        let mut inner = self.inner();
        let own = inner.held.get(&connection).copied().unwrap_or(SQLITE_LOCK_NONE);
        if own >= level {
            return true;
        }
        let mut others = inner.held.iter().filter(|(number, _)| **number != connection);
        let free = match level {
            SQLITE_LOCK_SHARED => others.all(|(_, held)| *held <= SQLITE_LOCK_RESERVED),
            SQLITE_LOCK_RESERVED => others.all(|(_, held)| *held <= SQLITE_LOCK_SHARED),
            _ => others.all(|(_, held)| *held == SQLITE_LOCK_NONE),
        };
        if free {
            inner.held.insert(connection, level);
        }
        free
    }

    pub(super) fn unlock(&self, connection: u64, level: i32) {
        let mut inner = self.inner();
        match level {
            SQLITE_LOCK_NONE => drop(inner.held.remove(&connection)),
            level => drop(inner.held.insert(connection, level)),
        }
    }

    pub(super) fn is_reserved(&self) -> bool {
        let levels = SQLITE_LOCK_RESERVED..=SQLITE_LOCK_EXCLUSIVE;
        self.inner().held.values().any(|held| levels.contains(held))
    }

    /// One more connection uses the index.
    pub(super) fn join(&self) {
        self.inner().mapped += 1;
    }

    /// One connection less. With the last one the index is gone, as it is when the next that
    /// opens a file finds nobody else.
    #[allow(unsafe_code, reason = "the one place that has any")]
    pub(super) fn leave(&self) {
        let mut inner = self.inner();
        inner.mapped -= 1;
        if inner.mapped > 0 {
            return;
        }
        for region in inner.regions.drain(..) {
            // SAFETY: it came from `Box::into_raw` of this type, and nobody has it any more.
            drop(unsafe { Region::from_raw(region.cast()) });
        }
    }

    /// A region of the index; made if that is wanted, else null if there is none.
    pub(super) fn region(&self, number: usize, make: bool) -> *mut u64 {
        let mut inner = self.inner();
        while make && inner.regions.len() <= number {
            let region: Region = Box::new([0; REGION_WORDS]);
            inner.regions.push(Box::into_raw(region).cast());
        }
        inner.regions.get(number).copied().unwrap_or(std::ptr::null_mut())
    }

    /// Whether these locks of the index could be had. `own` are those of the connection.
    pub(super) fn lock_index(
        &self,
        own: &mut Own,
        locks: std::ops::Range<usize>,
        all: bool,
    ) -> bool {
        let mut inner = self.inner();
        let free = |at: usize| match all {
            true => {
                inner.shared[at] == usize::from(own.shared[at])
                    && (own.exclusive[at] || !inner.exclusive[at])
            }
            false => !inner.exclusive[at],
        };
        if !locks.clone().all(free) {
            return false;
        }
        for at in locks {
            if all {
                (inner.exclusive[at], own.exclusive[at]) = (true, true);
            } else if !own.shared[at] {
                inner.shared[at] += 1;
                own.shared[at] = true;
            }
        }
        true
    }

    pub(super) fn unlock_index(&self, own: &mut Own, locks: std::ops::Range<usize>) {
        let mut inner = self.inner();
        for at in locks {
            if std::mem::take(&mut own.exclusive[at]) {
                inner.exclusive[at] = false;
            }
            if std::mem::take(&mut own.shared[at]) {
                inner.shared[at] -= 1;
            }
        }
    }
}

/// The locks of the index that a connection has.
#[derive(Default)]
pub(super) struct Own {
    shared: [bool; LOCKS],
    exclusive: [bool; LOCKS],
}

impl Own {
    pub(super) const ALL: std::ops::Range<usize> = 0..LOCKS;
}

/// What is shared of each file of a disk, by the file's number.
#[derive(Default)]
pub(super) struct Shares(BTreeMap<usize, Arc<Shared>>);

impl Shares {
    pub(super) fn of(&mut self, file: usize) -> Arc<Shared> {
        Arc::clone(self.0.entry(file).or_default())
    }
}
