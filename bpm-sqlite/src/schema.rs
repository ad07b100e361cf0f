//! Whose file it is, and how it comes to have our tables.

use bpm_core::failpoint;
use bpm_core::store::Error;
use rusqlite::{Connection, OptionalExtension};

use crate::connection::{Write, answer};
use crate::error::sqlite;

/// Migration *n* leads from schema *n* − 1 to *n*; each is one transaction. What was published
/// is never edited.
pub(crate) const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001_first.sql"), include_str!("migrations/0002_base.sql")];

/// What stands behind every statement of a migration but the last.
const BETWEEN: &str = ";\n\n";

const HAS_META: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'bpm_meta'";
const APPLICATION: &str = "PRAGMA application_id";
const SCHEMA: &str = "SELECT schema FROM bpm_meta WHERE only = 1";
const SET_SCHEMA: &str = "UPDATE bpm_meta SET schema = ?1 WHERE only = 1";
/// Changes nothing, and is refused all the same if the file cannot be written.
const PROBE: &str = "UPDATE bpm_meta SET latest = latest WHERE only = 0";
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
    for statement in migration.split_inclusive(BETWEEN) {
        write.execute_batch(statement)?;
        failpoint!(MigrationStatement);
    }
    failpoint!(Migrated);
    write.execute(SET_SCHEMA, [i64::try_from(schema).unwrap_or(i64::MAX)])?;
    write.commit()
}

/// Refuses a file that can only be read: SQLite opens it in silence, and beginning a transaction
/// does not tell either.
pub(crate) fn probe(connection: &Connection, file: &str) -> Result<(), Error> {
    let probe = Write::begin(connection)
        .and_then(|write| write.execute(PROBE, []).and_then(|_| write.commit()));
    probe.map_err(|error| sqlite(file, error))
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::Sqlite;
    use crate::connection::BEGIN;
    use bpm_core::ids::InstanceId;
    use bpm_core::store::Store;

    const TABLES: &str = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'bpm%'";

    /// Runs statements of a migration until `stop`; what the folder holds then is what a kill
    /// leaves, and is copied. The number of statements there are.
    fn killed(folder: &Path, migration: &str, stop: usize, copy: &Path) -> usize {
        let connection = Connection::open(folder.join("shop.db")).unwrap();
        // A cache of nothing, so that half-done work reaches the log.
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA cache_size = 1; CREATE TABLE mine(x)")
            .unwrap();
        connection.execute_batch(BEGIN).unwrap();
        let statements: Vec<&str> = migration.split_inclusive(BETWEEN).collect();
        for statement in statements.iter().take(stop) {
            connection.execute_batch(statement).unwrap();
        }
        for file in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), copy.join(file.file_name())).unwrap();
        }
        statements.len()
    }

    #[test]
    fn a_migration_can_be_killed_at_any_statement() {
        for before in 0..MIGRATIONS.len() {
            (0..).take_while(|stop| survives(before, *stop)).for_each(drop);
        }
    }

    /// Kills the migration that follows so many others; `false` if it has fewer statements.
    fn survives(before: usize, stop: usize) -> bool {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let old = folder.path().join("shop.db");
        let connection = Connection::open(&old).unwrap();
        for (schema, migration) in MIGRATIONS[..before].iter().enumerate() {
            step(&connection, migration, schema + 1).unwrap();
        }
        let tables = |connection: &Connection| {
            connection.query_row(TABLES, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        let expected = tables(&connection);
        drop(connection);
        let count = killed(folder.path(), MIGRATIONS[before], stop, copy.path());
        let file = copy.path().join("shop.db");
        let left = Connection::open(&file).unwrap();
        assert_eq!(tables(&left), expected, "killed at {stop}");
        drop(left);
        drop(Sqlite::open(&file).unwrap());
        let opened = Connection::open(&file).unwrap();
        assert_eq!(schema(&opened).unwrap(), MIGRATIONS.len(), "killed at {stop}");
        assert_eq!(answer(&opened, CHECK).unwrap(), "ok", "killed at {stop}");
        stop < count
    }

    /// What an older engine wrote is there after the migrations, and goes on.
    #[test]
    fn a_file_of_an_older_engine_is_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.db");
        let connection = Connection::open(&file).unwrap();
        step(&connection, MIGRATIONS[0], 1).unwrap();
        let id = InstanceId::from_bytes([1; 16]);
        let instance = "INSERT INTO bpm_instance VALUES (?1, 'shop', 1, 'order-1', 7, 'Running', 1, \
             '[]', 1, NULL, 0, NULL, 5, 5, NULL)";
        connection.execute(instance, [id.as_bytes()]).unwrap();
        let turn = "INSERT INTO bpm_history VALUES (?1, 1, 5, '{\"old\":1}')";
        connection.execute(turn, [id.as_bytes()]).unwrap();
        drop(connection);
        let store = Sqlite::open(&file).unwrap();
        assert_eq!(store.started("shop", "order-1").unwrap().unwrap().instance, id);
        assert_eq!(store.history(id, 0, 9).unwrap()[0].body, "{\"old\":1}");
        assert_eq!(store.base(id).unwrap(), None);
        assert_eq!(store.active(None, 9).unwrap(), [id]);
    }

    #[test]
    fn tables_are_strict_and_states_are_checked() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection, ":memory:", 0).unwrap();
        let lax = "SELECT count(*) FROM pragma_table_list WHERE name LIKE 'bpm%' \
             AND type = 'table' AND NOT strict";
        assert_eq!(connection.query_row(lax, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        let wrong = "INSERT INTO bpm_instance VALUES (zeroblob(16), 'p', 1, NULL, 0, 'Stuck', 1, \
             '[]', 1, NULL, 0, NULL, 0, 0, NULL)";
        assert!(connection.execute(wrong, []).unwrap_err().to_string().contains("CHECK"));
        connection.execute(&wrong.replace("Stuck", "Running"), []).unwrap();
        let again = "INSERT INTO bpm_meta VALUES (2, 1, 1)";
        assert!(connection.execute(again, []).unwrap_err().to_string().contains("CHECK"));
    }
    #[test]
    fn a_file_that_can_only_be_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("shop.db");
        let store = Sqlite::open(&file).unwrap();
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(&file, flags).unwrap();
        let error = probe(&connection, "shop.db").unwrap_err().to_string();
        assert!(error.contains("`shop.db` cannot be written"), "{error}");
        drop(store);
    }
}
