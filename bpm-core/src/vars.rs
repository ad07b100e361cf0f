//! Process variables: how compiled processes read, set and hand over values.
//!
//! `workflow!` emits one function a process ([`Visit`]). The engine calls it with a node's index
//! and gets back what the node does ([`Visited`]).

use std::any::Any;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bpm_model::graph::Graph;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::event::Failure;
use crate::ids::InstanceId;
use crate::json::Json;
use crate::task::{Key, ServiceTask, TaskContext, TaskError, TaskSignature};
use crate::thrown::{Raised, Thrown};

/// What can be a process variable.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a process variable",
    label = "this value would have to be stored",
    note = "process variables are `Clone + Serialize + DeserializeOwned + Send + Sync + 'static`"
)]
pub trait Variable: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static> Variable for T {}

/// The values of an instance's variables, by key. Cloning is cheap; setting copies on write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(Arc<BTreeMap<Cow<'static, str>, Json>>);

impl Values {
    /// The value of a variable.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.0.get(key)
    }

    /// Sets a variable.
    pub fn set(&mut self, key: Cow<'static, str>, value: Json) {
        Arc::make_mut(&mut self.0).insert(key, value);
    }

    /// All values in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

/// The typed handle of a variable: an index into [`Graph::variables`].
pub struct Var<T> {
    index: usize,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Var<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Var<T> {}

impl<T> Var<T> {
    /// The handle of the variable with this index.
    pub const fn new(index: usize) -> Self {
        Self { index, value: PhantomData }
    }

    /// The handle of a parameter, with the type of its field in the input struct.
    pub const fn parameter<P>(index: usize, _: fn(&P) -> &T) -> Self {
        Self::new(index)
    }

    /// The same name and type in another place: a private copy of a branch, a name of an arm.
    pub const fn at(self, index: usize) -> Self {
        Self::new(index)
    }

    /// Ties a Rust variable to the handle's type in code that never runs.
    pub fn value(self) -> T {
        unreachable!("only code that never runs asks a handle for a value")
    }
}

/// The function that `workflow!` emits: what the node with this index does.
pub type Visit = fn(usize, &Vars<'_>, Cx) -> Result<Visited, TaskError>;

/// Why the engine visits a node.
pub enum Cx {
    /// To run a script, take a choice, open a user task or end: pure, inside the turn.
    Evaluate,
    /// To run an attempt of a service task.
    Run(TaskContext),
    /// To ask whether a value from outside fits the variable that the node sets.
    Accept(Json),
    /// To ask whether a boundary event catches a failure of its activity or scope.
    Catch(Failure),
    /// To ask what the service task of the node needs.
    Describe,
}

impl Cx {
    /// Whether the visit only asks about the node: its expressions are not evaluated.
    pub fn asks(&self) -> bool {
        matches!(self, Cx::Accept(_) | Cx::Describe)
    }

    /// The failure that a boundary event is asked about.
    pub fn failure(self) -> Option<Failure> {
        match self {
            Cx::Catch(failure) => Some(failure),
            _ => None,
        }
    }
}

/// What a node does, as the compiled process says.
pub struct Visited(pub(crate) Does);

pub(crate) enum Does {
    /// The attempt of a service task.
    Attempt(Attempt),
    /// Nothing but setting what was kept.
    Pass,
    /// Takes the n-th way out.
    Port(usize),
    /// Opens a user task.
    User(Work),
    /// Waits until a time.
    Wait(Timestamp),
    /// Waits until the wall clock shows a time.
    WaitUntil(Timestamp),
    /// Ends the instance with a result.
    End(Json),
    /// Fails the instance, for this reason.
    Fail(String),
    /// Whether a boundary event catches the failure.
    Caught(bool),
    /// The value from outside fits.
    Accepted,
    /// What the service task needs.
    Signature(TaskSignature),
}

/// A running attempt: gives the result as JSON.
pub(crate) type Attempt = Pin<Box<dyn Future<Output = Result<Json, Raised>> + Send>>;

/// What a user task shows and for whom it is.
#[derive(Clone, Debug, Default)]
pub struct Work {
    form: serde_json::Map<String, serde_json::Value>,
    pub(crate) group: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) due: Option<Timestamp>,
    pub(crate) priority: Option<i64>,
    failed: Option<String>,
}

impl Work {
    /// An empty form for nobody in particular.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field of the form.
    pub fn field<T: Serialize>(&mut self, name: &str, value: T) {
        match serde_json::to_value(value) {
            Ok(value) => drop(self.form.insert(name.to_owned(), value)),
            Err(error) => self.failed = Some(format!("field `{name}`: {error}")),
        }
    }

    /// `for group expr`.
    pub fn group(&mut self, group: impl Into<String>) {
        self.group = Some(group.into());
    }

    /// `for user expr`.
    pub fn user(&mut self, user: impl Into<String>) {
        self.user = Some(user.into());
    }

    /// `due expr`.
    pub fn due(&mut self, due: impl Into<Timestamp>) {
        self.due = Some(due.into());
    }

