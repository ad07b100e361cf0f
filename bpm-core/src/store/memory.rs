//! The store that forgets: for tests, and for processes that need not outlive their program.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    BaseRow, Batch, DefinitionRow, Error, HistoryRow, IncidentRow, InstanceFilter, InstanceRow,
    StartRow, Started, StateRow, Status, Store, Stored, TimerRow, TurnRows, UserTaskFilter,
    UserTaskRow, Verdict,
};
use crate::clock::Timestamp;
use crate::ids::{IncidentId, InstanceId, UserTaskId};
use crate::planted;

/// How many user tasks or instances are listed when the filter names no limit.
const LISTED: usize = 1_000;

/// A store in the memory of the program.
///
/// Clones are handles of one content, and one handle at a time has it open: from its first call
/// until it is closed or dropped. Meanwhile the calls of the others fail with [`Error::Locked`].
/// So a test restarts an engine by handing it a clone:
///
/// ```
/// use bpm_core::store::{Error, Memory, Store};
///
/// let first = Memory::new();
/// let second = first.clone();
/// first.latest()?;
/// assert!(matches!(second.latest(), Err(Error::Locked { .. })));
/// first.close()?;
/// second.latest()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Memory {
    shared: Arc<Mutex<Shared>>,
    handle: u64,
    closed: AtomicBool,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::handle(Arc::default())
    }

    fn handle(shared: Arc<Mutex<Shared>>) -> Self {
        static HANDLES: AtomicU64 = AtomicU64::new(0);
        let handle = HANDLES.fetch_add(1, Ordering::Relaxed);
        Self { shared, handle, closed: AtomicBool::new(false) }
    }

    /// The content, if this handle has it open or can open it. A panic elsewhere cannot have left
    /// it half written: a turn is checked before anything of it is.
    fn content(&self) -> Result<Open<'_>, Error> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        match *shared.holder.get_or_insert(self.handle) {
            holder if holder == self.handle => Ok(Open(shared)),
            _ => Err(Error::Locked {
                by: format!("pid {}, this very process", std::process::id()),
                what: "the memory store".to_owned(),
            }),
        }
    }

    fn release(&self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, Ordering::Relaxed);
        if shared.holder == Some(self.handle) {
            shared.holder = None;
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Memory {
    /// Another handle of the same content; it is open once the others are closed or dropped.
    fn clone(&self) -> Self {
        Self::handle(Arc::clone(&self.shared))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.release();
    }
}

#[derive(Debug, Default)]
struct Shared {
    holder: Option<u64>,
    content: Content,
}

struct Open<'a>(MutexGuard<'a, Shared>);

impl std::ops::Deref for Open<'_> {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.0.content
    }
}

impl std::ops::DerefMut for Open<'_> {
    fn deref_mut(&mut self) -> &mut Content {
        &mut self.0.content
    }
}

impl Store for Memory {
    fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, Error> {
        let mut content = self.content()?;
        let mut refused = HashSet::new();
        let mut verdicts = Vec::with_capacity(batch.turns.len());
        for turn in &batch.turns {
            let verdict = match refused.contains(&turn.instance) {
                true => Verdict::Stale,
                false => content.turn(turn),
            };
            if verdict != Verdict::Committed {
                refused.insert(turn.instance);
            }
            verdicts.push(verdict);
        }
        content.latest = content.latest.max(batch.now);
        Ok(verdicts)
    }

    fn load(&self, instance: InstanceId) -> Result<Option<Stored>, Error> {
        Ok(self.content()?.instances.get(&instance).map(|kept| Stored {
            row: kept.row.clone(),
            turns: kept.after(kept.row.snapshot_seq).to_vec(),
        }))
    }

    fn active(&self, after: Option<InstanceId>, limit: usize) -> Result<Vec<InstanceId>, Error> {
        let content = self.content()?;
        let later = |id: &&InstanceId| after.is_none_or(|after| **id > after);
        Ok(content.active.iter().filter(later).take(limit).copied().collect())
    }

