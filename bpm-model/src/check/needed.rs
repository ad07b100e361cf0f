//! Which variables somebody may read later.

use std::collections::BTreeMap;

use super::bits::Bits;
use super::events::{Events, interrupts, owner};
use super::scopes::{Crossings, around, is_race};
use super::ways::Ways;
use super::within::Within;
use crate::graph::{Condition, Graph, ScopeKind};
use crate::kind::{Kind, Trigger};

/// Which variables somebody may read later, before they are set again: at the entry of each node.
pub(super) struct Needed {
    at: Vec<Bits>,
    within: Within,
    /// By the forks, what their blocks hide from whoever reads behind them.
    hidden: BTreeMap<usize, Bits>,
    /// By the events that do not interrupt, what they begin.
    bodies: BTreeMap<usize, usize>,
    /// By the nodes, where a run may go on although no edge leads there.
    beyond: Vec<Vec<usize>>,
    /// By the scopes, the events that may interrupt what stands in them.
    interruptions: Vec<Vec<usize>>,
}

impl Needed {
    pub(super) fn new(graph: &Graph, ways: &Ways, crossings: &Crossings) -> Needed {
        let nodes = graph.nodes.len();
        let within = Within::new(graph, ways);
        let blocks = crossings.blocks.iter().filter(|(fork, _)| !is_race(graph, **fork));
        let hidden = blocks.map(|(fork, block)| (*fork, within.hidden(graph, block))).collect();
        let interruptions = interruptions(graph);
        let mut needed = Needed {
            at: vec![Bits::none(graph.variables.len()); nodes],
            within,
            hidden,
            bodies: bodies_beside(graph),
            beyond: beyond(graph, ways, &interruptions),
            interruptions,
        };
        needed.find(graph, ways);
        needed
    }

    fn find(&mut self, graph: &Graph, ways: &Ways) {
        let nodes = graph.nodes.len();
        let mut come_from = vec![Vec::new(); nodes];
        for (node, beyond) in self.beyond.iter().enumerate() {
            beyond.iter().for_each(|next: &usize| come_from[*next].push(node));
        }
        let mut waits = vec![true; nodes];
        let mut ready: Vec<usize> = (0..nodes).collect();
        while let Some(node) = ready.pop() {
            waits[node] = false;
            let now = self.before(graph, ways, node);
            if now == self.at[node] {
                continue;
            }
            self.at[node] = now;
            let by_edges = ways.taken_ins(node).map(|edge| graph.edges[edge].from);
            for from in by_edges.chain(come_from[node].iter().copied()) {
                if !std::mem::replace(&mut waits[from], true) {
                    ready.push(from);
                }
            }
        }
    }

    fn before(&self, graph: &Graph, ways: &Ways, node: usize) -> Bits {
        let mut now = Bits::none(graph.variables.len());
        let is_event = |edge: &usize| graph.edges[*edge].condition == Condition::Boundary;
        for edge in ways.taken_outs(node).filter(|edge| !is_event(edge)) {
            let mut over = self.at[graph.edges[edge].to].clone();
            graph.edges[edge].sets.iter().for_each(|variable| over.remove(*variable));
            now.merge(&over);
        }
        self.hidden.get(&node).into_iter().for_each(|hidden| now.drop(hidden));
        rename(graph, node, &mut now);
        graph.nodes[node].sets.iter().for_each(|variable| now.remove(*variable));
        // What happens to an activity may happen before it has set anything.
        for event in ways.taken_outs(node).filter(is_event).map(|edge| graph.edges[edge].to) {
            match self.bodies.get(&event) {
                // What follows is not reached through what runs beside.
                Some(body) => {
                    now.merge(&self.within.takes[*body]);
                    graph.nodes[event].reads.iter().for_each(|variable| now.add(*variable));
                }
                None => now.merge(&self.at[event]),
            }
        }
        self.beyond[node].iter().for_each(|next| now.merge(&self.at[*next]));
        graph.nodes[node].reads.iter().for_each(|variable| now.add(*variable));
        now
    }

