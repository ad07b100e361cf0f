//! Reading what people, operators and the engine ask for: user tasks, incidents, timers,
//! definitions, keys.

use bpm_core::clock::Timestamp;
use bpm_core::event::Actor;
use bpm_core::failpoint;
use bpm_core::ids::{IncidentId, InstanceId, UserTaskId};
use bpm_core::store::{
    Closed, DefinitionRow, IncidentRow, Started, TimerRow, UserTaskFilter, UserTaskRow,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::commit::integer;
use crate::connection::Write;
use crate::error::unknown_word;
use crate::waits::{CLOSINGS, closing_word};

/// How many user tasks are listed when the filter names no limit.
const LISTED: usize = 1_000;

macro_rules! task_columns {
    () => {
        "SELECT id, instance, process, key, node, name, form, for_group, for_user, due, priority, \
         created, closed_how, closed_at, closed_by FROM bpm_user_task "
    };
}

macro_rules! incident_columns {
    () => {
        "SELECT id, instance, process, node, error, attempts, lost, hint, since, closed_how, \
         closed_at, closed_by FROM bpm_incident "
    };
}

/// The open user tasks that fit all of a filter. `$by` is the narrowest condition that it has:
/// an index finds what fits it, and the rest is compared.
macro_rules! open_tasks {
    ($by:literal) => {
        concat!(
            task_columns!(),
            "WHERE closed_how IS NULL ",
            $by,
            " AND (?1 IS NULL OR process = ?1) AND (?2 IS NULL OR name = ?2) \
             AND (?3 IS NULL OR for_group = ?3) AND (?4 IS NULL OR for_user = ?4) \
             AND (?5 IS NULL OR key = ?5) AND (?6 IS NULL OR instance = ?6) \
             ORDER BY created, id LIMIT ?7"
        )
    };
}

pub(crate) const TASKS: &str = open_tasks!("");
pub(crate) const TASKS_BY_NAME: &str = open_tasks!("AND name = ?2");
pub(crate) const TASKS_BY_GROUP: &str = open_tasks!("AND for_group = ?3");
pub(crate) const TASKS_BY_USER: &str = open_tasks!("AND for_user = ?4");
pub(crate) const TASKS_BY_KEY: &str = open_tasks!("AND key = ?5");
pub(crate) const TASKS_BY_INSTANCE: &str = open_tasks!("AND instance = ?6");
const TASK: &str = concat!(task_columns!(), "WHERE id = ?1");
pub(crate) const INCIDENTS: &str =
    concat!(incident_columns!(), "WHERE closed_how IS NULL ORDER BY since, id LIMIT ?1");
const INCIDENT: &str = concat!(incident_columns!(), "WHERE id = ?1");
pub(crate) const TIMERS: &str = "SELECT due, instance, timer, token, calendar FROM bpm_timer \
     ORDER BY calendar, due, instance, timer LIMIT ?1";
pub(crate) const TIMERS_AFTER: &str = "SELECT due, instance, timer, token, calendar FROM bpm_timer \
     WHERE (calendar, due, instance, timer) > (?2, ?3, ?4, ?5) \
     ORDER BY calendar, due, instance, timer LIMIT ?1";
const STARTED: &str = "SELECT id, input_hash FROM bpm_instance WHERE process = ?1 AND key = ?2";
const DEFINITIONS: &str =
    "SELECT name, version, fingerprint, graph FROM bpm_definition ORDER BY name, version";
const PUT_DEFINITION: &str = "INSERT INTO bpm_definition (name, version, fingerprint, graph) \
     VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name, version) \
     DO UPDATE SET fingerprint = excluded.fingerprint, graph = excluded.graph";
pub(crate) const LIVE: &str = "SELECT count(*) FROM bpm_instance \
     WHERE process = ?1 AND version = ?2 AND ended IS NULL";

pub(crate) fn user_tasks(
    connection: &Connection,
    filter: &UserTaskFilter,
) -> rusqlite::Result<Vec<UserTaskRow>> {
    let mut statement = connection.prepare_cached(narrowest(filter))?;
    let values = params![
        filter.process,
        filter.name,
        filter.group,
        filter.user,
        filter.key,
        filter.instance.as_ref().map(InstanceId::as_bytes),
        integer(filter.limit.unwrap_or(LISTED) as u64),
    ];
    statement.query_map(values, task_row)?.collect()
}

/// The statement whose index leaves the fewest rows to compare.
fn narrowest(filter: &UserTaskFilter) -> &'static str {
    match filter {
        UserTaskFilter { instance: Some(_), .. } => TASKS_BY_INSTANCE,
        UserTaskFilter { key: Some(_), .. } => TASKS_BY_KEY,
        UserTaskFilter { user: Some(_), .. } => TASKS_BY_USER,
        UserTaskFilter { group: Some(_), .. } => TASKS_BY_GROUP,
        UserTaskFilter { name: Some(_), .. } => TASKS_BY_NAME,
        _ => TASKS,
    }
}