    fn instances(&self, filter: &InstanceFilter) -> Result<Vec<InstanceRow>, Error> {
        let content = self.content()?;
        let from = filter.after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = content.instances.range((from, Bound::Unbounded)).map(|(_, kept)| &kept.row);
        let fits = |row: &&InstanceRow| {
            filter.status.is_none_or(|status| row.state.status == status)
                && filter.process.as_ref().is_none_or(|process| row.start.process == *process)
        };
        Ok(rows.filter(fits).take(filter.limit.unwrap_or(LISTED)).cloned().collect())
    }

    fn instance(&self, instance: InstanceId) -> Result<Option<InstanceRow>, Error> {
        Ok(self.content()?.instances.get(&instance).map(|kept| kept.row.clone()))
    }

    fn started(&self, process: &str, key: &str) -> Result<Option<Started>, Error> {
        Ok(self.content()?.started(process, key))
    }

    fn history(
        &self,
        instance: InstanceId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<HistoryRow>, Error> {
        let content = self.content()?;
        let turns = content.instances.get(&instance).map_or(&[][..], |kept| kept.after(after));
        Ok(turns.iter().take(limit).cloned().collect())
    }

    fn base(&self, instance: InstanceId) -> Result<Option<BaseRow>, Error> {
        let content = self.content()?;
        let Some(kept) = content.instances.get(&instance) else { return Ok(None) };
        let snapshot = kept.bases.get(&kept.forgotten);
        Ok(snapshot.map(|snapshot| BaseRow { seq: kept.forgotten, snapshot: snapshot.clone() }))
    }

    fn user_tasks(&self, filter: &UserTaskFilter) -> Result<Vec<UserTaskRow>, Error> {
        let content = self.content()?;
        let open = content.open.iter().filter_map(|(_, id)| content.tasks.get(id));
        let fitting = open.filter(|task| fits(filter, task));
        Ok(fitting.take(filter.limit.unwrap_or(LISTED)).cloned().collect())
    }

    fn user_task(&self, task: UserTaskId) -> Result<Option<UserTaskRow>, Error> {
        Ok(self.content()?.tasks.get(&task).cloned())
    }

    fn incidents(&self, limit: usize) -> Result<Vec<IncidentRow>, Error> {
        let content = self.content()?;
        let open = content.unsettled.iter().filter_map(|(_, id)| content.incidents.get(id));
        Ok(open.take(limit).cloned().collect())
    }

    fn incident(&self, incident: IncidentId) -> Result<Option<IncidentRow>, Error> {
        Ok(self.content()?.incidents.get(&incident).cloned())
    }

    fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, Error> {
        let content = self.content()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(content.timers.range((from, Bound::Unbounded)).take(limit).cloned().collect())
    }

    fn definitions(&self) -> Result<Vec<DefinitionRow>, Error> {
        Ok(self.content()?.definitions.values().cloned().collect())
    }

    fn live(&self, process: &str, version: u32) -> Result<u64, Error> {
        let content = self.content()?;
        let lives = |row: &InstanceRow| {
            row.start.version == version && row.start.process == process && row.ended.is_none()
        };
        Ok(content.instances.values().filter(|kept| lives(&kept.row)).count() as u64)
    }

    fn put_definition(&self, definition: &DefinitionRow) -> Result<(), Error> {
        let name = (definition.name.clone(), definition.version);
        self.content()?.definitions.insert(name, definition.clone());
        Ok(())
    }

    fn latest(&self) -> Result<Timestamp, Error> {
        Ok(self.content()?.latest)
    }

    fn close(&self) -> Result<(), Error> {
        self.release();
        Ok(())
    }
}

fn fits(filter: &UserTaskFilter, task: &UserTaskRow) -> bool {
    let is = |wanted: &Option<String>, has: Option<&String>| {
        wanted.as_ref().is_none_or(|wanted| has == Some(wanted))
    };
    is(&filter.process, Some(&task.process))
        && is(&filter.name, Some(&task.name))
        && is(&filter.group, task.group.as_ref())
        && is(&filter.user, task.user.as_ref())
        && is(&filter.key, task.key.as_ref())
        && filter.instance.is_none_or(|instance| instance == task.instance)
}

#[derive(Debug, Default)]
struct Content {
    instances: BTreeMap<InstanceId, Kept>,
    /// Instances by process and key.
    keys: HashMap<(String, String), InstanceId>,
    active: BTreeSet<InstanceId>,
    tasks: BTreeMap<UserTaskId, UserTaskRow>,
    open: BTreeSet<(Timestamp, UserTaskId)>,
    incidents: BTreeMap<IncidentId, IncidentRow>,
    unsettled: BTreeSet<(Timestamp, IncidentId)>,
    timers: BTreeSet<TimerRow>,
    /// The timers by instance and number.
    numbered: BTreeMap<(InstanceId, u64), TimerRow>,
    definitions: BTreeMap<(String, u32), DefinitionRow>,
    latest: Timestamp,
}

/// An instance and its history, without gaps.
#[derive(Debug)]
struct Kept {
    row: InstanceRow,
    /// How many of its first turns are forgotten.
    forgotten: u64,
    turns: Vec<HistoryRow>,
    /// States, by the turns behind which they were.
    bases: BTreeMap<u64, String>,
}

impl Kept {
    fn after(&self, seq: u64) -> &[HistoryRow] {
        let skipped = usize::try_from(seq.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        self.turns.get(skipped..).unwrap_or_default()
    }

    /// The number of its last turn.
    fn last(&self) -> u64 {
        self.forgotten + self.turns.len() as u64
    }

    /// Keeps a state, and forgets the turns up to the last one that is kept and not behind `until`.
    fn rebase(&mut self, seq: u64, snapshot: &str, until: u64) {
        self.bases.insert(seq, snapshot.to_owned());
        let Some((&base, _)) = self.bases.range(..=until).next_back() else { return };
        let turns = self.turns.len() - self.after(base).len();
        self.turns.drain(..turns);
        self.bases = self.bases.split_off(&base);
        planted!(BaseNotKept => self.bases.clear());
        self.forgotten = base;
    }
}

impl Content {
    /// Writes all of a turn, or none of it.
    fn turn(&mut self, turn: &TurnRows) -> Verdict {
        if !self.is_next(turn) {
            return Verdict::Stale;
        }
        if let Some(started) = turn.start.as_ref().and_then(|start| self.taken(start)) {
            return Verdict::KeyTaken(started);
        }
        if !self.is_open(turn) {
            return Verdict::Stale;
        }
        match (&turn.start, &turn.state) {
            (Some(start), Some(state)) => self.start(turn, start, state),
            (None, Some(state)) => self.state(turn, state),
            _ => {}
        }
        self.record(turn);
        self.forget(turn);
        self.waits(turn);
        Verdict::Committed
    }

