//! A house for an engine: its store outlives the engine, and when a test is done the history of
//! every instance that ever ran in it is replayed and compared with what is stored.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use bpm_engine::prelude::*;
use bpm_engine::store::{Batch, Error as StoreError, Store, Stored, TimerRow, Verdict};
use bpm_engine::{DefinitionBuilder, EngineBuilder, Observed, Watch};
use bpm_testkit::audit;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

/// A store that outlives engines.
pub(crate) struct House {
    place: Place,
    noted: Noted,
}

enum Place {
    Memory(Memory),
    File(TempDir),
}

/// What a house has seen of its stores.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    instances: BTreeSet<InstanceId>,
    loads: HashMap<InstanceId, usize>,
    commits: usize,
    /// The commits that fail, by number from 1, and whether they happened all the same.
    failing: HashMap<usize, bool>,
    /// The commits that wait until the other end is dropped.
    held: HashMap<usize, std::sync::mpsc::Receiver<()>>,
}

impl Noted {
    fn committed(&self, batch: &Batch, verdicts: &[Verdict]) {
        let turns = batch.turns.iter().zip(verdicts);
        let durable = turns.filter(|(_, verdict)| **verdict == Verdict::Committed);
        self.0.lock().unwrap().instances.extend(durable.map(|(turn, _)| turn.instance));
    }
}

impl House {
    pub(crate) fn memory() -> Self {
        let store = Memory::new();
        // The first handle must not hold the content: every engine gets a clone.
        store.close().unwrap();
        Self { place: Place::Memory(store), noted: Noted::default() }
    }

    pub(crate) fn sqlite() -> Self {
        Self { place: Place::File(tempfile::tempdir().unwrap()), noted: Noted::default() }
    }

    /// One of each: what holds of the engine holds on every store.
    pub(crate) fn all() -> [Self; 2] {
        [Self::memory(), Self::sqlite()]
    }

    /// Its store, once no engine has it open.
    pub(crate) fn store(&self) -> Box<dyn Store> {
        match &self.place {
            Place::Memory(memory) => Box::new(memory.clone()),
            Place::File(_) => Box::new(Sqlite::open(self.path()).unwrap()),
        }
    }

    /// The database, where there is one.
    pub(crate) fn path(&self) -> std::path::PathBuf {
        match &self.place {
            Place::Memory(_) => panic!("a memory store has no file"),
            Place::File(folder) => folder.path().join("house.db"),
        }
    }

    /// A builder on the store; the engine that had it before must be gone.
    pub(crate) fn builder(&self) -> EngineBuilder {
        Engine::builder().store(Noting { inner: self.store(), noted: self.noted.clone() })
    }

    /// An engine with one definition, whose service tasks all succeed with `null`.
    pub(crate) async fn engine(&self, definition: ProcessDefinition) -> Engine {
        let tasks: Vec<_> = definition.service_tasks().into_iter().map(str::to_owned).collect();
        let builder = self.builder().definition(definition);
        let builder = tasks.into_iter().fold(builder, |builder, task| builder.handler(task, done));
        builder.start().await.unwrap()
    }

    /// How often an instance was read from the store.
    pub(crate) fn loads(&self, instance: InstanceId) -> usize {
        self.noted.0.lock().unwrap().loads.get(&instance).copied().unwrap_or(0)
    }

    /// Every instance that was read from the store.
    pub(crate) fn loaded(&self) -> BTreeSet<InstanceId> {
        self.noted.0.lock().unwrap().loads.keys().copied().collect()
    }

    /// Forgets what was counted so far.
    pub(crate) fn count_anew(&self) {
        let mut notes = self.noted.0.lock().unwrap();
        (notes.loads, notes.commits) = (HashMap::new(), 0);
    }

    /// The n-th commit from now on fails; `all_the_same` says that it nevertheless happens.
    pub(crate) fn fail_commit(&self, n: usize, all_the_same: bool) {
        let mut notes = self.noted.0.lock().unwrap();
        let at = notes.commits + n;
        notes.failing.insert(at, all_the_same);
    }

    /// The n-th commit from now on waits until what this gives is dropped.
    pub(crate) fn hold_commit(&self, n: usize) -> std::sync::mpsc::Sender<()> {
        let (release, held) = std::sync::mpsc::channel();
        let mut notes = self.noted.0.lock().unwrap();
        let at = notes.commits + n;
        notes.held.insert(at, held);
        release
    }

