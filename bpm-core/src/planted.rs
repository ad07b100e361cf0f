//! Planted bugs: mistakes that a harness must find, to show that it finds mistakes.
//!
//! They exist with the feature `planted-bugs` only, which is for harnesses; without it there is no
//! code of them at all. With it the engine is right all the same until the program
//! [chooses](choose) one, for all of its threads.
//!
//! The table below is the only list of them. `simulate --planted` walks it, and one that no
//! harness catches is a failure.

use std::sync::atomic::{AtomicUsize, Ordering};

/// None is chosen.
const NONE: usize = usize::MAX;

static CHOSEN: AtomicUsize = AtomicUsize::new(NONE);

macro_rules! table {
    ($($(#[$doc:meta])* $bug:ident = $name:literal,)*) => {
        /// A mistake in the engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$bug,)*];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Bug::$bug => $name,)*
                }
            }
        }
    };
}

table! {
    /// A caller has its answer when the turn is taken, and not when it is durable.
    AcknowledgedBeforeCommit = "acknowledged-before-commit",
    /// An attempt is launched when its turn goes to the store.
    EffectBeforeCommit = "effect-before-commit",
    /// A commit that failed counts as one that did not.
    FailedCommitIgnored = "failed-commit-ignored",
    /// What a turn consumes is committed before what it produces.
    ConsumeAndProduceInTwoCommits = "consume-and-produce-in-two-commits",
    /// Who has arrived at a join is not stored.
    JoinCounterInMemory = "join-counter-in-memory",
    /// A join goes on with the first token.
    JoinFiresAtOnce = "join-fires-at-once",
    /// The row of a timer stays when what waited for it has ended.
    TimerKept = "timer-kept",
    /// A timer that is set is not known until the next start.
    TimerNotTakenIn = "timer-not-taken-in",
    /// The timers in the store are not read at the start.
    TimersNotReadAtStart = "timers-not-read-at-start",
    /// The timers that had no room in memory are never read.
    LaterTimersNotRead = "later-timers-not-read",
    /// The engine's time is the wall clock.
    ClockRaw = "clock-raw",
    /// What completed first is undone first.
    UndoInForwardOrder = "undo-in-forward-order",
    /// What is undone may be undone again.
    UndoNotRemoved = "undo-not-removed",
    /// An undo sees the variables as they are when it runs.
    UndoSeesLaterValues = "undo-sees-later-values",
    /// An undo that fails for good counts as done.
    FailedUndoSkipped = "failed-undo-skipped",
    /// An undo has one attempt.
    UndoNotRetried = "undo-not-retried",
    /// An undo in flight is told to stop when the instance is cancelled.
    UndoStoppedByCancel = "undo-stopped-by-cancel",
    /// Cancelling undoes nothing.
    CancelWithoutUndo = "cancel-without-undo",
    /// An attempt that was told to stop goes on behind its result.
    CancelledResultAccepted = "cancelled-result-accepted",
    /// A result that comes while its scope is undone is not undone.
    LateSuccessNotUndone = "late-success-not-undone",
    /// Attempts in flight are not told to stop.
    AttemptsNotStopped = "attempts-not-stopped",
    /// A user task stays open when its scope is undone.
    WaitsNotClosed = "waits-not-closed",
    /// The handler of a scope runs before its inside is undone.
    HandlerBeforeUndos = "handler-before-undos",
    /// A failure goes to the outermost scope that catches it.
    OuterScopeCatchesFirst = "outer-scope-catches-first",
    /// What a completed scope did cannot be undone any more.
    EntriesGoneWithTheirScope = "entries-gone-with-their-scope",
    /// What the losers of a race did stands.
    LoserNotUndone = "loser-not-undone",
    /// What the winners of a race did is undone.
    WinnerUndone = "winner-undone",
    /// The first branch wins, however many are to win.
    RaceEndsWithTheFirst = "race-ends-with-the-first",
    /// The variables that the winner of a race set are lost.
    WinnersVariablesLost = "winners-variables-lost",
    /// The timer of a boundary event stays set when its owner has completed.
    BoundaryNotDisarmed = "boundary-not-disarmed",
    /// What comes again and again begins although the last time is not over.
    EveryOverlapsItself = "every-overlaps-itself",
    /// What comes again and again comes once for every time that was missed.
    EveryMissedCounts = "every-missed-counts",
    /// A scope completes although something runs beside it.
    BesideNotAwaited = "beside-not-awaited",
    /// `return` undoes nothing.
    ReturnUndoesNothing = "return-undoes-nothing",
    /// `return` undoes also what led to it.
    ReturnUndoesItsOwnPath = "return-undoes-its-own-path",
    /// `return` ends the instance whatever goes on.
    ReturnEndsAtOnce = "return-ends-at-once",
    /// The last failure is the one that is told.
    LastFailureTold = "last-failure-told",
    /// The failed attempts before a lost one are forgotten.
    AttemptsResetByACrash = "attempts-reset-by-a-crash",
    /// Lost attempts are not counted.
    LostNeverCounted = "lost-never-counted",
    /// A lost attempt is not noticed at the start.
    LostNotNoticed = "lost-not-noticed",
    /// An attempt counts as lost although its result waits until the store takes it.
    WaitingResultLost = "waiting-result-lost",
    /// There is an attempt more than `retry` says.
    RetryAfterExhaustion = "retry-after-exhaustion",
    /// An error that no attempt can mend is retried.
    PermanentErrorRetried = "permanent-error-retried",
    /// An activity that a person has retried has only the attempts that it had left.
    IncidentRetryKeepsCounts = "incident-retry-keeps-counts",
    /// An incident is not part of what is read again.
    IncidentLostAtRestart = "incident-lost-at-restart",
    /// The result of an earlier attempt is taken for that of the latest one.
    AttemptGuardMissing = "attempt-guard-missing",
    /// The store takes a turn whatever was the last one.
    SeqGuardMissing = "seq-guard-missing",
    /// A second start with a key makes a second instance.
    DuplicateStart = "duplicate-start",
    /// Reading an instance again leaves variables out.
    ReplaySkipsVariables = "replay-skips-variables",
    /// The turns of a long history are forgotten, and the state with which the others begin is not
    /// kept.
    BaseNotKept = "base-not-kept",
    /// A long history keeps all of its turns.
    NothingForgotten = "nothing-forgotten",
    /// A snapshot leaves out what can be undone.
    SnapshotWithoutUndos = "snapshot-without-undos",
    /// A timer reaches only instances in memory.
    ParkedNotWoken = "parked-not-woken",
    /// What came while a turn was on its way to the store is not looked at behind it.
    WakeUpLost = "wake-up-lost",
    /// An instance with an attempt in flight counts as resting.
    InFlightCountsAsResting = "in-flight-counts-as-resting",
    /// Nobody hears of an attempt that was dropped.
    DroppedNotTold = "dropped-not-told",
    /// An attempt that has no place yet begins although it was told to stop.
    StoppedBeginsAllTheSame = "stopped-begins-all-the-same",
    /// The tokens of a suspended instance move.
    SuspendedMoves = "suspended-moves",
    /// Undoing that could not go on while the instance was suspended never does.
    ResumedRests = "resumed-rests",
}

impl Bug {
    /// The bug of this name.
    pub fn named(name: &str) -> Option<Bug> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
    }
}

/// From now on the engine has this bug and no other.
pub fn choose(bug: Option<Bug>) {
    CHOSEN.store(bug.map_or(NONE, |bug| bug as usize), Ordering::Relaxed);
}

/// Whether the engine has this bug.
#[inline]
pub fn is(bug: Bug) -> bool {
    CHOSEN.load(Ordering::Relaxed) == bug as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for bug in Bug::ALL {
            assert_eq!(Bug::named(bug.name()), Some(*bug));
        }
        assert_eq!(Bug::named("none"), None);
    }
}
