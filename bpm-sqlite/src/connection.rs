//! Connections: how they are set up, the one way to begin a transaction, and the readers.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bpm_core::failpoint;
use bpm_core::store::Error;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use crate::error::{failed, sqlite};
use crate::options::{Disk, Durability, Options};

/// The log is copied into the database whenever it has this many pages (16 MiB).
macro_rules! checkpoint_pages {
    () => {
        "4096"
    };
}

/// A log file that is longer is cut (64 MiB).
macro_rules! log_bytes {
    () => {
        "67108864"
    };
}

/// The length over which the log file is cut, in bytes.
pub(crate) const LOG_BYTES: u64 = 67_108_864;

/// Statements that a connection keeps prepared.
const PREPARED: usize = 64;

/// Idle readers that are kept.
const READERS: usize = 4;

/// Where the data is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file.
    File(PathBuf),
    /// The memory of the one connection.
    Memory,
}

/// What every connection is opened with.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) place: Place,
    pub(crate) name: String,
    durability: Durability,
    busy_timeout_ms: i32,
    pub(crate) disk: Option<Disk>,
}

/// A setting, how it is read, and what must be read: SQLite takes a misspelt value in silence.
struct Pragma {
    set: &'static str,
    get: &'static str,
    is: &'static str,
}

const fn pragma(set: &'static str, get: &'static str, is: &'static str) -> Pragma {
    Pragma { set, get, is }
}

const FULL: [Pragma; 3] = [
    pragma("PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"),
    pragma("PRAGMA fullfsync = ON", "PRAGMA fullfsync", "1"),
    pragma("PRAGMA checkpoint_fullfsync = ON", "PRAGMA checkpoint_fullfsync", "1"),
];

const NORMAL: [Pragma; 1] = [pragma("PRAGMA synchronous = NORMAL", "PRAGMA synchronous", "1")];

const WRITER: [Pragma; 4] = [
    pragma("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1"),
    pragma("PRAGMA cache_size = -16384", "PRAGMA cache_size", "-16384"),
    pragma(
        concat!("PRAGMA wal_autocheckpoint = ", checkpoint_pages!()),
        "PRAGMA wal_autocheckpoint",
        checkpoint_pages!(),
    ),
    pragma(
        concat!("PRAGMA journal_size_limit = ", log_bytes!()),
        "PRAGMA journal_size_limit",
        log_bytes!(),
    ),
];

const LOG_OF_FILE: Pragma = pragma("PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal");

const LOG_OF_MEMORY: Pragma =
    pragma("PRAGMA journal_mode = MEMORY", "PRAGMA journal_mode", "memory");

const READER: [Pragma; 1] = [pragma("PRAGMA query_only = ON", "PRAGMA query_only", "1")];

impl Setup {
    pub(crate) fn of(place: Place, options: &Options) -> Self {
        let name = match &place {
            Place::File(path) => path.display().to_string(),
            Place::Memory => ":memory:".to_owned(),
        };
        let (durability, disk) = (options.durability, options.disk.clone());
        Self { place, name, durability, busy_timeout_ms: options.busy_timeout_ms(), disk }
    }

