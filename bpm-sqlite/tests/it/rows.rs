//! Rows to write. The id of instance `n` is sixteen times `n`.

use bpm_core::clock::Timestamp;
use bpm_core::ids::InstanceId;
use bpm_core::store::{Batch, StartRow, StateRow, Status, TurnRows};

pub(crate) fn batch(turns: Vec<TurnRows>) -> Batch {
    let now = turns.iter().map(|turn| turn.at).max().unwrap_or_default();
    Batch { now, turns }
}

pub(crate) fn turn(n: u8, seq: u64) -> TurnRows {
    TurnRows {
        instance: InstanceId::from_bytes([n; 16]),
        seq,
        at: Timestamp::from_millis(1_000 * i64::try_from(seq).unwrap() + 250),
        body: "{}".into(),
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

pub(crate) fn start(n: u8, key: Option<&str>) -> TurnRows {
    let key = key.map(str::to_owned);
    TurnRows {
        start: Some(StartRow { process: "shop".into(), version: 1, key, input_hash: 7 }),
        state: Some(state(Status::Running, true)),
        ..turn(n, 1)
    }
}

pub(crate) fn state(status: Status, active: bool) -> StateRow {
    let outcome = status.is_end().then(|| "\"done\"".to_owned());
    StateRow { status, active, tokens: "[]".into(), snapshot: None, outcome }
}
