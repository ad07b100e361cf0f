//! Workers: attempts in flight, bounded, each on the engine's own runtime.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::event::{Failure, FailureKind, TokenId};
use crate::ids::InstanceId;
use crate::json::Json;
use crate::step::panic_text;
use crate::task::{Running, States, Stop, TaskContext, TaskError};
use crate::vars::{Attempt, Current, Cx, Does, Values, Vars};

use super::mailbox::{Mailbox, Message, Over};
use super::registry::Registered;

/// An attempt that is due.
pub(super) struct Launch {
    pub(super) registered: Registered,
    pub(super) current: Current,
    pub(super) token: TokenId,
    pub(super) node: usize,
    pub(super) visit: u64,
    pub(super) attempt: u32,
    pub(super) values: Values,
}

impl Launch {
    fn node_id(&self) -> String {
        self.registered.definition.graph().nodes[self.node].id.to_string()
    }
}

/// An attempt that was launched.
struct InFlight {
    visit: u64,
    attempt: u32,
    node: String,
    stop: Arc<Stop>,
    abort: AbortHandle,
    /// When it is dropped, if it was told to stop.
    drop_at: Option<Instant>,
}

impl InFlight {
    /// Tells it to stop; told again, it gets no more time.
    fn stop(&mut self, drop_at: Instant) {
        self.stop.tell();
        self.drop_at = Some(self.drop_at.map_or(drop_at, |at| at.min(drop_at)));
    }
}

/// An attempt that ended without saying how.
pub(super) struct Dropped {
    pub(super) instance: InstanceId,
    pub(super) token: TokenId,
    pub(super) visit: u64,
    pub(super) attempt: u32,
    pub(super) node: String,
}

/// The attempts of an engine: those in flight, at most `bound`, and those that are due.
pub(super) struct Workers {
    runtime: Handle,
    mailbox: Arc<Mailbox>,
    states: Arc<States>,
    bound: usize,
    payload_bytes: usize,
    in_flight: HashMap<(InstanceId, TokenId), InFlight>,
    due: VecDeque<Launch>,
}

impl Workers {
    pub(super) fn new(
        runtime: Handle,
        mailbox: Arc<Mailbox>,
        states: Arc<States>,
        bound: usize,
        payload_bytes: usize,
    ) -> Self {
        let (in_flight, due) = (HashMap::new(), VecDeque::new());
        Self { runtime, mailbox, states, bound: bound.max(1), payload_bytes, in_flight, due }
    }

    /// Runs an attempt with the next [`launch_due`](Self::launch_due) at which there is a place.
    pub(super) fn launch(&mut self, launch: Launch) {
        self.due.push_back(launch);
    }

    /// Fills the free places, all in one go: one attempt at a time would wake a thread of the
    /// runtime for each, which sleeps again before the next one comes.
    pub(super) fn launch_due(&mut self) {
        while self.in_flight.len() < self.bound {
            let Some(launch) = self.due.pop_front() else { return };
            self.spawn(launch);
        }
    }

    fn spawn(&mut self, launch: Launch) {
        let (instance, token) = (launch.current.id, launch.token);
        let (visit, attempt) = (launch.visit, launch.attempt);
        let stop = Arc::new(Stop::default());
        let node = launch.node_id();
        let context = context(&launch, &self.states, &stop);
        let (mailbox, limit) = (Arc::clone(&self.mailbox), self.payload_bytes);
        let task = self.runtime.spawn(async move {
            let node = launch.node_id();
            let result = Caught::new(run(launch, context, limit)).await;
            let result = result.unwrap_or_else(|panic| Err(panicked(&node, &*panic)));
            mailbox.post(Message::Over(Over { instance, token, visit, attempt, node, result }));
        });
        let abort = task.abort_handle();
        let in_flight = InFlight { visit, attempt, node, stop, abort, drop_at: None };
        self.in_flight.insert((instance, token), in_flight);
    }

    /// Whether this was an attempt in flight; if so its place is free now.
    pub(super) fn finish(&mut self, over: &Over) -> bool {
        let key = (over.instance, over.token);
        let known = self
            .in_flight
            .get(&key)
            .is_some_and(|attempt| (attempt.visit, attempt.attempt) == (over.visit, over.attempt));
        if known {
            self.in_flight.remove(&key);
        }
        known
    }

    /// Tells an attempt to stop; it is dropped at `drop_at`. One that is still due never starts:
    /// it is over at once.
    pub(super) fn stop(
        &mut self,
        instance: InstanceId,
        token: TokenId,
        drop_at: Instant,
    ) -> Option<Dropped> {
        if let Some(attempt) = self.in_flight.get_mut(&(instance, token)) {
            attempt.stop(drop_at);
            return None;
        }
        let at = self.due.iter().position(|due| (due.current.id, due.token) == (instance, token));
        let due = self.due.remove(at?)?;
        let (visit, attempt) = (due.visit, due.attempt);
        Some(Dropped { instance, token, visit, attempt, node: due.node_id() })
    }

