//! Workers: attempts in flight, bounded, each on the engine's own runtime.

mod catch;

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bpm_model::kind::Kind;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::event::{Failure, FailureKind, TokenId};
use crate::failpoint;
use crate::ids::InstanceId;
use crate::json::Json;
use crate::planted;
use crate::step::panic_text;
use crate::task::{Doubles, Running, States, Stop, TaskContext, TaskError};
use crate::vars::{Attempt, Current, Cx, Does, Values, Vars};

use super::mailbox::{Failed, Mailbox, Message, Over};
use super::options::EngineOptions;
use super::pulse::{AttemptInfo, Pulse};
use super::registry::Registered;
use super::shared::EngineTime;

/// An attempt that is due.
pub(super) struct Launch {
    pub(super) registered: Registered,
    pub(super) current: Current,
    pub(super) token: TokenId,
    pub(super) node: usize,
    pub(super) visit: u64,
    pub(super) attempt: u32,
    pub(super) timeout: Option<Duration>,
    /// What an earlier attempt of the visit said last.
    pub(super) heartbeat: Option<Json>,
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
    process: String,
    stop: Arc<Stop>,
    abort: AbortHandle,
    timeout: Option<Duration>,
    pulse: Arc<Pulse>,
    /// When it is dropped at the latest, once it was told to stop.
    stopped: Option<Duration>,
}

impl InFlight {
    /// When it is dropped: at its timeout, which every heartbeat restarts, or after the grace time
    /// once it was told to stop.
    fn drop_at(&self) -> Option<Duration> {
        let timeout = |timeout| self.pulse.silent_since().saturating_add(timeout);
        self.stopped.or_else(|| self.timeout.map(timeout))
    }

    /// Tells it to stop; it is dropped at `drop_at`, or before if that was so already.
    fn tell(&mut self, drop_at: Duration) {
        self.stop.tell();
        self.stopped = Some(self.drop_at().map_or(drop_at, |at| at.min(drop_at)));
    }
}

/// An attempt that ended without saying how.
pub(super) struct Dropped {
    pub(super) instance: InstanceId,
    pub(super) token: TokenId,
    pub(super) visit: u64,
    pub(super) attempt: u32,
    pub(super) node: String,
    /// Whether it took too long, and was not told to stop.
    pub(super) timed_out: bool,
    /// What it said last.
    pub(super) heartbeat: Option<Json>,
}

/// The attempts of an engine: those in flight, at most `bound`, and those that are due.
pub(super) struct Workers {
    runtime: Handle,
    mailbox: Arc<Mailbox>,
    clock: Arc<EngineTime>,
    states: Arc<States>,
    bound: usize,
    payload_bytes: usize,
    error_bytes: usize,
    in_flight: HashMap<(InstanceId, TokenId), InFlight>,
    due: VecDeque<Launch>,
    /// Attempts that had no place yet, of instances that are suspended or must be read again.
    held: HashMap<InstanceId, Vec<Launch>>,
}

impl Workers {
    pub(super) fn new(
        runtime: Handle,
        mailbox: Arc<Mailbox>,
        clock: Arc<EngineTime>,
        states: Arc<States>,
        options: &EngineOptions,
    ) -> Self {
        if let Some(doubles) = states.get::<Doubles>() {
            let mailbox = Arc::clone(&mailbox);
            doubles.on_hang(Box::new(move || mailbox.wake()));
        }
        let (in_flight, due, held) = (HashMap::new(), VecDeque::new(), HashMap::new());
        let bound = options.workers.max(1);
        let EngineOptions { payload_bytes, error_bytes, .. } = *options;
        Self {
            runtime,
            mailbox,
            clock,
            states,
            bound,
            payload_bytes,
            error_bytes,
            in_flight,
            due,
            held,
        }
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
        let (stop, timeout) = (Arc::new(Stop::default()), launch.timeout);
        let (node, process) = (launch.node_id(), launch.registered.definition.name().to_owned());
        let pulse = Arc::new(Pulse::new(Arc::clone(&self.clock), self.payload_bytes));
        let context = context(&launch, &self.states, &stop, &pulse);
        let (mailbox, limit) = (Arc::clone(&self.mailbox), self.payload_bytes);
        let error_bytes = self.error_bytes;
        let task = self.runtime.spawn(async move {
            let node = launch.node_id();
            failpoint!(AttemptBegins);
            let result = Contained::new(run(launch, context, limit)).await;
            let result = result.unwrap_or_else(|panic| Err(panicked(&node, &*panic)));
            let result = result.map_err(|failed| catch::cut(failed, error_bytes));
            failpoint!(AttemptOver);
            mailbox.post(Message::Over(Over { instance, token, visit, attempt, node, result }));
        });
        let abort = task.abort_handle();
        let stopped = None;
        let in_flight =
            InFlight { visit, attempt, node, process, stop, abort, timeout, pulse, stopped };
        self.in_flight.insert((instance, token), in_flight);
    }

