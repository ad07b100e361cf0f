//! Writing turns. The hot path is one insert into `bpm_history` a turn.

use std::collections::{HashMap, HashSet};

use bpm_core::clock::Timestamp;
use bpm_core::failpoint;
use bpm_core::ids::InstanceId;
use bpm_core::store::{Batch, StartRow, StateRow, TurnRows, Verdict};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use crate::connection::Write;
use crate::error::is_conflict;
use crate::{bases, query, waits};

/// Instances whose last turn is remembered; when there are more, all are forgotten.
const HEADS: usize = 100_000;

/// How far the stored time may be behind the engine's, in milliseconds.
const LATEST_BEHIND_MS: i64 = 1_000;

const INSERT_HISTORY: &str =
    "INSERT INTO bpm_history (instance, seq, at, body) VALUES (?1, ?2, ?3, ?4)";
const HAS_HISTORY: &str = "SELECT 1 FROM bpm_history WHERE instance = ?1 AND seq = ?2";
const HAS_INSTANCE: &str = "SELECT 1 FROM bpm_instance WHERE id = ?1";
const INSERT_INSTANCE: &str = "INSERT INTO bpm_instance (id, process, version, key, input_hash, \
     status, active, tokens, state_seq, snapshot, snapshot_seq, outcome, created, updated, ended) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?11, ?12, ?12, ?13)";
const UPDATE_INSTANCE: &str = "UPDATE bpm_instance SET status = ?2, active = ?3, tokens = ?4, \
     state_seq = ?5, snapshot = coalesce(?6, snapshot), \
     snapshot_seq = iif(?6 IS NULL, snapshot_seq, ?5), outcome = ?7, updated = ?8, ended = ?9 \
     WHERE id = ?1";
const LATEST: &str = "SELECT latest FROM bpm_meta WHERE only = 1";
const SET_LATEST: &str = "UPDATE bpm_meta SET latest = ?1 WHERE only = 1";
const SAVE: &str = "SAVEPOINT bpm_turn";
const KEEP: &str = "RELEASE bpm_turn";
const UNDO: &str = "ROLLBACK TO bpm_turn";

/// What the writer remembers of what it committed, so that it need not ask. It is right as long
/// as only this engine writes, which the lock ensures; the primary key of the history holds even
/// if it were not.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The last turn of instances that are awake.
    heads: HashMap<InstanceId, u64>,
    /// The stored time.
    stored: Timestamp,
    /// The time of the last commit.
    latest: Timestamp,
}

impl Known {
    /// What an opened file tells.
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let stored = latest(connection)?;
        Ok(Self { heads: HashMap::new(), stored, latest: stored })
    }

    /// What a connection to the same file tells anew.
    pub(crate) fn again(&self, connection: &Connection) -> rusqlite::Result<Self> {
        let fresh = Self::read(connection)?;
        Ok(Self { latest: self.latest.max(fresh.latest), ..fresh })
    }

    /// Forgets what may have been rolled back.
    pub(crate) fn forget(&mut self) {
        self.heads.clear();
    }

    /// Remembers a turn of an instance that is awake after it.
    fn written(&mut self, turn: &TurnRows) {
        if turn.state.as_ref().is_some_and(|state| !state.active) {
            self.heads.remove(&turn.instance);
            return;
        }
        if self.heads.len() >= HEADS {
            self.heads.clear();
        }
        self.heads.insert(turn.instance, turn.seq);
    }
}

/// The stored time.
pub(crate) fn latest(connection: &Connection) -> rusqlite::Result<Timestamp> {
    connection.prepare_cached(LATEST)?.query_row([], |row| row.get(0).map(Timestamp::from_millis))
}

/// Writes a batch in one transaction.
///
/// Turns that are refused are rare, and most of them before anything of them is written. So the
/// batch is first written without savepoints. Only if a turn is refused half-way everything is
/// rolled back and written again with a savepoint around each turn.
pub(crate) fn commit(
    connection: &Connection,
    known: &mut Known,
    batch: &Batch,
) -> rusqlite::Result<Vec<Verdict>> {
    if let Some(verdicts) = attempt(connection, known, batch, false)? {
        return Ok(verdicts);
    }
    known.forget();
    let verdicts = attempt(connection, known, batch, true)?;
    Ok(verdicts.unwrap_or_else(|| unreachable!("a savepoint undoes what is half written")))
}

