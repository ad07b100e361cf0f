//! A disk that fails: the writer stops, callers get the error, reading goes on; once the disk
//! works again so does the store, and nothing that was acknowledged is gone.

use bpm_core::store::{Batch, Error, Store, Verdict};
use bpm_powercut::commits::load::Load;
use bpm_powercut::commits::{compare, count};
use bpm_powercut::disk::{Call, Disk, Fault, Trouble};
use bpm_powercut::trial::{integrity, made, open};
use bpm_powercut::vfs::Mount;
use bpm_sqlite::{Durability, Sqlite};

/// Commits before, during and after a fault.
const BATCHES: usize = 12;

/// The calls of which each is made to fail.
const CALLS: u64 = 40;

/// A store at work on a disk, and what it acknowledged.
struct Shop {
    mount: Mount,
    store: Sqlite,
    load: Load,
    batches: Vec<Batch>,
}

impl Shop {
    fn new(seed: u64) -> Self {
        Self::with(seed, Durability::Full)
    }

    fn with(seed: u64, durability: Durability) -> Self {
        let mount = Mount::new(Disk::new(&made(), seed));
        let store = open(&mount, durability, 8).unwrap();
        let mut shop = Self { mount, store, load: Load::new(seed), batches: Vec::new() };
        for _ in 0..BATCHES {
            let batch = shop.load.batch();
            shop.commit(batch);
        }
        shop
    }

    fn commit(&mut self, batch: Batch) {
        let verdicts = self.store.commit(&batch).unwrap();
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Committed), "{verdicts:?}");
        self.batches.push(batch);
    }

    /// Commits until one fails; that batch is handed out, with the error.
    fn until_it_fails(&mut self) -> Option<(Batch, Error)> {
        for _ in 0..BATCHES {
            let batch = self.load.batch();
            match self.store.commit(&batch) {
                Ok(_) => self.batches.push(batch),
                Err(error) => return Some((batch, error)),
            }
        }
        None
    }

    /// Everything that was acknowledged can be read, and nothing else.
    fn reads(&self) {
        compare(&self.store, &self.batches).unwrap();
    }

    /// The disk works again: so does the store, and a cut takes nothing.
    fn goes_on(mut self, failed: Option<Batch>) {
        failed.into_iter().for_each(|batch| self.commit(batch));
        for _ in 0..BATCHES {
            let batch = self.load.batch();
            self.commit(batch);
        }
        self.reads();
        assert_eq!(self.left_by_a_cut(Durability::Full), self.batches.len());
    }

    /// The power is cut: the file is sound, and holds so many of the batches, the first ones.
    fn left_by_a_cut(&self, durability: Durability) -> usize {
        let left = self.mount.disk.cut();
        let mount = Mount::new(Disk::new(&left, 0));
        assert_eq!(integrity(&mount).unwrap(), "ok");
        let store = open(&mount, durability, 8).unwrap();
        let kept = count(&store, &self.batches).unwrap();
        compare(&store, &self.batches[..kept]).unwrap();
        kept
    }
}

/// Every one of so many calls fails, once or from then on. How many commits failed by it.
fn each(call: Call, lasts: bool, trouble: Trouble) -> usize {
    let mut failures = 0;
    for nth in 1..=CALLS {
        eprintln!("{call:?} {nth}, lasts: {lasts}, {trouble:?}");
        let mut shop = Shop::new(nth);
        shop.mount.disk.fail(Fault { call, nth, lasts, trouble });
        let failed = shop.until_it_fails();
        if let Some((batch, error)) = &failed {
            failures += 1;
            assert_eq!(matches!(error, Error::Full(_)), trouble == Trouble::Full, "{error}");
            if lasts {
                shop.store.commit(batch).unwrap_err();
                shop.store.commit(batch).unwrap_err();
            }
            if call != Call::Read {
                shop.reads();
            }
        }
        shop.mount.disk.mend();
        shop.goes_on(failed.map(|(batch, _)| batch));
    }
    failures
}

#[test]
fn a_write_fails_once() {
    assert!(each(Call::Write, false, Trouble::Failed) > 10);
}

#[test]
fn writes_fail_until_the_disk_is_mended() {
    assert!(each(Call::Write, true, Trouble::Failed) > 10);
}

#[test]
fn a_flush_fails_once_and_what_it_forgot_is_not_believed() {
    assert!(each(Call::Sync, false, Trouble::Failed) > 10);
}

#[test]
fn flushes_fail_until_the_disk_is_mended() {
    assert!(each(Call::Sync, true, Trouble::Failed) > 10);
}

/// Under `Normal` the log is flushed when it is copied only. Once that has failed, a cut leaves the
/// commits up to some point all the same, and a file that is sound.
#[test]
fn a_flush_that_fails_under_normal_leaves_a_beginning() {
    let (mut failures, mut lost) = (0, 0);
    for (nth, lasts) in (1..=CALLS).flat_map(|nth| [(nth, false), (nth, true)]) {
        eprintln!("{nth}, lasts: {lasts}");
        let mut shop = Shop::with(nth, Durability::Normal);
        let trouble = Trouble::Failed;
        shop.mount.disk.fail(Fault { call: Call::Sync, nth, lasts, trouble });
        let failed = shop.until_it_fails();
        shop.mount.disk.mend();
        failures += usize::from(failed.is_some());
        failed.into_iter().for_each(|(batch, _)| shop.commit(batch));
        shop.reads();
        lost += shop.batches.len() - shop.left_by_a_cut(Durability::Normal);
    }
    assert!(failures > 10 && lost > 0, "{failures} commits failed, {lost} were lost");
}

/// The writer has the pages in its memory: make it read them.
fn read_fault(lasts: bool) -> (Shop, Error) {
    let shop = Shop::new(7);
    shop.mount.disk.fail(Fault { call: Call::Read, nth: 1, lasts, trouble: Trouble::Failed });
    let first = shop.batches[0].turns[0].instance;
    let error = shop.store.load(first).unwrap_err();
    (shop, error)
}

#[test]
fn a_read_fails_once() {
    let (shop, error) = read_fault(false);
    assert!(matches!(error, Error::Io(_)), "{error}");
    shop.reads();
    shop.goes_on(None);
}

#[test]
fn reads_fail_until_the_disk_is_mended() {
    let (shop, error) = read_fault(true);
    assert!(matches!(error, Error::Io(_)), "{error}");
    let first = shop.batches[0].turns[0].instance;
    shop.store.load(first).unwrap_err();
    assert!(shop.mount.disk.mend() > 1);
    shop.reads();
    shop.goes_on(None);
}

#[test]
fn reads_fail_while_turns_are_committed() {
    for lasts in [false, true] {
        each(Call::Read, lasts, Trouble::Failed);
    }
}

#[test]
fn the_disk_is_full_at_each_write_and_freed() {
    assert!(each(Call::Write, true, Trouble::Full) > 10);
}

#[test]
fn there_is_room_for_so_many_bytes_and_then_for_more() {
    let mut failures = 0;
    for room in (0..120_000).step_by(3_000) {
        let mut shop = Shop::new(room as u64);
        shop.mount.disk.leave_room(Some(room));
        let Some((batch, error)) = shop.until_it_fails() else { continue };
        failures += 1;
        assert!(matches!(error, Error::Full(_)), "{error}");
        shop.reads();
        shop.mount.disk.leave_room(None);
        shop.goes_on(Some(batch));
    }
    assert!(failures > 5, "{failures}");
}
