//! The rules of failure, held at the level of the turn: [`step`] under random events, of which
//! each is judged by the model.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bpm_core::__private::Kind;
use bpm_core::change::Change;
use bpm_core::clock::Timestamp;
use bpm_core::definition::ProcessDefinition;
use bpm_core::event::{Actor, Caught, Event, Failure, FailureKind};
use bpm_core::history::Recorded;
use bpm_core::ids::InstanceId;
use bpm_core::instance::{Instance, Token, TokenState};
use bpm_core::json::Json;
use bpm_core::step::{Effect, Limits, step};

use super::judge::Judge;
use super::lower;
use super::tree::{Features, Process};
use super::{Report, Violation};
use crate::arbitrary::Random;

/// After so many events an instance must have ended.
const EVENTS_MAX: usize = 2_000;

/// How many attempts of a visit may be lost.
const LOST_MAX: u32 = 3;

/// Runs one random process to its end.
pub fn run(random: &mut Random, features: Features) -> Result<Report, Violation> {
    let size = 1 + random.below(14);
    let process = Process::random(random, size, features);
    let mut run = Run::new(&process, random);
    let done = catch_unwind(AssertUnwindSafe(|| run.until_it_ends()));
    let done = done.unwrap_or_else(|_| Err("it panicked".to_owned()));
    done.map(|events| Report { events, crashes: 0 }).map_err(|what| {
        let under_way = run.under_way.map(|event| format!("then {event:?}\n"));
        let trace = super::trace(&process, &run.turns) + &under_way.unwrap_or_default();
        Violation { what, trace }
    })
}

struct Run<'a> {
    random: &'a mut Random,
    definition: ProcessDefinition,
    instance: Instance,
    judge: Judge<'a>,
    limits: Limits,
    now: u64,
    turns: Vec<Recorded>,
    /// The event whose turn is not over.
    under_way: Option<Event>,
    /// One event in so many is a failure, or comes from a person who ends it all.
    trouble: usize,
}

impl<'a> Run<'a> {
    fn new(process: &'a Process, random: &'a mut Random) -> Self {
        let instance = Instance::new(InstanceId::from_bytes([1; 16]), None);
        let definition = lower::definition(process);
        let moves = [10_000, 10_000, 10_000, 3][random.below(4)];
        let limits = Limits { moves, tokens: 1_000, lost_attempts: LOST_MAX, jitter_seed: 7 };
        let judge = Judge::new(process, instance.clone(), LOST_MAX, moves > 3);
        let trouble = [4, 10, 30, 100][random.below(4)];
        let (turns, under_way) = (Vec::new(), None);
        Self { random, definition, instance, judge, limits, now: 0, turns, under_way, trouble }
    }

    fn until_it_ends(&mut self) -> Result<usize, String> {
        let variables = self.definition.graph().variables.iter();
        let input = variables.map(|variable| (variable.key.to_string(), Json::from(&0.into())));
        let input: Vec<_> = input.take(self.definition.graph().parameters).collect();
        self.take(&Event::ProcessStarted { input })?;
        for events in 1..EVENTS_MAX {
            if self.instance.status.is_end() {
                return if self.instance.tokens().is_empty() {
                    Ok(events)
                } else {
                    Err("it ended with tokens".to_owned())
                };
            }
            let event = self.next_event().ok_or("it is stuck")?;
            if let Event::TimerFired { token, .. } = &event {
                self.now = self.now.max(self.due(*token));
            }
            self.take(&event)?;
            if !matches!(event, Event::Continued) && self.step(&event).is_ok() {
                return Err("the same thing happened twice".to_owned());
            }
        }
        Err("it does not end".to_owned())
    }

    fn step(&mut self, event: &Event) -> Result<(Vec<Change>, Vec<Effect>), String> {
        let now = Timestamp::from_millis(self.now as i64);
        let before = self.instance.clone();
        match step(&self.definition, &mut self.instance, event, now, self.limits) {
            Ok(outcome) => Ok((outcome.changes, outcome.effects)),
            Err(refused) if self.instance == before => Err(format!("refused: {refused}")),
            Err(_) => Ok(Default::default()),
        }
    }

    /// Takes a turn and has it judged.
    fn take(&mut self, event: &Event) -> Result<(), String> {
        self.now += self.random.below(4) as u64;
        self.under_way = Some(event.clone());
        let (changes, effects) = self.step(event)?;
        self.under_way = None;
        let at = Timestamp::from_millis(self.now as i64);
        let turn = Recorded { seq: self.instance.seq, at, event: event.clone(), changes };
        let judged = self.judge.turn(&turn);
        let effects = self.judge_effects(&turn.changes, &effects);
        self.turns.push(turn);
        judged?;
        if *self.judge.replayed() != self.instance {
            return Err("the replay gives another state".to_owned());
        }
        effects
    }

    /// What is to run is what the changes started, and what is told to stop what the model says.
    fn judge_effects(&self, changes: &[Change], effects: &[Effect]) -> Result<(), String> {
        let started = changes.iter().filter_map(|change| match change {
            Change::TaskStarted { token, .. } => Some(*token),
            _ => None,
        });
        let run = effects.iter().filter_map(|effect| match effect {
            Effect::Run { token } => Some(*token),
            _ => None,
        });
        if !started.eq(run) {
            return Err(format!("other attempts run than were started: {effects:?}"));
        }
        let stop = effects.iter().filter_map(|effect| match effect {
            Effect::Stop { token } => self.instance.token(*token).map(|at| at.node.to_string()),
            _ => None,
        });
        self.judge.stops(&stop.collect::<Vec<_>>())
    }

