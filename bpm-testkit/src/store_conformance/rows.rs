//! Rows to write: small, all different, and the same for the same numbers.

use bpm_core::clock::Timestamp;
use bpm_core::ids::{IncidentId, InstanceId, UserTaskId};
use bpm_core::store::{IncidentRow, StartRow, StateRow, Status, TimerRow, TurnRows, UserTaskRow};

fn bytes(kind: u8, n: u8) -> [u8; 16] {
    let mut bytes = [kind; 16];
    bytes[15] = n;
    bytes
}

pub(super) fn instance(n: u8) -> InstanceId {
    InstanceId::from_bytes(bytes(0x11, n))
}

pub(super) fn task_id(n: u8) -> UserTaskId {
    UserTaskId::from_bytes(bytes(0x22, n))
}

pub(super) fn incident_id(n: u8) -> IncidentId {
    IncidentId::from_bytes(bytes(0x33, n))
}

/// A turn that writes history only.
pub(super) fn turn(n: u8, seq: u64) -> TurnRows {
    TurnRows {
        instance: instance(n),
        seq,
        at: Timestamp::from_millis(10_000 + i64::try_from(seq).unwrap_or(0)),
        body: format!("{{\"turn\":{seq},\"of\":{n},\"text\":\"ä€😀\"}}"),
        start: None,
        state: None,
        forget: None,
        opened: Vec::new(),
        closed: Vec::new(),
        raised: Vec::new(),
        settled: Vec::new(),
        timers_set: Vec::new(),
        timers_closed: Vec::new(),
    }
}

/// The first turn of an active instance of `shop`, version 1.
pub(super) fn start(n: u8, key: Option<&str>) -> TurnRows {
    let start =
        StartRow { process: "shop".into(), version: 1, key: key.map(str::to_owned), input_hash: 7 };
    TurnRows { start: Some(start), state: Some(state(Status::Running)), ..turn(n, 1) }
}

/// A row of an instance of this status, active unless it has ended.
pub(super) fn state(status: Status) -> StateRow {
    StateRow {
        status,
        active: !status.is_end(),
        tokens: "[]".into(),
        snapshot: None,
        outcome: status.is_end().then(|| format!("\"{status}\"")),
    }
}

/// An open user task of instance `of`; a greater `n` is younger.
pub(super) fn task(n: u8, of: u8) -> UserTaskRow {
    UserTaskRow {
        id: task_id(n),
        instance: instance(of),
        process: "shop".into(),
        key: Some("order-1".into()),
        node: "approve".into(),
        name: "review".into(),
        form: format!("{{\"n\":{n}}}"),
        group: Some("managers".into()),
        user: Some("ann".into()),
        due: n.is_multiple_of(2).then(|| Timestamp::from_millis(-1)),
        priority: (!n.is_multiple_of(2)).then_some(i64::MIN),
        created: Timestamp::from_millis(i64::from(n)),
        closed: None,
    }
}

/// An incident of instance `of`; a greater `n` is younger.
pub(super) fn incident(n: u8, of: u8) -> IncidentRow {
    IncidentRow {
        id: incident_id(n),
        instance: instance(of),
        process: "shop".into(),
        node: "charge".into(),
        error: format!("no answer ({n})"),
        attempts: 3,
        lost: u32::MAX,
        hint: "call the bank".into(),
        since: Timestamp::from_millis(i64::from(n)),
        closed: None,
    }
}

/// A timer of instance `of`, due at that many milliseconds.
pub(super) fn timer(of: u8, number: u64, due: i64) -> TimerRow {
    let due = Timestamp::from_millis(due);
    TimerRow { calendar: false, due, instance: instance(of), timer: number, token: number % 3 }
}

/// The same by the wall clock.
pub(super) fn calendar(of: u8, number: u64, due: i64) -> TimerRow {
    TimerRow { calendar: true, ..timer(of, number, due) }
}
