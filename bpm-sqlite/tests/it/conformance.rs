//! The contract of stores, on files and in memory, with either durability.

use bpm_sqlite::{Durability, Sqlite};
use bpm_testkit::store_conformance as suite;

#[test]
fn a_file_conforms() {
    suite::all(&|| {
        let folder = tempfile::tempdir().unwrap();
        Box::new(move || Sqlite::open(folder.path().join("shop.db")))
    });
}

#[test]
fn a_file_that_is_flushed_rarely_conforms() {
    suite::all(&|| {
        let folder = tempfile::tempdir().unwrap();
        let options = Sqlite::options(folder.path().join("shop.db"));
        Box::new(move || {
            assert!(folder.path().exists());
            options.clone().durability(Durability::Normal).open()
        })
    });
}

#[test]
fn memory_conforms_as_far_as_it_lives() {
    let topics: [fn(suite::Places<'_, Sqlite>); 16] = [
        suite::commit,
        suite::staleness,
        suite::malformed_turns,
        suite::batches,
        suite::half_way_refusals,
        suite::keys,
        suite::snapshots,
        suite::activity,
        suite::endings,
        suite::user_tasks,
        suite::user_task_filters,
        suite::incidents,
        suite::timers,
        suite::definitions,
        suite::history,
        suite::closing,
    ];
    for topic in topics {
        topic(&|| Box::new(Sqlite::in_memory));
    }
}
