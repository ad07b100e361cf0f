//! The SQLite store of bpm-engine: one file that a person can read with the `sqlite3` shell.
//!
//! One connection writes, in immediate transactions that carry the turns of many instances; a few
//! read meanwhile. The file may hold tables of others: ours are named `bpm_…` and are private, the
//! views `v_instance`, `v_token`, `v_timer`, `v_task` and `v_incident` are for everyone.
//! `docs/sqlite.md` describes them, and what a crash and a power cut can take.
//!
//! What is deliberately not here: any knowledge of when an instance may do what. Rows are written
//! as the engine hands them over.

use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bpm_core::clock::Timestamp;
use bpm_core::ids::{IncidentId, InstanceId, UserTaskId};
use bpm_core::store::{
    BaseRow, Batch, DefinitionRow, Error, HistoryRow, IncidentRow, InstanceFilter, InstanceRow,
    Started, Store, Stored, TimerRow, UserTaskFilter, UserTaskRow, Verdict,
};
use rusqlite::Connection;

mod bases;
mod commit;
mod connection;
mod error;
mod load;
mod lock;
mod options;
mod query;
mod schema;
mod waits;
mod writer;

pub use options::{Durability, Options};

use connection::{Place, Readers, Setup};
use lock::Lock;
use writer::Writer;

/// The oldest SQLite whose STRICT tables and JSON functions are used, as
/// [`rusqlite::version_number`] has it.
const OLDEST: i32 = 3_038_000;

/// An SQLite file with instances, or a database in memory.
///
/// The file is locked while it is open: a second engine gets [`Error::Locked`], which names the
/// first. A forked child of the process must not use it and is refused.
#[derive(Debug)]
pub struct Sqlite {
    setup: Setup,
    readers: Readers,
    held: Mutex<Option<Held>>,
    /// The process that opened it.
    pid: u32,
}

/// What is given back when the store is closed, in this order.
#[derive(Debug)]
struct Held {
    writer: Writer,
    _lock: Option<Lock>,
}

impl Sqlite {
    /// Opens a file, or makes it, with [`Durability::Full`]: locks it, sees whose it is, and
    /// brings it to the newest schema. Other tables in it are left alone.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another engine has it open; [`Error::Foreign`] if it is no database,
    /// another program's or a newer engine's, and then nothing was written; [`Error::Io`] if it
    /// cannot be written.
    ///
    /// ```
    /// use bpm_core::store::Store;
    /// use bpm_sqlite::Sqlite;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("shop.db");
    /// let store = Sqlite::open(&path)?;
    /// assert!(Sqlite::open(&path).unwrap_err().to_string().contains("in use by another engine"));
    /// store.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::options(path).open()
    }

    /// How to open a file, to be changed and [opened](Options::open).
    pub fn options(path: impl AsRef<Path>) -> Options {
        Options::new(path.as_ref().to_owned())
    }

    /// A database in memory, gone when it is closed. Its reads wait for its writes.
    pub fn in_memory() -> Result<Self, Error> {
        Self::place(Place::Memory, &Options::new(PathBuf::new()), None)
    }

    pub(crate) fn with(options: Options) -> Result<Self, Error> {
        if options.disk.is_some() {
            return Self::place(Place::File(options.path.clone()), &options, None);
        }
        let path = resolved(&options.path);
        let lock = Lock::take(&path)?;
        Self::place(Place::File(path), &options, Some(lock))
    }

    fn place(place: Place, options: &Options, lock: Option<Lock>) -> Result<Self, Error> {
        if rusqlite::version_number() < OLDEST {
            return Err(error::failed(format!(
                "SQLite {} is linked, at least 3.38 is needed\n  help: the feature `bundled` \
                 brings a recent one",
                sqlite_version()
            )));
        }
        let setup = Setup::of(place, options);
        let writer = Writer::open(setup.clone())?;
        let held = Mutex::new(Some(Held { writer, _lock: lock }));
        Ok(Self { setup, readers: Readers::default(), held, pid: process::id() })
    }

    fn held(&self) -> Result<MutexGuard<'_, Option<Held>>, Error> {
        self.refuse_fork()?;
        Ok(self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A forked child shares the files and locks of its parent and would release or corrupt them.
    fn refuse_fork(&self) -> Result<(), Error> {
        if process::id() == self.pid {
            return Ok(());
        }
        Err(Error::Locked {
            by: format!("pid {}, from which this process was forked", self.pid),
            what: format!("`{}`", self.setup.name),
        })
    }

    fn write<T>(&self, work: impl FnOnce(&mut Writer) -> Result<T, Error>) -> Result<T, Error> {
        work(&mut self.held()?.as_mut().ok_or(Error::Closed)?.writer)
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        match self.setup.place {
            Place::File(_) => {
                self.refuse_fork()?;
                self.readers.read(&self.setup, query)
            }
            Place::Memory => self.write(|writer| {
                query(writer.connection()).map_err(|error| error::sqlite(&self.setup.name, error))
            }),
        }
    }
}

