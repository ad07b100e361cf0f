//! The store: rows in, rows out. It knows no transition.
//!
//! A store is right when it passes the conformance suite of `bpm-testkit`. Its methods block; the
//! engine calls [`Store::commit`] from its one writer thread and reads from others.

use std::fmt;

use crate::change::Closing;
use crate::clock::Timestamp;
use crate::event::{Actor, TokenId};
use crate::ids::{IncidentId, InstanceId, UserTaskId};

mod memory;

pub use memory::Memory;

/// Where instances live.
pub trait Store: Send + Sync + 'static {
    /// Makes the turns of many instances durable, all in one transaction, and says of each
    /// whether it counts. A turn that does not is as if it had never been handed over; it does
    /// not touch the others. An error means that none of them happened.
    fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, Error>;

    /// Everything needed to go on with an instance: its last snapshot and the turns after it.
    fn load(&self, instance: InstanceId) -> Result<Option<Stored>, Error>;

    /// The instances that must go on by themselves, in the order of their ids: at most `limit`
    /// of them, behind `after`. Reads nothing of any other instance.
    fn active(&self, after: Option<InstanceId>, limit: usize) -> Result<Vec<InstanceId>, Error>;

    /// The instances that fit the filter, in the order of their ids.
    fn instances(&self, filter: &InstanceFilter) -> Result<Vec<InstanceRow>, Error>;

    /// An instance's row.
    fn instance(&self, instance: InstanceId) -> Result<Option<InstanceRow>, Error>;

    /// The instance that was started with this key, in any version of the process.
    fn started(&self, process: &str, key: &str) -> Result<Option<Started>, Error>;

    /// The recorded turns of an instance with a greater `seq` than `after`, at most `limit`; of
    /// those that are not [forgotten](TurnRows::forget).
    fn history(
        &self,
        instance: InstanceId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, Error>;

    /// Of an instance whose first turns are forgotten, the state with which the kept ones begin:
    /// that behind the last forgotten one.
    fn base(&self, instance: InstanceId) -> Result<Option<BaseRow>, Error>;

    /// The open user tasks that fit the filter, oldest first.
    fn user_tasks(&self, filter: &UserTaskFilter) -> Result<Vec<UserTaskRow>, Error>;

    /// A user task, open or closed.
    fn user_task(&self, task: UserTaskId) -> Result<Option<UserTaskRow>, Error>;

    /// The timers that are set, those by the engine's time before those by the wall clock, and each
    /// in the order of their due times (then instances and numbers): at most `limit` of them,
    /// behind `after`.
    fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, Error>;

    /// An incident, open or closed.
    fn incident(&self, incident: IncidentId) -> Result<Option<IncidentRow>, Error>;

    /// The open incidents, oldest first, at most `limit`.
    fn incidents(&self, limit: usize) -> Result<Vec<IncidentRow>, Error>;

    /// The definitions that the store knows.
    fn definitions(&self) -> Result<Vec<DefinitionRow>, Error>;

    /// How many instances of this version of a process have not ended.
    fn live(&self, process: &str, version: u32) -> Result<u64, Error>;

    /// Adds a definition, or replaces the one with its name and version.
    fn put_definition(&self, definition: &DefinitionRow) -> Result<(), Error>;

    /// The latest time at which the store was written, by the engine's time; 0 for a new one.
    fn latest(&self) -> Result<Timestamp, Error>;

    /// Gives everything back (files, locks). Later calls fail with [`Error::Closed`].
    fn close(&self) -> Result<(), Error>;
}

/// The turns of one commit.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The engine's time.
    pub now: Timestamp,
    /// The turns; several of one instance in the order of their `seq`.
    pub turns: Vec<TurnRows>,
}

/// The rows of one turn.
#[derive(Clone, Debug)]
pub struct TurnRows {
    /// The instance.
    pub instance: InstanceId,
    /// The turn's number in its instance, from 1. The turn is stale if the instance already has
    /// a turn of this number, and if it does not have the one before.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Event and changes as JSON.
    pub body: String,
    /// The instance's first row; with `seq` 1 and only then.
    pub start: Option<StartRow>,
    /// The instance's row as it is now; given when it starts, parks, wakes, ends and from time to
    /// time in between. Without it only history is written.
    pub state: Option<StateRow>,
    /// Of a long history; given only with a snapshot in `state`, and less than `seq`. The snapshot
    /// is kept as a base as well, and the turns up to the last base that is not behind this turn
    /// are forgotten, with the bases before it. Without such a base nothing is.
    pub forget: Option<u64>,
    /// User tasks that open.
    pub opened: Vec<UserTaskRow>,
    /// User tasks that close.
    pub closed: Vec<(UserTaskId, Closed)>,
    /// Incidents that are raised.
    pub raised: Vec<IncidentRow>,
    /// Incidents that are over.
    pub settled: Vec<(IncidentId, Closed)>,
    /// Timers that are set.
    pub timers_set: Vec<TimerRow>,
    /// Timers of the instance that are no longer set, by their numbers.
    pub timers_closed: Vec<u64>,
}