    /// `due 3d`: so many milliseconds after `now`.
    pub fn due_after(&mut self, now: Timestamp, millis: u64) {
        self.due = Some(now.after(Duration::from_millis(millis)));
    }

    /// `priority expr`.
    pub fn priority(&mut self, priority: impl Into<i64>) {
        self.priority = Some(priority.into());
    }

    pub(crate) fn form(&self) -> Json {
        Json::of(&self.form).unwrap_or_else(|_| Json::null())
    }
}

/// What expressions know of their instance as `process`.
#[derive(Clone, Debug)]
pub struct Current {
    /// The time of the turn.
    pub now: Timestamp,
    /// The instance's id.
    pub id: InstanceId,
    /// The business key, if it was started with one.
    pub key: Option<String>,
}

impl Current {
    /// No instance: for visits that only ask.
    pub(crate) fn nobody() -> Self {
        Self { now: Timestamp::default(), id: InstanceId::from_bytes([0; 16]), key: None }
    }
}

/// An instance's variables as one visit sees them.
pub struct Vars<'a> {
    graph: &'a Graph,
    values: &'a Values,
    current: &'a Current,
    kept: RefCell<Vec<(usize, Json)>>,
    /// The error that boundary events of a service task are asked about.
    thrown: RefCell<Option<Box<dyn Any + Send>>>,
    /// The texts of the error that a boundary event takes apart.
    told: RefCell<Vec<String>>,
}

impl<'a> Vars<'a> {
    pub(crate) fn new(graph: &'a Graph, values: &'a Values, current: &'a Current) -> Self {
        let (kept, thrown, told) = Default::default();
        Self { graph, values, current, kept, thrown, told }
    }

    /// The same with the error that a boundary event of its task is asked about.
    pub(crate) fn with_thrown(self, error: Box<dyn Any + Send>) -> Self {
        *self.thrown.borrow_mut() = Some(error);
        self
    }

    /// The error, if no boundary event took it apart.
    pub(crate) fn take_thrown(&self) -> Option<Box<dyn Any + Send>> {
        self.thrown.take()
    }

    /// The texts of the error that a boundary event took apart, and of its causes.
    pub(crate) fn take_told(&self) -> Vec<String> {
        self.told.take()
    }

    /// The values that the visit set, in order.
    pub(crate) fn into_kept(self) -> Vec<(usize, Json)> {
        self.kept.into_inner()
    }

    /// Reads a variable.
    pub fn get<T: DeserializeOwned>(&self, var: Var<T>) -> Result<T, TaskError> {
        let variable = &self.graph.variables[var.index];
        let Some(value) = self.values.get(&variable.key) else {
            return Err(TaskError::permanent(format!("variable `{}` is not set", variable.name)));
        };
        value.decode().map_err(|error| {
            TaskError::permanent(format!(
                "variable `{}` no longer reads as its type: {error}",
                variable.name
            ))
        })
    }

