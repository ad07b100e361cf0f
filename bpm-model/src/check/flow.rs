//! Control flow: what never runs, loops, jumps, the order of branches, how paths end.

use std::collections::BTreeSet;

use super::expressions::Constants;
use super::scopes::{Crossings, after, inside};
use super::ways::{Ways, components, steps};
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Graph, Origin, Outcome, ScopeKind};
use crate::kind::Kind;

/// Branches that wait for each other never start (B008). Gives the nodes that cannot run because
/// of it, so that nothing else is said about them.
pub(super) fn after_cycles(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) -> Vec<bool> {
    let mut excused = vec![false; graph.nodes.len()];
    for cycle in components(graph.scopes.len(), |scope| after(graph, scope).iter().copied()) {
        let first = cycle[0];
        if cycle.len() == 1 && !after(graph, first).contains(&first) {
            continue;
        }
        let branches = shortest_cycle(graph, first);
        let mut finding = Finding::new(Fault::AfterCycle { branches }, Place::Scope(first));
        finding.related = cycle[1..].iter().map(|scope| Place::Scope(*scope)).collect();
        findings.push(finding);
        let members = (0..graph.nodes.len())
            .filter(|node| cycle.iter().any(|scope| inside(graph, *node, *scope)));
        excuse(graph, ways, members.collect(), &mut excused);
    }
    excused
}

