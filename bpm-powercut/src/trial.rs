//! What a trial is, what it finds, and how a store is opened on a disk.

use std::sync::OnceLock;

use bpm_core::store::{Error, Store};
use bpm_sqlite::{Durability, Sqlite};
use bpm_testkit::arbitrary::Random;
use rusqlite::{Connection, OpenFlags};

use crate::disk::{Disk, Image};
use crate::vfs::{Mount, VFS};
use crate::{commits, runs};

/// The database on a disk.
const FILE: &str = "shop.db";

/// One trial in so many is of a whole engine.
const ENGINES: u64 = 10;

/// One trial in so many is with [`Durability::Normal`].
const NORMALS: u64 = 3;

/// How the power is cut, and what is expected then.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// From which everything random comes.
    pub seed: u64,
    /// What is promised.
    pub promised: Durability,
    /// With what the store is opened: something else only to see that it is noticed.
    pub opened: Durability,
    /// Whether the disk flushes: it does not only to see that it is noticed. A store that would
    /// run with `synchronous = OFF` is just this.
    pub flushes: bool,
}

/// What trials found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// How often the power was cut.
    pub cuts: u64,
    /// How many commits and calls were acknowledged before.
    pub acknowledged: u64,
    /// How many of these were gone afterwards, whether that was promised or not.
    pub lost: u64,
    /// What should not be, with its seed.
    pub violations: Vec<String>,
}

impl Trial {
    /// The trial of a seed in the usual mix: engines and single commits, of both durabilities.
    pub fn of(seed: u64) -> Self {
        let normal = (seed / ENGINES).is_multiple_of(NORMALS);
        let promised = if normal { Durability::Normal } else { Durability::Full };
        Self { seed, promised, opened: promised, flushes: true }
    }

    /// Cuts the power once or more.
    pub fn run(&self) -> Found {
        if self.seed.is_multiple_of(ENGINES) { runs::trial(self) } else { commits::trial(self) }
    }

    /// A disk with these files for this trial.
    pub(crate) fn disk(&self, image: &Image, random: &mut Random) -> Mount {
        let disk = Disk::new(image, random.below(1 << 30) as u64);
        if !self.flushes {
            disk.never_flush();
        }
        Mount::new(disk)
    }
}

impl Found {
    /// Takes in what another one found.
    pub fn add(&mut self, other: Found) {
        self.cuts += other.cuts;
        self.acknowledged += other.acknowledged;
        self.lost += other.lost;
        self.violations.extend(other.violations);
    }

    pub(crate) fn violation(&mut self, trial: &Trial, what: impl std::fmt::Display) {
        self.violations.push(format!("seed {} ({:?}): {what}", trial.seed, trial.promised));
    }
}

/// Opens the store on a disk; its log is copied whenever it has so many pages.
pub fn open(mount: &Mount, durability: Durability, log_pages: u32) -> Result<Sqlite, Error> {
    let options = Sqlite::options(mount.path(FILE)).durability(durability);
    options.test_disk(VFS, log_pages).open()
}

/// A connection of another program.
pub fn connect(mount: &Mount) -> rusqlite::Result<Connection> {
    Connection::open_with_flags_and_vfs(mount.path(FILE), OpenFlags::default(), VFS)
}

/// What SQLite says of the file: `ok` if it is sound.
pub fn integrity(mount: &Mount) -> rusqlite::Result<String> {
    let check = "PRAGMA integrity_check";
    connect(mount)?.query_row(check, [], |row| row.get(0))
}

/// The files of a store that was made and closed.
pub fn made() -> Image {
    static MADE: OnceLock<Image> = OnceLock::new();
    let make = || {
        let mount = Mount::new(Disk::new(&Image::new(), 0));
        let closed = open(&mount, Durability::Full, 0).and_then(|store| store.close());
        assert!(closed.is_ok(), "a disk without faults: {closed:?}");
        mount.disk.files()
    };
    MADE.get_or_init(make).clone()
}
