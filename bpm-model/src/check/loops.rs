//! Loops: those that never end, and those that never rest (B006).

use std::cmp::Reverse;

use super::events::{Events, interrupts, owner};
use super::scopes::{Crossings, around, concurrent, inside, is_race};
use super::ways::{Ways, components, steps};
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Condition, Graph, Origin, Outcome, ScopeKind};
use crate::kind::{Kind, Trigger};

/// A loop without a way out runs for ever (B006); a process that is meant to says so with `!`. In
/// built graphs the same is a part of the graph from which no end can be reached (B011).
pub(super) fn no_exit(
    graph: &Graph,
    ways: &Ways,
    crossings: &Crossings,
    findings: &mut Vec<Finding>,
) {
    let has_end = graph.nodes.iter().any(|node| node.kind.is_end());
    if graph.outcome == Outcome::Never || (graph.origin == Origin::Built && !has_end) {
        return;
    }
    let outside = Outside { graph, ways, crossings, events: Events::new(graph) };
    for component in live_components(graph, ways, |_| true) {
        let leaves = component.iter().any(|node| {
            let outs = ways.taken_outs(*node);
            let mut leaving =
                outs.filter(|edge| component.binary_search(&graph.edges[*edge].to).is_err());
            leaving.any(|edge| is_exit(graph, ways, edge))
        });
        if leaves || !is_cycle(graph, ways, &component, |_| true) {
            continue;
        }
        let head = head(graph, ways, &component);
        if outside.ends(graph.nodes[head].scope) {
            continue;
        }
        findings.push(match graph.origin {
            Origin::Workflow => Finding::new(Fault::NoExit, Place::Node(head)),
            Origin::Built => Finding::new(Fault::NoWayToEnd, Place::Node(head))
                .witness(path_to(graph, ways, head)),
        });
    }
}

/// Whether who leaves a loop by this edge has left it. What only runs beside it, or is one branch
/// of a race in it, ends it by ending the process alone.
fn is_exit(graph: &Graph, ways: &Ways, edge: usize) -> bool {
    let at = &graph.edges[edge];
    let is_beside = at.condition == Condition::Boundary && !interrupts(graph, at.to);
    let ends = |node: usize| graph.nodes[node].kind.is_end();
    (!is_beside && !is_race(graph, at.from))
        || ways.shortest(graph, at.to, ends, |_| true).is_some()
}

/// Who may end a loop that does not end by itself.
struct Outside<'a> {
    graph: &'a Graph,
    ways: &'a Ways,
    crossings: &'a Crossings,
    events: Events,
}

