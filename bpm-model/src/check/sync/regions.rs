//! The parts of a process that tokens do not leave: the process itself, the bodies of its scopes,
//! and what boundary events start beside something.
//!
//! From outside, a scope is one gate. Its ways out are the ways behind its body and those of the
//! events that interrupt it. So each part is judged by itself, and nothing is ever cancelled in it.
//! What ends the instance, or turns until it is cancelled, takes nothing away from what is right
//! about the rest; it goes on to where its branch ends.

use std::collections::BTreeMap;

use super::super::events::interrupts;
use super::super::scopes::{Crossings, around, inside};
use super::super::ways::{Ways, components};
use crate::graph::{Condition, Graph, Origin, ScopeKind};
use crate::kind::Kind;

/// A part of a process, as gates and the ways between them.
pub(super) struct Region {
    /// The gate at which it begins.
    pub(super) first: usize,
    /// The gates that take from all ways in and give to all ways out. The last gate but the added
    /// ones, behind those of the nodes, is where it ends.
    pub(super) all: Vec<bool>,
    /// Each way with the edge that stands for it.
    pub(super) ways: Vec<Way>,
}

/// A way from gate to gate.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) edge: usize,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// The parts of what can run; the process is the first one.
pub(super) fn regions(
    graph: &Graph,
    ways: &Ways,
    crossings: &Crossings,
    start: usize,
) -> Vec<Region> {
    let bodies = graph.scopes.iter().enumerate().filter_map(|(scope, at)| match at.kind {
        ScopeKind::Body { of } if ways.live[of] => Some((scope, of)),
        _ => None,
    });
    let all: Vec<(usize, usize)> = std::iter::once((0, start)).chain(bodies).collect();
    let mut by_scope: BTreeMap<usize, Vec<Way>> = BTreeMap::new();
    for edge in (0..graph.edges.len()).filter(|edge| ways.taken[*edge]) {
        if let Some((scope, way)) = way(graph, edge) {
            by_scope.entry(scope).or_default().push(way);
        }
    }
    let region = |(scope, first): (usize, usize)| {
        let ways_of = by_scope.get(&scope).cloned().unwrap_or_default();
        let mut all: Vec<bool> = graph.nodes.iter().map(|node| is_all(&node.kind)).collect();
        all.push(false);
        let region = Region { first, all, ways: ways_of };
        match graph.origin {
            Origin::Workflow => {
                let (joins, beside) = (BTreeMap::new(), BTreeMap::new());
                Closing { graph, ways, crossings, scope, region, joins, beside }.close()
            }
            Origin::Built => region,
        }
    };
    all.into_iter().map(region).collect()
}

fn is_all(kind: &Kind) -> bool {
    matches!(kind, Kind::Parallel | Kind::Race { .. } | Kind::Won { .. })
}

/// The part that an edge belongs to, and between which gates it leads there. The edge to what is
/// started beside something belongs to none.
fn way(graph: &Graph, edge: usize) -> Option<(usize, Way)> {
    let at = &graph.edges[edge];
    if at.condition == Condition::Boundary && !interrupts(graph, at.to) {
        return None;
    }
    let (from, scope) = match graph.nodes[at.from].kind {
        Kind::Leave { of } => (of, graph.nodes[of].scope),
        Kind::Scope { .. } if at.condition != Condition::Boundary => {
            (at.from, graph.nodes[at.to].scope)
        }
        Kind::Boundary { interrupts: false, .. } => (at.from, graph.nodes[at.to].scope),
        _ => (at.from, graph.nodes[at.from].scope),
    };
    let to = match graph.nodes[at.to].kind {
        Kind::Leave { .. } | Kind::End { .. } => graph.nodes.len(),
        _ => at.to,
    };
    Some((body_around(graph, scope), Way { edge, from, to }))
}

/// The innermost body around, else the process.
fn body_around(graph: &Graph, scope: usize) -> usize {
    let is_body = |scope: &usize| matches!(graph.scopes[*scope].kind, ScopeKind::Body { .. });
    around(graph, scope).find(is_body).unwrap_or(0)
}

