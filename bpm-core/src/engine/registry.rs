//! What an engine can run: definitions, the handlers of built ones, shared states.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;

use bpm_model::policy::Policy;
use bpm_model::spell;

use crate::definition::ProcessDefinition;
use crate::error::StartError;
use crate::json::Json;
use crate::task::{ServiceTask, StateType, States, TaskContext, TaskError};
use crate::thrown::Raised;
use crate::vars::{Attempt, Values};

/// Begins an attempt with the variables of its instance.
type Run = dyn Fn(&Values, TaskContext) -> Result<Attempt, TaskError> + Send + Sync;

/// What runs a service task of built definitions.
#[derive(Clone)]
pub(super) struct Handler {
    pub(super) run: Arc<Run>,
    /// The states that it takes, and its own policy: those of a `#[service_task]`.
    states: Vec<StateType>,
    policy: Policy,
    /// The `#[service_task]`.
    task: Option<TypeId>,
}

/// A definition with what runs its service tasks. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Registered {
    pub(super) definition: ProcessDefinition,
    pub(super) handlers: Arc<HashMap<String, Handler>>,
}

/// All definitions of an engine, by name and version.
#[derive(Default)]
pub(super) struct Registry {
    definitions: BTreeMap<(String, u32), Registered>,
}

impl Registry {
    /// Takes definitions in; the same one twice is one.
    pub(super) fn new(
        definitions: Vec<ProcessDefinition>,
        handlers: HashMap<String, Handler>,
    ) -> Result<Self, StartError> {
        let handlers = Arc::new(handlers);
        let mut registry = Self::default();
        for definition in definitions {
            let own = |task: &str| handlers.get(task).map_or(Policy::NONE, |known| known.policy);
            let definition = definition.with_policies(own);
            registry.add(Registered { definition, handlers: Arc::clone(&handlers) })?;
        }
        Ok(registry)
    }

    fn add(&mut self, registered: Registered) -> Result<(), StartError> {
        let (name, version) =
            (registered.definition.name().to_owned(), registered.definition.version());
        if let Some(other) = self.get(&name, version)
            && other.definition.fingerprint() != registered.definition.fingerprint()
        {
            return Err(StartError::TwoDefinitions { name, version });
        }
        self.definitions.insert((name, version), registered);
        Ok(())
    }

    pub(super) fn get(&self, name: &str, version: u32) -> Option<&Registered> {
        self.definitions.get(&(name.to_owned(), version))
    }

    /// The highest version of a process.
    pub(super) fn latest(&self, name: &str) -> Option<&Registered> {
        let versions = (name.to_owned(), 0)..=(name.to_owned(), u32::MAX);
        self.definitions.range(versions).next_back().map(|(_, registered)| registered)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Registered> {
        self.definitions.values()
    }

    /// The names of all processes.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.definitions.keys().map(|(name, _)| name.clone()).collect();
        names.dedup();
        names
    }

    /// Whether every service task can run: its states are there, or a handler is.
    pub(super) fn check(&self, states: &States) -> Result<(), StartError> {
        self.iter().try_for_each(|registered| match registered.definition.visit() {
            Some(_) => check_states(&registered.definition, states),
            None => check_handlers(registered, states),
        })
    }

    /// Whether no definition has more nodes than the bound.
    pub(super) fn check_sizes(&self, limit: usize) -> Result<(), StartError> {
        self.iter().try_for_each(|Registered { definition, .. }| {
            let nodes = definition.graph().nodes.len();
            let process = definition.name().to_owned();
            let fits = nodes <= limit;
            fits.then_some(()).ok_or(StartError::TooManyNodes { process, nodes, limit })
        })
    }
}

fn check_states(definition: &ProcessDefinition, states: &States) -> Result<(), StartError> {
    let signatures = definition.signatures().into_iter();
    for signature in signatures.filter(|signature| !states.replaces(signature.task)) {
        if let Some(state) = signature.states.iter().find(|&&state| !states.has(state)) {
            return Err(StartError::MissingState {
                process: definition.name().to_owned(),
                task: signature.name.to_owned(),
                state: state.name().to_owned(),
            });
        }
    }
    Ok(())
}

fn check_handlers(registered: &Registered, states: &States) -> Result<(), StartError> {
    let process = registered.definition.name();
    registered.definition.service_tasks().into_iter().try_for_each(|task| {
        let Some(handler) = registered.handlers.get(task) else {
            return Err(missing_handler(process, task, &registered.handlers));
        };
        let replaced = handler.task.is_some_and(|task| states.replaces(task));
        match handler.states.iter().find(|&&state| !replaced && !states.has(state)) {
            Some(state) => Err(StartError::MissingState {
                process: process.to_owned(),
                task: task.to_owned(),
                state: state.name().to_owned(),
            }),
            None => Ok(()),
        }
    })
}

fn missing_handler(process: &str, task: &str, handlers: &HashMap<String, Handler>) -> StartError {
    let mut known: Vec<&str> = handlers.keys().map(String::as_str).collect();
    known.sort_unstable();
    StartError::MissingHandler {
        process: process.to_owned(),
        task: task.to_owned(),
        nearest: spell::nearest(task, known).map(str::to_owned),
    }
}

/// Makes a handler of an async closure over JSON and the attempt's context.
pub(super) fn handler<F, Fut, T, E>(run: F) -> Handler
where
    F: Fn(serde_json::Value, TaskContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: serde::Serialize,
    E: Into<TaskError>,
{
    let run = move |values: &Values, cx: TaskContext| {
        let attempt = run(object(values)?, cx);
        let attempt: Attempt = Box::pin(async move {
            let output = attempt.await.map_err(|error| Raised::new::<TaskError>(error.into()))?;
            Json::of(&output).map_err(|error| Raised::new(TaskError::permanent(error)))
        });
        Ok(attempt)
    };
    Handler { run: Arc::new(run), states: Vec::new(), policy: Policy::NONE, task: None }
}

/// Makes a handler of a `#[service_task]`, whose arguments are variables.
pub(super) fn task<K: ServiceTask>() -> Handler {
    let run = |values: &Values, cx: TaskContext| {
        let attempt = K::with_variables(cx, values)?;
        let attempt: Attempt = Box::pin(async move {
            let output = K::finish(attempt.await).map_err(Raised::new)?;
            Json::of(&output).map_err(|error| Raised::new(TaskError::permanent(error)))
        });
        Ok(attempt)
    };
    let (states, policy) = (K::states(), K::POLICY);
    Handler { run: Arc::new(run), states, policy, task: Some(TypeId::of::<K>()) }
}

/// The variables as one JSON object. What nests too deep cannot be made a value.
fn object(values: &Values) -> Result<serde_json::Value, TaskError> {
    let field = |(key, json): (&str, &Json)| match json.decode() {
        Ok(value) => Ok((key.to_owned(), value)),
        Err(error) => {
            Err(TaskError::permanent(format!("the variable `{key}` cannot be read: {error}")))
        }
    };
    let fields: Result<_, _> = values.iter().map(field).collect();
    fields.map(serde_json::Value::Object)
}