impl Outside<'_> {
    /// Whether something around a scope may end what stands in it: an event of a scope around it
    /// interrupts, other branches win a race, or what runs beside it ends more than itself.
    fn ends(&self, scope: usize) -> bool {
        around(self.graph, scope).any(|scope| match self.graph.scopes[scope].kind {
            ScopeKind::Process => false,
            ScopeKind::Branch { fork, .. } => {
                self.is_lost(fork, scope) || self.siblings(fork, scope)
            }
            ScopeKind::Body { of } => self.is_interrupted(of) || self.ends_beside(of, scope),
        })
    }

    fn is_lost(&self, fork: usize, branch: usize) -> bool {
        let is_end = |node: &usize| self.graph.nodes[*node].kind == Kind::Won { race: fork };
        let Some(end) = (0..self.graph.nodes.len()).find(is_end) else { return false };
        let others = self
            .ways
            .taken_ins(end)
            .filter(|edge| !inside(self.graph, self.graph.edges[*edge].from, branch));
        is_race(self.graph, fork) && others.count() >= self.ways.needed(self.graph, end)
    }

    fn siblings(&self, fork: usize, branch: usize) -> bool {
        let beside = concurrent(self.graph, &self.crossings.blocks[&fork]);
        beside[&branch].iter().any(|sibling| self.has_end(*sibling))
    }

    fn is_interrupted(&self, scope: usize) -> bool {
        self.events.interrupting(self.graph, scope).next().is_some()
    }

    /// Whether what runs beside the body of a scope or of an event ends more than itself.
    fn ends_beside(&self, of: usize, body: usize) -> bool {
        let owner = owner(self.graph, of).unwrap_or(of);
        let inside = self.events.body(owner);
        let mut beside = inside.into_iter().chain(self.events.beside(self.graph, owner));
        beside.any(|other| other != body && self.has_end(other))
    }

    /// Whether what stands in a scope may end the process, or fail so that it is not caught in it.
    fn has_end(&self, scope: usize) -> bool {
        let nodes = self.graph.nodes.iter().enumerate();
        let mut ends = nodes.filter(|(at, node)| self.ways.live[*at] && node.kind.is_end());
        ends.any(|(at, node)| {
            let scopes = || around(self.graph, node.scope).take_while(|at| *at != scope);
            inside(self.graph, at, scope)
                && !(node.kind == Kind::Fail && scopes().any(|scope| self.catches_all(scope)))
        })
    }

    fn catches_all(&self, scope: usize) -> bool {
        let ScopeKind::Body { of } = self.graph.scopes[scope].kind else { return false };
        self.events.of(of).iter().any(|event| {
            let event = &self.graph.nodes[*event];
            matches!(event.kind, Kind::Boundary { on: Trigger::Error, .. }) && event.source == "_"
        })
    }
}

/// A loop that passes no durable point would spin inside one turn (B006). A sequential `for` is
/// finite, and a parallel block is passed at once only if all its branches can be.
pub(super) fn no_durable_point(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let reported: Vec<usize> = findings.iter().filter_map(head_of_endless).collect();
    let quick = quick_edges(graph, ways);
    let at_once = |edge: usize| quick[edge];
    let mut instant = vec![false; graph.nodes.len()];
    for turning in live_components(graph, ways, at_once) {
        mark_instant_joins(graph, ways, &turning, at_once, &mut instant);
    }
    let spins = |edge: usize| {
        let waits = |node: usize| is_join(graph, ways, node) && !instant[node];
        at_once(edge) && !waits(graph.edges[edge].from) && !waits(graph.edges[edge].to)
    };
    for component in live_components(graph, ways, spins) {
        let head = head(graph, ways, &component);
        let known = reported.iter().any(|at| component.binary_search(at).is_ok());
        if !known && is_cycle(graph, ways, &component, spins) {
            let round = ways.round(graph, head, spins);
            let finding = Finding::new(Fault::NoDurablePoint, Place::Node(head));
            findings.push(finding.witness(steps(graph, head, &round)));
        }
    }
}

/// The edges that are passed at once: no work and no wait is at either end. The body of a
/// sequential `for` is finite; an error that a scope catches takes time if what fails does.
fn quick_edges(graph: &Graph, ways: &Ways) -> Vec<bool> {
    let quick = |edge: &crate::graph::Edge| {
        ![edge.from, edge.to].iter().any(|at| graph.nodes[*at].kind.is_durable_point())
    };
    let mut quick: Vec<bool> = graph.edges.iter().map(quick).collect();
    for (at, _) in graph.nodes.iter().enumerate().filter(|(_, node)| node.kind == Kind::Each) {
        ways.outs[at].first().into_iter().for_each(|body| quick[*body] = false);
    }
    let events = Events::new(graph);
    let mut owners: Vec<(usize, usize)> =
        events.owners().filter_map(|(owner, _)| Some((owner, events.body(owner)?))).collect();
    owners.sort_by_key(|(_, body)| Reverse(around(graph, *body).count()));
    for (owner, body) in owners {
        let fails = fails_at_once(graph, ways, owner, body, &quick);
        for &edge in &ways.outs[owner] {
            quick[edge] &= fails || graph.edges[edge].condition != Condition::Boundary;
        }
    }
    quick
}

