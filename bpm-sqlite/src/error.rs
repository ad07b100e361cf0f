//! What SQLite's errors mean here: which of them doubt the writer, and what a person is told.

use std::fmt;
use std::path::Path;

use bpm_core::store::Error;
use rusqlite::ErrorCode;

/// What went wrong, with the file's name, and what SQLite says of it.
#[derive(Debug)]
pub(crate) struct Failed {
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}

/// An error without another behind it.
pub(crate) fn failed(what: String) -> Error {
    Error::Io(Box::new(Failed { what, source: None }))
}

/// An error of the file system.
pub(crate) fn io(what: &str, file: &Path, error: std::io::Error) -> Error {
    let what = format!("{what} `{}`: {error}", file.display());
    Error::Io(Box::new(Failed { what, source: Some(Box::new(error)) }))
}

/// An error of SQLite on this file.
pub(crate) fn sqlite(file: &str, error: rusqlite::Error) -> Error {
    let what = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => return Error::Full(format!("`{file}` cannot grow")),
        Some(ErrorCode::DatabaseCorrupt) => {
            return Error::Corrupt(format!(
                "`{file}` is damaged: {error}\n  help: restore a backup; `PRAGMA integrity_check` \
                 says what is damaged"
            ));
        }
        Some(ErrorCode::NotADatabase) => {
            return Error::Foreign(format!("`{file}` is not an SQLite database"));
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!(
            "another program is writing `{file}` and did not finish in time\n  help: keep \
             transactions on this file short, or raise `busy_timeout`"
        ),
        Some(ErrorCode::ReadOnly) => {
            format!("`{file}` cannot be written\n  help: check the permissions of file and folder")
        }
        Some(ErrorCode::CannotOpen) => {
            format!("`{file}` cannot be opened\n  help: check that its folder exists")
        }
        None if is_unreadable(&error) => {
            return Error::Corrupt(format!("a row of `{file}` cannot be read: {error}"));
        }
        _ => format!("`{file}`: {error}"),
    };
    Error::Io(Box::new(Failed { what, source: Some(Box::new(error)) }))
}

/// Whether a value was read that is not of its type.
fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

/// Whether the connection is not to be trusted after this error: what it believes of the file
/// need not be what the disk has, and after a failed flush the next one may claim success.
pub(crate) fn poisons(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
        )
    )
}

/// Whether a row was refused because another one has its key.
pub(crate) fn is_conflict(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// A stored word that means nothing.
pub(crate) fn unknown_word(column: usize, what: &str, word: &str) -> rusqlite::Error {
    let what = format!("no {what} is called `{word}`");
    rusqlite::Error::FromSqlConversionFailure(
        column,
        rusqlite::types::Type::Text,
        Box::new(Failed { what, source: None }),
    )
}