    /// The graph: for code that reads there what its nodes do, as random processes do.
    #[doc(hidden)]
    pub fn graph(&self) -> &'a Graph {
        self.graph
    }

    /// What expressions see as `process`.
    pub fn process(&self) -> Current {
        self.current.clone()
    }

    /// Sets a variable that a pattern bound.
    pub fn keep<T: Variable>(&self, value: T, var: Var<T>) -> Result<(), TaskError> {
        let json = Json::of(&value).map_err(|error| self.unstorable(var.index, &error))?;
        self.kept.borrow_mut().push((var.index, json));
        Ok(())
    }

    fn unstorable(&self, index: usize, error: &serde_json::Error) -> TaskError {
        let name = self.graph.variables.get(index).map_or("_", |variable| variable.name.as_ref());
        TaskError::permanent(format!("variable `{name}` cannot be stored: {error}"))
    }

    /// A service task: runs the future as one attempt.
    pub fn service<K: ServiceTask>(
        &self,
        _: Key<K>,
        attempt: impl Future<Output = K::Return> + Send + 'static,
    ) -> Result<Visited, TaskError> {
        let attempt = async move {
            let output = K::finish(attempt.await).map_err(Raised::new)?;
            Json::of(&output).map_err(|error| {
                let text = format!("the result of `{}` cannot be stored: {error}", K::NAME);
                Raised::new(TaskError::permanent(text))
            })
        };
        Ok(Visited(Does::Attempt(Box::pin(attempt))))
    }

    /// Answers what a visit asks about a service task.
    pub fn answer_service<K: ServiceTask>(&self, _: Key<K>, cx: Cx) -> Result<Visited, TaskError> {
        match cx {
            Cx::Describe => Ok(Visited(Does::Signature(TaskSignature::of::<K>()))),
            cx => self.accept::<K::Output>(cx),
        }
    }

    /// Answers whether a value from outside completes the user task.
    pub fn answer<T: Variable>(&self, _: UserTaskName<T>, cx: Cx) -> Result<Visited, TaskError> {
        self.accept::<T>(cx)
    }

    fn accept<T: Variable>(&self, cx: Cx) -> Result<Visited, TaskError> {
        match cx {
            Cx::Accept(value) => {
                value.decode::<T>().map_err(TaskError::permanent)?;
                Ok(Visited(Does::Accepted))
            }
            _ => self.done(),
        }
    }

    /// A script: sets a variable.
    pub fn script<T: Variable>(&self, var: Var<T>, value: T) -> Result<Visited, TaskError> {
        self.keep(value, var)?;
        self.done()
    }

    /// A choice: takes the n-th way out.
    pub fn port(&self, port: usize) -> Result<Visited, TaskError> {
        Ok(Visited(Does::Port(port)))
    }

    /// A boundary event: whether it catches the failure that it was asked about.
    pub fn caught(&self, matches: bool) -> Result<Visited, TaskError> {
        Ok(Visited(Does::Caught(matches)))
    }

    /// The error that a boundary event of a service task is asked about, for its pattern to take
    /// apart; none where the attempt gave no error, as when it panicked.
    #[doc(hidden)]
    pub fn thrown<E: 'static>(&self, _: Thrown<E>) -> Option<E> {
        let error = self.thrown.take()?.downcast::<E>();
        error.ok().map(|error| *error)
    }

    /// What the error says, in case the pattern takes it: its texts, else that of the pattern.
    #[doc(hidden)]
    pub fn told(&self, texts: Vec<String>, pattern: &str) {
        let texts = if texts.is_empty() { vec![pattern.to_owned()] } else { texts };
        *self.told.borrow_mut() = texts;
    }

    /// The pattern does not take the error: another one may.
    #[doc(hidden)]
    pub fn missed<E: Send + 'static>(&self, error: E) -> Result<Visited, TaskError> {
        *self.thrown.borrow_mut() = Some(Box::new(error));
        self.caught(false)
    }

    /// `wait D`: a timer that is due so long after this turn.
    pub fn wait(&self, duration: std::time::Duration) -> Result<Visited, TaskError> {
        Ok(Visited(Does::Wait(self.current.now.after(duration))))
    }

    /// `wait until T`: a timer that is due when the wall clock shows a time, at once if that is past.
    pub fn wait_until(&self, due: impl Into<Timestamp>) -> Result<Visited, TaskError> {
        Ok(Visited(Does::WaitUntil(due.into())))
    }

    /// A user task: opens it.
    pub fn user<T: Variable>(&self, _: UserTaskName<T>, work: Work) -> Result<Visited, TaskError> {
        match work.failed {
            Some(failed) => Err(TaskError::permanent(failed)),
            None => Ok(Visited(Does::User(work))),
        }
    }

    /// The start of a sequential `for`: evaluates the list once and keeps it.
    pub fn items<T: Variable>(
        &self,
        list: Var<Vec<T>>,
        cursor: Var<usize>,
        items: impl IntoIterator<Item = T>,
    ) -> Result<Visited, TaskError> {
        self.keep(items.into_iter().collect(), list)?;
        self.keep(0, cursor)?;
        self.done()
    }

    /// The head of a sequential `for`: the next item, or out of the loop.
    pub fn next<T: Variable>(
        &self,
        list: Var<Vec<T>>,
        cursor: Var<usize>,
    ) -> Result<Option<T>, TaskError> {
        let at = self.get(cursor)?;
        let list = self.get(Var::<Vec<Json>>::new(list.index))?;
        let Some(value) = list.get(at) else { return Ok(None) };
        self.keep(at + 1, cursor)?;
        value.decode().map(Some).map_err(TaskError::permanent)
    }

    /// `fail`: the instance fails, for this reason.
    pub fn fail(&self, reason: String) -> Result<Visited, TaskError> {
        Ok(Visited(Does::Fail(reason)))
    }

    /// The end of the instance, with its result.
    pub fn end<T: Variable>(&self, result: T) -> Result<Visited, TaskError> {
        let json = Json::of(&result).map_err(|error| {
            TaskError::permanent(format!("the result of the process cannot be stored: {error}"))
        })?;
        Ok(Visited(Does::End(json)))
    }

    /// Nothing more.
    pub fn done(&self) -> Result<Visited, TaskError> {
        Ok(Visited(Does::Pass))
    }
}

/// The typed name of a user task; `workflow!` emits one constant for each.
pub struct UserTaskName<T> {
    process: &'static str,
    name: &'static str,
    payload: PhantomData<fn() -> T>,
}

impl<T> UserTaskName<T> {
    /// The user task `name` of `process`.
    pub const fn new(process: &'static str, name: &'static str) -> Self {
        Self { process, name, payload: PhantomData }
    }

    /// What completes it is kept in this variable.
    pub fn sets(self, _: Var<T>) {}

    /// The name of the process that it belongs to.
    pub const fn process(&self) -> &'static str {
        self.process
    }

    /// Its own name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for UserTaskName<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for UserTaskName<T> {}
