//! The kinds of nodes.

use crate::graph::{List, Text};
use crate::policy::Policy;

/// What a node does when a token reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Kind {
    /// Where an instance begins: no way in, one way out.
    Start,
    /// Where an instance ends: no way out.
    End {
        /// Whether it carries the process's result (`return expr`).
        returns: bool,
    },
    /// An error end event: fails the instance. No way out.
    Fail,
    /// A service task: runs an async function of the user.
    Service {
        /// The name of the task.
        task: Text,
        /// The clauses at the activity.
        policy: Policy,
    },
    /// The compensation of an activity: a service task that runs only if the activity completed
    /// and what it belongs to failed. No way leads in or out.
    Undo {
        /// The name of the task.
        task: Text,
        /// The activity that it undoes.
        of: usize,
    },
    /// A user task: waits in the work list until a person completes it.
    User {
        /// The name of the user task, by which work lists are filtered.
        name: Text,
    },
    /// A timer: waits until a time.
    Wait {
        /// How long, in milliseconds from when a token comes; otherwise the process's compiled
        /// code says until when.
        after_ms: Option<u64>,
    },
    /// A script task: a pure expression that runs inside the turn.
    Script,
    /// An exclusive gateway: a choice (one way in, several out) or a merge (several in, one out).
    Exclusive,
    /// The head of a sequential `for`: a choice that takes the next item of a list or, behind the
    /// last one, leaves the loop. The first way out is the body, the second leaves.
    Each,
    /// A parallel gateway: a fork (one way in, several out) or a join (several in, one out).
    Parallel,
    /// A sub-process: a boundary of the saga and of cancellation. Its first way out leads to its
    /// body, the others to its boundary events; [`Kind::Leave`] is where its body ends.
    Scope {
        /// The variables of which the body has copies of its own, each with its copy: written
        /// when the body begins, and written back when it has completed and, in a race, won.
        copies: List<(usize, usize)>,
    },
    /// Where the body of a scope completes, or that of a boundary event which does not interrupt.
    /// Behind a scope's body the flow goes on; behind that of a boundary event it ends.
    Leave {
        /// The node that the body belongs to.
        of: usize,
    },
    /// A boundary event of an activity or a scope: an edge of the condition
    /// [`Boundary`](crate::graph::Condition::Boundary) leads from there to it, and its way out to
    /// what handles the event.
    Boundary {
        /// The activity or scope.
        of: usize,
        /// What it waits for.
        on: Trigger,
        /// Whether the activity or scope is cancelled and undone when it happens. If not, what
        /// handles it runs beside, as a body of its own.
        interrupts: bool,
    },
    /// A race: a token runs each branch, and each branch is one scope.
    Race {
        /// How many branches must complete.
        wins: u32,
    },
    /// The end of a race: goes on with one token when enough branches have completed and the
    /// others are undone.
    Won {
        /// The race.
        race: usize,
    },
}

/// What a boundary event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Trigger {
    /// A failure that its pattern matches.
    Error,
    /// So much time since the activity or scope began; the process's compiled code says how much.
    After,
    /// A time; the process's compiled code says which.
    At,
    /// Every time that so much time has passed.
    Every,
}

impl Trigger {
    /// Whether a timer brings it.
    pub fn is_timer(self) -> bool {
        self != Trigger::Error
    }

    /// The word in the process's source.
    pub fn word(self) -> &'static str {
        match self {
            Trigger::Error => "error",
            Trigger::After => "after",
            Trigger::At => "at",
            Trigger::Every => "every",
        }
    }
}

impl Kind {
    /// Whether a token may rest here, so that the turn ends: work or a wait outside of the engine.
    pub fn is_durable_point(&self) -> bool {
        match self {
            Kind::Service { .. } | Kind::User { .. } | Kind::Wait { .. } => true,
            Kind::Boundary { on, .. } => on.is_timer(),
            _ => false,
        }
    }

    /// Whether a token that comes here goes nowhere else.
    pub fn is_end(&self) -> bool {
        matches!(self, Kind::End { .. } | Kind::Fail)
    }

    /// Whether it is an activity: work that may give a value.
    pub fn is_activity(&self) -> bool {
        matches!(self, Kind::Service { .. } | Kind::Undo { .. } | Kind::User { .. } | Kind::Script)
    }

    /// Whether one of several ways out is chosen here.
    pub fn is_choice(&self) -> bool {
        matches!(self, Kind::Exclusive | Kind::Each)
    }

    /// The kind in one word, as messages and pictures name it.
    pub fn noun(&self) -> &'static str {
        match self {
            Kind::Start => "start",
            Kind::End { .. } => "end",
            Kind::Service { .. } => "service task",
            Kind::Fail => "failure",
            Kind::Undo { .. } => "undo",
            Kind::User { .. } => "user task",
            Kind::Wait { .. } => "timer",
            Kind::Script => "script task",
            Kind::Exclusive => "exclusive gateway",
            Kind::Each => "loop over a list",
            Kind::Parallel => "parallel gateway",
            Kind::Scope { .. } => "scope",
            Kind::Leave { .. } => "end of a scope",
            Kind::Boundary { .. } => "boundary event",
            Kind::Race { .. } => "race",
            Kind::Won { .. } => "end of a race",
        }
    }
}