    /// Whether somebody behind a node may read a variable.
    pub(super) fn behind(&self, graph: &Graph, ways: &Ways, node: usize, variable: usize) -> bool {
        ways.taken_outs(node).any(|edge| self.at[graph.edges[edge].to].has(variable))
    }

    /// Whether a branch or a body takes a variable from outside of it or leaves it to somebody
    /// outside.
    pub(super) fn outside(
        &self,
        graph: &Graph,
        crossings: &Crossings,
        scope: usize,
        variable: usize,
    ) -> bool {
        let left = crossings.leaving.iter().any(|(edge, left)| {
            left.contains(&scope) && self.at[graph.edges[*edge].to].has(variable)
        });
        let ends_with = || {
            let ScopeKind::Body { of } = graph.scopes[scope].kind else { return false };
            let leaves = |node: &usize| graph.nodes[*node].kind == Kind::Leave { of };
            owner(graph, of).is_some()
                && (0..graph.nodes.len()).filter(leaves).any(|leave| self.at[leave].has(variable))
        };
        let mut interruptions = self.interruptions[scope].iter();
        left || self.within.takes[scope].has(variable)
            || interruptions.any(|event| self.at[*event].has(variable))
            || ends_with()
    }
}

/// Inside of a body its copies are needed for what they are copies of.
fn rename(graph: &Graph, node: usize, now: &mut Bits) {
    let (copies, begins) = match &graph.nodes[node].kind {
        Kind::Scope { copies } => (copies, true),
        Kind::Leave { of } => match &graph.nodes[*of].kind {
            Kind::Scope { copies } => (copies, false),
            _ => return,
        },
        _ => return,
    };
    for (original, copy) in copies.iter() {
        let (from, to) = if begins { (*copy, *original) } else { (*original, *copy) };
        if now.has(from) {
            now.remove(from);
            now.add(to);
        }
    }
}

fn bodies_beside(graph: &Graph) -> BTreeMap<usize, usize> {
    let scopes = graph.scopes.iter().enumerate();
    let bodies = scopes.filter_map(|(at, scope)| match scope.kind {
        ScopeKind::Body { of } if owner(graph, of).is_some() => Some((of, at)),
        _ => None,
    });
    bodies.collect()
}

/// By the scopes, the events that may interrupt what stands in them.
fn interruptions(graph: &Graph) -> Vec<Vec<usize>> {
    let events = Events::new(graph);
    let own = |scope: usize| {
        let of = match graph.scopes[scope].kind {
            ScopeKind::Body { of } => Some(owner(graph, of).unwrap_or(of)),
            ScopeKind::Process | ScopeKind::Branch { .. } => None,
        };
        of.into_iter().flat_map(|of| events.interrupting(graph, of))
    };
    (0..graph.scopes.len()).map(|scope| around(graph, scope).flat_map(own).collect()).collect()
}

/// What stands in a scope may be interrupted; and when what runs beside an activity or a scope has
/// ended, it may come again, and the run goes on behind that.
fn beyond(graph: &Graph, ways: &Ways, interruptions: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut beyond: Vec<Vec<usize>> =
        graph.nodes.iter().map(|node| interruptions[node.scope].clone()).collect();
    for (node, at) in graph.nodes.iter().enumerate() {
        let Kind::Leave { of } = at.kind else { continue };
        let Some(owner) = owner(graph, of).filter(|_| !interrupts(graph, of)) else { continue };
        if matches!(graph.nodes[of].kind, Kind::Boundary { on: Trigger::Every, .. }) {
            beyond[node].push(of);
        }
        let outs = ways.taken_outs(owner).map(|edge| &graph.edges[edge]);
        match graph.nodes[owner].kind {
            Kind::Scope { .. } => {
                let leaves = |node: &usize| graph.nodes[*node].kind == Kind::Leave { of: owner };
                beyond[node].extend((0..graph.nodes.len()).filter(leaves));
            }
            _ => {
                let normal = outs.filter(|edge| edge.condition != Condition::Boundary);
                beyond[node].extend(normal.map(|edge| edge.to));
            }
        }
    }
    beyond
}