/// Gives each gate of a part that goes nowhere a way to where its branch ends.
struct Closing<'a> {
    graph: &'a Graph,
    ways: &'a Ways,
    crossings: &'a Crossings,
    scope: usize,
    region: Region,
    /// By the forks, the joins that were added.
    joins: BTreeMap<usize, usize>,
    /// By the gates that were added, nodes that stand where they do.
    beside: BTreeMap<usize, usize>,
}

impl Closing<'_> {
    fn close(mut self) -> Region {
        // A join that waits for what never comes is closed behind what leads to it.
        while let Some(node) = self.dead_end() {
            let Some(edge) = self.edge_to(node) else { break };
            let to = self.behind(node);
            self.region.ways.push(Way { edge, from: node, to });
        }
        self.region
    }

    /// A gate with ways in and none out, or one of those that turn and are never left.
    fn dead_end(&self) -> Option<usize> {
        let mut outs = vec![Vec::new(); self.region.all.len()];
        let mut is_there = vec![false; self.region.all.len()];
        for way in &self.region.ways {
            outs[way.from].push(way.to);
            is_there[way.from] = true;
            is_there[way.to] = true;
        }
        is_there[self.graph.nodes.len()] = false;
        let parts = components(outs.len(), |gate| outs[gate].iter().copied());
        parts.into_iter().find_map(|part| {
            let leaves =
                |gate: &usize| outs[*gate].iter().any(|to| part.binary_search(to).is_err());
            let ends = is_there[part[0]] && !part.iter().any(leaves);
            let one = part.iter().copied().find(|gate| part.len() == 1 || !self.region.all[*gate]);
            one.filter(|_| ends)
        })
    }

    fn edge_to(&self, gate: usize) -> Option<usize> {
        let into = self.region.ways.iter().find(|way| way.to == gate);
        into.map(|way| way.edge).or_else(|| self.ways.outs.get(gate)?.first().copied())
    }

    /// Where the branch of a gate ends, else the end of the part.
    fn behind(&mut self, gate: usize) -> usize {
        let end = self.graph.nodes.len();
        let Some(node) = self.graph.nodes.get(self.node(gate)) else { return end };
        let mut scopes = around(self.graph, node.scope).take_while(|scope| *scope != self.scope);
        let branch = scopes.find_map(|scope| match self.graph.scopes[scope].kind {
            ScopeKind::Branch { fork, .. } => Some((scope, fork)),
            _ => None,
        });
        let Some((branch, fork)) = branch else { return end };
        let is_in = |gate| gate != end && inside(self.graph, self.node(gate), branch);
        let leaving = self.region.ways.iter().position(|way| is_in(way.from) && !is_in(way.to));
        match leaving {
            Some(way) => self.merge_on(way, fork),
            None => self.end_of_block(fork),
        }
    }

    /// The node of a gate, or of one that was added a node that stands there.
    fn node(&self, gate: usize) -> usize {
        self.beside.get(&gate).copied().unwrap_or(gate)
    }

    fn add(&mut self, all: bool, beside: usize) -> usize {
        self.region.all.push(all);
        let gate = self.region.all.len() - 1;
        self.beside.insert(gate, beside);
        gate
    }

    /// Puts a merge on a way out of a branch.
    fn merge_on(&mut self, way: usize, fork: usize) -> usize {
        let Way { edge, from, to } = self.region.ways[way];
        let merge = self.add(false, fork);
        self.region.ways[way] = Way { edge, from, to: merge };
        self.region.ways.push(Way { edge, from: merge, to });
        merge
    }

    /// The join of a block; one is added if no branch comes to its end.
    fn end_of_block(&mut self, fork: usize) -> usize {
        let is_join = |node: &&usize| is_all(&self.graph.nodes[**node].kind);
        let target = self.crossings.blocks[&fork].targets.iter().find(is_join);
        if let Some(join) = target.or(self.joins.get(&fork)) {
            return *join;
        }
        let join = self.add(true, fork);
        self.joins.insert(fork, join);
        join
    }
}
