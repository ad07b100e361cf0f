//! Boundary events: whose they are, and where the bodies of scopes and events are.

use std::collections::BTreeMap;

use crate::graph::{Condition, Graph, ScopeKind};
use crate::kind::Kind;

/// The boundary events of a graph.
pub(super) struct Events {
    /// By the activity or scope, in order of writing.
    of: BTreeMap<usize, Vec<usize>>,
    /// The bodies by the nodes that open them.
    bodies: BTreeMap<usize, usize>,
}

impl Events {
    pub(super) fn new(graph: &Graph) -> Events {
        let mut of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for edge in graph.edges.iter().filter(|edge| edge.condition == Condition::Boundary) {
            of.entry(edge.from).or_default().push(edge.to);
        }
        let body = |(at, scope): (usize, &crate::graph::Scope)| match scope.kind {
            ScopeKind::Body { of } => Some((of, at)),
            ScopeKind::Process | ScopeKind::Branch { .. } => None,
        };
        Events { of, bodies: graph.scopes.iter().enumerate().filter_map(body).collect() }
    }

    /// The activities and scopes that have events, each with them.
    pub(super) fn owners(&self) -> impl Iterator<Item = (usize, &[usize])> {
        self.of.iter().map(|(owner, events)| (*owner, &events[..]))
    }

    /// The events of an activity or scope.
    pub(super) fn of(&self, owner: usize) -> &[usize] {
        self.of.get(&owner).map_or(&[], |events| events)
    }

    /// Those of them that interrupt it.
    pub(super) fn interrupting(&self, graph: &Graph, owner: usize) -> impl Iterator<Item = usize> {
        self.of(owner).iter().copied().filter(|event| interrupts(graph, *event))
    }

    /// The bodies that run beside an activity or scope, those of its events that do not interrupt.
    pub(super) fn beside(&self, graph: &Graph, owner: usize) -> impl Iterator<Item = usize> {
        let also = self.of(owner).iter().filter(|event| !interrupts(graph, **event));
        also.filter_map(|event| self.body(*event))
    }

    /// The body that a node opens.
    pub(super) fn body(&self, node: usize) -> Option<usize> {
        self.bodies.get(&node).copied()
    }
}

/// Whether a node is an event that interrupts.
pub(super) fn interrupts(graph: &Graph, event: usize) -> bool {
    matches!(graph.nodes[event].kind, Kind::Boundary { interrupts: true, .. })
}

/// The activity or scope of a boundary event.
pub(super) fn owner(graph: &Graph, event: usize) -> Option<usize> {
    match graph.nodes[event].kind {
        Kind::Boundary { of, .. } => Some(of),
        _ => None,
    }
}
