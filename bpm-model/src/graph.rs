//! The graph of a process: what the macros emit as constants and the builder makes as data.
//!
//! One form serves both. Every list and text is a [`Cow`] that borrows from `'static` tables when
//! a macro emitted it and owns its parts when a builder or a file made it.

use std::borrow::Cow;

use crate::kind::Kind;

/// A text that is either part of the program or owned.
pub type Text = Cow<'static, str>;

/// A list that is either part of the program or owned.
pub type List<T> = Cow<'static, [T]>;

/// A process as a graph. Elements refer to each other by position.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Graph {
    /// The name of the process, as it is stored and as people see it.
    pub name: Text,
    /// The version of the process, from 1.
    pub version: u32,
    /// Who made the graph; some rules read differently for people who draw edges themselves.
    pub origin: Origin,
    /// What an instance completes with.
    pub outcome: Outcome,
    /// The nodes. A node's position is its index everywhere in the graph.
    pub nodes: List<Node>,
    /// The edges. The ways out of one node are tried in the order in which they stand here.
    pub edges: List<Edge>,
    /// The process variables. The first ones are the parameters.
    pub variables: List<Variable>,
    /// How many of [`variables`](Self::variables) are parameters.
    pub parameters: usize,
    /// The scope tree; the first one is the process itself.
    pub scopes: List<Scope>,
}

/// Who made a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Origin {
    /// `workflow!`: variables are declared, blocks are paired by construction.
    Workflow,
    /// The builder or an import: no variable is declared, any edge is possible.
    Built,
}

/// What an instance completes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// Nothing (`-> ()` or no result type): a path may simply end.
    Unit,
    /// A value: every path ends with `return`.
    Value,
    /// The process never ends by itself (`-> !`).
    Never,
    /// The variables, as one JSON object (built graphs).
    Variables,
}

/// A node: one element of the process with an id.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Node {
    /// The id that is stored and that operators see; unique in the process.
    pub id: Text,
    /// What the node does.
    pub kind: Kind,
    /// The scope that the node stands in (an index into [`Graph::scopes`]).
    pub scope: usize,
    /// The variables that its expressions read, in order of their first mention.
    pub reads: List<usize>,
    /// The variables that it sets when it is left by a normal way.
    pub sets: List<usize>,
    /// The user's expressions as text with our own spacing; part of the fingerprint. Empty in
    /// built graphs.
    pub source: Text,
}

/// A sequence flow.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Edge {
    /// The node that it leaves.
    pub from: usize,
    /// The node that it enters.
    pub to: usize,
    /// When it is taken.
    pub condition: Condition,
    /// What a person sees on it: the text of the condition or pattern, shortened. May be empty.
    pub text: Text,
    /// The variables that taking it sets: the names that a pattern binds.
    pub sets: List<usize>,
}

/// When an edge is taken.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Condition {
    /// Always: the only kind of edge that leaves anything but an exclusive split.
    Always,
    /// The process's compiled code chooses it: the n-th edge out of the node is port n.
    Code,
    /// An expression of the [expression language](crate::el).
    Expression(Text),
    /// A variable equals a JSON value, which is kept as JSON text. A variable that is not set
    /// equals nothing.
    VariableEq(Text, Text),
    /// No other edge of the node was taken.
    Default,
    /// Never by a token that leaves the node: it leads from an activity or a scope to one of its
    /// boundary events.
    Boundary,
}

/// A process variable: one place that holds a value.
///
/// One name may have several places: a name that a pattern binds belongs to its arm, and a name
/// that nobody reads outside its branch is private to the branch.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Variable {
    /// The name in the process's source.
    pub name: Text,
    /// The unique key under which the value is stored; the name itself where that is unique.
    pub key: Text,
    /// The type as the user wrote it with our own spacing, or empty where rustc infers it.
    pub ty: Text,
}

/// A part of the process that tokens enter and leave as one.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Scope {
    /// What opens it.
    pub kind: ScopeKind,
    /// The scope around it; the process is its own parent.
    pub parent: usize,
}

/// What a scope is.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum ScopeKind {
    /// The process itself.
    Process,
    /// One branch of a parallel block.
    Branch {
        /// The branch's name.
        name: Text,
        /// The node that forks the block; branches of one block share it.
        fork: usize,
        /// The sibling branches (scope indices) that complete before this one starts.
        after: List<usize>,
    },
    /// The body of a [scope](Kind::Scope), or of a [boundary event](Kind::Boundary) that does not
    /// interrupt.
    Body {
        /// The node that opens it.
        of: usize,
    },
}

impl Graph {
    /// The edges that leave `node`, with their indices, in the order in which they are tried.
    pub fn outgoing(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.from == node)
    }

    /// The edges that enter `node`, with their indices.
    pub fn incoming(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node)
    }

    /// The index of the node with this id.
    pub fn node(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }
}
