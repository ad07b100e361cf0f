//! A memory store that says what was committed, and fails or waits when a test wants it to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use bpm_core::ids::InstanceId;
use bpm_core::store::{Batch, Error, Memory, Store, Stored, TimerRow, Verdict};

#[derive(Clone, Default)]
pub(crate) struct Spy(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// A handle that is open; a new one when the engine has closed the last.
    memory: Mutex<Memory>,
    /// The instances whose turns were committed, in order.
    committed: Mutex<Vec<InstanceId>>,
    failing_commits: AtomicUsize,
    failing_loads: AtomicUsize,
    failing_pages: AtomicUsize,
    gate: Mutex<Gate>,
    moved: Condvar,
}

#[derive(Default)]
struct Gate {
    closed: bool,
    /// Whether a commit waits at it.
    waiting: bool,
}

impl Spy {
    /// Takes what was committed since the last call.
    pub(crate) fn committed(&self) -> Vec<InstanceId> {
        std::mem::take(&mut self.0.committed.lock().unwrap())
    }

    /// Lets the next commits fail.
    pub(crate) fn fail_commits(&self, count: usize) {
        self.0.failing_commits.store(count, Ordering::SeqCst);
    }

    /// Lets the next reads of an instance fail.
    pub(crate) fn fail_loads(&self, count: usize) {
        self.0.failing_loads.store(count, Ordering::SeqCst);
    }

    /// Lets the next reads of timers fail.
    pub(crate) fn fail_pages(&self, count: usize) {
        self.0.failing_pages.store(count, Ordering::SeqCst);
    }

    /// Whether everything that was to fail has failed.
    pub(crate) fn has_failed(&self) -> bool {
        let Inner { failing_commits, failing_loads, failing_pages, .. } = &*self.0;
        [failing_commits, failing_loads, failing_pages]
            .iter()
            .all(|left| left.load(Ordering::SeqCst) == 0)
    }

    /// Lets commits wait from now on.
    pub(crate) fn hold_commits(&self) {
        self.gate().closed = true;
    }

    /// Waits until a commit waits.
    pub(crate) fn until_held(&self) {
        drop(self.0.moved.wait_while(self.gate(), |gate| !gate.waiting).unwrap());
    }

    pub(crate) fn release_commits(&self) {
        self.gate().closed = false;
        self.0.moved.notify_all();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().unwrap()
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.gate.lock().unwrap()
    }

    fn pass_gate(&self) {
        let mut gate = self.gate();
        gate.waiting = gate.closed;
        self.0.moved.notify_all();
        let mut gate = self.0.moved.wait_while(gate, |gate| gate.closed).unwrap();
        gate.waiting = false;
    }
}

fn fails(left: &AtomicUsize) -> Result<(), Error> {
    let failed = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match failed {
        Ok(_) => Err(Error::Io("the disk is away".into())),
        Err(_) => Ok(()),
    }
}

impl Store for Spy {
    fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, Error> {
        self.pass_gate();
        fails(&self.0.failing_commits)?;
        let verdicts = self.memory().commit(batch)?;
        let turns = batch.turns.iter().map(|turn| turn.instance);
        self.0.committed.lock().unwrap().extend(turns);
        Ok(verdicts)
    }

    fn load(&self, instance: InstanceId) -> Result<Option<Stored>, Error> {
        fails(&self.0.failing_loads)?;
        self.memory().load(instance)
    }

    fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, Error> {
        fails(&self.0.failing_pages)?;
        self.memory().timers(after, limit)
    }

    fn close(&self) -> Result<(), Error> {
        let mut memory = self.memory();
        memory.close()?;
        *memory = memory.clone();
        Ok(())
    }

    bpm_testkit::forward_calls!(self => self.memory());
}
