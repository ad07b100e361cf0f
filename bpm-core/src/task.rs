//! Service tasks: the functions that do the work, what they may ask for and how they fail.

mod double;

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use bpm_model::policy::Policy;
use serde::de::DeserializeOwned;

use crate::event::FailureKind;
use crate::ids::InstanceId;
use crate::json::Json;
use crate::vars::{Values, Variable};

#[doc(hidden)]
pub use double::{Answer, Doubles, Fails};

/// A function that is marked with `#[service_task]`.
///
/// The macro implements it for a type with the function's name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service task",
    label = "not a service task",
    note = "mark the function with `#[service_task]`"
)]
pub trait ServiceTask: Sized + Send + 'static {
    /// What the function returns: a value, or a `Result`.
    type Return: Send + 'static;
    /// The value on success.
    type Output: Variable;
    /// The error on failure.
    type Error: Into<TaskError> + Send + 'static;
    /// What the process passes: the only argument, or a tuple of them.
    type Arguments<'a>;
    /// The function's name.
    const NAME: &'static str;
    /// The type of [`KEY`](Self::KEY): `Key<Self>`. A type of its own, so that what is no task has
    /// no key either and rustc says so once.
    type Key;
    /// The task as a value.
    const KEY: Self::Key;

    /// The task ready to be called with its arguments.
    fn on(cx: TaskContext) -> Self;

    /// The returned value as a result.
    fn finish(returned: Self::Return) -> Result<Self::Output, Self::Error>;

    /// The clauses of `#[service_task(…)]`.
    const POLICY: Policy = Policy::NONE;

    /// The shared states that it takes.
    fn states() -> Vec<StateType>;

    /// An attempt whose arguments are the variables with the parameters' names: how processes that
    /// are data call it.
    fn with_variables(
        cx: TaskContext,
        variables: &Values,
    ) -> Result<Called<Self::Return>, TaskError>;
}

/// A task that was called and gives what its function returns.
pub type Called<R> = Pin<Box<dyn Future<Output = R> + Send>>;

/// A service task as a value.
pub struct Key<K>(PhantomData<fn() -> K>);

impl<K> Clone for Key<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Key<K> {}

impl<K> Key<K> {
    /// The key of a type.
    #[doc(hidden)]
    pub const NEW: Self = Key(PhantomData);
}

impl<K: ServiceTask> Key<K> {
    /// Its result is kept in this variable.
    pub fn sets(self, _: crate::vars::Var<K::Output>) {}

    /// Patterns of boundary events are matched against its error.
    #[doc(hidden)]
    pub fn fails(self, _: crate::thrown::Thrown<K::Error>) {}

    /// The task ready to be called, in the context of an attempt.
    pub fn on(self, cx: crate::vars::Cx) -> K {
        match cx {
            crate::vars::Cx::Run(cx) => K::on(cx),
            _ => unreachable!("a service task is visited to run or to be described"),
        }
    }
}

/// A service task by name, and the states that it takes.
#[derive(Clone, Debug)]
pub struct TaskSignature {
    /// The function's name.
    pub name: &'static str,
    /// The states that it takes.
    pub states: Vec<StateType>,
    /// Its own policy.
    pub policy: Policy,
    pub(crate) task: TypeId,
}

impl TaskSignature {
    /// The signature of a task.
    pub fn of<K: ServiceTask>() -> Self {
        Self { name: K::NAME, states: K::states(), policy: K::POLICY, task: TypeId::of::<K>() }
    }
}

/// The type of a shared state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateType {
    id: TypeId,
    name: &'static str,
}

