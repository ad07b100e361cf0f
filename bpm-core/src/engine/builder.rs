//! From a builder to a running engine: definitions checked, threads started, work resumed.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::runtime::{Handle, Runtime};
use tokio::sync::Semaphore;

use crate::clock::{Clock, SystemClock};
use crate::definition::ProcessDefinition;
use crate::error::{Error, StartError};
use crate::failpoint;
use crate::process::Process;
use crate::store::Store;
use crate::task::{Doubles, ServiceTask, States, TaskContext, TaskError};

use super::by_hand::ByHand;
use super::dispatcher::Dispatcher;
use super::mailbox::Mailbox;
use super::options::EngineOptions;
use super::recovery::{self, Recovered};
use super::registry::{Handler, Registry, handler, task};
use super::shared::{EngineTime, Shared, Watchers};
use super::statistics::Counters;
use super::timers::Timers;
use super::unreadable::Unreadable;
use super::workers::Workers;
use super::writer::Writer;
use super::{Background, Engine, Owner};

/// What an engine is made of.
#[derive(Clone, Default)]
pub struct EngineBuilder {
    store: Option<Arc<dyn Store>>,
    definitions: Vec<ProcessDefinition>,
    handlers: HashMap<String, Handler>,
    states: States,
    options: EngineOptions,
    clock: Option<Arc<dyn Clock>>,
}

impl EngineBuilder {
    /// Where instances live. Required.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Adds a process that is written with `workflow!`.
    pub fn process<P: Process>(self) -> Self {
        self.definition(P::definition())
    }

    /// Adds a definition.
    pub fn definition(mut self, definition: ProcessDefinition) -> Self {
        self.definitions.push(definition);
        self
    }

    /// Handles a service task of built definitions: an async closure from the variables, as one
    /// JSON object, to an object that is merged into them.
    pub fn handler<F, Fut, T, E>(self, task: impl Into<String>, run: F) -> Self
    where
        F: Fn(serde_json::Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: serde::Serialize,
        E: Into<TaskError>,
    {
        self.handler_with(task, move |variables, _| run(variables))
    }

    /// The same with what the attempt knows of itself: its number, its idempotency key, and when
    /// it is told to stop.
    pub fn handler_with<F, Fut, T, E>(mut self, task: impl Into<String>, run: F) -> Self
    where
        F: Fn(serde_json::Value, TaskContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: serde::Serialize,
        E: Into<TaskError>,
    {
        self.handlers.insert(task.into(), handler(run));
        self
    }

    /// Handles a service task of built definitions by the `#[service_task]` of its name: each
    /// parameter takes the variable with its name, and what the task returns is merged into the
    /// variables. The states that it takes and its policy are its own.
    pub fn task<K: ServiceTask>(mut self) -> Self {
        self.handlers.insert(K::NAME.to_owned(), task::<K>());
        self
    }

    /// Adds a value that tasks take as `State<T>`: one a type.
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// Lets doubles stand in for service tasks. For tests.
    #[doc(hidden)]
    pub fn doubles(self, doubles: Doubles) -> Self {
        self.state(doubles)
    }

    /// Sets the bounds.
    pub fn options(mut self, options: EngineOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets where time comes from: the machine's clocks otherwise.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Starts the engine: checks what it was given against what is stored, starts its threads and
    /// goes on with every instance that had work in flight.
    pub async fn start(self) -> Result<Engine, Error> {
        let runtime = self.runtime()?;
        let handle = runtime.handle().clone();
        let runtime = Background(Some(runtime));
        let tasks = handle.clone();
        let started = handle.spawn_blocking(move || self.boot(tasks, runtime)).await;
        started.map_err(|_| Error::Stopped)?
    }

    fn runtime(&self) -> Result<Runtime, StartError> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(self.options.task_threads.max(1))
            .thread_name("bpm-task")
            .enable_all()
            .build()
            .map_err(|error| StartError::Threads(error.to_string()))
    }

    fn boot(self, tasks: Handle, runtime: Background) -> Result<Engine, Error> {
        let Prepared { shared, states, timers, recovered } = self.prepare(tasks)?;
        let dispatcher = start_threads(&shared, states, timers)?;
        recovery::resume(&shared, &recovered);
        let owner = Owner {
            dispatcher: Mutex::new(Some(dispatcher)),
            _runtime: runtime,
            shared: Arc::clone(&shared),
        };
        Ok(Engine { shared, recovered: Arc::new(recovered), _owner: Arc::new(owner) })
    }

    /// The same engine without threads: see [`by_hand`](super::by_hand).
    #[doc(hidden)]
    pub fn start_by_hand(self, tasks: Handle) -> Result<ByHand, Error> {
        let Prepared { shared, states, timers, recovered } = self.prepare(tasks)?;
        let (writer, jobs) = Writer::by_hand();
        let workers = workers(&shared, states);
        let dispatcher = Dispatcher::new(Arc::clone(&shared), workers, writer, timers);
        recovery::resume(&shared, &recovered);
        Ok(ByHand::new(shared, dispatcher, jobs))
    }

    /// Checks what was given against what is stored, and looks what must go on.
    fn prepare(self, tasks: Handle) -> Result<Prepared, Error> {
        let store = self.store.ok_or(StartError::NoStore)?;
        let registry = Registry::new(self.definitions, self.handlers)?;
        registry.check(&self.states)?;
        registry.check_sizes(self.options.nodes_per_definition)?;
        recovery::agree(&*store, &registry)?;
        let recovered = recovery::look(&*store, &registry)?;
        failpoint!(RecoveryLooked);
        let timers = Timers::load(&*store, self.options.timers_in_memory)?;
        failpoint!(TimersLoaded);
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let shared = Arc::new(Shared {
            clock: Arc::new(EngineTime::from(clock, store.latest()?)),
            store,
            registry,
            mailbox: Arc::new(Mailbox::default()),
            watchers: Watchers::new(self.options.watch_turns),
            counters: Counters::default(),
            unreadable: Unreadable::default(),
            calls: Arc::new(Semaphore::new(self.options.dispatcher_calls.max(1))),
            runtime: tasks,
            options: self.options,
        });
        let mailbox = Arc::clone(&shared.mailbox);
        shared.clock.on_advance(Box::new(move || mailbox.wake()));
        Ok(Prepared { shared, states: Arc::new(self.states), timers, recovered })
    }
}

/// What an engine's threads need.
struct Prepared {
    shared: Arc<Shared>,
    states: Arc<States>,
    timers: Timers,
    recovered: Recovered,
}

fn start_threads(
    shared: &Arc<Shared>,
    states: Arc<States>,
    timers: Timers,
) -> Result<std::thread::JoinHandle<()>, StartError> {
    let failed = |error: std::io::Error| StartError::Threads(error.to_string());
    let mailbox = &shared.mailbox;
    let writer = Writer::start(Arc::clone(&shared.store), Arc::clone(mailbox)).map_err(failed)?;
    let workers = workers(shared, states);
    let dispatcher = Dispatcher::new(Arc::clone(shared), workers, writer, timers);
    std::thread::Builder::new()
        .name("bpm-dispatcher".to_owned())
        .spawn(move || dispatcher.run())
        .map_err(failed)
}

fn workers(shared: &Arc<Shared>, states: Arc<States>) -> Workers {
    let options = &shared.options;
    let (tasks, mailbox) = (shared.runtime.clone(), Arc::clone(&shared.mailbox));
    let clock = Arc::clone(&shared.clock);
    Workers::new(tasks, mailbox, clock, states, options)
}
