//! Which token of the user an element of the graph stands for.

use std::collections::{HashMap, HashSet};

use bpm_model::finding::Place;
use bpm_model::graph::{Graph, ScopeKind};
use bpm_model::policy::Part;
use proc_macro2::Span;

/// The places of a process.
pub(crate) struct Places {
    pub(super) process: Span,
    pub(super) result: Span,
    pub(super) nodes: Vec<Span>,
    pub(super) edges: Vec<Span>,
    pub(super) scopes: Vec<Span>,
    pub(super) reads: HashMap<(usize, usize), Span>,
    pub(super) sets: HashMap<(usize, usize), Span>,
    /// The values of clauses.
    pub(super) values: HashMap<(usize, Part), Span>,
    /// Nodes whose expressions could not be parsed: nothing is said about their data.
    pub(super) inexact: HashSet<usize>,
    /// Nodes that stand for what was reported already.
    pub(super) broken: HashSet<usize>,
    /// Branches of which it is not known what they wait for.
    pub(super) unordered: HashSet<usize>,
}

impl Places {
    pub(super) fn new(process: Span, result: Span) -> Places {
        Places {
            process,
            result,
            nodes: Vec::new(),
            edges: Vec::new(),
            scopes: vec![process],
            reads: HashMap::new(),
            sets: HashMap::new(),
            values: HashMap::new(),
            inexact: HashSet::new(),
            broken: HashSet::new(),
            unordered: HashSet::new(),
        }
    }

    /// The user's token for a place; of what has none, the process's name.
    pub(crate) fn span(&self, place: &Place) -> Span {
        let found = match place {
            Place::Process => Some(&self.process),
            Place::Result => Some(&self.result),
            Place::Node(node) => self.nodes.get(*node),
            Place::Edge(edge) | Place::Expression { edge, .. } => self.edges.get(*edge),
            Place::Scope(scope) => self.scopes.get(*scope),
            Place::Clause { node, part } => {
                self.values.get(&(*node, *part)).or_else(|| self.nodes.get(*node))
            }
            Place::Read { node, variable } => {
                self.reads.get(&(*node, *variable)).or_else(|| self.nodes.get(*node))
            }
            Place::Set { node, variable } => {
                self.sets.get(&(*node, *variable)).or_else(|| self.nodes.get(*node))
            }
        };
        found.copied().unwrap_or(self.process)
    }

    /// Whether a place belongs to a statement that was not understood as a whole, so that what is
    /// found there may be wrong.
    pub(crate) fn is_vague(&self, place: &Place) -> bool {
        match place {
            Place::Read { node, .. } | Place::Set { node, .. } => {
                self.inexact.contains(node) || self.broken.contains(node)
            }
            Place::Node(node) => self.broken.contains(node),
            _ => false,
        }
    }

    /// Whether a branch waits, maybe over others, for one that there is not.
    pub(crate) fn is_unordered(&self, graph: &Graph, branch: usize) -> bool {
        let mut seen = HashSet::new();
        let mut ready = vec![branch];
        while let Some(scope) = ready.pop() {
            if self.unordered.contains(&scope) {
                return true;
            }
            if let ScopeKind::Branch { after, .. } = &graph.scopes[scope].kind
                && seen.insert(scope)
            {
                ready.extend(after.iter());
            }
        }
        false
    }
}
