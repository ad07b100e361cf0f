//! From statements to a graph, and for each node what its visit does.
//!
//! Blocks nest as the statements do, so that splits and joins come in pairs. A path that waits for
//! its next node is an [`Open`] end: at most one between two statements.

mod block;
mod choice;
mod data;
mod declare;
mod graph;
mod jump;
mod names;
mod place;
mod race;
mod repeat;
mod scope;
mod statement;
mod work;

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenTree};

use bpm_model::graph::{Condition, Graph};
pub(crate) use names::plain;
use names::{NodeName, Scopes};
pub(crate) use place::Places;
pub(crate) use work::{Caught, Keep, Part, Prologue, Region, Visit, Work};

use crate::report::Report;
use crate::syntax::{Label, Process, Target};

/// A process as graph and code.
pub(crate) struct Lowered<'a> {
    pub(crate) graph: Graph,
    pub(crate) places: Places,
    /// One for each variable, in the order of [`Graph::variables`].
    pub(crate) binders: Vec<Binder<'a>>,
    /// What visits do.
    pub(crate) body: Region<'a>,
    /// One for each name of a user task.
    pub(crate) user_tasks: Vec<UserTask<'a>>,
    /// The service tasks whose errors patterns are matched against.
    pub(crate) thrown: Vec<usize>,
    pub(crate) reports: Vec<Report>,
}

impl Lowered<'_> {
    /// The variable that expressions see where the graph has this one: of a copy, what it is a
    /// copy of.
    pub(crate) fn seen(&self, variable: usize) -> usize {
        self.binders[variable].copy_of.map_or(variable, |of| self.seen(of))
    }
}

/// What a variable is in the emitted code.
pub(crate) struct Binder<'a> {
    /// The user's first mention as a binder; of hidden variables a name of ours.
    pub(crate) name: Ident,
    /// The `mut` in front of it.
    pub(crate) mutable: Option<TokenTree>,
    /// The `let` whose annotation the emitted definition carries.
    pub(crate) annotation: Option<&'a Target>,
    /// Whether expressions can see it: cursors of loops are hidden.
    pub(crate) hidden: bool,
    /// The variable of the same name and type that it is a copy of, for a branch of a race.
    pub(crate) copy_of: Option<usize>,
}

/// A user task as a typed constant.
pub(crate) struct UserTask<'a> {
    pub(crate) constant: Ident,
    pub(crate) name: String,
    /// The `let` that says its type; none where the task has no result.
    pub(crate) target: Option<&'a Target>,
}

/// The end of a path that has no next node yet.
pub(super) struct Open {
    from: usize,
    condition: Condition,
    text: String,
    sets: Vec<usize>,
    /// The condition or pattern.
    span: Span,
    /// Its place among the ways out of the node.
    order: usize,
}

/// The state of lowering one process.
struct Lowering<'a> {
    process: &'a Process,
    graph: Graph,
    node_names: Vec<NodeName>,
    places: Places,
    binders: Vec<Binder<'a>>,
    user_tasks: Vec<UserTask<'a>>,
    reports: Vec<Report>,
    /// The parts of the region in the making.
    parts: Vec<Part<'a>>,
    /// The names that are in sight.
    scopes: Scopes,
    /// The graph scope of new nodes.
    scope: usize,
    /// The loops around the current statement, from the outside.
    loops: Vec<repeat::Loop>,
    /// What expressions of the expression language mention and is not in sight.
    unseen: Vec<Ident>,
    /// The labels of all loops so far.
    loop_labels: Vec<Label>,
    /// The places of the edges among the ways out of their nodes.
    orders: Vec<usize>,
    /// How many ways out there are so far.
    ways: usize,
    /// The variables of arms that are lowered, and hidden ones: nothing outside sees them.
    private: HashSet<usize>,
    /// The service tasks whose errors patterns are matched against.
    thrown: Vec<usize>,
    /// The ends that lead to the next node.
    open: Vec<Open>,
}

/// Lowers a process.
pub(crate) fn lower(process: &Process) -> Lowered<'_> {
    let mut lowering = Lowering::new(process);
    lowering.declare();
    lowering.start();
    lowering.statements(&process.body);
    lowering.end();
    lowering.finish()
}
