//! One turn: an event, and everything that follows from it until no token can move.
//!
//! Pure and synchronous. Time is an argument; nothing here reads a clock, waits, or does IO.
//! Changes are recorded in one place, which applies them at once; effects leave only
//! after the changes are durable, and can all be derived from them.

mod cancel;
mod choice;
mod end;
mod incident;
mod parallel;
mod race;
mod saga;
mod scope;
mod script;
mod service;
mod suspend;
mod timer;
mod user;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bpm_model::graph::{Edge, Text};
use bpm_model::kind::Kind;

use crate::change::Change;
use crate::clock::Timestamp;
use crate::definition::ProcessDefinition;
use crate::event::{Event, Failure, FailureKind, ScopeId, TokenId};
use crate::instance::{Instance, PROCESS, TokenState};
use crate::json::Json;
use crate::planted;
use crate::refused::Refused;
use crate::vars::{Current, Cx, Does, Vars};

/// What must happen outside of the instance once the turn is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Run an attempt of a service task.
    Run {
        /// The token that executes it.
        token: TokenId,
    },
    /// Tell the attempt in flight to stop.
    Stop {
        /// The token that executes it.
        token: TokenId,
    },
    /// Drop the attempt in flight; nobody waits for its outcome.
    Drop {
        /// The token that executes it.
        token: TokenId,
    },
}

/// What one event led to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The changes, in order; already applied.
    pub changes: Vec<Change>,
    /// The effects, in order.
    pub effects: Vec<Effect>,
}

/// The bounds of a turn.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many nodes one turn executes at most (`EngineOptions::moves_per_turn`).
    pub moves: usize,
    /// How many tokens an instance has at most (`EngineOptions::tokens_per_instance`).
    pub tokens: usize,
    /// How many attempts of one visit may be lost (`EngineOptions::lost_attempts_max`).
    pub lost_attempts: u32,
    /// From what the jitter of delays is drawn (`EngineOptions::jitter_seed`).
    pub jitter_seed: u64,
}

/// Takes one turn. A refused event changes nothing.
///
/// A turn that stops at the bound on moves leaves tokens ready, and [`Event::Continued`] goes on
/// with them.
pub fn step(
    definition: &ProcessDefinition,
    instance: &mut Instance,
    event: &Event,
    now: Timestamp,
    limits: Limits,
) -> Result<Outcome, Refused> {
    let mut turn = Turn::new(definition, instance, now, limits);
    turn.admit(event)?;
    turn.admit_while_suspended(event)?;
    turn.instance.seq += 1;
    turn.take(event);
    turn.run();
    Ok(turn.outcome)
}

/// A turn in the making.
struct Turn<'a> {
    definition: &'a ProcessDefinition,
    instance: &'a mut Instance,
    current: Current,
    limits: Limits,
    ready: VecDeque<TokenId>,
    outcome: Outcome,
}

impl<'a> Turn<'a> {
    fn new(
        definition: &'a ProcessDefinition,
        instance: &'a mut Instance,
        now: Timestamp,
        limits: Limits,
    ) -> Self {
        let current = Current { now, id: instance.id, key: instance.key.clone() };
        let ready = ready_tokens(instance);
        Self { definition, instance, current, limits, ready, outcome: Outcome::default() }
    }

    /// Whether the event is valid now.
    fn admit(&self, event: &Event) -> Result<(), Refused> {
        if self.instance.status.is_end() {
            return Err(Refused::Ended {
                instance: self.instance.id,
                status: self.instance.status,
            });
        }
        match event {
            Event::ProcessStarted { .. } | Event::Continued => Ok(()),
            Event::TaskCompleted { token, node, visit, attempt, .. }
            | Event::TaskFailed { token, node, visit, attempt, .. }
            | Event::TaskLost { token, node, visit, attempt } => {
                self.admit_attempt(*token, node, (*visit, *attempt))
            }
            Event::TimerFired { token, timer, .. } => self.admit_timer(*token, *timer),
            Event::SuspendRequested { .. } => self.admit_awake(),
            Event::ResumeRequested { .. } => self.admit_resume(),
            Event::UserTaskCompleted { task, payload, .. } => self.admit_payload(*task, payload),
            Event::IncidentRetried { incident, .. } => self.admit_incident(*incident).map(drop),
            Event::IncidentFailed { incident, .. } => self.admit_fail(*incident),
            Event::IncidentSkipped { incident, value, .. } => self.admit_skip(*incident, value),
            Event::CancelRequested { .. } => self.admit_cancel(),
            Event::TerminateRequested { .. } => Ok(()),
        }
    }

