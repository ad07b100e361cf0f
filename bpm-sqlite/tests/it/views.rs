//! What a person reads with the `sqlite3` shell.

use bpm_core::change::Closing;
use bpm_core::clock::Timestamp;
use bpm_core::event::Actor;
use bpm_core::ids::{IncidentId, UserTaskId};
use bpm_core::store::{Closed, IncidentRow, Status, Store, TimerRow, UserTaskRow};
use bpm_sqlite::Sqlite;
use rusqlite::Connection;
use rusqlite::types::Value;

use crate::rows::{batch, start, state, turn};

/// What a statement answers: a line a row, columns behind one another, NULL as nothing.
fn check(connection: &Connection, sql: &str, expected: &str) {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let text = |column| match row.get_unwrap(column) {
            Value::Null => String::new(),
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            other => panic!("{other:?} is not for people"),
        };
        lines.push((0..columns).map(text).collect::<Vec<_>>().join("|"));
    }
    assert_eq!(lines.join("\n"), expected, "{sql}");
}

fn filled() -> (tempfile::TempDir, Sqlite, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let store = Sqlite::open(&path).unwrap();
    let mut parks = turn(1, 2);
    parks.state = Some(state(Status::Running, false));
    parks.state.as_mut().unwrap().tokens =
        r#"[{"token":0,"node":"approve","state":"Waiting"},{"token":3,"node":"join"}]"#.into();
    parks.opened = vec![task(0xA1), task(0xA2)];
    parks.raised = vec![incident(0xB1), incident(0xB2)];
    parks.timers_set = vec![timer(1, 4, 3), timer(1, 5, 9)];
    let mut ends = turn(2, 2);
    ends.state = Some(state(Status::Completed, false));
    let mut odd = start(3, None);
    odd.timers_set = vec![timer(3, 1, 0)];
    odd.state.as_mut().unwrap().tokens = "not JSON".into();
    store
        .commit(&batch(vec![start(1, Some("order-1")), start(2, None), odd, parks, ends]))
        .unwrap();
    let mut closes = turn(1, 3);
    let closed = Closed { how: Closing::Completed, at: closes.at, by: Some(Actor::new("ann")) };
    closes.closed = vec![(UserTaskId::from_bytes([0xA2; 16]), closed.clone())];
    let closed = Closed { how: Closing::Retried, ..closed };
    closes.settled = vec![(IncidentId::from_bytes([0xB2; 16]), closed)];
    store.commit(&batch(vec![closes])).unwrap();
    (folder, store, Connection::open(path).unwrap())
}

fn task(n: u8) -> UserTaskRow {
    UserTaskRow {
        id: UserTaskId::from_bytes([n; 16]),
        instance: turn(1, 1).instance,
        process: "shop".into(),
        key: Some("order-1".into()),
        node: "approve".into(),
        name: "review".into(),
        form: "{}".into(),
        group: Some("managers".into()),
        user: None,
        due: Some(Timestamp::from_millis(1_700_000_000_999)),
        priority: Some(5),
        created: Timestamp::from_millis(i64::from(n)),
        closed: None,
    }
}

fn incident(n: u8) -> IncidentRow {
    IncidentRow {
        id: IncidentId::from_bytes([n; 16]),
        instance: turn(1, 1).instance,
        process: "shop".into(),
        node: "charge".into(),
        error: "no answer".into(),
        attempts: 3,
        lost: 1,
        hint: "call".into(),
        since: Timestamp::from_millis(i64::from(n)),
        closed: None,
    }
}

fn timer(n: u8, number: u64, token: u64) -> TimerRow {
    let due = Timestamp::from_millis(1_700_000_000_999 + token as i64);
    TimerRow { calendar: false, due, instance: turn(n, 1).instance, timer: number, token }
}

