//! How a file is opened.

use std::path::PathBuf;
use std::time::Duration;

use bpm_core::store::Error;

use crate::Sqlite;

/// What a power cut may take. A crash of the process, `kill -9` included, takes nothing of what
/// was acknowledged in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was acknowledged: every commit is flushed to the disk before its callers hear
    /// of it.
    #[default]
    Full,
    /// The commits since the last checkpoint, though they were acknowledged; the file stays
    /// sound, as it was a little earlier. A task whose result is lost with them runs again.
    Normal,
}

/// How to open a file; made by [`Sqlite::options`].
///
/// ```
/// use bpm_sqlite::{Durability, Sqlite};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("shop.db");
/// let store = Sqlite::options(path).durability(Durability::Normal).open()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) busy_timeout: Duration,
    pub(crate) disk: Option<Disk>,
}

/// A disk of a test: a file system that is registered with SQLite, and on which checkpoints come
/// early enough to be seen.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) vfs: String,
    pub(crate) log_pages: u32,
}

impl Options {
    pub(crate) fn new(path: PathBuf) -> Self {
        let busy_timeout = Duration::from_secs(5);
        Self { path, durability: Durability::default(), busy_timeout, disk: None }
    }

    /// What a power cut may take; [`Durability::Full`] if not said.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How long a call waits while another program writes the file, in whole milliseconds; five
    /// seconds if not said, at most 24 days.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// For tests of power cuts: opens the file through the VFS of this name, and copies the log
    /// into it whenever it has so many pages.
    ///
    /// Nothing beside the file is known then: there is no lock file, so that nothing keeps a
    /// second engine away, and the log is not cut while it is open.
    #[doc(hidden)]
    #[must_use]
    pub fn test_disk(mut self, vfs: &str, log_pages: u32) -> Self {
        self.disk = Some(Disk { vfs: vfs.to_owned(), log_pages });
        self
    }

    /// Opens the file, as [`Sqlite::open`] does.
    pub fn open(self) -> Result<Sqlite, Error> {
        Sqlite::with(self)
    }

    pub(crate) fn busy_timeout_ms(&self) -> i32 {
        i32::try_from(self.busy_timeout.as_millis()).unwrap_or(i32::MAX)
    }
}
