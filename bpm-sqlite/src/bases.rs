//! Long histories: the states that are kept of them, and what is forgotten behind these.

use bpm_core::failpoint;
use bpm_core::ids::InstanceId;
use bpm_core::store::{BaseRow, TurnRows};
use rusqlite::{Connection, OptionalExtension, params};

use crate::commit::integer;

const INSERT: &str =
    "INSERT OR REPLACE INTO bpm_base (instance, seq, snapshot) VALUES (?1, ?2, ?3)";
const LAST: &str = "SELECT max(seq) FROM bpm_base WHERE instance = ?1 AND seq <= ?2";
const FORGET_TURNS: &str = "DELETE FROM bpm_history WHERE instance = ?1 AND seq <= ?2";
const FORGET_BASES: &str = "DELETE FROM bpm_base WHERE instance = ?1 AND seq < ?2";
const BASE: &str = "SELECT seq, snapshot FROM bpm_base WHERE instance = ?1 AND seq = \
     (SELECT seq FROM bpm_history WHERE instance = ?1 ORDER BY seq LIMIT 1) - 1";

/// Keeps the snapshot of a turn as a base if the turn says so, and forgets the turns up to the last
/// base that is old enough.
pub(crate) fn write(connection: &Connection, turn: &TurnRows) -> rusqlite::Result<()> {
    let Some((snapshot, until)) = turn.base() else { return Ok(()) };
    let instance = turn.instance.as_bytes();
    connection.prepare_cached(INSERT)?.execute(params![instance, integer(turn.seq), snapshot])?;
    failpoint!(BaseInserted);
    let last: Option<i64> = connection
        .prepare_cached(LAST)?
        .query_row(params![instance, integer(until)], |row| row.get(0))?;
    if let Some(base) = last {
        connection.prepare_cached(FORGET_TURNS)?.execute(params![instance, base])?;
        failpoint!(HistoryForgotten);
        connection.prepare_cached(FORGET_BASES)?.execute(params![instance, base])?;
    }
    Ok(())
}

/// The state with which the kept turns begin, if there were others before.
pub(crate) fn base(
    connection: &Connection,
    instance: InstanceId,
) -> rusqlite::Result<Option<BaseRow>> {
    let mut statement = connection.prepare_cached(BASE)?;
    let row = statement.query_row([instance.as_bytes()], |row| {
        let seq: i64 = row.get(0)?;
        Ok(BaseRow { seq: seq.unsigned_abs(), snapshot: row.get(1)? })
    });
    row.optional()
}
