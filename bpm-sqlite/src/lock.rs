//! The lock beside the database: two engines never open one file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use bpm_core::failpoint;
use bpm_core::store::Error;

use crate::error::io;

/// Held as long as the file handle is; the system releases it when the process dies. The file
/// stays: to remove it would let two engines lock two files of one name.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Locks `<database>.lock`, or says who has.
    pub(crate) fn take(database: &Path) -> Result<Self, Error> {
        let path = path_of(database);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| io("cannot open the lock file", &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(locked(database, &mut file)),
            Err(TryLockError::Error(error)) => {
                return Err(io("cannot lock", &path, error));
            }
        }
        failpoint!(LockTaken);
        sign(&mut file).map_err(|error| io("cannot write the lock file", &path, error))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Says so, instead of only closing the file: a child process that is being started holds a
    /// copy of the handle until it runs its own program, and the lock with it.
    fn drop(&mut self) {
        // Should this fail, the lock goes with the last handle.
        let _ = self.file.unlock();
    }
}

fn path_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn locked(database: &Path, file: &mut File) -> Error {
    let mut by = String::new();
    let known = file.take(1_024).read_to_string(&mut by).is_ok() && !by.trim().is_empty();
    Error::Locked {
        by: if known { by.trim().to_owned() } else { "its process is unknown".to_owned() },
        what: format!("`{}`", database.display()),
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "pid {} on {}", std::process::id(), host())?;
    file.flush()
}

fn host() -> String {
    let of_system = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let of_environment = || {
        ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|variable| std::env::var(variable).ok())
    };
    let name = of_system().or_else(of_environment).unwrap_or_default();
    match name.trim() {
        "" => "an unnamed host".to_owned(),
        name => name.to_owned(),
    }
}