pub(crate) fn user_task(
    connection: &Connection,
    task: UserTaskId,
) -> rusqlite::Result<Option<UserTaskRow>> {
    connection.prepare_cached(TASK)?.query_row([task.as_bytes()], task_row).optional()
}

pub(crate) fn incidents(
    connection: &Connection,
    limit: usize,
) -> rusqlite::Result<Vec<IncidentRow>> {
    let mut statement = connection.prepare_cached(INCIDENTS)?;
    statement.query_map([integer(limit as u64)], incident_row)?.collect()
}

pub(crate) fn incident(
    connection: &Connection,
    incident: IncidentId,
) -> rusqlite::Result<Option<IncidentRow>> {
    connection.prepare_cached(INCIDENT)?.query_row([incident.as_bytes()], incident_row).optional()
}

pub(crate) fn timers(
    connection: &Connection,
    after: Option<&TimerRow>,
    limit: usize,
) -> rusqlite::Result<Vec<TimerRow>> {
    let limit = integer(limit as u64);
    let Some(TimerRow { calendar, due, instance, timer, .. }) = after else {
        return connection.prepare_cached(TIMERS)?.query_map([limit], timer_row)?.collect();
    };
    let mut statement = connection.prepare_cached(TIMERS_AFTER)?;
    let from = params![limit, calendar, due.as_millis(), instance.as_bytes(), integer(*timer)];
    statement.query_map(from, timer_row)?.collect()
}

pub(crate) fn started(
    connection: &Connection,
    process: &str,
    key: &str,
) -> rusqlite::Result<Option<Started>> {
    let mut statement = connection.prepare_cached(STARTED)?;
    let started = statement.query_row([process, key], |row| {
        Ok(Started {
            instance: InstanceId::from_bytes(row.get(0)?),
            input_hash: row.get::<_, i64>(1)?.cast_unsigned(),
        })
    });
    started.optional()
}

pub(crate) fn definitions(connection: &Connection) -> rusqlite::Result<Vec<DefinitionRow>> {
    let mut statement = connection.prepare_cached(DEFINITIONS)?;
    let rows = statement.query_map([], |row| {
        Ok(DefinitionRow {
            name: row.get(0)?,
            version: row.get(1)?,
            fingerprint: row.get(2)?,
            graph: row.get(3)?,
        })
    })?;
    rows.collect()
}

pub(crate) fn put_definition(
    connection: &Connection,
    definition: &DefinitionRow,
) -> rusqlite::Result<()> {
    let DefinitionRow { name, version, fingerprint, graph } = definition;
    let write = Write::begin(connection)?;
    write.prepare_cached(PUT_DEFINITION)?.execute(params![name, version, fingerprint, graph])?;
    failpoint!(DefinitionStored);
    write.commit()
}

pub(crate) fn live(connection: &Connection, process: &str, version: u32) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(LIVE)?;
    statement
        .query_row(params![process, version], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))
}

fn task_row(row: &Row<'_>) -> rusqlite::Result<UserTaskRow> {
    Ok(UserTaskRow {
        id: UserTaskId::from_bytes(row.get(0)?),
        instance: InstanceId::from_bytes(row.get(1)?),
        process: row.get(2)?,
        key: row.get(3)?,
        node: row.get(4)?,
        name: row.get(5)?,
        form: row.get(6)?,
        group: row.get(7)?,
        user: row.get(8)?,
        due: row.get::<_, Option<i64>>(9)?.map(Timestamp::from_millis),
        priority: row.get(10)?,
        created: Timestamp::from_millis(row.get(11)?),
        closed: closed(row, 12)?,
    })
}

/// What happened to what is closed: three columns from `first` on.
fn closed(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<Closed>> {
    let Some(word) = row.get::<_, Option<String>>(first)? else { return Ok(None) };
    let how = CLOSINGS
        .into_iter()
        .find(|how| closing_word(*how) == word)
        .ok_or_else(|| unknown_word(first, "way to close something", &word))?;
    let at = Timestamp::from_millis(row.get(first + 1)?);
    Ok(Some(Closed { how, at, by: row.get::<_, Option<String>>(first + 2)?.map(Actor::new) }))
}

fn incident_row(row: &Row<'_>) -> rusqlite::Result<IncidentRow> {
    Ok(IncidentRow {
        id: IncidentId::from_bytes(row.get(0)?),
        instance: InstanceId::from_bytes(row.get(1)?),
        process: row.get(2)?,
        node: row.get(3)?,
        error: row.get(4)?,
        attempts: row.get(5)?,
        lost: row.get(6)?,
        hint: row.get(7)?,
        since: Timestamp::from_millis(row.get(8)?),
        closed: closed(row, 9)?,
    })
}

fn timer_row(row: &Row<'_>) -> rusqlite::Result<TimerRow> {
    Ok(TimerRow {
        due: Timestamp::from_millis(row.get(0)?),
        instance: InstanceId::from_bytes(row.get(1)?),
        timer: row.get::<_, i64>(2)?.cast_unsigned(),
        token: row.get::<_, i64>(3)?.cast_unsigned(),
        calendar: row.get(4)?,
    })
}