    /// What the event does by itself.
    fn take(&mut self, event: &Event) {
        match event {
            Event::ProcessStarted { input } => self.begin(input),
            Event::TaskCompleted { token, result, .. } => self.task_completed(*token, result),
            Event::TaskFailed { token, failure, retryable, caught, heartbeat, .. } => {
                self.keep_heartbeat(*token, heartbeat.as_ref());
                self.task_failed(*token, failure, *retryable, caught.as_ref());
            }
            Event::TaskLost { token, .. } => self.task_lost(*token),
            Event::UserTaskCompleted { task, payload, actor, .. } => {
                self.user_task_completed(*task, payload, actor.clone());
            }
            Event::TimerFired { token, timer, .. } => self.timer_fired(*token, *timer),
            Event::IncidentRetried { incident, actor } => self.retry_incident(*incident, actor),
            Event::IncidentSkipped { incident, value, actor } => {
                self.skip_incident(*incident, value, actor);
            }
            Event::IncidentFailed { incident, actor } => self.fail_incident(*incident, actor),
            Event::SuspendRequested { actor } => self.suspend(actor),
            Event::ResumeRequested { actor } => self.resume(actor),
            Event::CancelRequested { actor } => self.cancel_requested(actor),
            Event::TerminateRequested { actor } => self.terminate_requested(actor),
            Event::Continued => {}
        }
    }

    /// Executes nodes until no token can move, or the bound on moves is reached.
    fn run(&mut self) {
        if self.instance.suspended().is_some() && !planted!(SuspendedMoves) {
            return;
        }
        for _ in 0..self.limits.moves.max(1) {
            let Some(token) = self.ready.pop_front() else { return };
            self.execute(token);
        }
    }

    fn begin(&mut self, input: &[(String, Json)]) {
        for (key, value) in input {
            let key = self.definition.key(key);
            self.record(Change::VariableSet { key, value: value.clone() });
        }
        self.create(self.definition.start(), PROCESS);
    }

    /// Executes the node that the token is at.
    fn execute(&mut self, token: TokenId) {
        let Some(node) = self.node_of(token) else { return };
        if self.is_halted(token) && !self.is_undo(node) {
            return self.broken(token, node, "what is around it is being undone");
        }
        match &self.definition.graph().nodes[node].kind {
            Kind::Start => self.leave(token, node),
            Kind::End { .. } => self.end(token, node),
            Kind::Fail => self.fail_by_itself(token, node),
            Kind::Service { .. } | Kind::User { .. } if !self.is_guarded(token, node) => {}
            Kind::Service { .. } | Kind::Undo { .. } => self.start_attempt(token),
            Kind::User { name } => self.open_user_task(token, node, name.clone()),
            Kind::Wait { after_ms } => self.wait(token, node, *after_ms),
            Kind::Script => self.script(token, node),
            Kind::Exclusive | Kind::Each => self.choose(token, node),
            Kind::Parallel => self.fork_or_join(token, node),
            Kind::Scope { .. } => self.open_scope(token, node),
            Kind::Leave { .. } => self.complete_scope(token, node),
            Kind::Boundary { .. } => self.leave(token, node),
            Kind::Race { .. } => self.race(token, node),
            Kind::Won { race } => self.arrive(token, node, *race),
        }
    }

    /// Records a change: applies it and keeps it.
    fn record(&mut self, change: Change) {
        self.instance.apply(&change);
        self.outcome.changes.push(change);
    }

    /// A new token, which can move.
    fn create(&mut self, node: usize, scope: ScopeId) {
        let token = self.create_resting(node, scope);
        self.ready.push_back(token);
    }

