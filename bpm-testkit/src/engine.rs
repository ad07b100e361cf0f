//! An engine for tests of processes: a virtual clock, doubles, faults, restarts.

mod builder;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bpm_core::engine::{Engine, EngineBuilder, Outcome, Run, Runs};
use bpm_core::error::Error;
use bpm_core::ids::InstanceId;
use bpm_core::instance::Instance;
use bpm_core::store::{self, Store};
use bpm_core::task::{Doubles, Fails, ServiceTask};

use crate::audit;
use crate::clock::TestClock;
use crate::coverage::Journal;
use crate::faults::{Faults, Faulty};
use crate::path::Path;

pub use builder::TestEngineBuilder;

/// An engine whose time is virtual: thirty days pass in the time of a call, and nothing sleeps.
///
/// It derefs to the [`Engine`], so that every call of it works. Service tasks can have doubles,
/// which get the arguments with the types that the task declares: the only one as it is, several
/// as a tuple. Tasks run one at a time, so that each run of a test does the same; set
/// `EngineOptions::workers` for another number.
///
/// `docs/testing.md` shows it.
pub struct TestEngine {
    engine: Engine,
    recipe: Recipe,
    store: Arc<dyn Store>,
    faults: Faults,
}

/// From what the engine is made, again after each restart.
#[derive(Clone)]
struct Recipe {
    builder: EngineBuilder,
    open: Arc<Open>,
    clock: TestClock,
    doubles: Doubles,
    journal: Arc<Journal>,
}

type Open = dyn Fn() -> Result<Arc<dyn Store>, store::Error> + Send + Sync;

/// After so many points in time at which something was due, a process never rests.
const STEPS: u32 = 100_000;

impl Recipe {
    async fn start(self) -> Result<TestEngine, Error> {
        let (store, faults) = ((self.open)()?, Faults::new());
        let journal = Arc::clone(&self.journal);
        let seen = Arc::clone(&store);
        let tap = Faulty::seen(
            Arc::clone(&store),
            faults.clone(),
            Box::new(move |batch, verdicts| journal.note(&*seen, batch, verdicts)),
        );
        let engine = self.builder.clone().store(tap).start().await?;
        Ok(TestEngine { engine, recipe: self, store, faults })
    }
}

impl Deref for TestEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl TestEngine {
    /// Collects what the engine is made of.
    pub fn builder() -> TestEngineBuilder {
        TestEngineBuilder::new()
    }

    /// The engine's clock.
    pub fn clock(&self) -> &TestClock {
        &self.recipe.clock
    }

    /// Waits until nothing happens before time passes: everything that was asked is durable, every
    /// attempt is over. Returns how much time must pass until something happens by itself; `None`
    /// if everything rests. Waits for ever if a task does.
    ///
    /// # Panics
    ///
    /// If the engine has stopped.
    pub async fn settle(&self) -> Option<Duration> {
        match self.engine.rest().await {
            Ok(next) => next,
            Err(error) => panic!("the engine does not come to rest: {error}"),
        }
    }

    /// Lets so much time pass and everything happen that is due by then, each thing at its time:
    /// three days of daily reminders are three reminders.
    ///
    /// # Panics
    ///
    /// If the engine has stopped, or if something is due more than 100,000 times.
    pub async fn advance(&self, duration: Duration) {
        let mut left = duration;
        for _ in 0..STEPS {
            match self.settle().await.filter(|next| *next <= left) {
                Some(next) => {
                    self.recipe.clock.advance(next);
                    left -= next;
                }
                None => {
                    self.recipe.clock.advance(left);
                    self.settle().await;
                    return;
                }
            }
        }
        panic!("something was due {STEPS} times within {left:?}");
    }

    /// Lets time pass until nothing happens by itself any more: every instance has ended or waits
    /// for a person. Returns how much time passed.
    ///
    /// # Panics
    ///
    /// If the engine has stopped, or if something is due more than 100,000 times.
    pub async fn fast_forward(&self) -> Duration {
        let mut passed = Duration::ZERO;
        for _ in 0..STEPS {
            let Some(next) = self.settle().await else { return passed };
            self.recipe.clock.advance(next);
            passed += next;
        }
        panic!("after {passed:?} something is still due: a process repeats itself for ever");
    }

