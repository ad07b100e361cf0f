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
        schema::probe(&connection, &setup.name)?;
        let known = Known::read(&connection).map_err(|error| sqlite(&setup.name, error))?;
        let log = match &setup.place {
            Place::File(path) if setup.disk.is_none() => {
                Some(Log { path: log_of(path), cut_at: LOG_BYTES })
            }
            Place::File(_) | Place::Memory => None,
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
            let known = self.known.again(&fresh);
            self.known = known.map_err(|error| sqlite(&self.setup.name, error))?;
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

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::{Seek, SeekFrom, Write};

    use bpm_core::ids::{IncidentId, InstanceId};
    use bpm_core::store::{IncidentRow, StartRow, StateRow, Status, TurnRows};

    use super::*;
    use crate::options::Options;

    fn writer(path: &Path) -> Writer {
        let options = Options::new(path.to_owned());
        Writer::open(Setup::of(Place::File(path.to_owned()), &options)).unwrap()
    }

    fn turn(n: u16, seq: u64, bytes: usize) -> TurnRows {
        let mut id = [1; 16];
        id[14..].copy_from_slice(&n.to_be_bytes());
        let start = StartRow { process: "shop".into(), version: 1, key: None, input_hash: 0 };
        let (status, tokens) = (Status::Running, "[]".into());
        let state = StateRow { status, active: true, tokens, snapshot: None, outcome: None };
        TurnRows {
            instance: InstanceId::from_bytes(id),
            seq,
            at: Default::default(),
            body: "x".repeat(bytes),
            start: (seq == 1).then_some(start),
            state: (seq == 1).then_some(state),
            forget: None,
            opened: Vec::new(),
            closed: Vec::new(),
            raised: Vec::new(),
            settled: Vec::new(),
            timers_set: Vec::new(),
            timers_closed: Vec::new(),
        }
    }

    fn incident() -> IncidentRow {
        IncidentRow {
            id: IncidentId::from_bytes([3; 16]),
            instance: turn(1, 1, 0).instance,
            process: "shop".into(),
            node: "charge".into(),
            error: "no answer".into(),
            attempts: 1,
            lost: 0,
            hint: "call".into(),
            since: Default::default(),
            closed: None,
        }
    }

    fn batch(turns: Vec<TurnRows>) -> Batch {
        Batch { turns, ..Batch::default() }
    }

    fn rows(writer: &Writer) -> i64 {
        let count = "SELECT count(*) FROM bpm_history";
        writer.connection.query_row(count, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_full_disk_takes_nothing_and_work_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder.path().join("shop.db"));
        writer.commit(&batch(vec![turn(1, 1, 10)])).unwrap();
        let pages = "PRAGMA page_count";
        let pages: i64 = writer.connection.query_row(pages, [], |row| row.get(0)).unwrap();
        crate::connection::answer(&writer.connection, &format!("PRAGMA max_page_count = {pages}"))
            .unwrap();
        let large = batch(vec![turn(1, 2, 10), turn(2, 1, 100_000), turn(1, 3, 10)]);
        let error = writer.commit(&large).unwrap_err();
        assert!(matches!(error, Error::Full(_)), "{error}");
        assert_eq!(writer.poison, Some(Poison::Full));
        assert_eq!(rows(&writer), 1);
        assert!(writer.connection.is_autocommit());
        // The new connection has no bound on its pages: there is room again.
        assert_eq!(writer.commit(&large).unwrap(), [const { Verdict::Committed }; 3]);
        assert_eq!(writer.poison, None);
        assert_eq!(rows(&writer), 4);
    }

    #[test]
    fn a_damaged_file_stops_the_writer_until_it_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let mut first = writer(&path);
        first.commit(&batch(vec![turn(1, 1, 10)])).unwrap();
        let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'bpm_incident'";
        let root: i64 = first.connection.query_row(root, [], |row| row.get(0)).unwrap();
        let root = root.cast_unsigned();
        drop(first);
        let sound = fs::read(&path).unwrap();
        let overwrite = |bytes: &[u8], at: u64| {
            let mut file = OpenOptions::new().write(true).open(&path).unwrap();
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(bytes).unwrap();
        };
        let mut writer = writer(&path);
        overwrite(&[0xEE; 4_096], (root - 1) * 4_096);
        let mut meets_it = turn(1, 2, 10);
        meets_it.raised = vec![incident()];
        let meets_it = batch(vec![meets_it]);
        let error = writer.commit(&meets_it).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "{error}");
        assert_eq!(writer.poison, Some(Poison::Failed));
        let elsewhere = batch(vec![turn(2, 1, 10)]);
        let error = writer.commit(&elsewhere).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "the file is still damaged: {error}");
        overwrite(&sound, 0);
        assert_eq!(writer.commit(&elsewhere).unwrap(), [Verdict::Committed]);
        assert_eq!(writer.commit(&meets_it).unwrap(), [Verdict::Committed]);
        assert_eq!(rows(&writer), 3);
    }

    #[test]
    fn a_long_log_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let mut writer = writer(&path);
        let length = || log_of(&path).metadata().unwrap().len();
        writer.commit(&batch(vec![turn(1, 1, 100_000)])).unwrap();
        assert!(length() > 100_000);
        writer.log.as_mut().unwrap().cut_at = 100_000;
        let reader = writer.setup.reader().unwrap();
        let mut statement = reader.prepare("SELECT seq FROM bpm_history").unwrap();
        let mut reading = statement.query([]).unwrap();
        reading.next().unwrap();
        writer.commit(&batch(vec![turn(1, 2, 10)])).unwrap();
        assert!(length() > 100_000, "someone reads");
        assert_eq!(writer.log.as_ref().unwrap().cut_at, length() + LOG_STEP);
        drop(reading);
        writer.log.as_mut().unwrap().cut_at = 100_000;
        writer.commit(&batch(vec![turn(1, 3, 10)])).unwrap();
        assert_eq!(length(), 0);
        assert_eq!(writer.log.as_ref().unwrap().cut_at, LOG_BYTES);
    }

    #[test]
    fn a_row_is_not_asked_for_what_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder.path().join("shop.db"));
        writer.commit(&batch(vec![turn(1, 1, 10)])).unwrap();
        // Someone else writes the next turn, against the lock: the primary key still holds.
        let other = rusqlite::Connection::open(folder.path().join("shop.db")).unwrap();
        let id = turn(1, 1, 0).instance;
        let row = "INSERT INTO bpm_history VALUES (?1, 2, 0, 'other')";
        other.execute(row, [id.as_bytes()]).unwrap();
        assert_eq!(writer.commit(&batch(vec![turn(1, 2, 10)])).unwrap(), [Verdict::Stale]);
        assert_eq!(writer.commit(&batch(vec![turn(1, 3, 10)])).unwrap(), [Verdict::Committed]);
    }
}
