//! What the checks found, as data. The words are made in one place, [`Finding::message`].
//!
//! A finding names elements of the graph; each front end keeps its own map from element to place
//! in a source: the macro a span, the builder the line of a call.

mod findings;
mod message;
mod path;
mod words;

use std::fmt;
use std::ops::Range;

pub use findings::Findings;
pub use message::Message;

use crate::graph::Graph;
use crate::policy::Part;

/// The code of a finding, as it is printed and documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// One name for two things.
    B001 = 1,
    /// An unknown word.
    B002,
    /// A variable that may be unset where it is read.
    B003,
    /// A race on a variable.
    B004,
    /// A statement that can never run.
    B005,
    /// A loop that can never end or that never rests.
    B006,
    /// A jump out of a concurrent branch.
    B007,
    /// A cycle in `after`.
    B008,
    /// A path that ends without the result.
    B009,
    /// An `undo` that cannot run.
    B010,
    /// A deadlock.
    B011,
    /// An element that two tokens may reach.
    B012,
    /// A choice that may match nothing.
    B013,
    /// An expression that is not right.
    B014,
    /// A policy that makes no sense.
    B015,
    /// A handler that can never fire.
    B016,
    /// A variable that nobody reads.
    B017,
    /// A wrong number of ways in or out.
    B018,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "B{:03}", *self as u8)
    }
}

/// Where in a graph something is: what a front end turns into a place of its source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The process as a whole.
    Process,
    /// The result type of the process.
    Result,
    /// A node.
    Node(usize),
    /// An edge.
    Edge(usize),
    /// A scope: a branch of a parallel block.
    Scope(usize),
    /// The first mention of a variable in the expressions of a node.
    Read {
        /// The node that reads.
        node: usize,
        /// The variable.
        variable: usize,
    },
    /// Where a node, or an edge out of it, sets a variable.
    Set {
        /// The node that sets.
        node: usize,
        /// The variable.
        variable: usize,
    },
    /// A value in the clauses of a node.
    Clause {
        /// The node.
        node: usize,
        /// Which value.
        part: Part,
    },
    /// A part of the expression on an edge.
    Expression {
        /// The edge.
        edge: usize,
        /// The bytes of the expression that are meant.
        at: Range<usize>,
    },
}

/// A step of the path that shows how a run comes to a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A token reaches this node.
    Node(usize),
    /// This edge is chosen.
    Choice(usize),
    /// A token waits at this join for a token over this edge, which never comes.
    Waits {
        /// The join.
        join: usize,
        /// The edge that stays empty.
        edge: usize,
    },
    /// A second token reaches this node.
    Again(usize),
}

/// What kind of name is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A node, in an edge of the builder.
    Node,
    /// A label of a loop or statement.
    Label,
    /// A branch of a parallel block.
    Branch,
    /// A node, in a clause of the builder.
    Activity,
    /// A clause of a statement.
    Clause,
    /// A statement's first word.
    Statement,
}

/// What is wrong with the number of ways in or out of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degree {
    /// No node is the start.
    NoStart,
    /// A second start.
    SecondStart {
        /// The first one.
        first: usize,
    },
    /// No node is an end.
    NoEnd,
    /// Ways into the start.
    IntoStart,
    /// No way out of something that is not an end.
    NoWayOut,
    /// Ways out of an end.
    OutOfEnd,
    /// Several ways into something that is not a gateway: an implicit merge.
    ImplicitMerge {
        /// How many.
        ways: usize,
    },
    /// Several ways out of something that is not a gateway.
    ImplicitSplit {
        /// How many.
        ways: usize,
    },
    /// Several ways in and several ways out of one gateway.
    BothSides,
    /// The head of a list loop without its two ways out.
    Each,
    /// A condition on an edge that leaves something that does not choose.
    ConditionWithoutChoice,
    /// A second default among the ways out of one gateway.
    SecondDefault,
}