    /// Tells all attempts to stop; those that are due never start.
    pub(super) fn stop_all(&mut self, drop_at: Instant) {
        self.due.clear();
        for attempt in self.in_flight.values_mut() {
            attempt.stop(drop_at);
        }
    }

    /// Drops the attempts whose time is up, in the order of their ids.
    pub(super) fn drop_overdue(&mut self, now: Instant) -> Vec<Dropped> {
        let overdue = |attempt: &InFlight| attempt.drop_at.is_some_and(|at| at <= now);
        let attempts = self.in_flight.iter().filter(|(_, attempt)| overdue(attempt));
        let mut keys: Vec<_> = attempts.map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| self.drop_attempt(key)).collect()
    }

    fn drop_attempt(&mut self, key: (InstanceId, TokenId)) -> Option<Dropped> {
        let InFlight { visit, attempt, node, abort, .. } = self.in_flight.remove(&key)?;
        abort.abort();
        Some(Dropped { instance: key.0, token: key.1, visit, attempt, node })
    }

    /// When the next attempt that was told to stop is dropped.
    pub(super) fn next_drop(&self) -> Option<Instant> {
        self.in_flight.values().filter_map(|attempt| attempt.drop_at).min()
    }

    /// Whether nothing is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether an attempt of this token is in flight or due.
    pub(super) fn has(&self, instance: InstanceId, token: TokenId) -> bool {
        self.in_flight.contains_key(&(instance, token))
            || self.due.iter().any(|due| (due.current.id, due.token) == (instance, token))
    }
}

fn context(launch: &Launch, states: &Arc<States>, stop: &Arc<Stop>) -> TaskContext {
    TaskContext::new(Running {
        instance: launch.current.id,
        key: launch.current.key.clone(),
        node: launch.node_id(),
        visit: launch.visit,
        attempt: launch.attempt,
        stop: Arc::clone(stop),
        states: Arc::clone(states),
    })
}

/// Runs one attempt to its end.
async fn run(launch: Launch, context: TaskContext, limit: usize) -> Result<Json, Failure> {
    let node = launch.node_id();
    let attempt = match begin(launch, context) {
        Ok(attempt) => attempt,
        Err(error) => return Err(failure(node, FailureKind::Code, &error)),
    };
    match attempt.await {
        Ok(result) if result.text().len() > limit => Err(too_large(node, &result, limit)),
        Ok(result) => Ok(result),
        Err(error) => Err(failure(node, FailureKind::Error, &error)),
    }
}

/// Evaluates the arguments and calls the function.
fn begin(launch: Launch, context: TaskContext) -> Result<Attempt, TaskError> {
    let definition = &launch.registered.definition;
    let graph = definition.graph();
    let Some(visit) = definition.visit() else {
        let bpm_model::kind::Kind::Service { task } = &graph.nodes[launch.node].kind else {
            unreachable!("only service tasks are launched");
        };
        return match launch.registered.handlers.get(task.as_ref()) {
            Some(handler) => Ok(handler(&launch.values, context)),
            None => Err(TaskError::permanent(format!("nothing handles the service task `{task}`"))),
        };
    };
    let vars = Vars::new(graph, &launch.values, &launch.current);
    match visit(launch.node, &vars, Cx::Run(context))?.0 {
        Does::Attempt(attempt) => Ok(attempt),
        _ => unreachable!("a service task gives an attempt"),
    }
}

fn failure(node: String, kind: FailureKind, error: &TaskError) -> Failure {
    let mut failure = Failure::new(node, kind, error.to_string());
    failure.chain = error.chain().split_off(1);
    failure
}

fn panicked(node: &str, panic: &(dyn Any + Send)) -> Failure {
    Failure::new(node, FailureKind::Panic, format!("panicked: {}", panic_text(panic)))
}

fn too_large(node: String, result: &Json, limit: usize) -> Failure {
    let bytes = result.text().len();
    let message = format!(
        "its result has {bytes} bytes as JSON, more than the {limit} of `EngineOptions::payload_bytes`"
    );
    Failure::new(node, FailureKind::Error, message)
}

/// A future whose panics are values, wherever in it they come from: the user's code runs when the
/// attempt begins and goes on, when its error is printed, and when it is dropped.
struct Caught<F>(Option<Pin<Box<F>>>);

impl<F: Future> Caught<F> {
    fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.0 else {
            unreachable!("a future that is over is not polled");
        };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => {
                let rest = self.0.take();
                // What panics again while it is torn down has told its story already.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(rest)));
                Poll::Ready(Err(panic))
            }
        }
    }
}