#[test]
fn instances_read_as_words_and_dates() {
    let (_folder, _store, connection) = filled();
    check(
        &connection,
        "SELECT id, process, version, key, status, active, as_of_seq, outcome, created, updated, \
         ended, created_ms, updated_ms, ended_ms FROM v_instance ORDER BY id",
        "01010101-0101-0101-0101-010101010101|shop|1|order-1|Running|0|2||\
         1970-01-01T00:00:01.250Z|1970-01-01T00:00:02.250Z||1250|2250|\n\
         02020202-0202-0202-0202-020202020202|shop|1||Completed|0|2|\"done\"|\
         1970-01-01T00:00:01.250Z|1970-01-01T00:00:02.250Z|1970-01-01T00:00:02.250Z|1250|2250|2250\n\
         03030303-0303-0303-0303-030303030303|shop|1||Running|1|1||\
         1970-01-01T00:00:01.250Z|1970-01-01T00:00:01.250Z||1250|1250|",
    );
}

#[test]
fn tokens_are_rows() {
    let (_folder, store, connection) = filled();
    let tokens = "SELECT instance, process, version, key, token, node, state, exact, as_of_seq \
         FROM v_token ORDER BY instance, token";
    let parked = "01010101-0101-0101-0101-010101010101|shop|1|order-1|0|approve|Waiting|1|2\n\
         01010101-0101-0101-0101-010101010101|shop|1|order-1|3|join||1|2";
    check(&connection, tokens, parked);
    check(
        &connection,
        "SELECT detail FROM v_token WHERE token = 3",
        r#"{"token":3,"node":"join"}"#,
    );
    let mut wakes = turn(1, 4);
    wakes.state = Some(state(Status::Running, true));
    wakes.state.as_mut().unwrap().tokens =
        r#"[{"token":4,"node":"pack","state":"Running"}]"#.into();
    store.commit(&batch(vec![wakes, turn(1, 5)])).unwrap();
    let active = "01010101-0101-0101-0101-010101010101|shop|1|order-1|4|pack|Running|0|4";
    check(&connection, tokens, active);
}

#[test]
fn user_tasks_say_who_closed_them() {
    let (_folder, _store, connection) = filled();
    check(
        &connection,
        "SELECT id, instance, process, key, node, name, status, for_group, for_user, priority, \
         form, closed_by, due, created, closed, due_ms, created_ms, closed_ms FROM v_task \
         ORDER BY id",
        "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1|01010101-0101-0101-0101-010101010101|shop|order-1|\
         approve|review|Open|managers||5|{}||2023-11-14T22:13:20.999Z|1970-01-01T00:00:00.161Z||\
         1700000000999|161|\n\
         a2a2a2a2-a2a2-a2a2-a2a2-a2a2a2a2a2a2|01010101-0101-0101-0101-010101010101|shop|order-1|\
         approve|review|Completed|managers||5|{}|ann|2023-11-14T22:13:20.999Z|\
         1970-01-01T00:00:00.162Z|1970-01-01T00:00:03.250Z|1700000000999|162|3250",
    );
}

#[test]
fn incidents_say_who_settled_them() {
    let (_folder, _store, connection) = filled();
    check(
        &connection,
        "SELECT id, instance, process, node, status, error, hint, attempts, lost, closed_by, \
         since, closed, since_ms, closed_ms FROM v_incident ORDER BY id",
        "b1b1b1b1-b1b1-b1b1-b1b1-b1b1b1b1b1b1|01010101-0101-0101-0101-010101010101|shop|charge|\
         Open|no answer|call|3|1||1970-01-01T00:00:00.177Z||177|\n\
         b2b2b2b2-b2b2-b2b2-b2b2-b2b2b2b2b2b2|01010101-0101-0101-0101-010101010101|shop|charge|\
         Retried|no answer|call|3|1|ann|1970-01-01T00:00:00.178Z|1970-01-01T00:00:03.250Z|178|3250",
    );
}

#[test]
fn timers_say_where_and_when() {
    let (_folder, _store, connection) = filled();
    check(
        &connection,
        "SELECT instance, process, version, key, timer, token, node, due, due_ms FROM v_timer \
         ORDER BY due_ms",
        "03030303-0303-0303-0303-030303030303|shop|1||1|0||2023-11-14T22:13:20.999Z|1700000000999\n\
         01010101-0101-0101-0101-010101010101|shop|1|order-1|4|3|join|2023-11-14T22:13:21.002Z|\
         1700000001002\n\
         01010101-0101-0101-0101-010101010101|shop|1|order-1|5|9||2023-11-14T22:13:21.008Z|\
         1700000001008",
    );
}
