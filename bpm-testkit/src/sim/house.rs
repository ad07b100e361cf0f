//! One simulated life of a store: engines come, are told to do things, and crash.
//!
//! Everything is one thread. The simulation says what goes on next: a round of the dispatcher, a
//! commit, an attempt that ends, a person, the clock, a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bpm_core::change::Change;
use bpm_core::clock::{Clock, Timestamp};
use bpm_core::definition::ProcessDefinition;
use bpm_core::engine::by_hand::{Answered, ByHand};
use bpm_core::engine::{Engine, EngineOptions};
use bpm_core::event::Event;
use bpm_core::history::Recorded;
use bpm_core::ids::InstanceId;
use bpm_core::instance::Instance;
use bpm_core::json::Json;
use bpm_core::store::{Error, Store};
use tokio::runtime::Runtime;
use tokio::sync::oneshot::error::TryRecvError;

use super::desk;
use super::faults::{Durable, Faulty, Plan};
use super::judge::Judge;
use super::lower;
use super::times::{self, Times, Told};
use super::tree::Process;
use crate::audit;
use crate::clock::TestClock;

/// By then whatever a store refused was tried again, also what that led to.
const AGAIN: Duration = Duration::from_millis(350);

/// Where stores come from: each call opens what the last one left.
pub type Disk = Box<dyn Fn() -> Result<Arc<dyn Store>, Error>>;

/// The simulated world of one seed.
pub struct House<'a> {
    process: &'a Process,
    definition: ProcessDefinition,
    options: EngineOptions,
    disk: Disk,
    pub(super) plan: Plan,
    pub(super) clock: TestClock,
    runtime: Option<Runtime>,
    engine: Option<ByHand>,
    store: Option<Arc<dyn Store>>,
    pub(super) cases: BTreeMap<InstanceId, Case<'a>>,
    calls: Vec<(Call, Answered)>,
    attempts: BTreeSet<desk::Attempt>,
    times: Times,
    /// Until then something may come late: what the store refused is tried again after a while.
    excused: Duration,
    /// A call found no room, and is lost.
    pub(super) no_room: bool,
    last_refusal: String,
    pub(super) turns: usize,
    pub(super) crashes: usize,
}

/// An instance, and what became durable of it.
pub struct Case<'a> {
    pub(super) judge: Judge<'a>,
    pub(super) turns: Vec<Recorded>,
    key: Option<String>,
    started: BTreeSet<(u64, u32)>,
}

/// What someone waits for.
enum Call {
    Start(Option<String>),
    Event(InstanceId, Box<Event>),
    Late,
}

impl<'a> House<'a> {
    /// A house in which no engine runs.
    pub fn new(process: &'a Process, options: EngineOptions, disk: Disk) -> Self {
        desk::clear();
        let definition = lower::definition(process);
        Self {
            process,
            times: Times::new(&definition),
            excused: Duration::ZERO,
            definition,
            options,
            disk,
            plan: Plan::default(),
            clock: TestClock::at(Timestamp::from_millis(0)),
            runtime: None,
            engine: None,
            store: None,
            cases: BTreeMap::new(),
            calls: Vec::new(),
            attempts: BTreeSet::new(),
            no_room: false,
            last_refusal: String::new(),
            turns: 0,
            crashes: 0,
        }
    }