    /// Whether the instance has the turn before this one and no other. A first turn brings the
    /// instance's rows, no other does.
    fn is_next(&self, turn: &TurnRows) -> bool {
        let last = self.instances.get(&turn.instance).map(Kept::last);
        planted!(SeqGuardMissing => return last.is_some() || turn.start.is_some());
        match (last, &turn.start) {
            (None, Some(_)) => turn.seq == 1 && turn.state.is_some(),
            (Some(last), None) => turn.seq == last + 1,
            _ => false,
        }
    }

    /// Whether what the turn opens is new, and what it closes open.
    fn is_open(&self, turn: &TurnRows) -> bool {
        let opens = |id| turn.opened.iter().any(|task| task.id == id);
        let open = |id: &UserTaskId| match self.tasks.get(id) {
            Some(task) => task.instance == turn.instance && task.closed.is_none(),
            None => opens(*id),
        };
        let raises = |id| turn.raised.iter().any(|incident| incident.id == id);
        let unsettled = |id: &IncidentId| match self.incidents.get(id) {
            Some(row) => row.instance == turn.instance && row.closed.is_none(),
            None => raises(*id),
        };
        turn.opened.iter().all(|task| !self.tasks.contains_key(&task.id))
            && turn.raised.iter().all(|incident| !self.incidents.contains_key(&incident.id))
            && turn.closed.iter().all(|(id, _)| open(id))
            && turn.settled.iter().all(|(id, _)| unsettled(id))
            && self.timers_fit(turn)
    }

