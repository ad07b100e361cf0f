//! What clocks allow: timers by the wall clock, timeouts, and that nothing comes late; and that
//! what is recorded of an attempt is how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use bpm_core::__private::Kind;
use bpm_core::change::Change;
use bpm_core::clock::Timestamp;
use bpm_core::definition::ProcessDefinition;
use bpm_core::event::{Event, FailureKind};
use bpm_core::history::Recorded;
use bpm_core::ids::InstanceId;
use bpm_core::instance::{Instance, TokenState};

use super::desk::{self, Attempt};
use super::lower::UNDO_TIMEOUT_MS;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// With a value.
    Value(i64),
    /// With an error of this text, which another attempt may mend or not.
    Error(String, bool),
    /// It panicked with this text.
    Panic(String),
}

/// An attempt by its instance, visit and number.
type Which = (InstanceId, u64, u32);

/// What was seen of the clocks and of attempts.
pub struct Times {
    /// By the last word of a node's name: all undos have the same.
    timeouts: BTreeMap<String, Duration>,
    /// The wall clock, whenever an engine could look at it.
    walls: Vec<Timestamp>,
    /// The timers by the wall clock: when they are due, and from when on an engine knew them.
    calendar: BTreeMap<(InstanceId, u64), (Timestamp, usize)>,
    /// The attempts that began in the engine that runs, and when.
    began: BTreeMap<Which, Duration>,
    told: BTreeMap<Which, Told>,
}

fn last_word(node: &str) -> &str {
    node.rsplit('/').next().unwrap_or(node)
}

fn which(attempt: &Attempt) -> Which {
    let ((_, visit), (instance, _, number)) = (desk::node_and_visit(attempt), attempt);
    (*instance, visit, *number)
}

impl Times {
    /// Nothing was seen.
    pub fn new(definition: &ProcessDefinition) -> Self {
        let timeout = |node: &bpm_core::__private::Node| {
            let millis = match &node.kind {
                Kind::Service { policy, .. } => policy.timeout_ms?,
                Kind::Undo { .. } => UNDO_TIMEOUT_MS,
                _ => return None,
            };
            Some((last_word(&node.id).to_owned(), Duration::from_millis(millis)))
        };
        let timeouts = definition.graph().nodes.iter().filter_map(timeout).collect();
        let (walls, calendar) = (Vec::new(), BTreeMap::new());
        Self { timeouts, walls, calendar, began: BTreeMap::new(), told: BTreeMap::new() }
    }

    /// An engine looks at the wall clock.
    pub fn looked(&mut self, wall: Timestamp) {
        self.walls.push(wall);
    }

    /// An attempt began.
    pub fn began(&mut self, attempt: &Attempt, now: Duration) {
        self.began.insert(which(attempt), now);
    }

    /// The engine is gone, and its attempts with it.
    pub fn crashed(&mut self) {
        self.began.clear();
    }

    /// An attempt was told how to end.
    pub fn told(&mut self, attempt: &Attempt, how: Told) {
        self.told.insert(which(attempt), how);
    }

    /// A turn became durable: says what the clocks do not allow in it.
    pub fn turn(&mut self, of: InstanceId, turn: &Recorded, now: Duration) -> Result<(), String> {
        match &turn.event {
            Event::TimerFired { timer, .. } => self.fired(of, *timer)?,
            Event::TaskLost { visit, attempt, .. } => self.lost((of, *visit, *attempt))?,
            Event::TaskCompleted { visit, attempt, result, .. } => {
                let told = Told::Value(result.decode().unwrap_or(-1));
                self.ended((of, *visit, *attempt), &told)?;
            }
            Event::TaskFailed { node, visit, attempt, failure, retryable, caught, .. } => {
                // Nobody asks whether an error that a clause catches may be mended.
                let (error, is_caught) = (self.told.get(&(of, *visit, *attempt)), caught.is_some());
                let may_be = matches!(error, Some(Told::Error(_, true))) && is_caught;
                let retryable = &(*retryable || may_be);
                let (which, message) = ((of, *visit, *attempt), failure.message.clone());
                match failure.kind {
                    FailureKind::Timeout => self.timed_out(which, node, now)?,
                    FailureKind::Panic => self.ended(which, &Told::Panic(message))?,
                    FailureKind::Error => self.ended(which, &Told::Error(message, *retryable))?,
                    _ => {}
                }
            }
            _ => {}
        }
        for change in &turn.changes {
            if let Change::TimerSet { timer, due, calendar: true, .. } = change {
                self.calendar.insert((of, *timer), (*due, self.walls.len()));
            }
        }
        Ok(())
    }

    fn fired(&self, of: InstanceId, timer: u64) -> Result<(), String> {
        let Some((due, since)) = self.calendar.get(&(of, timer)) else { return Ok(()) };
        let was_due = self.walls[*since..].iter().any(|wall| wall >= due);
        let early = || format!("early by the wall clock: timer {timer}, due {due:?}");
        was_due.then_some(()).ok_or_else(early)
    }

    fn lost(&self, which: Which) -> Result<(), String> {
        match self.began.get(&which) {
            Some(began) => Err(format!("lost: {which:?}, which began in this engine at {began:?}")),
            None => Ok(()),
        }
    }

    fn ended(&self, which: Which, recorded: &Told) -> Result<(), String> {
        let told = self.told.get(&which);
        let other = || format!("recorded {recorded:?} of {which:?}, which was told {told:?}");
        (told == Some(recorded)).then_some(()).ok_or_else(other)
    }

    fn timed_out(&self, which: Which, node: &str, now: Duration) -> Result<(), String> {
        let timeout = self.timeouts.get(last_word(node));
        let due = self.began.get(&which).zip(timeout).map(|(began, timeout)| *began + *timeout);
        let early = || format!("timed out early: {which:?} at {now:?}, due {due:?}");
        due.is_some_and(|due| due <= now).then_some(()).ok_or_else(early)
    }

    /// Whether an attempt still runs although its time is up.
    pub fn overdue(&self, attempt: &Attempt, now: Duration) -> bool {
        let (node, _) = desk::node_and_visit(attempt);
        let began = self.began.get(&which(attempt));
        let due = began.zip(self.timeouts.get(node)).map(|(began, timeout)| *began + *timeout);
        due.is_some_and(|due| due <= now)
    }
}

/// A timer of an instance that is overdue, by the engine's time or by the wall clock.
pub fn late(instance: &Instance, time: Timestamp, wall: Timestamp) -> Option<String> {
    if instance.status.is_end() || instance.suspended().is_some() {
        return None;
    }
    instance.tokens().iter().find_map(|token| {
        let (due, now) = match token.state {
            TokenState::Timing { due, calendar: true, .. } => (due, wall),
            TokenState::Timing { due, .. } | TokenState::BackingOff { due, .. } => (due, time),
            _ => return None,
        };
        (due <= now).then(|| format!("late: the timer at {}, due {due:?}, at {now:?}", token.node))
    })
}
