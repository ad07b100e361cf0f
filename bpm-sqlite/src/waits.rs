//! Writing what the outside can wake and what people see: user tasks, incidents, timers.

use bpm_core::change::Closing;
use bpm_core::clock::Timestamp;
use bpm_core::event::Actor;
use bpm_core::failpoint;
use bpm_core::ids::InstanceId;
use bpm_core::planted;
use bpm_core::store::{Closed, IncidentRow, TimerRow, TurnRows, UserTaskRow};
use rusqlite::{Connection, params};

use crate::commit::{integer, is_new};

const INSERT_TASK: &str = "INSERT INTO bpm_user_task (id, instance, process, key, node, name, \
     form, for_group, for_user, due, priority, created) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
const CLOSE_TASK: &str = "UPDATE bpm_user_task SET closed_how = ?3, closed_at = ?4, \
     closed_by = ?5 WHERE id = ?1 AND instance = ?2 AND closed_how IS NULL";
const INSERT_INCIDENT: &str = "INSERT INTO bpm_incident (id, instance, process, node, error, \
     attempts, lost, hint, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const CLOSE_INCIDENT: &str = "UPDATE bpm_incident SET closed_how = ?3, closed_at = ?4, \
     closed_by = ?5 WHERE id = ?1 AND instance = ?2 AND closed_how IS NULL";
const INSERT_TIMER: &str =
    "INSERT INTO bpm_timer (instance, timer, token, due, calendar) VALUES (?1, ?2, ?3, ?4, ?5)";
const DELETE_TIMER: &str = "DELETE FROM bpm_timer WHERE instance = ?1 AND timer = ?2";

/// Opens and closes what the turn opens and closes; whether all that opens is new and all that
/// closes was open.
pub(crate) fn write(connection: &Connection, turn: &TurnRows) -> rusqlite::Result<bool> {
    planted!(ConsumeAndProduceInTwoCommits => connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?);
    Ok(user_tasks(connection, turn)? && incidents(connection, turn)? && timers(connection, turn)?)
}

fn user_tasks(connection: &Connection, turn: &TurnRows) -> rusqlite::Result<bool> {
    for task in &turn.opened {
        if !is_new(insert_task(connection, task))? {
            return Ok(false);
        }
        failpoint!(UserTaskInserted);
    }
    for (id, closed) in &turn.closed {
        if !close(connection, CLOSE_TASK, id.as_bytes(), turn.instance, closed)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn incidents(connection: &Connection, turn: &TurnRows) -> rusqlite::Result<bool> {
    for incident in &turn.raised {
        if !is_new(insert_incident(connection, incident))? {
            return Ok(false);
        }
        failpoint!(IncidentInserted);
    }
    for (id, closed) in &turn.settled {
        if !close(connection, CLOSE_INCIDENT, id.as_bytes(), turn.instance, closed)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn timers(connection: &Connection, turn: &TurnRows) -> rusqlite::Result<bool> {
    for timer in &turn.timers_set {
        if !is_new(insert_timer(connection, timer))? {
            return Ok(false);
        }
        failpoint!(TimerInserted);
    }
    for number in &turn.timers_closed {
        let key = params![turn.instance.as_bytes(), integer(*number)];
        if connection.prepare_cached(DELETE_TIMER)?.execute(key)? != 1 {
            return Ok(false);
        }
        failpoint!(TimerDeleted);
    }
    Ok(true)
}

/// Whether what has this id was open.
fn close(
    connection: &Connection,
    sql: &str,
    id: &[u8; 16],
    instance: InstanceId,
    closed: &Closed,
) -> rusqlite::Result<bool> {
    let by = closed.by.as_ref().map(Actor::name);
    let how = closing_word(closed.how);
    let row = params![id, instance.as_bytes(), how, closed.at.as_millis(), by];
    let closed = connection.prepare_cached(sql)?.execute(row)?;
    failpoint!(WaitClosed);
    Ok(closed == 1)
}

fn insert_task(connection: &Connection, task: &UserTaskRow) -> rusqlite::Result<usize> {
    connection.prepare_cached(INSERT_TASK)?.execute(params![
        task.id.as_bytes(),
        task.instance.as_bytes(),
        task.process,
        task.key,
        task.node,
        task.name,
        task.form,
        task.group,
        task.user,
        task.due.map(Timestamp::as_millis),
        task.priority,
        task.created.as_millis(),
    ])
}

fn insert_incident(connection: &Connection, incident: &IncidentRow) -> rusqlite::Result<usize> {
    connection.prepare_cached(INSERT_INCIDENT)?.execute(params![
        incident.id.as_bytes(),
        incident.instance.as_bytes(),
        incident.process,
        incident.node,
        incident.error,
        incident.attempts,
        incident.lost,
        incident.hint,
        incident.since.as_millis(),
    ])
}

fn insert_timer(connection: &Connection, timer: &TimerRow) -> rusqlite::Result<usize> {
    connection.prepare_cached(INSERT_TIMER)?.execute(params![
        timer.instance.as_bytes(),
        integer(timer.timer),
        integer(timer.token),
        timer.due.as_millis(),
        timer.calendar,
    ])
}

/// Every way to close something.
pub(crate) const CLOSINGS: [Closing; 5] =
    [Closing::Completed, Closing::Cancelled, Closing::Retried, Closing::Skipped, Closing::Failed];

/// The word that is stored.
pub(crate) fn closing_word(how: Closing) -> &'static str {
    match how {
        Closing::Completed => "Completed",
        Closing::Cancelled => "Cancelled",
        Closing::Retried => "Retried",
        Closing::Skipped => "Skipped",
        Closing::Failed => "Failed",
    }
}