    /// Whether the timers that the turn sets are new, and those that it closes set.
    fn timers_fit(&self, turn: &TurnRows) -> bool {
        let is_set = |number: u64| self.numbered.contains_key(&(turn.instance, number));
        let (mut set, mut closed) = (HashSet::new(), HashSet::new());
        turn.timers_set.iter().all(|timer| !is_set(timer.timer) && set.insert(timer.timer))
            && turn
                .timers_closed
                .iter()
                .all(|number| (is_set(*number) || set.contains(number)) && closed.insert(*number))
    }

    fn taken(&self, start: &StartRow) -> Option<Started> {
        planted!(DuplicateStart => return None);
        self.started(&start.process, start.key.as_deref()?)
    }

    fn started(&self, process: &str, key: &str) -> Option<Started> {
        let instance = *self.keys.get(&(process.to_owned(), key.to_owned()))?;
        let input_hash = self.instances.get(&instance)?.row.start.input_hash;
        Some(Started { instance, input_hash })
    }

    fn start(&mut self, turn: &TurnRows, start: &StartRow, state: &StateRow) {
        if let Some(key) = &start.key {
            self.keys.insert((start.process.clone(), key.clone()), turn.instance);
        }
        let row = InstanceRow {
            id: turn.instance,
            start: start.clone(),
            state: StateRow { status: Status::Running, snapshot: None, ..state.clone() },
            snapshot_seq: 0,
            created: turn.at,
            ended: None,
        };
        let (turns, bases) = (Vec::new(), BTreeMap::new());
        self.instances.insert(turn.instance, Kept { row, forgotten: 0, turns, bases });
        self.state(turn, state);
    }

    fn state(&mut self, turn: &TurnRows, state: &StateRow) {
        let Some(Kept { row, .. }) = self.instances.get_mut(&turn.instance) else { return };
        let before = std::mem::replace(&mut row.state, state.clone());
        match state.snapshot {
            Some(_) => row.snapshot_seq = turn.seq,
            None => row.state.snapshot = before.snapshot,
        }
        row.ended = state.status.is_end().then_some(turn.at);
        match state.active {
            true => self.active.insert(turn.instance),
            false => self.active.remove(&turn.instance),
        };
    }

    fn record(&mut self, turn: &TurnRows) {
        let row = HistoryRow { seq: turn.seq, at: turn.at, body: turn.body.clone() };
        if let Some(kept) = self.instances.get_mut(&turn.instance) {
            kept.turns.push(row);
        }
    }

    fn forget(&mut self, turn: &TurnRows) {
        if let Some((snapshot, until)) = turn.base()
            && let Some(kept) = self.instances.get_mut(&turn.instance)
        {
            kept.rebase(turn.seq, snapshot, until);
        }
    }

    fn waits(&mut self, turn: &TurnRows) {
        for task in &turn.opened {
            self.open.insert((task.created, task.id));
            self.tasks.insert(task.id, UserTaskRow { closed: None, ..task.clone() });
        }
        for (id, closed) in &turn.closed {
            if let Some(task) = self.tasks.get_mut(id) {
                self.open.remove(&(task.created, *id));
                task.closed = Some(closed.clone());
            }
        }
        for incident in &turn.raised {
            self.unsettled.insert((incident.since, incident.id));
            self.incidents.insert(incident.id, IncidentRow { closed: None, ..incident.clone() });
        }
        for (id, closed) in &turn.settled {
            if let Some(incident) = self.incidents.get_mut(id) {
                self.unsettled.remove(&(incident.since, *id));
                incident.closed = Some(closed.clone());
            }
        }
        self.timers(turn);
    }

    fn timers(&mut self, turn: &TurnRows) {
        for timer in &turn.timers_set {
            self.timers.insert(timer.clone());
            self.numbered.insert((timer.instance, timer.timer), timer.clone());
        }
        for number in &turn.timers_closed {
            if let Some(timer) = self.numbered.remove(&(turn.instance, *number)) {
                self.timers.remove(&timer);
            }
        }
    }
}
