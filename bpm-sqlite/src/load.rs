//! Reading instances and their history: what recovery and waking need.

use bpm_core::clock::Timestamp;
use bpm_core::ids::InstanceId;
use bpm_core::store::{
    HistoryRow, InstanceFilter, InstanceRow, StartRow, StateRow, Status, Stored,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::commit::integer;
use crate::error::unknown_word;

macro_rules! instance_columns {
    () => {
        "i.id, i.process, i.version, i.key, i.input_hash, i.status, i.active, i.tokens, \
         i.snapshot, i.snapshot_seq, i.outcome, i.created, i.ended"
    };
}

pub(crate) const ACTIVE: &str =
    "SELECT id FROM bpm_instance WHERE active = 1 AND id > ?1 ORDER BY id LIMIT ?2";
/// One statement, so that row and turns are of one moment.
pub(crate) const LOAD: &str = concat!(
    "SELECT ",
    instance_columns!(),
    ", h.seq, h.at, h.body FROM bpm_instance AS i \
     LEFT JOIN bpm_history AS h ON h.instance = i.id AND h.seq > i.snapshot_seq \
     WHERE i.id = ?1 ORDER BY h.seq"
);
const INSTANCE: &str =
    concat!("SELECT ", instance_columns!(), " FROM bpm_instance AS i WHERE i.id = ?1");
/// `$by` is the status where an index has it; the rest is compared.
macro_rules! instances {
    ($by:literal) => {
        concat!(
            "SELECT ",
            instance_columns!(),
            " FROM bpm_instance AS i WHERE i.id > ?1 ",
            $by,
            " AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR process = ?3) \
             ORDER BY i.id LIMIT ?4"
        )
    };
}
pub(crate) const INSTANCES: &str = instances!("");
pub(crate) const SUSPENDED: &str = instances!("AND status = 'Suspended'");
const HISTORY: &str = "SELECT seq, at, body FROM bpm_history \
     WHERE instance = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";

/// How many instances are listed when the filter names no limit.
const LISTED: usize = 1_000;

/// The column of [`LOAD`] at which a turn begins.
const TURN: usize = 13;

pub(crate) fn active(
    connection: &Connection,
    after: Option<InstanceId>,
    limit: usize,
) -> rusqlite::Result<Vec<InstanceId>> {
    // Nothing is less than no bytes.
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes());
    let mut statement = connection.prepare_cached(ACTIVE)?;
    let ids = statement.query_map(params![after, integer(limit as u64)], |row| {
        row.get(0).map(InstanceId::from_bytes)
    })?;
    ids.collect()
}

pub(crate) fn load(
    connection: &Connection,
    instance: InstanceId,
) -> rusqlite::Result<Option<Stored>> {
    let mut statement = connection.prepare_cached(LOAD)?;
    let mut rows = statement.query([instance.as_bytes()])?;
    let mut stored: Option<Stored> = None;
    while let Some(row) = rows.next()? {
        let stored = match &mut stored {
            Some(stored) => stored,
            None => stored.insert(Stored { row: instance_row(row)?, turns: Vec::new() }),
        };
        if row.get::<_, Option<i64>>(TURN)?.is_some() {
            stored.turns.push(history_row(row, TURN)?);
        }
    }
    Ok(stored)
}

pub(crate) fn instance(
    connection: &Connection,
    instance: InstanceId,
) -> rusqlite::Result<Option<InstanceRow>> {
    connection.prepare_cached(INSTANCE)?.query_row([instance.as_bytes()], instance_row).optional()
}

pub(crate) fn instances(
    connection: &Connection,
    filter: &InstanceFilter,
) -> rusqlite::Result<Vec<InstanceRow>> {
    let InstanceFilter { status, process, after, limit } = filter;
    let sql = if *status == Some(Status::Suspended) { SUSPENDED } else { INSTANCES };
    // Nothing is less than no bytes.
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes());
    let limit = integer(limit.unwrap_or(LISTED) as u64);
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![after, status.map(Status::word), process, limit];
    statement.query_map(values, instance_row)?.collect()
}

pub(crate) fn history(
    connection: &Connection,
    instance: InstanceId,
    after: u64,
    limit: usize,
) -> rusqlite::Result<Vec<HistoryRow>> {
    let mut statement = connection.prepare_cached(HISTORY)?;
    let range = params![instance.as_bytes(), integer(after), integer(limit as u64)];
    let rows = statement.query_map(range, |row| history_row(row, 0))?;
    rows.collect()
}