/// Writes the time of the last commit, if it is not stored yet.
pub(crate) fn settle(connection: &Connection, known: &mut Known) -> rusqlite::Result<()> {
    if known.stored == known.latest {
        return Ok(());
    }
    let write = Write::begin(connection)?;
    write.prepare_cached(SET_LATEST)?.execute([known.latest.as_millis()])?;
    write.commit()?;
    known.stored = known.latest;
    Ok(())
}

/// `None` if a turn is half written and there is no savepoint to go back to.
fn attempt(
    connection: &Connection,
    known: &mut Known,
    batch: &Batch,
    savepoints: bool,
) -> rusqlite::Result<Option<Vec<Verdict>>> {
    let write = Write::begin(connection)?;
    let mut turns = Turns {
        connection,
        history: connection.prepare_cached(INSERT_HISTORY)?,
        known: &mut *known,
        refused: HashSet::new(),
    };
    let mut verdicts = Vec::with_capacity(batch.turns.len());
    for turn in &batch.turns {
        let verdict = if savepoints { turns.guarded(turn)? } else { turns.write(turn)? };
        match verdict {
            Written::All => verdicts.push(Verdict::Committed),
            Written::Nothing(verdict) => {
                turns.refused.insert(turn.instance);
                verdicts.push(verdict);
            }
            Written::Half => return Ok(None),
        }
    }
    drop(turns);
    let stored = store_latest(&write, known.stored, batch.now)?;
    write.commit()?;
    known.stored = stored;
    known.latest = known.latest.max(batch.now);
    Ok(Some(verdicts))
}

/// Stores the time when the stored one is too far behind: a row a second, not one a commit.
fn store_latest(
    write: &Write<'_>,
    stored: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Timestamp> {
    if now.as_millis().saturating_sub(stored.as_millis()) < LATEST_BEHIND_MS {
        return Ok(stored);
    }
    write.prepare_cached(SET_LATEST)?.execute([now.as_millis()])?;
    failpoint!(TimeStored);
    Ok(now)
}

/// How much of a turn is written.
enum Written {
    All,
    Nothing(Verdict),
    Half,
}

const STALE: Written = Written::Nothing(Verdict::Stale);

struct Turns<'a> {
    connection: &'a Connection,
    history: CachedStatement<'a>,
    known: &'a mut Known,
    refused: HashSet<InstanceId>,
}