    fn create_resting(&mut self, node: usize, scope: ScopeId) -> TokenId {
        self.create_at(self.id(node), scope)
    }

    fn create_at(&mut self, node: Text, scope: ScopeId) -> TokenId {
        let token = self.instance.next_token();
        self.record(Change::TokenCreated { token, node });
        if scope != PROCESS {
            self.record(Change::TokenEntered { token, scope });
        }
        token
    }

    /// The scope that a token is in.
    fn scope_of(&self, token: TokenId) -> ScopeId {
        self.instance.token(token).map_or(PROCESS, |token| token.scope)
    }

    /// Leaves a node that has exactly one way out. An activity with boundary events completes as a
    /// scope does.
    fn leave(&mut self, token: TokenId, node: usize) {
        let definition = self.definition;
        if !definition.boundaries(node).is_empty() {
            return self.complete_scope(token, node);
        }
        self.go_on(token, node);
    }

    fn go_on(&mut self, token: TokenId, node: usize) {
        let definition = self.definition;
        let [edge] = definition.ways_out(node) else {
            return self.broken(token, node, "it does not have exactly one way out");
        };
        self.follow(token, *edge);
    }

    /// Takes one way out of a node.
    fn follow(&mut self, token: TokenId, edge: usize) {
        let to = self.edge(edge).to;
        self.record(Change::TokenMoved { token, node: self.id(to) });
        match self.definition.graph().nodes[to].kind {
            // A branch completes and wins in one: of two that complete in a turn, what the one
            // did that came too late is undone.
            Kind::Won { race } => self.arrive(token, to, race),
            _ => self.ready.push_back(token),
        }
    }

    fn edge(&self, edge: usize) -> &'a Edge {
        &self.definition.graph().edges[edge]
    }

    fn id(&self, node: usize) -> Text {
        self.definition.graph().nodes[node].id.clone()
    }

    /// The index of the node that a token is at; an incident if the definition has no such node.
    fn node_of(&mut self, token: TokenId) -> Option<usize> {
        let id = self.instance.token(token)?.node.clone();
        let node = self.definition.node(&id);
        if node.is_none() {
            self.raise(
                token,
                id,
                "the definition has no such node",
                "register the definition with which it was started",
            );
        }
        node
    }

    /// Asks the compiled process what a node does, and sets the variables that it sets.
    fn visit(&mut self, node: usize) -> Result<Does, Failure> {
        let (does, kept) = self.evaluate(node, Cx::Evaluate)?;
        self.set_kept(kept);
        Ok(does)
    }

    fn set_kept(&mut self, kept: Vec<(usize, Json)>) {
        for (variable, value) in kept {
            let key = self.definition.graph().variables[variable].key.clone();
            self.record(Change::VariableSet { key, value });
        }
    }

    /// Runs the user's code for a node. A panic in it is a failure of the node.
    fn evaluate(&self, node: usize, cx: Cx) -> Result<(Does, Vec<(usize, Json)>), Failure> {
        let graph = self.definition.graph();
        let failed =
            |message: &str| Failure::new(graph.nodes[node].id.as_ref(), FailureKind::Code, message);
        let Some(visit) = self.definition.visit() else {
            return Err(failed("a definition that is data has no code for this node"));
        };
        let vars = Vars::new(graph, self.instance.values(), &self.current);
        match catch_unwind(AssertUnwindSafe(|| visit(node, &vars, cx))) {
            Ok(Ok(visited)) => Ok((visited.0, vars.into_kept())),
            Ok(Err(error)) => {
                let mut failure = failed(&error.to_string());
                failure.kind = error.kind();
                failure.chain = error.chain().split_off(1);
                Err(failure)
            }
            Err(panic) => Err(failed(&format!("panicked: {}", panic_text(&*panic)))),
        }
    }
}

fn ready_tokens(instance: &Instance) -> VecDeque<TokenId> {
    let ready = instance.tokens().iter().filter(|token| token.state == TokenState::Ready);
    ready.map(|token| token.id).collect()
}

/// The text of a panic, where it has one.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text")
}