/// What is wrong, as data: indices into the graph, and the names that are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Two nodes with one id.
    SameId {
        /// The node that had the id first.
        first: usize,
    },
    /// Two branches of one block with one name.
    SameBranch {
        /// The scope that had the name first.
        first: usize,
    },
    /// A name that nothing has.
    Unknown {
        /// What was looked for.
        named: Named,
        /// The name as it was written.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A clause at something that cannot have it.
    ForeignClause {
        /// The clause's word.
        word: &'static str,
        /// What has it.
        of: String,
    },
    /// A duration that cannot be read.
    NotADuration {
        /// The text as it was written.
        text: String,
    },
    /// A number of attempts that cannot be read.
    NotANumber {
        /// The text as it was written.
        text: String,
    },
    /// A value of a policy that is no literal.
    NotALiteral {
        /// Which value.
        part: Part,
        /// The text as it was written.
        text: String,
    },
    /// No attempts, or a duration of no length.
    Zero {
        /// Which value.
        part: Part,
    },
    /// A bound of all delays that is less than the first delay.
    MaxBelowFirst {
        /// The bound of the first delay, in milliseconds.
        first_ms: u64,
        /// The bound of all of them, in milliseconds.
        max_ms: u64,
    },
    /// An `undo` behind what has no effect outside of the process.
    NothingToUndo,
    /// A variable may be unset where it is read.
    MayBeUnset {
        /// The variable.
        variable: usize,
    },
    /// A variable may be unset when the activity completes whose undo reads it.
    UndoMayBeUnset {
        /// The variable.
        variable: usize,
        /// The activity.
        of: usize,
    },
    /// Two concurrent branches set one variable.
    Race {
        /// The variable.
        variable: usize,
        /// The branch that sets it, of the primary place.
        branch: usize,
        /// The other branch that sets it.
        other: usize,
    },
    /// A branch reads what a concurrent branch sets.
    UnorderedRead {
        /// The variable.
        variable: usize,
        /// The branch that reads.
        branch: usize,
        /// The branch that sets.
        other: usize,
    },
    /// Something sets a variable, and what runs beside it sets it too.
    SetBeside {
        /// The variable.
        variable: usize,
        /// The one: an activity, or what opens a body that sets it.
        one: usize,
        /// The other, of the primary place.
        other: usize,
    },
    /// Something reads a variable that is set by what runs beside it.
    ReadBeside {
        /// The variable.
        variable: usize,
        /// Who reads: an activity, or what opens a body that reads.
        reader: usize,
        /// Who sets, likewise.
        setter: usize,
    },
    /// Nothing leads to the node.
    NeverRuns,
    /// What leads to the node is never chosen, because a condition does not depend on anything.
    NeverChosen {
        /// The edge with that condition: the one that leads to the node if it is always false,
        /// one that is tried before if it is always true.
        edge: usize,
        /// What the condition always is.
        always: bool,
    },
    /// The loop has no way out.
    NoExit,
    /// The loop can turn without ever resting.
    NoDurablePoint,
    /// An edge leaves a parallel branch elsewhere than at its end.
    LeavesBranch {
        /// The branch.
        branch: usize,
    },
    /// Branches wait for each other.
    AfterCycle {
        /// Each waits for the next, the last one for the first.
        branches: Vec<usize>,
    },
    /// A path ends without the result.
    NoResult,
    /// A path ends in a process that never ends.
    EndsNever,
    /// A join waits for ever.
    JoinWaits,
    /// No end can be reached from here.
    NoWayToEnd,
    /// Two tokens may reach a node.
    TwoTokens,
    /// Two tokens of one instance may reach ends.
    TwoEnds,
    /// More is left after reduction than is decided.
    Tangled {
        /// How many nodes are left.
        nodes: usize,
        /// How many may be left.
        bound: usize,
    },
    /// A choice whose conditions may all be false.
    NoDefault,
    /// An expression that cannot be parsed, or is typed wrongly.
    Expression {
        /// What is wrong, in the words of the expression language.
        what: String,
        /// What to write instead, or empty.
        help: String,
    },
    /// An expression with a variable that the process does not have.
    UnknownVariable {
        /// The variable's name.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A condition that is not true or false.
    NotBool {
        /// What type it has.
        ty: String,
    },
    /// An event for errors of what cannot fail.
    CannotFail {
        /// The activity or scope.
        of: usize,
    },
    /// An event that interrupts after no time.
    FiresAtOnce {
        /// The activity or scope.
        of: usize,
    },
    /// An event before which another one always happens.
    ComesLater {
        /// The other one.
        first: usize,
    },
    /// A wrong number of ways in or out.
    Degree(Degree),
}

impl Fault {
    /// The code under which the fault is reported.
    pub fn code(&self) -> Code {
        match self {
            Fault::SameId { .. } | Fault::SameBranch { .. } => Code::B001,
            Fault::Unknown { .. } | Fault::ForeignClause { .. } => Code::B002,
            Fault::MayBeUnset { .. } => Code::B003,
            Fault::UndoMayBeUnset { .. } | Fault::NothingToUndo => Code::B010,
            Fault::Race { .. }
            | Fault::UnorderedRead { .. }
            | Fault::SetBeside { .. }
            | Fault::ReadBeside { .. } => Code::B004,
            Fault::NeverRuns | Fault::NeverChosen { .. } => Code::B005,
            Fault::NoExit | Fault::NoDurablePoint => Code::B006,
            Fault::LeavesBranch { .. } => Code::B007,
            Fault::AfterCycle { .. } => Code::B008,
            Fault::NoResult | Fault::EndsNever => Code::B009,
            Fault::JoinWaits | Fault::NoWayToEnd | Fault::Tangled { .. } => Code::B011,
            Fault::TwoTokens | Fault::TwoEnds => Code::B012,
            Fault::NoDefault => Code::B013,
            Fault::Expression { .. } | Fault::UnknownVariable { .. } | Fault::NotBool { .. } => {
                Code::B014
            }
            Fault::NotADuration { .. }
            | Fault::NotANumber { .. }
            | Fault::NotALiteral { .. }
            | Fault::Zero { .. }
            | Fault::MaxBelowFirst { .. } => Code::B015,
            Fault::CannotFail { .. } | Fault::FiresAtOnce { .. } | Fault::ComesLater { .. } => {
                Code::B016
            }
            Fault::Degree(_) => Code::B018,
        }
    }
}

/// One thing that is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub fault: Fault,
    /// The element to blame.
    pub place: Place,
    /// Other elements that have a part in it.
    pub related: Vec<Place>,
    /// The path that shows it; empty where there is none to show.
    pub witness: Vec<Step>,
}

impl Finding {
    /// A finding without related places and without a path.
    pub fn new(fault: Fault, place: Place) -> Finding {
        Finding { fault, place, related: Vec::new(), witness: Vec::new() }
    }

    /// The same with one more related place.
    pub fn related(mut self, place: Place) -> Finding {
        self.related.push(place);
        self
    }

    /// The same with the path that shows it.
    pub fn witness(mut self, steps: Vec<Step>) -> Finding {
        self.witness = steps;
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.fault.code()
    }

    /// The finding in words, with the names of `graph`, which must be the graph that was checked.
    pub fn message(&self, graph: &Graph) -> Message {
        words::message(self, graph)
    }
}