impl StateType {
    /// The type `T`.
    pub fn of<T: Send + Sync + 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    /// Its name, for messages.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// The shared states of an engine: one value a type.
#[derive(Clone, Default)]
pub struct States(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl States {
    /// Adds a value; a second one of the same type replaces the first.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
    }

    /// Whether there is a value of this type.
    pub fn has(&self, state: StateType) -> bool {
        self.0.contains_key(&state.id)
    }

    /// Whether a double stands in for the task, so that it needs no state.
    pub(crate) fn replaces(&self, task: TypeId) -> bool {
        self.get::<Doubles>().is_some_and(|doubles| doubles.replaces(task))
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.0.get(&TypeId::of::<T>()).cloned().and_then(|state| state.downcast().ok())
    }
}

/// A value that all tasks of an engine share, taken as a parameter: `stock: State<Warehouse>`.
pub struct State<T>(Arc<T>);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What an attempt knows of itself, taken as a parameter: `cx: TaskContext`.
#[derive(Clone)]
pub struct TaskContext(Arc<Running>);

pub(crate) struct Running {
    pub(crate) instance: InstanceId,
    pub(crate) key: Option<String>,
    pub(crate) node: String,
    pub(crate) visit: u64,
    pub(crate) attempt: u32,
    pub(crate) stop: Arc<Stop>,
    pub(crate) states: Arc<States>,
    pub(crate) beat: Box<dyn Fn(Json) + Send + Sync>,
    pub(crate) last_heartbeat: Option<Json>,
}

/// Tells an attempt to stop.
#[derive(Default)]
pub(crate) struct Stop {
    told: AtomicBool,
    /// Whether the attempt does nothing more but wait to be dropped.
    hangs: AtomicBool,
    wake: Notify,
}

impl Stop {
    pub(crate) fn tell(&self) {
        self.told.store(true, Ordering::Release);
        self.wake.notify_waiters();
    }

    pub(crate) fn hangs(&self) -> bool {
        self.hangs.load(Ordering::Acquire)
    }

    async fn told(&self) {
        loop {
            let woken = self.wake.notified();
            if self.told.load(Ordering::Acquire) {
                return;
            }
            woken.await;
        }
    }
}

impl TaskContext {
    pub(crate) fn new(running: Running) -> Self {
        Self(Arc::new(running))
    }

    /// The number of this attempt, from 1.
    pub fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// The same for every attempt of one visit of the activity, and for nothing else.
    pub fn idempotency_key(&self) -> IdempotencyKey {
        IdempotencyKey { instance: self.0.instance, node: self.0.node.clone(), visit: self.0.visit }
    }

    /// The instance that the attempt works for.
    pub fn instance(&self) -> InstanceId {
        self.0.instance
    }

    /// The instance's business key, if it was started with one.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// Says that the attempt goes on and how far it is, and restarts its `timeout`.
    ///
    /// What was said last is seen by `Engine::attempts` while the attempt runs. When the attempt
    /// fails or times out it is stored with that, and is what [`last_heartbeat`] gives to the next
    /// one. What a lost attempt said is lost. A value of more bytes than
    /// `EngineOptions::payload_bytes` as JSON restarts the timeout and is not kept.
    ///
    /// [`last_heartbeat`]: Self::last_heartbeat
    pub fn heartbeat(&self, progress: serde_json::Value) {
        (self.0.beat)(Json::from(&progress));
    }

    /// What the attempts before this one said last, of the same visit of the activity; `None` if
    /// none of those that failed or timed out said anything.
    pub fn last_heartbeat(&self) -> Option<serde_json::Value> {
        self.0.last_heartbeat.as_ref().and_then(|last| last.decode().ok())
    }

    /// Resolves when the attempt is told to stop: its instance failed or was cancelled, or the
    /// engine shuts down. An attempt that goes on is dropped after the grace time. One that gives
    /// up with an error because the engine shuts down runs again at the next start, unless the
    /// error is permanent.
    pub async fn cancelled(&self) {
        self.0.stop.told().await;
    }

    /// What stands in for this call of the task, if anything does. A call that is to hang never
    /// gets an answer.
    #[doc(hidden)]
    pub async fn double<K: ServiceTask>(&self) -> Option<Answer<K>> {
        let doubles = self.0.states.get::<Doubles>()?;
        match doubles.call::<K>()? {
            Some(answer) => Some(answer),
            None => {
                self.0.stop.hangs.store(true, Ordering::Release);
                doubles.hang();
                std::future::pending().await
            }
        }
    }

    /// The shared state of type `T`.
    #[doc(hidden)]
    pub fn state<T: Send + Sync + 'static>(&self) -> State<T> {
        match self.0.states.get() {
            Some(state) => State(state),
            None => {
                unreachable!("the engine does not start without the state {}", type_name::<T>())
            }
        }
    }
}