    /// If this was an attempt in flight, its place is free now. What it said last.
    pub(super) fn finish(&mut self, over: &Over) -> Option<Option<Json>> {
        let key = (over.instance, over.token);
        let attempt = self.in_flight.get(&key)?;
        if (attempt.visit, attempt.attempt) != (over.visit, over.attempt) {
            return None;
        }
        self.in_flight.remove(&key).map(|attempt| attempt.pulse.said())
    }

    /// Tells an attempt to stop; it is dropped at `drop_at`. One that is still due never starts:
    /// it is over at once.
    pub(super) fn stop(
        &mut self,
        instance: InstanceId,
        token: TokenId,
        drop_at: Duration,
    ) -> Option<Dropped> {
        if let Some(attempt) = self.in_flight.get_mut(&(instance, token)) {
            attempt.tell(drop_at);
            return None;
        }
        planted!(StoppedBeginsAllTheSame => return None);
        let due = self.take_due(instance, token)?;
        let (visit, attempt) = (due.visit, due.attempt);
        let (node, timed_out, heartbeat) = (due.node_id(), false, None);
        Some(Dropped { instance, token, visit, attempt, node, timed_out, heartbeat })
    }

    /// Drops an attempt whose outcome nobody waits for.
    pub(super) fn forget(&mut self, instance: InstanceId, token: TokenId) {
        if let Some(attempt) = self.in_flight.remove(&(instance, token)) {
            attempt.abort.abort();
        }
        self.take_due(instance, token);
    }

    /// Takes an attempt that has no place yet.
    fn take_due(&mut self, instance: InstanceId, token: TokenId) -> Option<Launch> {
        if let Some(held) = self.held.get_mut(&instance)
            && let Some(at) = held.iter().position(|due| due.token == token)
        {
            return Some(held.remove(at));
        }
        let at = self.due.iter().position(|due| (due.current.id, due.token) == (instance, token));
        self.due.remove(at?)
    }

    /// Forgets the attempts of an instance that its stored state does not know.
    pub(super) fn keep(&mut self, instance: InstanceId, known: impl Fn(TokenId, u64, u32) -> bool) {
        let stale = |launch: &Launch| {
            launch.current.id == instance && !known(launch.token, launch.visit, launch.attempt)
        };
        self.due.retain(|due| !stale(due));
        if let Some(held) = self.held.get_mut(&instance) {
            held.retain(|held| !stale(held));
        }
        let in_flight = self.in_flight.extract_if(|(of, token), attempt| {
            *of == instance && !known(*token, attempt.visit, attempt.attempt)
        });
        in_flight.for_each(|(_, attempt)| attempt.abort.abort());
    }

    /// Holds back what has no place yet of an instance that is suspended, or may be.
    pub(super) fn hold(&mut self, instance: InstanceId) {
        let due = std::mem::take(&mut self.due);
        let (held, due): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|due| due.current.id == instance);
        self.due = due.into();
        if !held.is_empty() {
            self.held.entry(instance).or_default().extend(held);
        }
    }

    /// What was held back is due again.
    pub(super) fn let_go(&mut self, instance: InstanceId) {
        self.due.extend(self.held.remove(&instance).into_iter().flatten());
    }

    /// Tells all attempts to stop; those that are due never start.
    pub(super) fn stop_all(&mut self, drop_at: Duration) {
        self.due.clear();
        self.held.clear();
        self.in_flight.values_mut().for_each(|attempt| attempt.tell(drop_at));
    }

    /// Drops the attempts whose time is up, in the order of their ids.
    pub(super) fn drop_overdue(&mut self, now: Duration) -> Vec<Dropped> {
        let overdue = |attempt: &InFlight| attempt.drop_at().is_some_and(|at| at <= now);
        let attempts = self.in_flight.iter().filter(|(_, attempt)| overdue(attempt));
        let mut keys: Vec<_> = attempts.map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| self.drop_attempt(key)).collect()
    }

    fn drop_attempt(&mut self, key: (InstanceId, TokenId)) -> Option<Dropped> {
        let in_flight = self.in_flight.remove(&key)?;
        in_flight.abort.abort();
        let InFlight { visit, attempt, node, stopped, pulse, .. } = in_flight;
        let heartbeat = pulse.said();
        let ((instance, token), timed_out) = (key, stopped.is_none());
        Some(Dropped { instance, token, visit, attempt, node, timed_out, heartbeat })
    }

    /// When the next attempt is dropped if it does not end before.
    pub(super) fn next_drop(&self) -> Option<Duration> {
        self.in_flight.values().filter_map(InFlight::drop_at).min()
    }

    /// The attempts in flight, the oldest first.
    pub(super) fn list(&self) -> Vec<AttemptInfo> {
        let info = |(key, attempt): (&(InstanceId, TokenId), &InFlight)| {
            let info = AttemptInfo {
                instance: key.0,
                process: attempt.process.clone(),
                node: attempt.node.clone(),
                attempt: attempt.attempt,
                since: attempt.pulse.since,
                heartbeat: attempt.pulse.heartbeat(),
            };
            (info.since, *key, info)
        };
        let mut attempts: Vec<_> = self.in_flight.iter().map(info).collect();
        attempts.sort_unstable_by_key(|(since, key, _)| (*since, *key));
        attempts.into_iter().map(|(.., info)| info).collect()
    }

    /// Whether nothing is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether nothing is due, and whatever is in flight only waits to be dropped.
    pub(super) fn is_resting(&self) -> bool {
        self.due.is_empty() && self.in_flight.values().all(|attempt| attempt.stop.hangs())
    }

    /// Whether an attempt of this token is in flight or due.
    pub(super) fn has(&self, instance: InstanceId, token: TokenId) -> bool {
        self.in_flight.contains_key(&(instance, token))
            || self.due.iter().any(|due| (due.current.id, due.token) == (instance, token))
            || self
                .held
                .get(&instance)
                .is_some_and(|held| held.iter().any(|due| due.token == token))
    }
}

