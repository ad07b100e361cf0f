//! What belongs to what in a process of blocks: events, bodies, copies.

use bpm_model::graph::{Condition, Graph, ScopeKind};
use bpm_model::kind::Kind;

use crate::readings::{around, inside};

/// The events of an activity or a scope: each with its edge, and whether it interrupts.
pub fn events(graph: &Graph, owner: usize) -> Vec<(usize, usize, bool)> {
    let event = |(edge, at): (usize, &bpm_model::graph::Edge)| match graph.nodes[at.to].kind {
        Kind::Boundary { interrupts, .. } if at.condition == Condition::Boundary => {
            Some((edge, at.to, interrupts))
        }
        _ => None,
    };
    graph.outgoing(owner).filter_map(event).collect()
}

/// The activity or scope of an event; any other node itself.
pub fn owner(graph: &Graph, node: usize) -> usize {
    match graph.nodes[node].kind {
        Kind::Boundary { of, .. } => of,
        _ => node,
    }
}

/// The body that a node opens.
pub fn body(graph: &Graph, node: usize) -> Option<usize> {
    graph.scopes.iter().position(|scope| scope.kind == ScopeKind::Body { of: node })
}

/// The bodies that run beside an activity or a scope.
pub fn bodies_beside(graph: &Graph, owner: usize) -> Vec<usize> {
    let beside = events(graph, owner).into_iter().filter(|(.., interrupts)| !interrupts);
    beside.filter_map(|(_, event, _)| body(graph, event)).collect()
}

/// The innermost branch of a parallel block that a node stands in.
pub fn branch(graph: &Graph, node: usize) -> Option<usize> {
    around(graph, graph.nodes[node].scope).into_iter().find(|scope| fork(graph, *scope).is_some())
}

/// The fork of a branch of a parallel block.
pub fn fork(graph: &Graph, scope: usize) -> Option<usize> {
    match graph.scopes[scope].kind {
        ScopeKind::Branch { fork, .. } if graph.nodes[fork].kind == Kind::Parallel => Some(fork),
        _ => None,
    }
}

/// Whether a node stands in a branch of a race.
pub fn is_in_race(graph: &Graph, node: usize, race: usize) -> bool {
    let is_branch = |scope: &usize| match graph.scopes[*scope].kind {
        ScopeKind::Branch { fork, .. } => fork == race,
        _ => false,
    };
    around(graph, graph.nodes[node].scope).iter().any(is_branch)
}

/// Whether a node stands in one of these scopes.
pub fn is_in(graph: &Graph, node: usize, scopes: &[usize]) -> bool {
    node < graph.nodes.len() && scopes.iter().any(|scope| inside(graph, node, *scope))
}

/// The variable of which a variable is a copy, or a copy of a copy.
pub fn original(graph: &Graph, variable: usize) -> usize {
    let copies = |kind: &Kind| match kind {
        Kind::Scope { copies } => copies.to_vec(),
        _ => Vec::new(),
    };
    let mut at = variable;
    while let Some((of, _)) =
        graph.nodes.iter().flat_map(|node| copies(&node.kind)).find(|(_, copy)| *copy == at)
    {
        at = of;
    }
    at
}