    /// Starts an engine if none runs; whether one runs then. It does not if the store fails.
    pub fn open(&mut self) -> Result<bool, String> {
        if self.engine.is_some() {
            return Ok(true);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let store = (self.disk)().map_err(|error| error.to_string())?;
        let engine = Engine::builder()
            .store(Faulty::new(Arc::clone(&store), self.plan.clone()))
            .definition(self.definition.clone())
            .options(self.options.clone())
            .clock(self.clock.clone())
            .start_by_hand(runtime.handle().clone());
        match engine {
            Ok(engine) => {
                (self.engine, self.store) = (Some(engine), Some(store));
                self.runtime = Some(runtime);
                Ok(true)
            }
            Err(bpm_core::error::Error::Store(_)) => Ok(false),
            Err(error) => Err(format!("it does not start: {error}")),
        }
    }

    /// The engine's process is gone, at once.
    pub fn crash(&mut self) {
        if self.engine.take().is_some() {
            self.crashes += 1;
        }
        self.calls.clear();
        self.times.crashed();
        desk::clear();
        self.runtime = None;
        self.store = None;
    }

    /// The store as it is, for those who look and do not fail.
    pub fn store(&self) -> Option<&dyn Store> {
        self.store.as_deref()
    }

    /// One round of the dispatcher. The attempts that it launched begin.
    pub fn dispatch(&mut self) -> Result<(), String> {
        self.times.looked(self.clock.wall());
        if let Some(engine) = &mut self.engine {
            engine.dispatch();
        }
        self.drive()?;
        self.nothing_is_late()
    }

    /// When an engine has nothing to do, nothing is overdue.
    fn nothing_is_late(&mut self) -> Result<(), String> {
        let now = self.clock.monotonic();
        if self.plan.take_failed() {
            self.excused = now + AGAIN;
        }
        let busy = self.has_messages() || self.has_turns() || now < self.excused;
        let Some(engine) = self.engine.as_ref().filter(|_| !busy) else { return Ok(()) };
        if engine.deadline().is_some_and(|deadline| deadline <= now) {
            return Ok(());
        }
        let (time, wall) = (engine.now(), self.clock.wall());
        let mut cases = self.cases.values();
        if let Some(late) = cases.find_map(|case| times::late(case.judge.replayed(), time, wall)) {
            return Err(late);
        }
        let overdue = |attempt: &desk::Attempt| self.times.overdue(attempt, now);
        match desk::open().into_iter().find(overdue) {
            Some((_, key, number)) => Err(format!("late: attempt {number} of {key} has no end")),
            None => Ok(()),
        }
    }

    /// Ends the n-th attempt that runs.
    pub fn end_attempt(&mut self, n: usize, how: Told) -> Result<(), String> {
        if let Some(attempt) = desk::end(n, how.clone()) {
            let recorded = match how {
                Told::Panic(text) => Told::Panic(format!("panicked: {text}")),
                how => how,
            };
            self.times.told(&attempt, recorded);
        }
        self.drive()
    }

    /// Attempts begin and go on, each until it waits.
    pub fn drive(&mut self) -> Result<(), String> {
        if let Some(runtime) = &self.runtime {
            runtime.block_on(async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
            });
        }
        for (attempt, saw) in desk::begun() {
            self.judge_attempt(attempt, saw)?;
        }
        self.answers()
    }

    /// An attempt runs only if that is durable, and only once. One that undoes sees what was when
    /// that completed.
    fn judge_attempt(&mut self, attempt: desk::Attempt, saw: Option<i64>) -> Result<(), String> {
        let (instance, key, number) = &attempt;
        let (_, visit) = desk::node_and_visit(&attempt);
        let case = self.cases.get(instance);
        if !case.is_some_and(|case| case.started.contains(&(visit, *number))) {
            return Err(format!("attempt {number} of {key} runs and is not durable"));
        }
        let kept = case.and_then(|case| case.judge.kept_for(visit));
        if saw.is_some() && kept.is_some() && saw != kept {
            return Err(format!("{key} undoes {saw:?}, and {kept:?} was kept"));
        }
        if case.is_some_and(|case| case.judge.is_stopping(visit)) {
            return Err(format!("attempt {number} of {key} begins and was told to stop"));
        }
        if self.attempts.contains(&attempt) {
            return Err(format!("attempt {number} of {key} runs twice"));
        }
        self.times.began(&attempt, self.clock.monotonic());
        self.attempts.insert(attempt);
        Ok(())
    }

    /// Whether something waits for the dispatcher.
    pub fn has_messages(&self) -> bool {
        self.engine.as_ref().is_some_and(ByHand::has_messages)
    }

    /// Whether turns are on their way to the store.
    pub fn has_turns(&mut self) -> bool {
        self.engine.as_mut().is_some_and(ByHand::has_turns)
    }

    /// The writer makes a commit, and what became durable is judged.
    pub fn commit(&mut self) -> Result<(), String> {
        if let Some(engine) = &mut self.engine {
            engine.commit();
        }
        self.plan.take_durable().into_iter().try_for_each(|durable| self.judge(durable))
    }

    fn judge(&mut self, durable: Durable) -> Result<(), String> {
        let Durable { instance, key, row } = durable;
        self.turns += 1;
        if let Some(key) = key {
            let other = self.cases.values().any(|case| key.is_some() && case.key == key);
            if other {
                return Err(format!("a second instance has the key {key:?}"));
            }
            let exact = self.options.moves_per_turn > 100;
            let judge = Judge::new(
                self.process,
                Instance::new(instance, key.clone()),
                self.options.lost_attempts_max,
                exact,
            );
            let case = Case { judge, turns: Vec::new(), key, started: BTreeSet::new() };
            self.cases.insert(instance, case);
        }
        let Some(case) = self.cases.get_mut(&instance) else {
            return Err(format!("a turn of instance {instance}, which was never started"));
        };
        let turn = Recorded::read(instance, &row).map_err(|error| error.to_string())?;
        self.times.turn(instance, &turn, self.clock.monotonic())?;
        case.take(turn)
    }

