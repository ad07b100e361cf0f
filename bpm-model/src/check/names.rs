//! Names that must be unique (B001).

use std::collections::HashMap;

use crate::finding::{Fault, Finding, Place};
use crate::graph::{Graph, ScopeKind};

/// An id is what is stored and what operators see, so it is unique in the process.
pub(super) fn same_ids(graph: &Graph, findings: &mut Vec<Finding>) {
    let mut seen = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        let first = *seen.entry(&node.id).or_insert(at);
        if first != at {
            let fault = Fault::SameId { first };
            findings.push(Finding::new(fault, Place::Node(at)).related(Place::Node(first)));
        }
    }
}

/// `after` names a branch of the same block, so these names are unique in their block.
pub(super) fn same_branches(graph: &Graph, findings: &mut Vec<Finding>) {
    let mut seen = HashMap::new();
    for (at, scope) in graph.scopes.iter().enumerate() {
        let ScopeKind::Branch { name, fork, .. } = &scope.kind else { continue };
        let first = *seen.entry((fork, name)).or_insert(at);
        if first != at {
            let fault = Fault::SameBranch { first };
            findings.push(Finding::new(fault, Place::Scope(at)).related(Place::Scope(first)));
        }
    }
}
