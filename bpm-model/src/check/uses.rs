//! What branches and bodies do with variables.

use super::beside::Party;
use super::bits::Bits;
use super::scopes::around;
use super::ways::Ways;
use super::within::Within;
use crate::graph::Graph;
use crate::kind::Kind;

/// What is read and set where.
pub(super) struct Uses {
    /// What each scope reads, the scopes inside of it included.
    reads: Vec<Bits>,
    /// What each scope sets, the scopes inside of it included.
    sets: Vec<Bits>,
}

impl Uses {
    pub(super) fn new(graph: &Graph, ways: &Ways) -> Uses {
        let none = vec![Bits::none(graph.variables.len()); graph.scopes.len()];
        let mut uses = Uses { reads: none.clone(), sets: none };
        let live = || graph.nodes.iter().enumerate().filter(|(at, _)| ways.live[*at]);
        for (at, node) in live() {
            for scope in around(graph, node.scope) {
                node.reads.iter().for_each(|variable| uses.reads[scope].add(*variable));
                sets_at(graph, ways, at).for_each(|variable| uses.sets[scope].add(variable));
            }
        }
        let copies = |kind: &Kind| matches!(kind, Kind::Scope { copies } if !copies.is_empty());
        if live().any(|(_, node)| copies(&node.kind)) {
            uses.add_copies(graph, ways);
        }
        uses
    }

    /// To whom stands around a body, its copies are what they are copies of.
    fn add_copies(&mut self, graph: &Graph, ways: &Ways) {
        let within = Within::new(graph, ways);
        for (at, scope) in graph.scopes.iter().enumerate() {
            let crate::graph::ScopeKind::Body { of } = scope.kind else { continue };
            let Kind::Scope { copies } = &graph.nodes[of].kind else { continue };
            for (original, copy) in copies.iter().filter(|_| ways.live[of]) {
                for scope in around(graph, scope.parent) {
                    self.sets[scope].add(*original);
                    if within.takes[at].has(*copy) {
                        self.reads[scope].add(*original);
                    }
                }
            }
        }
    }

    pub(super) fn sets(&self, graph: &Graph, party: Party) -> Bits {
        match party {
            Party::Scope(scope) => self.sets[scope].clone(),
            Party::Work(node) => {
                let mut sets = Bits::none(graph.variables.len());
                graph.nodes[node].sets.iter().for_each(|variable| sets.add(*variable));
                sets
            }
        }
    }

    pub(super) fn reads(&self, graph: &Graph, party: Party) -> Bits {
        match party {
            Party::Scope(scope) => self.reads[scope].clone(),
            Party::Work(_) => {
                let mut reads = Bits::none(graph.variables.len());
                let nodes = (0..graph.nodes.len()).filter(|node| party.has(graph, *node));
                nodes
                    .flat_map(|node| party.reads(graph, node))
                    .for_each(|variable| reads.add(*variable));
                reads
            }
        }
    }
}

/// What a node and the edges out of it set.
pub(super) fn sets_at(graph: &Graph, ways: &Ways, node: usize) -> impl Iterator<Item = usize> {
    let by_edges = ways.outs[node].iter().flat_map(|edge| graph.edges[*edge].sets.iter());
    graph.nodes[node].sets.iter().chain(by_edges).copied()
}