    /// A connection that may write. Nothing is written yet: the file may be another program's.
    pub(crate) fn connect(&self) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match &self.place {
            Place::File(path) => self.open(path, flags),
            Place::Memory => Connection::open_in_memory_with_flags(flags),
        };
        let connection = connection.map_err(|error| sqlite(&self.name, error))?;
        self.wait_for_others(&connection, self.busy_timeout_ms)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(connection)
    }

    fn open(&self, path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
        match &self.disk {
            None => Connection::open_with_flags(path, flags),
            Some(disk) => Connection::open_with_flags_and_vfs(path, flags, disk.vfs.as_str()),
        }
    }

    /// Makes it the writer.
    pub(crate) fn prepare_writer(&self, connection: &Connection) -> Result<(), Error> {
        let log = match self.place {
            Place::File(_) => &LOG_OF_FILE,
            Place::Memory => &LOG_OF_MEMORY,
        };
        self.set(connection, log)?;
        let durability = match self.durability {
            Durability::Full => &FULL[..],
            Durability::Normal => &NORMAL[..],
        };
        durability.iter().chain(&WRITER).try_for_each(|pragma| self.set(connection, pragma))?;
        match &self.disk {
            Some(disk) => connection
                .pragma_update(None, "wal_autocheckpoint", disk.log_pages)
                .map_err(|error| sqlite(&self.name, error)),
            None => Ok(()),
        }
    }

    /// A connection that cannot write.
    pub(crate) fn reader(&self) -> Result<Connection, Error> {
        let Place::File(path) = &self.place else {
            return Err(failed("a database in memory has one connection".to_owned()));
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.open(path, flags).map_err(|error| sqlite(&self.name, error))?;
        self.wait_for_others(&connection, self.busy_timeout_ms)?;
        READER.iter().try_for_each(|pragma| self.set(&connection, pragma))?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        Ok(connection)
    }

    /// Cuts the log file if no reader is in the way; whether it did.
    pub(crate) fn cut_log(&self, connection: &Connection) -> Result<bool, Error> {
        self.wait_for_others(connection, 0)?;
        let busy: Result<i64, _> = connection.query_row(CUT_LOG, [], |row| row.get(0));
        self.wait_for_others(connection, self.busy_timeout_ms)?;
        busy.map(|busy| busy == 0).map_err(|error| sqlite(&self.name, error))
    }

    fn wait_for_others(&self, connection: &Connection, ms: i32) -> Result<(), Error> {
        let timeout = std::time::Duration::from_millis(u64::from(ms.unsigned_abs()));
        connection.busy_timeout(timeout).map_err(|error| sqlite(&self.name, error))
    }

    fn set(&self, connection: &Connection, pragma: &Pragma) -> Result<(), Error> {
        let set = answer(connection, pragma.set).and_then(|_| answer(connection, pragma.get));
        match set.map_err(|error| sqlite(&self.name, error))? {
            is if is == pragma.is => Ok(()),
            is => Err(failed(format!(
                "`{}` on `{}` has no effect: it reads {is}, not {}\n  help: without it nothing \
                 that is acknowledged would be safe; is the file on a network, or in use?",
                pragma.set, self.name, pragma.is
            ))),
        }
    }
}

const CUT_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// The first value that a pragma answers, as text; empty if it answers nothing.
pub(crate) fn answer(connection: &Connection, pragma: &str) -> rusqlite::Result<String> {
    let mut statement = connection.prepare(pragma)?;
    let mut rows = statement.query([])?;
    let mut first = String::new();
    while let Some(row) = rows.next()? {
        if first.is_empty() {
            first = match row.get_ref(0)? {
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            };
        }
    }
    Ok(first)
}

/// A transaction that writes; rolled back unless it is committed. This is the only way to begin
/// one: a deferred transaction that comes to write after it has read is refused at once when
/// someone else wrote, busy timeout or not.
pub(crate) struct Write<'a> {
    connection: &'a Connection,
}

pub(crate) const BEGIN: &str = "BEGIN IMMEDIATE";
const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

impl<'a> Write<'a> {
    pub(crate) fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        failpoint!(BeforeBegin);
        connection.prepare_cached(BEGIN)?.execute([])?;
        failpoint!(Begun);
        Ok(Self { connection })
    }

    pub(crate) fn commit(self) -> rusqlite::Result<()> {
        failpoint!(BeforeCommit);
        self.connection.prepare_cached(COMMIT)?.execute([])?;
        failpoint!(Committed);
        Ok(())
    }
}

impl<'a> std::ops::Deref for Write<'a> {
    type Target = &'a Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        // An error that matters was returned by a statement before; some of them end the
        // transaction themselves.
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch(ROLLBACK);
        }
    }
}

/// Connections that read while the writer writes. As many as are needed at once are opened, and
/// a few are kept.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    closed: bool,
    connections: Vec<Connection>,
}

