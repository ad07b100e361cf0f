//! The raw program: the rows of an engine's file, written by a loop over prepared statements. It
//! decides nothing, runs nothing and parses nothing, so it is the floor under every engine that
//! keeps the same history in the same file.

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Statement, params, params_from_iter};

use crate::Failed;
use crate::measure::{Stopwatch, Took};

/// What the engine's store sets on the connection that writes; it refuses to open a file where
/// one of them reads otherwise.
const PRAGMAS: [(&str, &str); 7] = [
    ("synchronous", "2"),
    ("fullfsync", "1"),
    ("checkpoint_fullfsync", "1"),
    ("foreign_keys", "1"),
    ("cache_size", "-16384"),
    ("wal_autocheckpoint", "4096"),
    ("journal_size_limit", "67108864"),
];

/// What the file itself keeps, so that the engine's can be asked.
const OF_THE_FILE: [&str; 4] = ["journal_mode", "page_size", "auto_vacuum", "encoding"];

const SCHEMA: &str = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
/// In the order in which the engine wrote them, as far as the times tell.
const HISTORY: &str = "SELECT instance, seq, at, body FROM bpm_history ORDER BY at, seq, instance";
const INSTANCE: &str = "SELECT id, process, version, key, input_hash, status, active, tokens, \
     state_seq, snapshot, snapshot_seq, outcome, created, updated, ended \
     FROM bpm_instance WHERE id = ?1";
const INSERT_HISTORY: &str =
    "INSERT INTO bpm_history (instance, seq, at, body) VALUES (?1, ?2, ?3, ?4)";
const INSERT_INSTANCE: &str = "INSERT INTO bpm_instance (id, process, version, key, input_hash, \
     status, active, tokens, state_seq, snapshot, snapshot_seq, outcome, created, updated, ended) \
     VALUES (?1, ?2, ?3, ?4, ?5, 'Running', 1, ?6, 1, NULL, 0, NULL, ?7, ?7, NULL)";
const UPDATE_INSTANCE: &str = "UPDATE bpm_instance SET status = ?2, active = ?3, tokens = ?4, \
     state_seq = ?5, outcome = ?6, updated = ?7, ended = ?8 WHERE id = ?1";
const ATTACH: &str = "ATTACH ?1 AS other";
const DIFFERENCES: &str = "SELECT \
     (SELECT count(*) FROM (SELECT * FROM bpm_history EXCEPT SELECT * FROM other.bpm_history)) + \
     (SELECT count(*) FROM (SELECT * FROM bpm_instance EXCEPT SELECT * FROM other.bpm_instance)) + \
     abs((SELECT count(*) FROM bpm_history) - (SELECT count(*) FROM other.bpm_history)) + \
     abs((SELECT count(*) FROM bpm_instance) - (SELECT count(*) FROM other.bpm_instance))";

/// What the raw program did.
pub(crate) struct Raw {
    pub(crate) took: Took,
    pub(crate) commits: u64,
    /// What `PRAGMA synchronous` read.
    pub(crate) synchronous: String,
}

/// One turn's rows. The instance's row was inserted by its first turn and updated by its last.
struct Turn {
    instance: [u8; 16],
    seq: i64,
    at: i64,
    body: String,
    row: Option<Vec<Value>>,
}

