//! Instances in memory: those that go on, and some that rest.

use std::collections::{HashMap, VecDeque};

use crate::error::Error;
use crate::ids::InstanceId;
use crate::instance::Instance;
use crate::planted;
use crate::refused::Refused;
use crate::store::{StateRow, Status, Store, Stored};

use super::mailbox::Post;
use super::options::EngineOptions;
use super::registry::{Registered, Registry};
use super::retention::Retention;

/// An instance in memory.
pub(super) struct Live {
    pub(super) instance: Instance,
    pub(super) registered: Registered,
    /// Whether its last turn is on its way to the store. Until that is durable, no other turn.
    pub(super) uncommitted: bool,
    /// What happened meanwhile.
    pub(super) queue: VecDeque<Post>,
    /// Whether it is recovered when it has nothing else to do.
    pub(super) recovers: bool,
    shape: Shape,
}

/// What the store holds of an instance, as far as it decides what is written next.
#[derive(Clone, Copy)]
struct Shape {
    active: bool,
    status: Status,
    /// Turns and bytes of history since the last snapshot.
    turns: u64,
    bytes: usize,
}

/// From so many turns since the last snapshot on, an instance that parks takes a new one.
const PARKING_TURNS: u64 = 64;

impl Live {
    /// An instance that does not exist in the store yet.
    pub(super) fn new(instance: Instance, registered: Registered) -> Self {
        let shape = Shape { active: false, status: Status::Running, turns: 0, bytes: 0 };
        let queue = VecDeque::new();
        Self { instance, registered, uncommitted: false, queue, recovers: false, shape }
    }

    /// Builds an instance again from its snapshot and the turns after it.
    pub(super) fn load(stored: Stored, registry: &Registry) -> Result<Self, Error> {
        let start = &stored.row.start;
        let Some(registered) = registry.get(&start.process, start.version) else {
            return Err(Error::Refused(Refused::MissingDefinition {
                instance: stored.row.id,
                process: start.process.clone(),
                version: start.version,
            }));
        };
        let instance = Instance::restore(&stored)?;
        let shape = Shape {
            active: stored.row.state.active,
            status: stored.row.state.status,
            turns: stored.turns.len() as u64,
            bytes: stored.turns.iter().map(|turn| turn.body.len()).sum(),
        };
        Ok(Self { shape, ..Self::new(instance, registered.clone()) })
    }

    /// The instance's row as it must be written with the turn that was just taken, if it must.
    pub(super) fn state_row(&mut self, options: &EngineOptions) -> Option<StateRow> {
        let (status, active) = (self.instance.shown_status(), self.instance.is_active());
        let shape = self.shape;
        self.shape.turns += 1;
        let first = self.instance.seq == 1;
        let base = Retention::of(options).keeps_base(self.instance.seq);
        let long = base || self.shape.turns >= options.snapshot_turns;
        let woke = active && !shape.active;
        if active && !(first || long || woke || status != shape.status) {
            return None;
        }
        let parks = !active && !first && self.outgrown();
        let snapshot = (!status.is_end() && (long || parks)).then(|| self.snapshot());
        if snapshot.is_some() {
            (self.shape.turns, self.shape.bytes) = (0, 0);
        }
        (self.shape.status, self.shape.active) = (status, active);
        let outcome = self.instance.ending().map(|ending| to_json(&ending));
        Some(StateRow {
            status,
            active,
            tokens: to_json(self.instance.tokens()),
            snapshot,
            outcome,
        })
    }

    /// Whether the history since the last snapshot has outgrown what a snapshot would hold.
    fn outgrown(&self) -> bool {
        let values = self.instance.values().iter().map(|(key, json)| key.len() + json.text().len());
        self.shape.turns >= PARKING_TURNS || self.shape.bytes > 512 + values.sum::<usize>()
    }

    fn snapshot(&self) -> String {
        planted!(SnapshotWithoutUndos => return to_json(&self.instance.without_undos()));
        to_json(&self.instance)
    }

    /// Counts what the last turn wrote.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.shape.bytes += bytes;
    }

    /// Whether nothing happens to it now and nothing will by itself.
    pub(super) fn is_quiet(&self) -> bool {
        !(self.uncommitted || self.recovers || self.instance.is_active()) && self.queue.is_empty()
    }
}

fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|error| unreachable!("the engine's own state prints as JSON: {error}"))
}

/// The instances in memory, with a bound on those that rest.
pub(super) struct Cache {
    live: HashMap<InstanceId, Live>,
    resting: VecDeque<InstanceId>,
    bound: usize,
}

impl Cache {
    pub(super) fn new(bound: usize) -> Self {
        Self { live: HashMap::new(), resting: VecDeque::new(), bound }
    }

    pub(super) fn get(&mut self, instance: InstanceId) -> Option<&mut Live> {
        self.live.get_mut(&instance)
    }

    pub(super) fn insert(&mut self, live: Live) {
        self.live.insert(live.instance.id, live);
    }

    pub(super) fn remove(&mut self, instance: InstanceId) -> Option<Live> {
        self.live.remove(&instance)
    }

    /// The instance, from memory or from the store; `None` if there is no such instance.
    pub(super) fn load(
        &mut self,
        instance: InstanceId,
        store: &dyn Store,
        registry: &Registry,
    ) -> Result<Option<&mut Live>, Error> {
        if !self.live.contains_key(&instance) {
            match store.load(instance)? {
                Some(stored) => self.insert(Live::load(stored, registry)?),
                None => return Ok(None),
            }
        }
        Ok(self.live.get_mut(&instance))
    }

    /// Forgets an instance that has ended; of those that rest, keeps the latest ones.
    pub(super) fn settle(&mut self, instance: InstanceId) {
        let Some(live) = self.live.get(&instance) else { return };
        if !live.is_quiet() {
            return;
        }
        if live.instance.status.is_end() || self.bound == 0 {
            self.live.remove(&instance);
            return;
        }
        if self.resting.back() != Some(&instance) {
            self.resting.push_back(instance);
        }
        while self.resting.len() > self.bound {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.resting.pop_front() else { return };
        let again = self.resting.contains(&oldest);
        if !again && self.live.get(&oldest).is_some_and(Live::is_quiet) {
            self.live.remove(&oldest);
        }
    }
}