fn instance_row(row: &Row<'_>) -> rusqlite::Result<InstanceRow> {
    let word: String = row.get(5)?;
    Ok(InstanceRow {
        id: InstanceId::from_bytes(row.get(0)?),
        start: StartRow {
            process: row.get(1)?,
            version: row.get(2)?,
            key: row.get(3)?,
            input_hash: row.get::<_, i64>(4)?.cast_unsigned(),
        },
        state: StateRow {
            status: Status::from_word(&word).ok_or_else(|| unknown_word(5, "status", &word))?,
            active: row.get(6)?,
            tokens: row.get(7)?,
            snapshot: row.get(8)?,
            outcome: row.get(10)?,
        },
        snapshot_seq: row.get::<_, i64>(9)?.cast_unsigned(),
        created: Timestamp::from_millis(row.get(11)?),
        ended: row.get::<_, Option<i64>>(12)?.map(Timestamp::from_millis),
    })
}

fn history_row(row: &Row<'_>, first: usize) -> rusqlite::Result<HistoryRow> {
    Ok(HistoryRow {
        seq: row.get::<_, i64>(first)?.cast_unsigned(),
        at: Timestamp::from_millis(row.get(first + 1)?),
        body: row.get(first + 2)?,
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::params_from_iter;

    use super::*;
    use crate::query;
    use crate::schema;

    /// How SQLite means to run a statement, a step a line.
    fn plan(sql: &str) -> String {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection, ":memory:", 0).unwrap();
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
        let steps = statement.query_map(params_from_iter(nothing), |row| row.get::<_, String>(3));
        steps.unwrap().map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    fn check(sql: &str, expected: &str) {
        assert_eq!(plan(sql), expected, "{sql}");
    }

    /// Recovery is these two statements. The index holds active instances only, and the ids in
    /// it are all that the first one reads.
    #[test]
    fn recovery_reads_active_instances_only() {
        check(ACTIVE, "SEARCH bpm_instance USING COVERING INDEX bpm_instance_active (id>?)");
        check(
            LOAD,
            "SEARCH i USING INDEX sqlite_autoindex_bpm_instance_1 (id=?)\n\
             SEARCH h USING PRIMARY KEY (instance=? AND seq>?) LEFT-JOIN",
        );
    }

    #[test]
    fn pages_of_history_are_ranges() {
        check(HISTORY, "SEARCH bpm_history USING PRIMARY KEY (instance=? AND seq>?)");
    }

    #[test]
    fn suspended_instances_are_found_by_an_index_that_holds_no_others() {
        check(SUSPENDED, "SEARCH i USING INDEX bpm_instance_suspended (id>?)");
        check(INSTANCES, "SEARCH i USING INDEX sqlite_autoindex_bpm_instance_1 (id>?)");
    }

    #[test]
    fn open_work_is_found_by_an_index_that_holds_open_work_only() {
        check(query::TASKS, "SCAN bpm_user_task USING INDEX bpm_user_task_open");
        let by = |what: &str, column: &str| {
            format!("SEARCH bpm_user_task USING INDEX bpm_user_task_{what} ({column}=?)")
        };
        check(query::TASKS_BY_NAME, &by("name", "name"));
        check(query::TASKS_BY_GROUP, &by("group", "for_group"));
        check(query::TASKS_BY_USER, &by("user", "for_user"));
        check(query::TASKS_BY_KEY, &by("key", "key"));
        let sorted = by("instance", "instance") + "\nUSE TEMP B-TREE FOR ORDER BY";
        check(query::TASKS_BY_INSTANCE, &sorted);
        check(query::INCIDENTS, "SCAN bpm_incident USING INDEX bpm_incident_open");
        check(query::TIMERS, "SCAN bpm_timer USING COVERING INDEX bpm_timer_due");
        check(
            query::TIMERS_AFTER,
            "SEARCH bpm_timer USING COVERING INDEX bpm_timer_due ((calendar,due,instance,timer)>(?,?,?,?))",
        );
        check(
            query::LIVE,
            "SEARCH bpm_instance USING COVERING INDEX bpm_instance_live \
             (process=? AND version=? AND ended=?)",
        );
    }
}
