//! The kinds of nodes.

use crate::graph::Text;
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
}

impl Kind {
    /// Whether a token may rest here, so that the turn ends: work or a wait outside of the engine.
    pub fn is_durable_point(&self) -> bool {
        matches!(self, Kind::Service { .. } | Kind::User { .. } | Kind::Wait { .. })
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
        }
    }
}
