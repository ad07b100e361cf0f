//! A store that fails when a test wants it to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bpm_core::ids::InstanceId;
use bpm_core::store::{Batch, Error, Store, Stored, TimerRow, Verdict};

/// What goes wrong. Clones are the same faults.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    failing: AtomicUsize,
    unsure: AtomicUsize,
    cut: AtomicBool,
}

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the next `count` commits fail: nothing of them happens.
    pub fn fail_commits(&self, count: usize) {
        self.0.failing.store(count, Ordering::SeqCst);
    }

    /// Lets the next `count` commits happen and fail all the same, as when the answer of a
    /// database is lost.
    pub fn lose_verdicts(&self, count: usize) {
        self.0.unsure.store(count, Ordering::SeqCst);
    }

    /// How many commits are still to fail.
    pub fn left(&self) -> usize {
        self.0.failing.load(Ordering::SeqCst) + self.0.unsure.load(Ordering::SeqCst)
    }

    /// Lets every commit from now on fail, for good: the program is as good as dead.
    pub fn cut(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
    }
}

/// A store with [`Faults`].
///
/// ```
/// use bpm_core::store::{Batch, Memory, Store};
/// use bpm_testkit::faults::{Faults, Faulty};
///
/// let faults = Faults::new();
/// let store = Faulty::new(Memory::new(), faults.clone());
/// faults.fail_commits(1);
/// assert!(store.commit(&Batch::default()).is_err());
/// assert!(store.commit(&Batch::default()).is_ok());
/// ```
pub struct Faulty {
    inner: Arc<dyn Store>,
    faults: Faults,
    seen: Option<Box<Seen>>,
}

/// Learns of what was committed.
type Seen = dyn Fn(&Batch, &[Verdict]) + Send + Sync;

impl Faulty {
    /// The store with these faults.
    pub fn new(store: impl Store, faults: Faults) -> Self {
        Self { inner: Arc::new(store), faults, seen: None }
    }

    /// The same for a store that others read, and one who learns of what was committed.
    pub(crate) fn seen(inner: Arc<dyn Store>, faults: Faults, seen: Box<Seen>) -> Self {
        Self { inner, faults, seen: Some(seen) }
    }
}

fn takes_one(left: &AtomicUsize) -> bool {
    left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

fn failed() -> Error {
    Error::Io("a test let this commit fail".into())
}

impl Store for Faulty {
    fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, Error> {
        let Counts { failing, unsure, cut } = &*self.faults.0;
        if cut.load(Ordering::SeqCst) || takes_one(failing) {
            return Err(failed());
        }
        let verdicts = self.inner.commit(batch)?;
        if let Some(seen) = &self.seen {
            seen(batch, &verdicts);
        }
        if takes_one(unsure) { Err(failed()) } else { Ok(verdicts) }
    }

    fn load(&self, instance: InstanceId) -> Result<Option<Stored>, Error> {
        self.inner.load(instance)
    }

    fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, Error> {
        self.inner.timers(after, limit)
    }

    fn close(&self) -> Result<(), Error> {
        self.inner.close()
    }

    crate::forward_calls!(self => self.inner);
}