impl Readers {
    /// Reads. A reader that failed is not used again.
    pub(crate) fn read<T>(
        &self,
        setup: &Setup,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let reader = match self.idle()?.connections.pop() {
            Some(reader) => reader,
            None => setup.reader()?,
        };
        let answer = query(&reader).map_err(|error| sqlite(&setup.name, error))?;
        if let Ok(mut idle) = self.idle()
            && idle.connections.len() < READERS
        {
            idle.connections.push(reader);
        }
        Ok(answer)
    }

    fn idle(&self) -> Result<std::sync::MutexGuard<'_, Idle>, Error> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.closed { Err(Error::Closed) } else { Ok(idle) }
    }

    /// Closes the idle ones, and the others when they are done; hands out what it closes.
    pub(crate) fn close(&self) -> Vec<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.closed = true;
        std::mem::take(&mut idle.connections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(durability: Durability) -> (tempfile::TempDir, Setup, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::new(folder.path().join("shop.db")).durability(durability);
        let setup = Setup::of(Place::File(options.path.clone()), &options);
        let connection = setup.connect().unwrap();
        setup.prepare_writer(&connection).unwrap();
        (folder, setup, connection)
    }

    #[test]
    fn settings_are_what_they_are_called() {
        let read = |durability| {
            let (_folder, _, connection) = writer(durability);
            ["journal_mode", "synchronous", "foreign_keys", "busy_timeout"]
                .map(|name| answer(&connection, &format!("PRAGMA {name}")).unwrap())
        };
        assert_eq!(read(Durability::Full), ["wal", "2", "1", "5000"]);
        assert_eq!(read(Durability::Normal), ["wal", "1", "1", "5000"]);
        assert_eq!(LOG_BYTES.to_string(), log_bytes!());
    }

    #[test]
    fn a_setting_without_effect_refuses_to_start() {
        let (_folder, setup, connection) = writer(Durability::Full);
        let misspelt = pragma("PRAGMA synchronous = FULLY", "PRAGMA synchronous", "2");
        let error = setup.set(&connection, &misspelt).unwrap_err().to_string();
        assert!(error.contains("`PRAGMA synchronous = FULLY`"), "{error}");
        assert!(error.contains("reads 1, not 2"), "{error}");
    }

    #[test]
    fn a_reader_cannot_write() {
        let (_folder, setup, connection) = writer(Durability::Full);
        connection.execute_batch("CREATE TABLE mine (x)").unwrap();
        let reader = setup.reader().unwrap();
        assert!(reader.execute("INSERT INTO mine VALUES (1)", []).is_err());
        reader.execute_batch("PRAGMA query_only = OFF").unwrap();
        assert!(reader.execute("INSERT INTO mine VALUES (1)", []).is_err());
    }

    #[test]
    fn a_transaction_that_is_not_committed_is_undone() {
        let (_folder, _, connection) = writer(Durability::Full);
        let write = Write::begin(&connection).unwrap();
        write.execute_batch("CREATE TABLE mine (x)").unwrap();
        drop(write);
        assert!(connection.is_autocommit());
        assert!(connection.prepare("SELECT x FROM mine").is_err());
    }

    #[test]
    fn the_log_is_cut_unless_someone_reads_it() {
        let (folder, setup, connection) = writer(Durability::Full);
        let log = folder.path().join("shop.db-wal");
        connection.execute_batch("CREATE TABLE mine (x); INSERT INTO mine VALUES (1)").unwrap();
        let reader = setup.reader().unwrap();
        let mut statement = reader.prepare("SELECT x FROM mine").unwrap();
        let mut rows = statement.query([]).unwrap();
        rows.next().unwrap();
        connection.execute_batch("INSERT INTO mine VALUES (2)").unwrap();
        assert!(!setup.cut_log(&connection).unwrap());
        drop(rows);
        assert!(setup.cut_log(&connection).unwrap());
        assert_eq!(log.metadata().unwrap().len(), 0);
        assert_eq!(answer(&connection, "PRAGMA busy_timeout").unwrap(), "5000");
    }
}