    fn due(&self, token: u64) -> u64 {
        let due = match self.instance.token(token).map(|token| &token.state) {
            Some(TokenState::Timing { due, .. } | TokenState::BackingOff { due, .. }) => *due,
            _ => Timestamp::default(),
        };
        u64::try_from(due.as_millis()).unwrap_or(0)
    }

    fn next_event(&mut self) -> Option<Event> {
        let actor = Actor::new("ann");
        let ends = 10 * self.trouble;
        if self.random.one_in(ends) {
            return Some(Event::TerminateRequested { actor });
        }
        if self.instance.status != bpm_core::store::Status::Cancelling && self.random.one_in(ends) {
            return Some(Event::CancelRequested { actor });
        }
        if let Some(event) = self.suspension(ends) {
            return Some(event);
        }
        let moves = |token: &Token| token.state == TokenState::Ready;
        if self.instance.tokens().iter().any(moves) && !self.random.one_in(3) {
            return Some(Event::Continued);
        }
        let rests =
            |token: &&Token| !matches!(token.state, TokenState::Ready | TokenState::Joining);
        let mut resting: Vec<Token> =
            self.instance.tokens().iter().filter(rests).cloned().collect();
        // What comes again and again must not keep everything else waiting for ever.
        let clause = |token: &Token| token.node.starts_with('b');
        if !self.random.one_in(2) && !resting.iter().all(clause) {
            resting.retain(|token| !clause(token));
        }
        if resting.is_empty() {
            return self.instance.tokens().iter().any(moves).then_some(Event::Continued);
        }
        let token = &resting[self.random.below(resting.len())];
        Some(self.event_of(token))
    }

    /// Someone suspends the instance or, when it is, resumes it; in between attempts end.
    fn suspension(&mut self, ends: usize) -> Option<Event> {
        let actor = Actor::new("eve");
        if self.instance.suspended().is_none() {
            let suspends = self.random.one_in(ends);
            return suspends.then_some(Event::SuspendRequested { actor });
        }
        let runs = |token: &&Token| matches!(token.state, TokenState::Executing(_));
        let running: Vec<Token> = self.instance.tokens().iter().filter(runs).cloned().collect();
        if running.is_empty() || self.random.one_in(3) {
            return Some(Event::ResumeRequested { actor });
        }
        let token = &running[self.random.below(running.len())];
        match self.event_of(token) {
            Event::TaskLost { .. } => Some(Event::ResumeRequested { actor }),
            event => Some(event),
        }
    }

    fn event_of(&mut self, token: &Token) -> Event {
        let node = token.node.to_string();
        let value = Json::from(&serde_json::Value::from(self.random.below(5)));
        match &token.state {
            TokenState::Executing(attempts) => {
                let (token, visit, attempt) = (token.id, attempts.visit, attempts.attempt);
                if self.random.one_in(self.trouble) {
                    return self.failed(token, node, visit, attempt);
                }
                if self.random.one_in(2 * self.trouble) {
                    return Event::TaskLost { token, node, visit, attempt };
                }
                Event::TaskCompleted { token, node, visit, attempt, result: value }
            }
            TokenState::Waiting { task } => {
                let (task, actor) = (*task, None);
                Event::UserTaskCompleted { task, node, payload: value, actor }
            }
            TokenState::Timing { timer, .. } | TokenState::BackingOff { timer, .. } => {
                Event::TimerFired { token: token.id, node, timer: *timer }
            }
            TokenState::Incident { incident, .. } => {
                let (incident, actor) = (*incident, Actor::new("bob"));
                match self.random.below(3) {
                    0 => Event::IncidentRetried { incident, actor },
                    1 if !node.ends_with("/undo") => Event::IncidentFailed { incident, actor },
                    _ => Event::IncidentSkipped { incident, value, actor },
                }
            }
            TokenState::Ready | TokenState::Joining => Event::Continued,
        }
    }

    fn failed(&mut self, token: u64, node: String, visit: u64, attempt: u32) -> Event {
        let kinds =
            [FailureKind::Error, FailureKind::Error, FailureKind::Panic, FailureKind::Timeout];
        let kind = kinds[self.random.below(kinds.len())];
        let message = format!("e{}", self.random.below(4));
        let failure = Failure::new(node.as_str(), kind, message);
        let retryable = kind != FailureKind::Error || !self.random.one_in(3);
        let caught = self.caught(&node, &failure);
        Event::TaskFailed {
            token,
            node,
            visit,
            attempt,
            failure,
            retryable,
            caught,
            heartbeat: None,
        }
    }

    /// What an attempt says that matches its error by the clauses of its activity.
    fn caught(&self, node: &str, failure: &Failure) -> Option<Caught> {
        if failure.kind != FailureKind::Error {
            return None;
        }
        let graph = self.definition.graph();
        let activity = graph.node(node)?;
        let mut boundaries = graph.outgoing(activity).map(|(_, edge)| &graph.nodes[edge.to]);
        let caught = boundaries.find(|at| {
            let pattern = at.source.strip_prefix("catch ");
            matches!(at.kind, Kind::Boundary { .. })
                && pattern.is_some_and(|pattern| pattern == "_" || pattern == failure.message)
        })?;
        Some(Caught { boundary: caught.id.clone(), values: Vec::new() })
    }
}