impl TurnRows {
    /// The state that this turn keeps as a base, and up to which turn the history may then be
    /// forgotten.
    pub fn base(&self) -> Option<(&str, u64)> {
        Some((self.state.as_ref()?.snapshot.as_deref()?, self.forget?))
    }
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerRow {
    /// Whether it is due by the wall clock, and not by the engine's time.
    pub calendar: bool,
    /// When it is due.
    pub due: Timestamp,
    /// The instance that waits for it.
    pub instance: InstanceId,
    /// Its number in the instance; never used again.
    pub timer: u64,
    /// The token that waits.
    pub token: TokenId,
}

/// What is written once of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartRow {
    /// The process's name.
    pub process: String,
    /// Its version.
    pub version: u32,
    /// The business key; unique among the instances of a process, whatever the version.
    pub key: Option<String>,
    /// A hash of the input, by which a second start with the same key is compared.
    pub input_hash: u64,
}

/// What changes of an instance's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// The status.
    pub status: Status,
    /// Whether the instance must go on by itself: recovery reads exactly these.
    pub active: bool,
    /// The tokens as JSON, for people.
    pub tokens: String,
    /// The whole state after this turn as JSON; without it the snapshot stays as it was.
    pub snapshot: Option<String>,
    /// How it ended, as JSON; given if and only if the status is an end.
    pub outcome: Option<String>,
}

/// The status of an instance.
///
/// ```text
///   Running ──► Completed
///      │  ╲
///      │   ╰──► Failing ────► Failed
///      │           │
///      ╰───────────┴► Cancelling ──► Cancelled      (any of these) ──► Terminated
///
///   Running, Failing, Cancelling ◄──► Suspended
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Status {
    /// It goes on, waits, or rests with an incident.
    Running,
    /// It failed; attempts in flight are awaited, then what completed is undone.
    Failing,
    /// It is being cancelled; attempts in flight are awaited, then what completed is undone.
    Cancelling,
    /// Its result is known; what has not completed beside the path that gave it is undone.
    Completing,
    /// Someone suspended it while it was in one of the above; it goes on when it is resumed.
    Suspended,
    /// It ended with a result.
    Completed,
    /// It ended with a failure.
    Failed,
    /// It ended because someone cancelled it.
    Cancelled,
    /// Someone ended it at once; nothing was undone.
    Terminated,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 9] = [
        Status::Running,
        Status::Failing,
        Status::Cancelling,
        Status::Completing,
        Status::Suspended,
        Status::Completed,
        Status::Failed,
        Status::Cancelled,
        Status::Terminated,
    ];

    /// Whether the instance has ended.
    pub fn is_end(self) -> bool {
        matches!(self, Status::Completed | Status::Failed | Status::Cancelled | Status::Terminated)
    }

    /// The word that is stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Status::Running => "Running",
            Status::Failing => "Failing",
            Status::Cancelling => "Cancelling",
            Status::Completing => "Completing",
            Status::Suspended => "Suspended",
            Status::Completed => "Completed",
            Status::Failed => "Failed",
            Status::Cancelled => "Cancelled",
            Status::Terminated => "Terminated",
        }
    }

    /// The status of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What became of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is durable.
    Committed,
    /// Someone else wrote a turn of this number: the instance must be loaded again.
    Stale,
    /// Another instance of the process has the key.
    KeyTaken(Started),
}

/// Which instance has a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The instance.
    pub instance: InstanceId,
    /// The hash of the input with which it was started.
    pub input_hash: u64,
}

/// An instance's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRow {
    /// The id.
    pub id: InstanceId,
    /// What was written once.
    pub start: StartRow,
    /// What was written last.
    pub state: StateRow,
    /// The turn after which the snapshot was taken; 0 if there is none.
    pub snapshot_seq: u64,
    /// When it was started.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// Which instances to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceFilter {
    /// Only those of this status.
    pub status: Option<Status>,
    /// Only those of this process.
    pub process: Option<String>,
    /// Only those behind this one.
    pub after: Option<InstanceId>,
    /// At most so many; `None` is the store's own bound.
    pub limit: Option<usize>,
}