/// The version of the SQLite that is linked, like `3.51.3`.
///
/// Before 3.51.3 a checkpoint by one connection while another commits could lose a commit. Here
/// only the one writer does either, so it does not happen; programs that write the same file with
/// an older SQLite are not covered by that.
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

/// One name for one file, whatever links lead to it: the lock is found by name.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

impl Store for Sqlite {
    fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, Error> {
        self.write(|writer| writer.commit(batch))
    }

    fn load(&self, instance: InstanceId) -> Result<Option<Stored>, Error> {
        self.read(|connection| load::load(connection, instance))
    }

    fn active(&self, after: Option<InstanceId>, limit: usize) -> Result<Vec<InstanceId>, Error> {
        self.read(|connection| load::active(connection, after, limit))
    }

    fn instance(&self, instance: InstanceId) -> Result<Option<InstanceRow>, Error> {
        self.read(|connection| load::instance(connection, instance))
    }

    fn started(&self, process: &str, key: &str) -> Result<Option<Started>, Error> {
        self.read(|connection| query::started(connection, process, key))
    }

    fn history(
        &self,
        instance: InstanceId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, Error> {
        self.read(|connection| load::history(connection, instance, after, limit))
    }

    fn base(&self, instance: InstanceId) -> Result<Option<BaseRow>, Error> {
        self.read(|connection| bases::base(connection, instance))
    }

    fn instances(&self, filter: &InstanceFilter) -> Result<Vec<InstanceRow>, Error> {
        self.read(|connection| load::instances(connection, filter))
    }

    fn user_tasks(&self, filter: &UserTaskFilter) -> Result<Vec<UserTaskRow>, Error> {
        self.read(|connection| query::user_tasks(connection, filter))
    }

    fn user_task(&self, task: UserTaskId) -> Result<Option<UserTaskRow>, Error> {
        self.read(|connection| query::user_task(connection, task))
    }

    fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, Error> {
        self.read(|connection| query::timers(connection, after, limit))
    }

    fn incident(&self, incident: IncidentId) -> Result<Option<IncidentRow>, Error> {
        self.read(|connection| query::incident(connection, incident))
    }

    fn incidents(&self, limit: usize) -> Result<Vec<IncidentRow>, Error> {
        self.read(|connection| query::incidents(connection, limit))
    }

    fn definitions(&self) -> Result<Vec<DefinitionRow>, Error> {
        self.read(query::definitions)
    }

    fn live(&self, process: &str, version: u32) -> Result<u64, Error> {
        self.read(|connection| query::live(connection, process, version))
    }

    fn put_definition(&self, definition: &DefinitionRow) -> Result<(), Error> {
        self.write(|writer| {
            writer.write(|connection, _| query::put_definition(connection, definition))
        })
    }

    fn latest(&self) -> Result<Timestamp, Error> {
        self.read(commit::latest)
    }

    fn close(&self) -> Result<(), Error> {
        let held = self.held()?.take();
        // Readers first: the last connection to go tidies the log away, and only a writer can.
        drop(self.readers.close());
        match held {
            Some(mut held) => held.writer.finish(),
            None => Ok(()),
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if process::id() == self.pid {
            let _ = self.close();
            return;
        }
        // In a forked child: to close a file here would release locks of the parent.
        std::mem::forget(self.readers.close());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::forget(held.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_is_refused_and_closes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let mut store = Sqlite::open(&path).unwrap();
        store.pid ^= 1;
        for call in [store.latest().map(|_| ()), store.commit(&Batch::default()).map(|_| ())] {
            let error = call.unwrap_err().to_string();
            assert!(error.contains("from which this process was forked"), "{error}");
        }
        drop(store);
        assert!(matches!(Sqlite::open(&path), Err(Error::Locked { .. })));
    }
}