    /// Starts an instance.
    pub fn start(&mut self, id: InstanceId, key: Option<String>) {
        let variables = self.definition.graph().variables.iter();
        let input = variables.map(|variable| (variable.key.to_string(), Json::from(&0.into())));
        let input = input.take(self.definition.graph().parameters).collect();
        let Some(engine) = &self.engine else { return };
        if let Ok(answered) = engine.start(id, "Random", key.clone(), input) {
            self.calls.push((Call::Start(key), answered));
        }
    }

    /// Someone brings an event to an instance.
    pub fn deliver(&mut self, instance: InstanceId, event: Event) {
        let Some(engine) = &self.engine else { return };
        match engine.deliver(instance, event.clone()) {
            Ok(answered) => self.calls.push((Call::Event(instance, Box::new(event)), answered)),
            Err(_) => self.no_room = true,
        }
    }

    /// The same, and whoever asked does not wait for the answer.
    pub fn deliver_and_forget(&mut self, instance: InstanceId, event: Event) {
        if let Some(engine) = &self.engine {
            // A call that finds no room is lost.
            let _ = engine.deliver(instance, event);
        }
    }

    /// Something that happened comes again: it must be refused, and nothing of it recorded.
    pub fn deliver_late(&mut self, instance: InstanceId, event: Event) {
        let Some(engine) = &self.engine else { return };
        if let Ok(answered) = engine.deliver(instance, event) {
            self.calls.push((Call::Late, answered));
        }
    }

    /// What was answered is durable.
    fn answers(&mut self) -> Result<(), String> {
        let mut waiting = Vec::new();
        for (call, mut answered) in std::mem::take(&mut self.calls) {
            match answered.try_recv() {
                Err(TryRecvError::Empty) => waiting.push((call, answered)),
                Ok(Ok(id)) => self.acknowledged(&call, id)?,
                Ok(Err(error)) => self.last_refusal = error.to_string(),
                Err(TryRecvError::Closed) => {}
            }
        }
        self.calls = waiting;
        Ok(())
    }

    fn acknowledged(&self, call: &Call, id: InstanceId) -> Result<(), String> {
        let durable = match call {
            Call::Start(key) => self.cases.get(&id).is_some_and(|case| case.key == *key),
            Call::Event(instance, event) => self
                .cases
                .get(instance)
                .is_some_and(|case| case.turns.iter().any(|turn| turn.event == **event)),
            Call::Late => return Err(format!("taken twice: instance {id}")),
        };
        if durable { Ok(()) } else { Err(format!("answered and not durable: instance {id}")) }
    }

    /// Lets time pass until the engine has something to do, at most; false if it never has.
    pub fn wait_for_engine(&mut self) -> bool {
        let Some(deadline) = self.engine.as_ref().and_then(ByHand::deadline) else { return false };
        self.clock.advance(deadline.saturating_sub(self.clock.monotonic()));
        true
    }

    /// What the engine waits for: whether it has messages, its deadline, and what rests.
    pub fn waiting(&self) -> String {
        let deadline = self.engine.as_ref().and_then(ByHand::deadline);
        let states = self.cases.values().map(|case| case.judge.replayed().tokens());
        let (messages, now) = (self.has_messages(), self.clock.monotonic());
        format!(
            "now {now:?}, deadline {deadline:?}, messages {messages}, last refusal {}, {:?}",
            self.last_refusal,
            states.collect::<Vec<_>>()
        )
    }

    /// Ends the house and compares what the store holds with its history.
    pub fn audit(&mut self) -> Result<(), String> {
        self.crash();
        let store = (self.disk)().map_err(|error| error.to_string())?;
        for instance in self.cases.keys() {
            audit::check_replay(&*store, *instance);
            let most = usize::try_from(self.options.history_turns).unwrap_or(usize::MAX);
            let kept =
                store.history(*instance, 0, usize::MAX).map_err(|error| error.to_string())?;
            if kept.len() > most {
                return Err(format!("{} turns of {instance} are kept, not {most}", kept.len()));
            }
        }
        Ok(())
    }
}

impl Case<'_> {
    fn take(&mut self, turn: Recorded) -> Result<(), String> {
        let again = |other: &Recorded| other.event == turn.event;
        // These may come again when the other one came in between.
        let repeatable = matches!(
            turn.event,
            Event::Continued | Event::SuspendRequested { .. } | Event::ResumeRequested { .. }
        );
        if !repeatable && self.turns.iter().any(again) {
            return Err(format!("recorded twice: {:?}", turn.event));
        }
        if self.turns.last().is_some_and(|last| last.at > turn.at) {
            return Err("time went backwards".to_owned());
        }
        for change in &turn.changes {
            if let Change::TaskStarted { visit, attempt, .. } = change {
                self.started.insert((*visit, *attempt));
            }
        }
        let judged = self.judge.turn(&turn);
        self.turns.push(turn);
        judged
    }
}