/// A way from a branch over `after` back to itself, within a cycle that is known to exist.
fn shortest_cycle(graph: &Graph, first: usize) -> Vec<usize> {
    let mut paths = std::collections::VecDeque::from([vec![first]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        for &before in after(graph, path[path.len() - 1]) {
            if before == first {
                return path;
            }
            if seen.insert(before) {
                let mut longer = path.clone();
                longer.push(before);
                paths.push_back(longer);
            }
        }
    }
    vec![first]
}

fn excuse(graph: &Graph, ways: &Ways, mut ready: Vec<usize>, excused: &mut [bool]) {
    while let Some(node) = ready.pop() {
        if !std::mem::replace(&mut excused[node], true) {
            ready.extend(ways.outs[node].iter().map(|edge| graph.edges[*edge].to));
        }
    }
}

/// A statement that can never run is a mistake (B005). Only the first one of each dead stretch is
/// reported; merges and the implicit end of a block are nobody's statements, and a second start is
/// a mistake of its own.
pub(super) fn dead(
    graph: &Graph,
    ways: &Ways,
    constants: &Constants,
    excused: &[bool],
    findings: &mut Vec<Finding>,
) {
    let dead_next = |node: usize| {
        let outs: &[usize] = if ways.live[node] { &[] } else { &ways.outs[node] };
        outs.iter().map(|edge| graph.edges[*edge].to).filter(|to| !ways.live[*to])
    };
    let mut told: Vec<bool> = excused.to_vec();
    for stretch in components(graph.nodes.len(), dead_next).iter().rev() {
        let first = stretch[0];
        if ways.live[first] {
            continue;
        }
        let behind = stretch.iter().any(|node| told[*node]);
        let is_told = behind || is_statement(graph, ways, stretch);
        if is_told && !behind && graph.nodes[first].kind != Kind::Start {
            findings.push(never_runs(graph, ways, constants, stretch));
        }
        if is_told {
            for &node in stretch {
                told[node] = true;
                dead_next(node).for_each(|to| told[to] = true);
            }
        }
    }
}

/// A stretch that nothing leads to, or that a condition without variables cuts off.
fn never_runs(graph: &Graph, ways: &Ways, constants: &Constants, stretch: &[usize]) -> Finding {
    let ins = stretch.iter().flat_map(|node| &ways.ins[*node]);
    let mut closed = ins.filter(|edge| ways.live[graph.edges[**edge].from] && !ways.taken[**edge]);
    let place = Place::Node(stretch[0]);
    match closed.find_map(|edge| constants.closing(graph, *edge)) {
        Some((edge, always)) => {
            Finding::new(Fault::NeverChosen { edge, always }, place).related(Place::Edge(edge))
        }
        None => Finding::new(Fault::NeverRuns, place),
    }
}

fn is_statement(graph: &Graph, ways: &Ways, stretch: &[usize]) -> bool {
    let node = stretch[0];
    let implicit = match graph.nodes[node].kind {
        Kind::End { returns } => !returns,
        Kind::Exclusive | Kind::Parallel => ways.outs[node].len() <= 1,
        // It belongs to its activity, about which something is said if it is dead.
        Kind::Undo { .. } => true,
        _ => false,
    };
    graph.origin == Origin::Built || stretch.len() > 1 || !implicit
}

/// A loop without a way out runs for ever (B006); a process that is meant to says so with `!`. In
/// built graphs the same is a part of the graph from which no end can be reached (B011).
pub(super) fn no_exit(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let has_end = graph.nodes.iter().any(|node| node.kind.is_end());
    if graph.outcome == Outcome::Never || (graph.origin == Origin::Built && !has_end) {
        return;
    }
    for component in live_components(graph, ways, |_| true) {
        let leaves = component.iter().any(|node| {
            ways.taken_outs(*node)
                .any(|edge| component.binary_search(&graph.edges[edge].to).is_err())
        });
        if leaves || !is_cycle(graph, ways, &component, |_| true) {
            continue;
        }
        let head = head(graph, ways, &component);
        findings.push(match graph.origin {
            Origin::Workflow => Finding::new(Fault::NoExit, Place::Node(head)),
            Origin::Built => Finding::new(Fault::NoWayToEnd, Place::Node(head))
                .witness(path_to(graph, ways, head)),
        });
    }
}

/// A loop that passes no durable point would spin inside one turn (B006). A sequential `for` is
/// finite, and a parallel block is passed at once only if all its branches can be.
pub(super) fn no_durable_point(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let reported: Vec<usize> = findings.iter().filter_map(head_of_endless).collect();
    let at_once = |edge: usize| {
        let edge_of = &graph.edges[edge];
        let body =
            graph.nodes[edge_of.from].kind == Kind::Each && ways.outs[edge_of.from][0] == edge;
        !body
            && ![edge_of.from, edge_of.to].iter().any(|at| graph.nodes[*at].kind.is_durable_point())
    };
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
    let forks = turning
        .iter()
        .filter(|node| graph.nodes[**node].kind == Kind::Parallel && ways.outs[**node].len() > 1);
    for &fork in forks {
        let mut arrived = std::collections::HashMap::new();
        let mut ready = vec![fork];
        while let Some(node) = ready.pop() {
            for edge in ways.taken_outs(node).filter(within) {
                let to = graph.edges[edge].to;
                let count = arrived.entry(to).or_insert(0);
                *count += 1;
                let needed = if is_join(graph, ways, to) { ways.ins[to].len() } else { 1 };
                if *count == needed && to != fork {
                    instant[to] = true;
                    ready.push(to);
                }
            }
        }
    }
}

fn is_join(graph: &Graph, ways: &Ways, node: usize) -> bool {
    graph.nodes[node].kind == Kind::Parallel && ways.ins[node].len() > 1
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

/// A jump may not leave a concurrent branch: its siblings would be waited for in vain (B007). A
/// branch is left properly for a branch that runs after it, or for the end of its block.
pub(super) fn jumps(graph: &Graph, crossings: &Crossings, findings: &mut Vec<Finding>) {
    for (edge, left) in &crossings.leaving {
        let at = &graph.edges[*edge];
        let improper =
            left.iter().find(|branch| !leaves_properly(graph, crossings, **branch, at.to));
        if let Some(&branch) = improper {
            let fault = Fault::LeavesBranch { branch };
            findings.push(Finding::new(fault, Place::Node(at.from)).related(Place::Scope(branch)));
        }
    }
}

fn leaves_properly(graph: &Graph, crossings: &Crossings, branch: usize, to: usize) -> bool {
    let ScopeKind::Branch { fork, .. } = graph.scopes[branch].kind else { return true };
    let block = &crossings.blocks[&fork];
    let sibling = block.branches.iter().find(|sibling| inside(graph, to, **sibling));
    match sibling {
        Some(sibling) => after(graph, *sibling).contains(&branch),
        None => graph.nodes[to].kind == Kind::Parallel || block.targets.len() == 1,
    }
}

/// Every path ends with the process's result; in a process of type `!` no path ends (B009).
pub(super) fn endings(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let wrong = |node: usize| match graph.nodes[node].kind {
        Kind::End { returns } => match graph.outcome {
            Outcome::Value => !returns,
            Outcome::Never => true,
            Outcome::Unit | Outcome::Variables => false,
        },
        _ => false,
    };
    let Some(start) = ways.start else { return };
    let Some(path) = ways.shortest(graph, start, |node| ways.live[node] && wrong(node), |_| true)
    else {
        return;
    };
    let fault = match graph.outcome {
        Outcome::Never => Fault::EndsNever,
        _ => Fault::NoResult,
    };
    let end = path.last().map_or(start, |edge| graph.edges[*edge].to);
    let finding = Finding::new(fault, Place::Result).related(Place::Node(end));
    findings.push(finding.witness(steps(graph, start, &path)));
}
