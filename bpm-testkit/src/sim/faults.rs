//! A store that fails when it is told to, and remembers what became durable.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bpm_core::ids::InstanceId;
use bpm_core::store::{Batch, Error, HistoryRow, Store, Stored, TimerRow, Verdict};

/// What the next commit does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// It works.
    #[default]
    None,
    /// It fails and nothing is durable.
    Before,
    /// The disk is full and nothing is durable.
    Full,
    /// Someone else is writing for too long, and nothing is durable.
    Busy,
    /// It fails and everything is durable all the same.
    After,
}

/// A turn that became durable.
#[derive(Clone, Debug)]
pub struct Durable {
    /// The instance.
    pub instance: InstanceId,
    /// The key, with the instance's first turn.
    pub key: Option<Option<String>>,
    /// The turn.
    pub row: HistoryRow,
}

/// What a store is told, and what it did. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Plan(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    commit: Fault,
    busy: usize,
    /// After so many reads all others fail.
    reads: Option<usize>,
    failed: bool,
    durable: Vec<Durable>,
}

impl Plan {
    /// Says what the next commit does.
    pub fn next_commit(&self, fault: Fault) {
        self.lock().commit = fault;
    }

    /// Says that so many commits find the store busy, and nothing of them is durable.
    pub fn be_busy(&self, commits: usize) {
        self.lock().busy = commits;
    }

    /// Says after how many reads all others fail; never if there is no number.
    pub fn fail_reads(&self, after: Option<usize>) {
        self.lock().reads = after;
    }

    /// Whether something failed since this was last asked.
    pub fn take_failed(&self) -> bool {
        std::mem::take(&mut self.lock().failed)
    }

    /// What became durable since this was last asked.
    pub fn take_durable(&self) -> Vec<Durable> {
        std::mem::take(&mut self.lock().durable)
    }

    fn take_fault(&self) -> Fault {
        let mut plan = self.lock();
        let fault = match plan.busy.checked_sub(1) {
            Some(left) => {
                plan.busy = left;
                Fault::Busy
            }
            None => std::mem::take(&mut plan.commit),
        };
        plan.failed |= fault != Fault::None;
        fault
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store around another one that does as it is told.
pub struct Faulty {
    store: Arc<dyn Store>,
    plan: Plan,
}

impl Faulty {
    /// A store that fails by the plan.
    pub fn new(store: Arc<dyn Store>, plan: Plan) -> Self {
        Self { store, plan }
    }

    fn read(&self) -> Result<&dyn Store, Error> {
        let mut plan = self.plan.lock();
        match &mut plan.reads {
            Some(0) => {
                plan.failed = true;
                return Err(Error::Io("told to fail".into()));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(&*self.store)
    }
}

impl Store for Faulty {
    fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, Error> {
        let fault = self.plan.take_fault();
        match fault {
            Fault::Busy => return Err(Error::Io("told to be busy".into())),
            Fault::Before => return Err(Error::Io("told to fail".into())),
            Fault::Full => return Err(Error::Full("told to be".to_owned())),
            Fault::None | Fault::After => {}
        }
        let verdicts = self.store.commit(batch)?;
        let turns = batch.turns.iter().zip(&verdicts);
        let durable = turns.filter(|(_, verdict)| **verdict == Verdict::Committed);
        self.plan.lock().durable.extend(durable.map(|(turn, _)| Durable {
            instance: turn.instance,
            key: turn.start.as_ref().map(|start| start.key.clone()),
            row: HistoryRow { seq: turn.seq, at: turn.at, body: turn.body.clone() },
        }));
        if fault == Fault::After { Err(Error::Io("told to fail".into())) } else { Ok(verdicts) }
    }

    fn load(&self, instance: InstanceId) -> Result<Option<Stored>, Error> {
        self.read()?.load(instance)
    }

    fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, Error> {
        self.read()?.timers(after, limit)
    }

    fn close(&self) -> Result<(), Error> {
        self.store.close()
    }

    crate::forward_calls!(self => self.read()?);
}
