//! The one connection that writes, and what becomes of it when the disk fails.

use std::path::{Path, PathBuf};

use bpm_core::store::{Batch, Error, Verdict};
use rusqlite::{Connection, ErrorCode};

use crate::commit::{self, Known};
use crate::connection::{LOG_BYTES, Place, Setup};
use crate::error::{poisons, sqlite};
use crate::schema;

/// How much longer the log may get before it is tried again to cut it, in bytes.
const LOG_STEP: u64 = 4 << 20;

#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
    setup: Setup,
    known: Known,
    /// What made the connection untrustworthy.
    poison: Option<Poison>,
    log: Option<Log>,
}

/// Why a connection is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poison {
    /// There was no room; what is in the file is as it was.
    Full,
    /// Reading or writing failed: the file is checked before it is written again.
    Failed,
}

/// The log file, and the length at which it is cut.
#[derive(Debug)]
struct Log {
    path: PathBuf,
    cut_at: u64,
}

impl Writer {
    /// Opens the file, makes sure that it is ours or nobody's, and brings it to the newest
    /// schema. The caller holds the lock.
    pub(crate) fn open(setup: Setup) -> Result<Self, Error> {
        let connection = setup.connect()?;
        let schema = schema::identify(&connection, &setup.name)?;
        setup.prepare_writer(&connection)?;
        schema::migrate(&connection, &setup.name, schema)?;
        let known = Known::read(&connection).map_err(|error| sqlite(&setup.name, error))?;
        let log = match &setup.place {
            Place::File(path) => Some(Log { path: log_of(path), cut_at: LOG_BYTES }),
            Place::Memory => None,
        };
        Ok(Self { connection, setup, known, poison: None, log })
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn commit(&mut self, batch: &Batch) -> Result<Vec<Verdict>, Error> {
        let verdicts = self.write(|connection, known| commit::commit(connection, known, batch))?;
        self.keep_log_short();
        Ok(verdicts)
    }

    /// Makes everything ready for the file to be closed.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        if self.poison.is_some() {
            return Ok(());
        }
        self.write(commit::settle)
    }

    /// Writes. An error means that nothing was written; one of the disk poisons the connection.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&Connection, &mut Known) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.heal()?;
        work(&self.connection, &mut self.known).map_err(|error| {
            self.known.forget();
            if poisons(&error) {
                self.poison = Some(Poison::of(&error));
            }
            sqlite(&self.setup.name, error)
        })
    }

    /// Replaces a poisoned connection. The old one is closed after the new one is open: as long
    /// as one connection is, SQLite does not read the log anew, in which the commit that failed
    /// may look complete.
    fn heal(&mut self) -> Result<(), Error> {
        let Some(poison) = self.poison else { return Ok(()) };
        if let Place::File(_) = self.setup.place {
            let fresh = self.setup.connect()?;
            self.setup.prepare_writer(&fresh)?;
            if poison == Poison::Failed {
                schema::verify(&fresh, &self.setup.name)?;
            }
            self.known = Known::read(&fresh).map_err(|error| sqlite(&self.setup.name, error))?;
            self.connection = fresh;
        }
        self.poison = None;
        Ok(())
    }

    /// Cuts the log when readers kept it from being reused for long. That it cannot be cut now
    /// is no error: nothing is lost by a long log.
    fn keep_log_short(&mut self) {
        let Some(log) = &mut self.log else { return };
        let bytes = std::fs::metadata(&log.path).map_or(0, |file| file.len());
        if bytes <= log.cut_at {
            return;
        }
        log.cut_at = match self.setup.cut_log(&self.connection) {
            Ok(true) => LOG_BYTES,
            _ => bytes + LOG_STEP,
        };
    }
}

impl Poison {
    fn of(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            _ => Self::Failed,
        }
    }
}

fn log_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}