/// Everything needed to go on with an instance.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its row.
    pub row: InstanceRow,
    /// The turns after the snapshot, in order.
    pub turns: Vec<HistoryRow>,
}

/// A recorded turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// The turn's number in its instance, from 1.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Event and changes as JSON.
    pub body: String,
}

/// A state that is kept so that the turns before it can be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseRow {
    /// The turn behind which it was the state.
    pub seq: u64,
    /// The whole state as JSON.
    pub snapshot: String,
}

/// A user task's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserTaskRow {
    /// The id.
    pub id: UserTaskId,
    /// The instance that waits for it.
    pub instance: InstanceId,
    /// The instance's process.
    pub process: String,
    /// The instance's business key.
    pub key: Option<String>,
    /// The activity.
    pub node: String,
    /// The name by which work lists are filtered.
    pub name: String,
    /// What it shows, as JSON.
    pub form: String,
    /// The group that it is for.
    pub group: Option<String>,
    /// The user that it is for.
    pub user: Option<String>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// How urgent it is; greater is more urgent.
    pub priority: Option<i64>,
    /// When it opened.
    pub created: Timestamp,
    /// What happened to it, once it is no longer open.
    pub closed: Option<Closed>,
}

/// What happened to what was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// What happened.
    pub how: Closing,
    /// When.
    pub at: Timestamp,
    /// Who did it, where the caller said so.
    pub by: Option<Actor>,
}

/// Which user tasks to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserTaskFilter {
    /// Only of this process.
    pub process: Option<String>,
    /// Only of this name.
    pub name: Option<String>,
    /// Only for this group.
    pub group: Option<String>,
    /// Only for this user.
    pub user: Option<String>,
    /// Only of instances with this business key.
    pub key: Option<String>,
    /// Only of this instance.
    pub instance: Option<InstanceId>,
    /// At most so many; `None` is the store's own bound.
    pub limit: Option<usize>,
}

/// An incident's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRow {
    /// The id.
    pub id: IncidentId,
    /// The instance that rests.
    pub instance: InstanceId,
    /// The instance's process.
    pub process: String,
    /// Where it rests.
    pub node: String,
    /// What is wrong.
    pub error: String,
    /// How many attempts failed.
    pub attempts: u32,
    /// How many attempts were lost.
    pub lost: u32,
    /// What a person can do.
    pub hint: String,
    /// Since when.
    pub since: Timestamp,
    /// What happened to it, once it is no longer open.
    pub closed: Option<Closed>,
}

/// A definition's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionRow {
    /// The process's name.
    pub name: String,
    /// The version.
    pub version: u32,
    /// The fingerprint of the graph, in hexadecimal digits.
    pub fingerprint: String,
    /// The graph as JSON.
    pub graph: String,
}

/// Why a store could not do what it was asked: infrastructure, never logic.
#[derive(Debug)]
pub enum Error {
    /// Another engine has the store open.
    Locked {
        /// Who: process id and host, as far as they are known.
        by: String,
        /// What it holds.
        what: String,
    },
    /// What is there was not written by this engine, or by a newer one.
    Foreign(String),
    /// The disk is full. Nothing was lost; work goes on when there is room.
    Full(String),
    /// A stored row cannot be read.
    Corrupt(String),
    /// Reading or writing failed.
    Io(Box<dyn std::error::Error + Send + Sync>),
    /// The store was closed.
    Closed,
}

impl Error {
    /// Whether the store may get well by itself, so that asking again makes sense.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Error::Io(_) | Error::Full(_))
    }

    /// The same error for one more caller; what caused it becomes its text.
    pub(crate) fn repeat(&self) -> Self {
        match self {
            Error::Locked { by, what } => Error::Locked { by: by.clone(), what: what.clone() },
            Error::Foreign(what) => Error::Foreign(what.clone()),
            Error::Full(what) => Error::Full(what.clone()),
            Error::Corrupt(what) => Error::Corrupt(what.clone()),
            Error::Io(error) => Error::Io(error.to_string().into()),
            Error::Closed => Error::Closed,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Locked { by, what } => write!(
                f,
                "{what} is in use by another engine ({by})\n  help: stop that engine first, or open another file"
            ),
            Error::Foreign(what) | Error::Corrupt(what) => f.write_str(what),
            Error::Full(what) => write!(
                f,
                "the disk is full: {what}\n  help: free some room; nothing that was acknowledged is lost"
            ),
            Error::Io(error) => write!(f, "the store failed: {error}"),
            Error::Closed => f.write_str("the store is closed\n  help: start a new engine"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