impl Turns<'_> {
    /// Writes a turn, and takes it back if it is refused half-way.
    fn guarded(&mut self, turn: &TurnRows) -> rusqlite::Result<Written> {
        self.execute(SAVE)?;
        let written = self.write(turn)?;
        if let Written::All = written {
            self.execute(KEEP)?;
            return Ok(Written::All);
        }
        self.execute(UNDO)?;
        self.execute(KEEP)?;
        self.known.heads.remove(&turn.instance);
        Ok(match written {
            Written::Nothing(verdict) => Written::Nothing(verdict),
            _ => STALE,
        })
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute([])
    }

    fn write(&mut self, turn: &TurnRows) -> rusqlite::Result<Written> {
        if !self.refused.is_empty() && self.refused.contains(&turn.instance) {
            return Ok(STALE);
        }
        match (&turn.start, &turn.state) {
            (Some(start), Some(state)) if turn.seq == 1 => self.first(turn, start, state),
            (None, _) if turn.seq > 1 => self.later(turn),
            _ => Ok(STALE),
        }
    }

    fn first(
        &mut self,
        turn: &TurnRows,
        start: &StartRow,
        state: &StateRow,
    ) -> rusqlite::Result<Written> {
        match insert_instance(self.connection, turn, start, state) {
            Err(error) if is_conflict(&error) => {
                return Ok(Written::Nothing(self.conflict(turn, start)?));
            }
            inserted => inserted?,
        };
        failpoint!(InstanceInserted);
        if !self.record(turn)? || !waits::write(self.connection, turn)? {
            return Ok(Written::Half);
        }
        bases::write(self.connection, turn)?;
        self.known.written(turn);
        Ok(Written::All)
    }

    /// Why the instance could not be inserted: it is there already, or its key is taken.
    fn conflict(&self, turn: &TurnRows, start: &StartRow) -> rusqlite::Result<Verdict> {
        let mut instance = self.connection.prepare_cached(HAS_INSTANCE)?;
        if instance.exists([turn.instance.as_bytes()])? {
            return Ok(Verdict::Stale);
        }
        let key = start.key.as_deref().unwrap_or_default();
        let started = query::started(self.connection, &start.process, key)?;
        Ok(started.map_or(Verdict::Stale, Verdict::KeyTaken))
    }

    fn later(&mut self, turn: &TurnRows) -> rusqlite::Result<Written> {
        if !self.has_before(turn)? || !self.record(turn)? {
            return Ok(STALE);
        }
        if let Some(state) = &turn.state
            && update_instance(self.connection, turn, state)? != 1
        {
            return Ok(Written::Half);
        }
        if !waits::write(self.connection, turn)? {
            return Ok(Written::Half);
        }
        bases::write(self.connection, turn)?;
        self.known.written(turn);
        Ok(Written::All)
    }

    /// Whether the instance has the turn before this one. Remembered, or asked.
    fn has_before(&self, turn: &TurnRows) -> rusqlite::Result<bool> {
        let before = turn.seq - 1;
        if self.known.heads.get(&turn.instance) == Some(&before) {
            return Ok(true);
        }
        let mut statement = self.connection.prepare_cached(HAS_HISTORY)?;
        let row =
            statement.query_row(params![turn.instance.as_bytes(), integer(before)], |_| Ok(()));
        row.optional().map(|row| row.is_some())
    }

    /// Writes the turn's row of the history; whether there was none of its number.
    fn record(&mut self, turn: &TurnRows) -> rusqlite::Result<bool> {
        let row = params![
            turn.instance.as_bytes(),
            integer(turn.seq),
            turn.at.as_millis(),
            turn.body.as_str()
        ];
        let inserted = is_new(self.history.execute(row))?;
        failpoint!(HistoryInserted);
        Ok(inserted)
    }
}

/// Whether a row was inserted: `false` if another one has its key.
pub(crate) fn is_new(inserted: rusqlite::Result<usize>) -> rusqlite::Result<bool> {
    match inserted {
        Err(error) if is_conflict(&error) => Ok(false),
        inserted => inserted.map(|_| true),
    }
}

fn insert_instance(
    connection: &Connection,
    turn: &TurnRows,
    start: &StartRow,
    state: &StateRow,
) -> rusqlite::Result<usize> {
    connection.prepare_cached(INSERT_INSTANCE)?.execute(params![
        turn.instance.as_bytes(),
        start.process,
        start.version,
        start.key,
        start.input_hash.cast_signed(),
        state.status.word(),
        state.active,
        state.tokens,
        state.snapshot,
        i64::from(state.snapshot.is_some()),
        state.outcome,
        turn.at.as_millis(),
        ended(turn, state),
    ])
}

fn update_instance(
    connection: &Connection,
    turn: &TurnRows,
    state: &StateRow,
) -> rusqlite::Result<usize> {
    let updated = connection.prepare_cached(UPDATE_INSTANCE)?.execute(params![
        turn.instance.as_bytes(),
        state.status.word(),
        state.active,
        state.tokens,
        integer(turn.seq),
        state.snapshot,
        state.outcome,
        turn.at.as_millis(),
        ended(turn, state),
    ])?;
    failpoint!(InstanceUpdated);
    Ok(updated)
}

fn ended(turn: &TurnRows, state: &StateRow) -> Option<i64> {
    state.status.is_end().then_some(turn.at.as_millis())
}

/// A number as SQLite keeps it. None of ours comes near the bound.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