/// Writes the rows of the engine's file into a new one, with `turns_per_commit` in a transaction.
pub(crate) fn run(
    engine: &Path,
    file: &Path,
    started: &str,
    turns_per_commit: u64,
) -> Result<Raw, Failed> {
    let theirs = Connection::open_with_flags(engine, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let turns = turns(&theirs)?;
    let connection = like(&theirs, file)?;
    let stopwatch = Stopwatch::start();
    let mut writer = Writer::new(&connection, started)?;
    let mut commits = 0;
    for batch in turns.chunks(usize::try_from(turns_per_commit)?.max(1)) {
        writer.commit(batch)?;
        commits += 1;
    }
    let took = stopwatch.stop();
    drop(writer);
    refuse_differences(&connection, engine)?;
    Ok(Raw { took, commits, synchronous: answer(&connection, "synchronous")? })
}

/// Everything that the engine wrote, in memory.
fn turns(connection: &Connection) -> rusqlite::Result<Vec<Turn>> {
    let mut history = connection.prepare(HISTORY)?;
    let mut instance = connection.prepare(INSTANCE)?;
    let turns = history.query_map([], |row| {
        let turn = Turn {
            instance: row.get(0)?,
            seq: row.get(1)?,
            at: row.get(2)?,
            body: row.get(3)?,
            row: None,
        };
        with_row(turn, &mut instance)
    })?;
    turns.collect()
}

/// The column of [`INSTANCE`] that says which turn wrote the row last.
const STATE_SEQ: usize = 8;

fn with_row(turn: Turn, instance: &mut Statement<'_>) -> rusqlite::Result<Turn> {
    let columns = instance.column_count();
    let row = instance.query_row([turn.instance], |row| {
        (0..columns).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>()
    })?;
    let writes = turn.seq == 1 || row[STATE_SEQ] == Value::Integer(turn.seq);
    Ok(Turn { row: writes.then_some(row), ..turn })
}

/// A new file with the engine's settings, tables, indexes and views.
fn like(theirs: &Connection, file: &Path) -> Result<Connection, Failed> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    for (pragma, value) in PRAGMAS {
        connection.pragma_update(None, pragma, value)?;
        refuse_other(pragma, &answer(&connection, pragma)?, value)?;
    }
    for pragma in OF_THE_FILE {
        refuse_other(pragma, &answer(&connection, pragma)?, &answer(theirs, pragma)?)?;
    }
    let mut schema = theirs.prepare(SCHEMA)?;
    for sql in schema.query_map([], |row| row.get::<_, String>(0))? {
        connection.execute_batch(&sql?)?;
    }
    Ok(connection)
}

fn answer(connection: &Connection, pragma: &str) -> rusqlite::Result<String> {
    connection.pragma_query_value(None, pragma, |row| match row.get(0)? {
        Value::Integer(number) => Ok(number.to_string()),
        Value::Text(text) => Ok(text),
        other => Ok(format!("{other:?}")),
    })
}

fn refuse_other(pragma: &str, is: &str, expected: &str) -> Result<(), Failed> {
    match is == expected {
        true => Ok(()),
        false => Err(format!("`PRAGMA {pragma}` reads {is}, the engine's {expected}").into()),
    }
}

/// The statements of the loop, prepared once.
struct Writer<'a> {
    begin: Statement<'a>,
    history: Statement<'a>,
    insert: Statement<'a>,
    update: Statement<'a>,
    commit: Statement<'a>,
    started: &'a str,
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection, started: &'a str) -> rusqlite::Result<Self> {
        Ok(Self {
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            history: connection.prepare(INSERT_HISTORY)?,
            insert: connection.prepare(INSERT_INSTANCE)?,
            update: connection.prepare(UPDATE_INSTANCE)?,
            commit: connection.prepare("COMMIT")?,
            started,
        })
    }

    fn commit(&mut self, turns: &[Turn]) -> rusqlite::Result<()> {
        self.begin.execute([])?;
        for turn in turns {
            self.write(turn)?;
        }
        self.commit.execute([]).map(drop)
    }

    fn write(&mut self, turn: &Turn) -> rusqlite::Result<()> {
        self.history.execute(params![turn.instance, turn.seq, turn.at, turn.body])?;
        match &turn.row {
            Some(row) if turn.seq == 1 => self.start(turn, row),
            Some(row) => self.end(row),
            None => Ok(()),
        }
    }

    fn start(&mut self, turn: &Turn, row: &[Value]) -> rusqlite::Result<()> {
        let [id, process, version, key, input_hash, ..] = row else { return Ok(()) };
        let row = params![id, process, version, key, input_hash, self.started, turn.at];
        self.insert.execute(row).map(drop)
    }

    fn end(&mut self, row: &[Value]) -> rusqlite::Result<()> {
        // In the order of the statement's parameters: id, status, active, tokens, state_seq,
        // outcome, updated, ended.
        let columns = [0, 5, 6, 7, 8, 11, 13, 14].map(|column| &row[column]);
        self.update.execute(params_from_iter(columns)).map(drop)
    }
}

/// Both files must hold the same rows, or the comparison is worth nothing.
fn refuse_differences(connection: &Connection, engine: &Path) -> Result<(), Failed> {
    connection.execute(ATTACH, [engine.display().to_string()])?;
    match connection.query_row(DIFFERENCES, [], |row| row.get::<_, i64>(0))? {
        0 => Ok(()),
        rows => Err(format!("the two files differ in {rows} rows").into()),
    }
}