/// Whether a `fail` in the body of a scope is reached at once.
fn fails_at_once(graph: &Graph, ways: &Ways, scope: usize, body: usize, quick: &[bool]) -> bool {
    let mut seen = vec![false; graph.nodes.len()];
    let mut ready = vec![scope];
    while let Some(node) = ready.pop() {
        for edge in ways.taken_outs(node).filter(|edge| quick[*edge]) {
            let to = graph.edges[edge].to;
            if inside(graph, to, body) && !std::mem::replace(&mut seen[to], true) {
                if graph.nodes[to].kind == Kind::Fail {
                    return true;
                }
                ready.push(to);
            }
        }
    }
    false
}

fn head_of_endless(finding: &Finding) -> Option<usize> {
    match (&finding.fault, &finding.place) {
        (Fault::NoExit | Fault::NoWayToEnd, Place::Node(head)) => Some(*head),
        _ => None,
    }
}

/// Marks the joins of a cycle that are reached at once over all their ways in from one fork.
fn mark_instant_joins(
    graph: &Graph,
    ways: &Ways,
    turning: &[usize],
    at_once: impl Fn(usize) -> bool,
    instant: &mut [bool],
) {
    let within =
        |edge: &usize| at_once(*edge) && turning.binary_search(&graph.edges[*edge].to).is_ok();
    let is_fork = |node: &&usize| {
        matches!(graph.nodes[**node].kind, Kind::Parallel | Kind::Race { .. })
            && ways.outs[**node].len() > 1
    };
    let forks = turning.iter().filter(is_fork);
    for &fork in forks {
        let mut arrived = std::collections::HashMap::new();
        let mut ready = vec![fork];
        while let Some(node) = ready.pop() {
            for edge in ways.taken_outs(node).filter(within) {
                let to = graph.edges[edge].to;
                let count = arrived.entry(to).or_insert(0);
                *count += 1;
                if *count == ways.needed(graph, to) && to != fork {
                    instant[to] = true;
                    ready.push(to);
                }
            }
        }
    }
}

fn is_join(graph: &Graph, ways: &Ways, node: usize) -> bool {
    ways.needed(graph, node) > 1
}

/// The strongly connected parts of what can run, over edges that are `used`.
fn live_components(graph: &Graph, ways: &Ways, used: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let next = |node: usize| {
        let edges: Vec<usize> = ways.taken_outs(node).filter(|edge| used(*edge)).collect();
        edges.into_iter().map(|edge| graph.edges[edge].to)
    };
    let mut found = components(graph.nodes.len(), next);
    found.retain(|component| ways.live[component[0]]);
    found
}

fn is_cycle(graph: &Graph, ways: &Ways, component: &[usize], used: impl Fn(usize) -> bool) -> bool {
    let node = component[0];
    component.len() > 1
        || ways.taken_outs(node).any(|edge| used(edge) && graph.edges[edge].to == node)
}

/// The node that stands for a loop: where it is entered and turns back, else its first merge.
fn head(graph: &Graph, ways: &Ways, component: &[usize]) -> usize {
    let has_both = |node: &&usize| {
        let from = |edge: &usize| component.binary_search(&graph.edges[*edge].from).is_ok();
        ways.taken_ins(**node).any(|edge| from(&edge))
            && ways.taken_ins(**node).any(|edge| !from(&edge))
    };
    let merges =
        |node: &&usize| graph.nodes[**node].kind == Kind::Exclusive && ways.ins[**node].len() > 1;
    let entry = component.iter().find(has_both).or_else(|| component.iter().find(merges));
    *entry.unwrap_or(&component[0])
}

fn path_to(graph: &Graph, ways: &Ways, node: usize) -> Vec<crate::finding::Step> {
    let Some(start) = ways.start else { return Vec::new() };
    let path = ways.shortest(graph, start, |at| at == node, |_| true);
    path.map(|edges| steps(graph, start, &edges)).unwrap_or_default()
}
