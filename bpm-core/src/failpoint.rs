//! Failpoints: places at which a test can have the process die.
//!
//! They exist with the feature `failpoints` only, which is for harnesses and off by default: then
//! a place that is passed costs one relaxed load of an atomic, and nothing dies unless the program
//! itself [arms](arm) one. Without the feature there is no code of them at all.
//!
//! The table below is the only list of them. The kill harness of `bpm-testkit` walks it, and a
//! place that it never reaches is a failure.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Nothing is armed.
const NONE: usize = usize::MAX;

static ARMED: AtomicUsize = AtomicUsize::new(NONE);
static LEFT: AtomicU32 = AtomicU32::new(0);

macro_rules! table {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// A place at which the process can die.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Failpoint {
            $($(#[$doc])* $point,)*
        }

        impl Failpoint {
            /// All of them.
            pub const ALL: &[Failpoint] = &[$(Failpoint::$point,)*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Failpoint::$point => $name,)*
                }
            }
        }
    };
}

table! {
    /// Opening: the lock beside the file is taken and does not name this process yet.
    LockTaken = "lock-taken",
    /// Opening: behind a statement of a migration.
    MigrationStatement = "migration-statement",
    /// Opening: a migration has run, and the number of the schema is not written yet.
    Migrated = "migrated",
    /// Start: the registered definitions are compared, and those that are new are not stored yet.
    DefinitionsAgreed = "definitions-agreed",
    /// Start: behind storing a definition.
    DefinitionStored = "definition-stored",
    /// Recovery: the instances that go on are known.
    RecoveryLooked = "recovery-looked",
    /// Recovery: the timers that come next are read, and no thread runs yet.
    TimersLoaded = "timers-loaded",
    /// Recovery: an instance that goes on is read, and its lost attempts are not counted yet.
    InstanceRecovering = "instance-recovering",
    /// Recovery: what an instance lost is on its way.
    InstanceRecovered = "instance-recovered",
    /// The writer has the turns of a commit, and has not begun.
    BatchTaken = "batch-taken",
    /// In front of every `BEGIN`.
    BeforeBegin = "before-begin",
    /// Behind every `BEGIN`.
    Begun = "begun",
    /// In a commit: behind the row of a new instance.
    InstanceInserted = "instance-inserted",
    /// In a commit: behind a row of the history.
    HistoryInserted = "history-inserted",
    /// In a commit: behind the changed row of an instance.
    InstanceUpdated = "instance-updated",
    /// In a commit: behind the row of a base.
    BaseInserted = "base-inserted",
    /// In a commit: the first turns of a long history are forgotten, and the bases before it are
    /// not yet.
    HistoryForgotten = "history-forgotten",
    /// In a commit: behind the row of a user task that opens.
    UserTaskInserted = "user-task-inserted",
    /// In a commit: behind the changed row of a user task or an incident that closes.
    WaitClosed = "wait-closed",
    /// In a commit: behind the row of an incident.
    IncidentInserted = "incident-inserted",
    /// In a commit: behind the row of a timer.
    TimerInserted = "timer-inserted",
    /// In a commit: behind the end of a timer's row.
    TimerDeleted = "timer-deleted",
    /// In a commit: behind the engine's time, which is written once a second.
    TimeStored = "time-stored",
    /// In front of every `COMMIT`.
    BeforeCommit = "before-commit",
    /// Behind every `COMMIT`.
    Committed = "committed",
    /// The turns of a commit are durable, and nobody has heard of it.
    VerdictsKnown = "verdicts-known",
    /// A turn is durable, and its caller has no answer yet.
    BeforeAnswer = "before-answer",
    /// The caller of a turn has its answer, and the effects of the turn are not let out yet.
    Answered = "answered",
    /// The effects of a turn are let out.
    Released = "released",
    /// An attempt begins: the task's function is not called yet.
    AttemptBegins = "attempt-begins",
    /// An attempt is over, and nobody knows its result.
    AttemptOver = "attempt-over",
    /// The result of an attempt has come, and its turn is not taken yet.
    ResultTaken = "result-taken",
    /// Shutdown: nothing is in flight any more, and the store is not closed yet.
    BeforeClose = "before-close",
}

impl Failpoint {
    /// The place of this name.
    pub fn named(name: &str) -> Option<Failpoint> {
        Self::ALL.iter().copied().find(|point| point.name() == name)
    }
}

/// Has the process abort, as after `kill -9`, when it comes to a place for the `count`th time from
/// now on; 0 counts as 1. Replaces what was armed before.
pub fn arm(point: Failpoint, count: u32) {
    LEFT.store(count.max(1), Ordering::Relaxed);
    ARMED.store(point as usize, Ordering::Release);
}

/// The process has come to a place.
#[inline]
pub fn reach(point: Failpoint) {
    if ARMED.load(Ordering::Relaxed) == point as usize {
        count_down(point);
    }
}

#[cold]
fn count_down(point: Failpoint) {
    // Pairs with `arm`: whoever sees the place sees its count.
    if ARMED.load(Ordering::Acquire) == point as usize && LEFT.fetch_sub(1, Ordering::Relaxed) == 1
    {
        eprintln!("failpoint {}", point.name());
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for point in Failpoint::ALL {
            assert_eq!(Failpoint::named(point.name()), Some(*point));
        }
        assert_eq!(Failpoint::named("nowhere"), None);
    }
}