    /// Stops the engine and replays every instance that ran in this house.
    pub(crate) async fn finish(self, engine: Engine) {
        engine.shutdown().await.unwrap();
        drop(engine);
        self.audit();
    }

    /// Replays every instance; no engine has the store open.
    pub(crate) fn audit(&self) {
        let store = self.store();
        for instance in self.instances() {
            audit::check_replay(&*store, instance);
        }
    }

    pub(crate) fn instances(&self) -> BTreeSet<InstanceId> {
        self.noted.0.lock().unwrap().instances.clone()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let store = if matches!(self.place, Place::Memory(_)) { "memory" } else { "sqlite" };
            eprintln!("the store was: {store}");
        }
    }
}

/// A store that notes what is asked of it, and fails where it is told to.
struct Noting {
    inner: Box<dyn Store>,
    noted: Noted,
}

impl Store for Noting {
    fn commit(&self, batch: &Batch) -> Result<Vec<Verdict>, StoreError> {
        let (failing, held) = {
            let mut notes = self.noted.0.lock().unwrap();
            notes.commits += 1;
            let at = notes.commits;
            (notes.failing.remove(&at), notes.held.remove(&at))
        };
        if let Some(held) = held {
            // Nothing is ever sent: this ends when the sender is dropped.
            let _ = held.recv();
        }
        if failing != Some(false) {
            let verdicts = self.inner.commit(batch)?;
            self.noted.committed(batch, &verdicts);
            if failing.is_none() {
                return Ok(verdicts);
            }
        }
        Err(StoreError::Io("the test pulled the plug".into()))
    }

    fn load(&self, instance: InstanceId) -> Result<Option<Stored>, StoreError> {
        *self.noted.0.lock().unwrap().loads.entry(instance).or_default() += 1;
        self.inner.load(instance)
    }

    fn timers(&self, after: Option<&TimerRow>, limit: usize) -> Result<Vec<TimerRow>, StoreError> {
        self.inner.timers(after, limit)
    }

    fn close(&self) -> Result<(), StoreError> {
        self.inner.close()
    }

    bpm_testkit::forward_calls!(self => self.inner);
}

/// A definition that is one line of activities: `"service a"`, `"user b"`.
pub(crate) fn line(name: &str, activities: &[&str]) -> ProcessDefinition {
    let mut builder = ProcessDefinition::builder(name).start("start");
    let mut last = "start";
    for activity in activities {
        let (kind, id) = activity.split_once(' ').unwrap();
        builder = match kind {
            "service" => builder.service(id),
            "user" => builder.user(id),
            _ => panic!("no such kind: {kind}"),
        };
        builder = builder.edge(last, id);
        last = id;
    }
    builder.end("end").edge(last, "end").build().unwrap()
}

/// `start → fork → (each activity) → join → end`.
pub(crate) fn fork(name: &str, branches: &[&str]) -> ProcessDefinition {
    let builder = ProcessDefinition::builder(name).start("start").parallel("fork").parallel("join");
    let builder = builder.end("end").edge("start", "fork").edge("join", "end");
    let branch = |builder: DefinitionBuilder, activity: &&str| {
        let (kind, id) = activity.split_once(' ').unwrap();
        let builder = if kind == "user" { builder.user(id) } else { builder.service(id) };
        builder.edge("fork", id).edge(id, "join")
    };
    branches.iter().fold(builder, branch).build().unwrap()
}

/// `start → n gateways → end`.
pub(crate) fn gateways(n: usize) -> ProcessDefinition {
    let id = |n: usize| format!("g{n}");
    let builder = ProcessDefinition::builder("long").start("start").end("end");
    let gateway = |builder: DefinitionBuilder, at: usize| {
        let before = if at == 0 { "start".to_owned() } else { id(at - 1) };
        builder.exclusive(id(at)).edge(before, id(at))
    };
    (0..n).fold(builder, gateway).edge(id(n - 1), "end").build().unwrap()
}

/// What handlers of these tests give.
pub(crate) type Given = Result<Value, TaskError>;

