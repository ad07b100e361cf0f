//! What a test engine is made of.

use std::future::Future;
use std::sync::Arc;

use bpm_core::definition::ProcessDefinition;
use bpm_core::engine::{Engine, EngineBuilder, EngineOptions};
use bpm_core::error::Error;
use bpm_core::process::Process;
use bpm_core::store::{self, Memory, Store};
use bpm_core::task::{Doubles, Fails, ServiceTask, TaskContext, TaskError};

use super::{Open, Recipe, TestEngine};
use crate::clock::TestClock;
use crate::coverage::Journal;

/// What a [`TestEngine`] is made of: what an `Engine` is, and doubles.
pub struct TestEngineBuilder {
    builder: EngineBuilder,
    definitions: Vec<ProcessDefinition>,
    open: Arc<Open>,
    clock: TestClock,
    doubles: Doubles,
}

impl TestEngineBuilder {
    pub(super) fn new() -> Self {
        let options = EngineOptions { workers: 1, jitter_seed: 0, ..EngineOptions::default() };
        let memory = Memory::new();
        Self {
            builder: Engine::builder().options(options),
            definitions: Vec::new(),
            open: Arc::new(move || Ok(Arc::new(memory.clone()))),
            clock: TestClock::new(),
            doubles: Doubles::default(),
        }
    }

    fn with(mut self, change: impl FnOnce(EngineBuilder) -> EngineBuilder) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// How the store is opened, at the start and at every restart:
    /// `.store(move || Sqlite::open(&path))`. A memory store otherwise.
    pub fn store<S: Store>(
        mut self,
        open: impl Fn() -> Result<S, store::Error> + Send + Sync + 'static,
    ) -> Self {
        self.open = Arc::new(move || Ok(Arc::new(open()?)));
        self
    }

    /// Adds a process that is written with `workflow!`.
    pub fn process<P: Process>(self) -> Self {
        self.definition(P::definition())
    }

    /// Adds a definition.
    pub fn definition(mut self, definition: ProcessDefinition) -> Self {
        self.definitions.push(definition.clone());
        self.with(|builder| builder.definition(definition))
    }

    /// Handles a service task of built definitions.
    pub fn handler<F, Fut, T, E>(self, task: impl Into<String>, run: F) -> Self
    where
        F: Fn(serde_json::Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: serde::Serialize,
        E: Into<TaskError>,
    {
        self.with(|builder| builder.handler(task, run))
    }

    /// The same with what the attempt knows of itself.
    pub fn handler_with<F, Fut, T, E>(self, task: impl Into<String>, run: F) -> Self
    where
        F: Fn(serde_json::Value, TaskContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: serde::Serialize,
        E: Into<TaskError>,
    {
        self.with(|builder| builder.handler_with(task, run))
    }

    /// Handles a service task of built definitions by the `#[service_task]` of its name.
    pub fn task<K: ServiceTask>(self) -> Self {
        self.with(EngineBuilder::task::<K>)
    }

    /// Adds a value that tasks take as `State<T>`. A task that has a double needs none.
    pub fn state<T: Send + Sync + 'static>(self, state: T) -> Self {
        self.with(|builder| builder.state(state))
    }

    /// Sets the bounds. Without this one task runs at a time, and the jitter is always the same.
    pub fn options(self, options: EngineOptions) -> Self {
        self.with(|builder| builder.options(options))
    }

    /// Sets the clock, for a test that begins at a certain time or has several engines.
    pub fn clock(mut self, clock: TestClock) -> Self {
        self.clock = clock;
        self
    }

    /// Lets a double answer every call of a task: from the arguments, typed as the task declares
    /// them, to what the task returns. One argument comes as it is, several come as a tuple, none
    /// as `()`.
    ///
    /// ```ignore
    /// .mock::<charge>(|order| Ok(Receipt { amount: order.total }))
    /// .mock::<pack>(|(order, reservation)| Ok(Parcel::of(order, reservation)))
    /// .mock::<today>(|()| "2026-01-31".to_owned())
    /// ```
    pub fn mock<K: ServiceTask>(
        self,
        double: impl for<'a> Fn(K::Arguments<'a>) -> K::Return + Send + Sync + 'static,
    ) -> Self {
        self.doubles.answer::<K>(Arc::new(double));
        self
    }

    /// Lets the first calls of a task fail with an error; the next ones go to its double, or to
    /// the task itself. Said several times, one comes behind the other.
    pub fn fail_first<K: ServiceTask>(
        self,
        times: u64,
        error: impl Fn() -> <K::Return as Fails>::Error + Send + Sync + 'static,
    ) -> Self
    where
        K::Return: Fails,
    {
        self.doubles.first::<K>(times, Arc::new(move |_| K::Return::fail(error())));
        self
    }

    /// Lets the first calls of a task never end: for tests of timeouts and of crashes in the
    /// middle of a task.
    pub fn hang_first<K: ServiceTask>(self, times: u64) -> Self {
        self.doubles.hang_first::<K>(times);
        self
    }

    /// Starts the engine.
    ///
    /// # Errors
    ///
    /// What `EngineBuilder::start` refuses, and what opening the store does.
    pub async fn start(self) -> Result<TestEngine, Error> {
        let Self { builder, definitions, open, clock, doubles } = self;
        let builder = builder.clock(clock.clone()).doubles(doubles.clone());
        let journal = Arc::new(Journal::new(definitions));
        Recipe { builder, open, clock, doubles, journal }.start().await
    }
}