fn context(
    launch: &Launch,
    states: &Arc<States>,
    stop: &Arc<Stop>,
    pulse: &Arc<Pulse>,
) -> TaskContext {
    let pulse = Arc::clone(pulse);
    TaskContext::new(Running {
        instance: launch.current.id,
        key: launch.current.key.clone(),
        node: launch.node_id(),
        visit: launch.visit,
        attempt: launch.attempt,
        stop: Arc::clone(stop),
        states: Arc::clone(states),
        beat: Box::new(move |value| pulse.beat(value)),
        last_heartbeat: launch.heartbeat.clone(),
    })
}

/// Runs one attempt to its end.
async fn run(launch: Launch, context: TaskContext, limit: usize) -> Result<Json, Failed> {
    let node = launch.node_id();
    let attempt = match begin(&launch, context) {
        Ok(attempt) => attempt,
        Err(error) => return Err(failed(node, error.kind(), &error)),
    };
    match attempt.await {
        Ok(result) if result.text().len() > limit => {
            Err(too_large(node, "its result has", result.text().len(), limit))
        }
        Ok(result) => Ok(result),
        Err(error) => Err(catch::caught(&launch, error, limit)),
    }
}

/// Evaluates the arguments and calls the function.
fn begin(launch: &Launch, context: TaskContext) -> Result<Attempt, TaskError> {
    let definition = &launch.registered.definition;
    let graph = definition.graph();
    let Some(visit) = definition.visit() else {
        let (Kind::Service { task, .. } | Kind::Undo { task, .. }) = &graph.nodes[launch.node].kind
        else {
            unreachable!("only service tasks are launched");
        };
        return match launch.registered.handlers.get(task.as_ref()) {
            Some(handler) => (handler.run)(&launch.values, context),
            None => Err(TaskError::permanent(format!("nothing handles the service task `{task}`"))),
        };
    };
    let vars = Vars::new(graph, &launch.values, &launch.current);
    match visit(launch.node, &vars, Cx::Run(context))?.0 {
        Does::Attempt(attempt) => Ok(attempt),
        _ => unreachable!("a service task gives an attempt"),
    }
}

fn failed(node: String, kind: FailureKind, error: &TaskError) -> Failed {
    let mut failure = Failure::new(node, kind, error.to_string());
    failure.chain = error.chain().split_off(1);
    Failed { failure, retryable: error.is_retryable(), caught: None }
}

fn panicked(node: &str, panic: &(dyn Any + Send)) -> Failed {
    let text = format!("panicked: {}", panic_text(panic));
    Failed { failure: Failure::new(node, FailureKind::Panic, text), retryable: true, caught: None }
}

fn too_large(node: String, what: &str, bytes: usize, limit: usize) -> Failed {
    let message = format!(
        "{what} {bytes} bytes as JSON, more than the {limit} of `EngineOptions::payload_bytes`"
    );
    let failure = Failure::new(node, FailureKind::Error, message);
    Failed { failure, retryable: false, caught: None }
}

/// A future whose panics are values, wherever in it they come from: the user's code runs when the
/// attempt begins and goes on, when its error is printed, and when it is dropped.
struct Contained<F>(Option<Pin<Box<F>>>);

impl<F: Future> Contained<F> {
    fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future> Future for Contained<F> {
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