    /// Lets time pass until the instance has ended, and says how. The run may be one of an engine
    /// before a restart.
    ///
    /// # Errors
    ///
    /// If the instance or its result cannot be read.
    ///
    /// # Panics
    ///
    /// If the instance rests, naming where.
    pub async fn outcome<P: Runs>(&self, run: &Run<P>) -> Result<Outcome<P::Output>, Error> {
        let run: Run<P> = self.engine.run(run.id());
        for _ in 0..STEPS {
            let next = self.settle().await;
            if run.status().await?.is_end() {
                return run.outcome().await;
            }
            match next {
                Some(next) => self.recipe.clock.advance(next),
                None => panic!("the instance rests: {}", self.rests_at(run.id())),
            }
        }
        panic!("the instance does not end: {}", self.rests_at(run.id()));
    }

    fn rests_at(&self, id: InstanceId) -> String {
        let loaded = self.store.load(id).ok().flatten();
        let instance = loaded.and_then(|stored| Instance::restore(&stored).ok());
        let tokens = instance.iter().flat_map(Instance::tokens);
        let places: Vec<_> =
            tokens.map(|token| format!("`{}` is {:?}", token.node, token.state)).collect();
        places.join(", ")
    }

    /// Lets a double answer every call of a task from now on, as
    /// [`TestEngineBuilder::mock`] does.
    pub fn mock<K: ServiceTask>(
        &self,
        double: impl for<'a> Fn(K::Arguments<'a>) -> K::Return + Send + Sync + 'static,
    ) {
        self.recipe.doubles.answer::<K>(Arc::new(double));
    }

    /// Lets the next calls of a task fail, as [`TestEngineBuilder::fail_first`] does.
    pub fn fail_next<K: ServiceTask>(
        &self,
        times: u64,
        error: impl Fn() -> <K::Return as Fails>::Error + Send + Sync + 'static,
    ) where
        K::Return: Fails,
    {
        self.recipe.doubles.first::<K>(times, Arc::new(move |_| K::Return::fail(error())));
    }

    /// How often the task was called, whoever answered: over all instances and restarts.
    pub fn calls<K: ServiceTask>(&self) -> u64 {
        self.recipe.doubles.calls::<K>()
    }

    /// What goes wrong with the store: `engine.faults().fail_commits(1)`. A restart begins with
    /// none.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The store, to look into it.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The instances that were started, in order, over all restarts.
    pub fn started(&self) -> Vec<InstanceId> {
        self.recipe.journal.started()
    }

    /// The nodes that an instance passed so far.
    ///
    /// # Panics
    ///
    /// If there is no such instance, or its history cannot be read.
    #[track_caller]
    pub fn path<P>(&self, run: &Run<P>) -> Path {
        self.path_of(run.id())
    }

    /// The same of the instance that was started last.
    ///
    /// # Panics
    ///
    /// If there is none, or its history cannot be read.
    #[track_caller]
    pub fn last_path(&self) -> Path {
        match self.started().last() {
            Some(last) => self.path_of(*last),
            None => panic!("no instance was started"),
        }
    }

    #[track_caller]
    fn path_of(&self, id: InstanceId) -> Path {
        let history = audit::history(&*self.store, id);
        let history = history.unwrap_or_else(|error| panic!("the history of {id}: {error}"));
        let row = self.store.instance(id).ok().flatten();
        let graph =
            row.and_then(|row| self.recipe.journal.graph(&row.start.process, row.start.version));
        Path::of(&history, graph.as_ref())
    }

    /// Ends the engine as a kill would: without any grace, attempts in flight are lost, what is
    /// not committed never was. The handle is of no use afterwards but for a restart.
    pub async fn crash(&self) {
        self.faults.cut();
        // That the store refuses what comes now is what a crash means.
        let _ = self.engine.abandon().await;
    }

    /// [Crashes](Self::crash) and starts again over the same store and clock, with the same
    /// doubles.
    ///
    /// # Panics
    ///
    /// If the engine does not start.
    pub async fn crash_and_restart(self) -> Self {
        self.crash().await;
        self.again().await
    }

    /// Shuts the engine down and starts again over the same store and clock. Attempts in flight
    /// get no grace: virtual time would not pass.
    ///
    /// # Panics
    ///
    /// If the engine does not stop or start.
    pub async fn restart(self) -> Self {
        self.settle().await;
        if let Err(error) = self.engine.abandon().await {
            panic!("the engine does not stop: {error}");
        }
        self.again().await
    }

    async fn again(self) -> Self {
        let recipe = self.recipe.clone();
        drop(self);
        match recipe.start().await {
            Ok(engine) => engine,
            Err(error) => panic!("the engine does not start again: {error}"),
        }
    }
}
