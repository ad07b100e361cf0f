//! Rows a second of batches in which every turn writes history only, against a bare loop that
//! inserts the same rows; and instances a second of four turns each, from start to end:
//! `cargo bench -p bpm-sqlite [-- <batches> <turns> <body bytes>]`. The files
//! are made in the current folder, or in `BENCH_FOLDER`.

use std::path::Path;
use std::time::{Duration, Instant};

use bpm_core::clock::Timestamp;
use bpm_core::ids::InstanceId;
use bpm_core::store::{Batch, StartRow, StateRow, Status, Store, TurnRows, Verdict};
use bpm_sqlite::{Durability, Sqlite};
use rusqlite::{Connection, params};

const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let number = |index: usize, default| numbers.get(index).copied().unwrap_or(default);
    let (batches, turns, bytes) = (number(0, 100), number(1, 1_000), number(2, 200));
    let folder = std::env::var("BENCH_FOLDER").unwrap_or_else(|_| ".".to_owned());
    println!("{batches} batches of {turns} turns, bodies of {bytes} bytes, best of {ROUNDS}");
    for (durability, name) in [(Durability::Full, "FULL"), (Durability::Normal, "NORMAL")] {
        let (mut store, mut raw) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let place = tempfile::tempdir_in(&folder)?;
            let work = work(batches, turns, bytes);
            store = store.min(by_store(&place.path().join("store.db"), durability, &work)?);
            raw = raw.min(by_hand(&place.path().join("raw.db"), name, &work)?);
        }
        let rate = |time: Duration| (batches * turns) as f64 / time.as_secs_f64();
        let share = 100.0 * rate(store) / rate(raw);
        println!(
            "{name}: store {:.0} rows/s, bare loop {:.0} rows/s: {share:.0} %",
            rate(store),
            rate(raw)
        );
    }
    let place = tempfile::tempdir_in(&folder)?;
    let path = place.path().join("store.db");
    let time = by_store(&path, Durability::Full, &lives(batches, turns / 4, bytes))?;
    let rate = (batches * (turns / 4)) as f64 / time.as_secs_f64();
    println!("FULL: {rate:.0} instances of four turns a second");
    Ok(())
}

/// In every batch instances start, and those of the last three go on or end.
fn lives(batches: usize, starts: usize, bytes: usize) -> Vec<Batch> {
    let cohort = |batch: usize, seq: usize| -> Vec<TurnRows> {
        let Some(born) = batch.checked_sub(seq) else { return Vec::new() };
        (0..starts).map(|n| turn(born * starts + n, seq as u64, bytes)).map(ended).collect()
    };
    (1..=batches)
        .map(|batch| Batch {
            now: Timestamp::from_millis(10 * batch as i64),
            turns: (1..=4).flat_map(|seq| cohort(batch, seq)).collect(),
        })
        .collect()
}

/// The fourth turn is the last.
fn ended(mut turn: TurnRows) -> TurnRows {
    turn.state = match turn.seq {
        4 => Some(StateRow {
            status: Status::Completed,
            active: false,
            tokens: "[]".to_owned(),
            snapshot: None,
            outcome: Some("null".to_owned()),
        }),
        _ => turn.state,
    };
    turn
}

/// The starts of as many instances as a batch has turns, then a turn of each in every batch.
fn work(batches: usize, turns: usize, bytes: usize) -> Vec<Batch> {
    (0..=batches)
        .map(|batch| Batch {
            now: Timestamp::from_millis(10 * batch as i64),
            turns: (0..turns).map(|n| turn(n, batch as u64 + 1, bytes)).collect(),
        })
        .collect()
}

fn turn(n: usize, seq: u64, bytes: usize) -> TurnRows {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&(n as u64).to_be_bytes());
    let process = || "bench".to_owned();
    let start = || StartRow { process: process(), version: 1, key: None, input_hash: 1 };
    let (status, tokens) = (Status::Running, "[]".to_owned());
    let state = || StateRow { status, active: true, tokens, snapshot: None, outcome: None };
    TurnRows {
        instance: InstanceId::from_bytes(id),
        seq,
        at: Timestamp::from_millis(seq as i64),
        body: "x".repeat(bytes),
        start: (seq == 1).then(start),
        state: (seq == 1).then(state),
        forget: None,
        opened: Vec::new(),
        closed: Vec::new(),
        raised: Vec::new(),
        settled: Vec::new(),
        timers_set: Vec::new(),
        timers_closed: Vec::new(),
    }
}

fn by_store(
    path: &Path,
    durability: Durability,
    work: &[Batch],
) -> Result<Duration, Box<dyn std::error::Error>> {
    let store = Sqlite::options(path).durability(durability).open()?;
    store.commit(&work[0])?;
    let begin = Instant::now();
    for batch in &work[1..] {
        let verdicts = store.commit(batch)?;
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Committed));
    }
    Ok(begin.elapsed())
}

/// The same table, settings and rows, and nothing else: no ids are compared, no turn is refused.
fn by_hand(path: &Path, durability: &str, work: &[Batch]) -> rusqlite::Result<Duration> {
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {durability};
         PRAGMA wal_autocheckpoint = 4096; PRAGMA cache_size = -16384;
         CREATE TABLE history (instance BLOB NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
             body TEXT NOT NULL, PRIMARY KEY (instance, seq)) STRICT, WITHOUT ROWID;"
    ))?;
    insert(&connection, &work[0])?;
    let begin = Instant::now();
    work[1..].iter().try_for_each(|batch| insert(&connection, batch))?;
    Ok(begin.elapsed())
}

fn insert(connection: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut statement = connection.prepare_cached("INSERT INTO history VALUES (?1, ?2, ?3, ?4)")?;
    for turn in &batch.turns {
        let seq = turn.seq as i64;
        let at = turn.at.as_millis();
        statement.execute(params![turn.instance.as_bytes(), seq, at, turn.body])?;
    }
    connection.execute_batch("COMMIT")
}
