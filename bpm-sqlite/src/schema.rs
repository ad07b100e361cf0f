//! Whose file it is, and how it comes to have our tables.

use bpm_core::store::Error;
use rusqlite::{Connection, OptionalExtension};

use crate::connection::{Write, answer};
use crate::error::sqlite;

/// Migration *n* leads from schema *n* − 1 to *n*; each is one transaction. What was published
/// is never edited.
pub(crate) const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001_first.sql")];

const HAS_META: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'bpm_meta'";
const APPLICATION: &str = "PRAGMA application_id";
const SCHEMA: &str = "SELECT schema FROM bpm_meta WHERE only = 1";
const SET_SCHEMA: &str = "UPDATE bpm_meta SET schema = ?1 WHERE only = 1";
const CHECK: &str = "PRAGMA quick_check(1)";

/// The schema that the file has, 0 if it has none of our tables yet. Only reads: a file that is
/// not ours stays as it is.
pub(crate) fn identify(connection: &Connection, file: &str) -> Result<usize, Error> {
    match found(connection).map_err(|error| sqlite(file, error))? {
        Found::Ours(schema) if schema <= MIGRATIONS.len() => Ok(schema),
        Found::Ours(schema) => Err(Error::Foreign(format!(
            "`{file}` was written by a newer engine: it has schema {schema}, this engine knows \
             {}\n  help: update bpm-engine, or open another file",
            MIGRATIONS.len()
        ))),
        Found::Nobodys => Ok(0),
        Found::Others(application) => Err(Error::Foreign(format!(
            "`{file}` belongs to another program (application_id {application}); nothing was \
             written\n  help: open another file"
        ))),
    }
}

enum Found {
    Ours(usize),
    Nobodys,
    Others(String),
}

fn found(connection: &Connection) -> rusqlite::Result<Found> {
    if connection.query_row(HAS_META, [], |row| row.get::<_, i64>(0))? > 0 {
        return schema(connection).map(Found::Ours);
    }
    Ok(match answer(connection, APPLICATION)? {
        nobody if nobody == "0" => Found::Nobodys,
        application => Found::Others(application),
    })
}

fn schema(connection: &Connection) -> rusqlite::Result<usize> {
    let schema: Option<i64> = connection.query_row(SCHEMA, [], |row| row.get(0)).optional()?;
    Ok(schema.map_or(0, |schema| usize::try_from(schema).unwrap_or(usize::MAX)))
}

/// Brings the file to the newest schema.
pub(crate) fn migrate(connection: &Connection, file: &str, from: usize) -> Result<(), Error> {
    let mut steps = MIGRATIONS.iter().enumerate().skip(from);
    steps
        .try_for_each(|(before, migration)| step(connection, migration, before + 1))
        .map_err(|error| sqlite(file, error))
}

fn step(connection: &Connection, migration: &str, schema: usize) -> rusqlite::Result<()> {
    let write = Write::begin(connection)?;
    write.execute_batch(migration)?;
    write.execute(SET_SCHEMA, [i64::try_from(schema).unwrap_or(i64::MAX)])?;
    write.commit()
}

/// Whether SQLite finds the file sound; its time grows with the file.
pub(crate) fn verify(connection: &Connection, file: &str) -> Result<(), Error> {
    match answer(connection, CHECK).map_err(|error| sqlite(file, error))? {
        sound if sound == "ok" => Ok(()),
        finding => {
            Err(Error::Corrupt(format!("`{file}` is damaged: {finding}\n  help: restore a backup")))
        }
    }
}