/// A service task that succeeds without a result.
pub(crate) async fn done(_: Value) -> Given {
    Ok(Value::Null)
}

/// An attempt that began and ends when it is told how. Its sender is closed once the attempt is
/// dropped.
pub(crate) struct Begun {
    pub(crate) end: oneshot::Sender<Given>,
}

/// The attempts of a service task, one by one as they begin.
pub(crate) struct Gate(mpsc::UnboundedReceiver<Begun>);

impl Gate {
    /// The next attempt.
    pub(crate) async fn begun(&mut self) -> Begun {
        self.0.recv().await.unwrap()
    }

    /// Whether no attempt began that was not taken.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.0.try_recv().is_err()
    }
}

/// A service task whose attempts the test ends, and where they arrive.
pub(crate) fn gate()
-> (impl Fn(Value) -> std::pin::Pin<Box<dyn Future<Output = Given> + Send>> + Clone, Gate) {
    let (arrivals, begun) = mpsc::unbounded_channel();
    let handler = move |_| {
        let (end, ended) = oneshot::channel();
        // A test that is over takes no more attempts.
        let _ = arrivals.send(Begun { end });
        let future: std::pin::Pin<Box<dyn Future<Output = Given> + Send>> =
            Box::pin(async move { ended.await.unwrap_or(Ok(Value::Null)) });
        future
    };
    (handler, Gate(begun))
}

/// What comes soon if the engine is right: one that is broken fails the test instead of hanging it.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    let bound = std::time::Duration::from_secs(60);
    tokio::time::timeout(bound, what).await.expect("it comes soon")
}

/// Waits until a turn becomes durable that fits.
pub(crate) async fn until(watch: &mut Watch, fits: impl Fn(&Recorded) -> bool) -> Arc<Observed> {
    loop {
        match watch.next().await {
            Some(Watched::Turn(turn)) if fits(&turn.recorded) => return turn,
            Some(_) => {}
            None => panic!("the engine stopped before it happened"),
        }
    }
}

/// Waits until a user task opens, and gives it.
pub(crate) async fn opened(watch: &mut Watch, engine: &Engine) -> UserTask {
    let opens = |change: &Change| matches!(change, Change::UserTaskCreated { .. });
    let turn = until(watch, |turn| turn.changes.iter().any(opens)).await;
    let mut tasks = engine.user_tasks().instance(turn.instance).list().await.unwrap();
    tasks.pop().unwrap()
}

/// The only open user task.
pub(crate) async fn the_task(engine: &Engine) -> UserTask {
    let [task] = engine.user_tasks().list().await.unwrap().try_into().unwrap();
    task
}

/// The refusal that an error is.
pub(crate) fn refusal<T>(result: Result<T, Error>) -> Refused {
    match result {
        Err(Error::Refused(refused)) => refused,
        Err(error) => panic!("not refused: {error}"),
        Ok(_) => panic!("not refused"),
    }
}

/// The names of a history's events and changes, one line a turn.
pub(crate) fn words(history: &[Recorded]) -> Vec<String> {
    let name = |debug: String| {
        debug.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
    };
    let line = |turn: &Recorded| {
        let changes: Vec<_> =
            turn.changes.iter().map(|change| name(format!("{change:?}"))).collect();
        format!("{}: {}", name(format!("{:?}", turn.event)), changes.join(" "))
    };
    history.iter().map(line).collect()
}

/// The nodes that were entered, in order.
pub(crate) fn entered(history: &[Recorded]) -> Vec<String> {
    let node = |change: &Change| match change {
        Change::TokenCreated { node, .. } | Change::TokenMoved { node, .. } => {
            Some(node.to_string())
        }
        _ => None,
    };
    history.iter().flat_map(|turn| &turn.changes).filter_map(node).collect()
}

/// The activities that the history says are undone, in order.
pub(crate) async fn undone(engine: &Engine, instance: InstanceId) -> Vec<String> {
    let history = engine.history(instance).await.unwrap();
    let undone = history.iter().flat_map(|turn| &turn.changes).filter_map(|change| match change {
        Change::Undone { node, .. } => Some(node.to_string()),
        _ => None,
    });
    undone.collect()
}

/// Somebody who does something to instances.
pub(crate) fn ann() -> Actor {
    Actor::new("ann")
}
