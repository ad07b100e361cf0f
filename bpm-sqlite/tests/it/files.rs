//! Whose file it is, who has it open, and what is left alone in it.

use std::error::Error as _;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use bpm_core::ids::InstanceId;
use bpm_core::store::{Error, Store};
use bpm_sqlite::Sqlite;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::rows::{batch, start};

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    (folder, path)
}

/// A file that was made by these statements is refused with these words, and stays as it was.
fn refused(statements: &str, words: &[&str]) {
    let (_folder, path) = place();
    Connection::open(&path).unwrap().execute_batch(statements).unwrap();
    let before = fs::read(&path).unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, Error::Foreign(_)), "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), before, "the file was touched");
    assert_eq!(Sqlite::open(&path).unwrap_err().to_string(), error.to_string());
}

#[test]
fn a_newer_file_is_refused() {
    let newer = "CREATE TABLE bpm_meta (only INTEGER PRIMARY KEY, schema INTEGER, future TEXT);
         INSERT INTO bpm_meta VALUES (1, 99, 'x')";
    refused(newer, &["newer engine", "schema 99", "help: update bpm-engine"]);
}

#[test]
fn the_file_of_another_program_is_refused() {
    let other = "PRAGMA application_id = 252006674; CREATE TABLE theirs (x)";
    refused(other, &["another program", "252006674"]);
}

#[test]
fn what_is_no_database_is_refused() {
    let (_folder, path) = place();
    let text = "not a database, however long the text may be ".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = Sqlite::open(&path).unwrap_err();
    assert!(matches!(error, Error::Foreign(_)), "{error:?}");
    assert!(error.to_string().contains("is not an SQLite database"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn the_users_own_file_is_shared() {
    let (_folder, path) = place();
    let own = Connection::open(&path).unwrap();
    own.execute_batch(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT);
         INSERT INTO orders VALUES (1, 'tea'); PRAGMA user_version = 7",
    )
    .unwrap();
    let store = Sqlite::open(&path).unwrap();
    store.commit(&batch(vec![start(1, None)])).unwrap();
    let read = |sql: &str| own.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(read("PRAGMA user_version"), 7);
    assert_eq!(read("PRAGMA application_id"), 0);
    own.execute("INSERT INTO orders VALUES (2, 'milk')", []).unwrap();
    assert_eq!(read("SELECT count(*) FROM orders"), 2);
    assert_eq!(read("SELECT count(*) FROM v_instance"), 1);
    // A later program says that the file is its own; ours is known by its tables.
    own.execute_batch("PRAGMA application_id = 5").unwrap();
    store.close().unwrap();
    Sqlite::open(&path).unwrap();
}

#[test]
fn a_file_is_locked_by_whatever_name() {
    let (folder, path) = place();
    let store = Sqlite::open(&path).unwrap();
    let mut names = vec![path.clone(), folder.path().join(".").join("shop.db")];
    #[cfg(unix)]
    {
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        names.push(link);
    }
    for name in names {
        match Sqlite::open(&name) {
            Err(Error::Locked { by, what }) => {
                assert!(by.starts_with(&format!("pid {} on ", std::process::id())), "{by}");
                assert!(what.contains("shop.db"), "{what}");
            }
            other => panic!("{} gave {other:?}", name.display()),
        }
    }
    drop(store);
    Sqlite::open(&path).unwrap();
}

#[test]
fn a_refused_file_is_not_kept_locked() {
    let (_folder, path) = place();
    let file = Connection::open(&path).unwrap();
    file.execute_batch("PRAGMA application_id = 5; CREATE TABLE theirs (x)").unwrap();
    Sqlite::open(&path).unwrap_err();
    file.execute_batch("PRAGMA application_id = 0").unwrap();
    Sqlite::open(&path).unwrap();
}

#[test]
fn a_missing_folder_and_a_folder_are_named() {
    let (folder, _) = place();
    for path in [folder.path().join("none").join("shop.db"), folder.path().to_owned()] {
        let error = Sqlite::open(&path).unwrap_err();
        let named = error.to_string().contains(path.file_name().unwrap().to_str().unwrap());
        assert!(matches!(error, Error::Io(_)) && named, "{error}");
        assert!(error.source().is_some());
    }
}

/// Root may write what is read-only: then there is nothing to see.
#[cfg(unix)]
#[test]
fn a_read_only_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = place();
    Sqlite::open(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().write(true).open(&path).is_ok() {
        return;
    }
    let error = Sqlite::open(&path).unwrap_err().to_string();
    assert!(error.contains("cannot be written"), "{error}");
}

#[test]
fn another_writer_is_awaited_then_named_and_nothing_is_lost() {
    let (_folder, path) = place();
    let options = Sqlite::options(&path).busy_timeout(Duration::from_millis(50));
    let store = options.open().unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE theirs (x)").unwrap();
    let turns = batch(vec![start(1, None)]);
    let error = store.commit(&turns).unwrap_err().to_string();
    assert!(error.contains("another program is writing"), "{error}");
    assert_eq!(store.active(None, 1).unwrap(), [], "reading goes on");
    other.execute_batch("COMMIT").unwrap();
    store.commit(&turns).unwrap();
    let waiting = std::thread::spawn(move || {
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        other.execute_batch("COMMIT").unwrap();
    });
    store.commit(&batch(vec![start(2, None)])).unwrap();
    waiting.join().unwrap();
}

#[test]
fn a_row_that_cannot_be_read_is_an_error_on_it_alone() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path).unwrap();
    let mut parked = start(2, None);
    parked.state.as_mut().unwrap().active = false;
    store.commit(&batch(vec![start(1, None), parked])).unwrap();
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch(
            "PRAGMA ignore_check_constraints = ON;
             UPDATE bpm_instance SET status = 'Bogus' WHERE active = 0",
        )
        .unwrap();
    let parked = InstanceId::from_bytes([2; 16]);
    for error in [store.instance(parked).unwrap_err(), store.load(parked).unwrap_err()] {
        assert!(matches!(error, Error::Corrupt(_)), "{error:?}");
        assert!(error.to_string().contains("no status is called `Bogus`"), "{error}");
    }
    // What recovery does: it never looks at the parked one.
    let active = store.active(None, 10).unwrap();
    assert_eq!(active, [InstanceId::from_bytes([1; 16])]);
    assert!(store.load(active[0]).unwrap().is_some());
}

#[test]
fn many_read_while_one_writes() {
    let (_folder, path) = place();
    let store = Sqlite::open(&path).unwrap();
    store.commit(&batch(vec![start(1, None)])).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let stored = store.load(InstanceId::from_bytes([1; 16])).unwrap().unwrap();
                    let seqs = stored.turns.iter().map(|turn| turn.seq);
                    assert!(seqs.eq(1..=stored.turns.len() as u64));
                }
            });
        }
        for seq in 2..=50 {
            store.commit(&batch(vec![crate::rows::turn(1, seq)])).unwrap();
        }
    });
    assert_eq!(store.history(InstanceId::from_bytes([1; 16]), 0, 99).unwrap().len(), 50);
}