/// Names one visit of one activity of one instance: `<instance>/<node>/<visit>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    instance: InstanceId,
    node: String,
    visit: u64,
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.instance, self.node, self.visit)
    }
}

/// Why an attempt failed.
///
/// Every error converts into it, `anyhow::Error` and strings included, and is then worth another
/// attempt; [`TaskError::permanent`] says that it is not. It does not implement [`Error`] itself,
/// so that the conversion can take every error.
#[derive(Debug)]
pub struct TaskError {
    retryable: bool,
    source: Box<dyn Error + Send + Sync>,
}

impl TaskError {
    /// An error that another attempt cannot mend.
    pub fn permanent(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { retryable: false, source: error.into() }
    }

    /// An error that another attempt may mend.
    pub fn retryable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { retryable: true, source: error.into() }
    }

    /// A stored value that no longer reads as its type: nobody's failure, but for a person to mend.
    pub(crate) fn unreadable(what: String) -> Self {
        Self::permanent(Unreadable(what))
    }

    /// What sort of failure it is when the process's own code stops with it.
    pub(crate) fn kind(&self) -> FailureKind {
        if self.source.is::<Unreadable>() { FailureKind::Unreadable } else { FailureKind::Code }
    }

    /// Whether another attempt may mend it.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The error and the errors that caused it, outermost first.
    pub fn chain(&self) -> Vec<String> {
        crate::thrown::chain(self.source.as_ref())
    }
}

/// A stored value does not read as its type.
#[derive(Debug)]
struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unreadable {}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for TaskError {
    fn from(error: E) -> Self {
        Self::retryable(error)
    }
}

/// Reads the argument of a task from the variable with the parameter's name.
#[doc(hidden)]
pub struct Argument<T> {
    task: &'static str,
    parameter: &'static str,
    ty: PhantomData<T>,
}

impl<T> Argument<T> {
    pub fn new(task: &'static str, parameter: &'static str) -> Self {
        Self { task, parameter, ty: PhantomData }
    }

    fn cannot(&self, why: impl fmt::Display) -> TaskError {
        let Self { task, parameter, .. } = self;
        TaskError::permanent(format!("parameter `{parameter}` of task `{task}`: {why}"))
    }
}

impl<T: DeserializeOwned> Argument<T> {
    pub fn read(&self, variables: &Values) -> Result<T, TaskError> {
        let Some(value) = variables.get(self.parameter) else {
            return Err(self.cannot("there is no variable of this name"));
        };
        value.decode().map_err(|error| self.cannot(error))
    }
}

/// The answer of [`Argument`] for types that JSON cannot give.
#[doc(hidden)]
pub trait ArgumentOther<T> {
    fn read(&self, variables: &Values) -> Result<T, TaskError>;
}

impl<T> ArgumentOther<T> for Argument<T> {
    fn read(&self, _: &Values) -> Result<T, TaskError> {
        Err(self.cannot("its type cannot be read from a variable"))
    }
}

/// Decides by a constant whether a type is a `Result`; see [`Pick`].
#[doc(hidden)]
pub struct Probe<R>(PhantomData<R>);

impl<T, E> Probe<Result<T, E>> {
    pub const IS: bool = true;
}

/// The answer of [`Probe`] for every other type.
#[doc(hidden)]
pub trait ProbeOther {
    const IS: bool = false;
}

impl<R> ProbeOther for Probe<R> {}

/// What a task's return type means, picked by [`Probe`]: two blanket impls would overlap.
#[doc(hidden)]
pub struct Pick<R, const IS_RESULT: bool>(PhantomData<R>);

/// A task's return type as value and error.
#[doc(hidden)]
pub trait TaskResult {
    type Return;
    type Ok;
    type Err;
    fn finish(returned: Self::Return) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> TaskResult for Pick<Result<T, E>, true> {
    type Return = Result<T, E>;
    type Ok = T;
    type Err = E;
    fn finish(returned: Result<T, E>) -> Result<T, E> {
        returned
    }
}

impl<T> TaskResult for Pick<T, false> {
    type Return = T;
    type Ok = T;
    type Err = Infallible;
    fn finish(returned: T) -> Result<T, Infallible> {
        Ok(returned)
    }
}
