//! Which variables are surely set where (B003, B010).

use std::collections::BTreeSet;

use super::bits::Bits;
use super::scopes::Originals;
use super::ways::{Ways, steps};
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Condition, Graph};
use crate::kind::Kind;

/// What is surely set when a node is reached and when it is left.
struct Known {
    before: Vec<Bits>,
    behind: Vec<Bits>,
}

/// A variable may be read only where every path has set it (B003, and B010 in the arguments of an
/// undo); else the instance would stop there. `raced` are reads about which B004 has spoken.
pub(super) fn unset_reads(
    graph: &Graph,
    ways: &Ways,
    raced: &BTreeSet<(usize, usize)>,
    findings: &mut Vec<Finding>,
) {
    let Some(start) = ways.start else { return };
    let known = known(graph, ways, start);
    for (node, at) in graph.nodes.iter().enumerate().filter(|(node, _)| ways.live[*node]) {
        for &variable in at.reads.iter() {
            if known.before[node].has(variable) || raced.contains(&(node, variable)) {
                continue;
            }
            let (fault, reader) = match at.kind {
                Kind::Undo { of, .. } => (Fault::UndoMayBeUnset { variable, of }, of),
                _ => (Fault::MayBeUnset { variable }, node),
            };
            let path = unset_path(graph, ways, &known, start, reader, variable);
            let finding = Finding::new(fault, Place::Read { node, variable });
            findings.push(finding.witness(steps(graph, start, &path)));
        }
    }
}

/// The greatest solution: everything is known until some path does not know it.
fn known(graph: &Graph, ways: &Ways, start: usize) -> Known {
    let (nodes, bound) = (graph.nodes.len(), graph.variables.len());
    let mut known =
        Known { before: vec![Bits::all(bound); nodes], behind: vec![Bits::all(bound); nodes] };
    let order = from_start(graph, ways, start);
    let mut place = vec![0; nodes];
    for (at, node) in order.iter().enumerate() {
        place[*node] = at;
    }
    let ends = ends_of_races(graph, ways);
    let mut ready: BTreeSet<usize> = (0..order.len()).collect();
    while let Some(at) = ready.pop_first() {
        let node = order[at];
        let before = arrives(graph, ways, &known, node, start);
        let behind = passes(graph, node, &before);
        if before != known.before[node] || behind != known.behind[node] {
            known.before[node] = before;
            known.behind[node] = behind;
            ready.extend(ways.taken_outs(node).map(|edge| place[graph.edges[edge].to]));
            ready.extend(ends[node].map(|end| place[end]));
        }
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        // The arguments of an undo are taken when its activity has completed.
        if let Kind::Undo { of, .. } = node.kind {
            known.before[at] = known.behind[of].clone();
        }
    }
    known
}

/// For each race its end, if it can be reached.
fn ends_of_races(graph: &Graph, ways: &Ways) -> Vec<Option<usize>> {
    let mut ends = vec![None; graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate().filter(|(at, _)| ways.live[*at]) {
        if let Kind::Won { race } = node.kind {
            ends[race] = Some(at);
        }
    }
    ends
}

/// What is surely set behind a node, given what is before it. A copy is set where a body begins
/// if what it is a copy of is, and the other way round where the body ends.
pub(super) fn passes(graph: &Graph, node: usize, before: &Bits) -> Bits {
    let mut behind = before.clone();
    match &graph.nodes[node].kind {
        Kind::Scope { copies } => {
            for (of, copy) in copies.iter() {
                match before.has(*of) {
                    true => behind.add(*copy),
                    false => behind.remove(*copy),
                }
            }
        }
        Kind::Leave { of } => {
            if let Kind::Scope { copies } = &graph.nodes[*of].kind {
                let set = copies.iter().filter(|(_, copy)| before.has(*copy));
                set.for_each(|(of, _)| behind.add(*of));
            }
        }
        _ => {}
    }
    graph.nodes[node].sets.iter().for_each(|variable| behind.add(*variable));
    behind
}

/// What is surely set behind an edge, given what is before and behind the node that it leaves. A
/// boundary event may come before the node has set anything.
pub(super) fn over(graph: &Graph, edge: usize, before: &Bits, behind: &Bits) -> Bits {
    let edge = &graph.edges[edge];
    let mut over = if edge.condition == Condition::Boundary { before } else { behind }.clone();
    edge.sets.iter().for_each(|variable| over.add(*variable));
    over
}

/// How what is known over the ways into a node comes together.
pub(super) enum Meeting {
    /// What any of them knows.
    Any,
    /// What all of them know.
    All,
    /// What was known at this node, whatever comes over them: which of several branches have won
    /// is not known.
    Since(usize),
}

impl Meeting {
    pub(super) fn at(graph: &Graph, node: usize) -> Meeting {
        match graph.nodes[node].kind {
            Kind::Parallel => Meeting::Any,
            Kind::Won { race } if graph.nodes[race].kind != (Kind::Race { wins: 1 }) => {
                Meeting::Since(race)
            }
            _ => Meeting::All,
        }
    }
}

/// A join knows what any of its branches set, everything else what all ways in agree on.
fn arrives(graph: &Graph, ways: &Ways, known: &Known, node: usize, start: usize) -> Bits {
    let bound = graph.variables.len();
    if node == start {
        let mut parameters = Bits::none(bound);
        (0..graph.parameters).for_each(|variable| parameters.add(variable));
        return parameters;
    }
    let over = |edge: usize| {
        let from = graph.edges[edge].from;
        over(graph, edge, &known.before[from], &known.behind[from])
    };
    let ins = ways.taken_ins(node).map(over);
    match Meeting::at(graph, node) {
        Meeting::Any => ins.fold(Bits::none(bound), |mut any, over| {
            any.merge(&over);
            any
        }),
        Meeting::All => ins.fold(Bits::all(bound), |mut all, over| {
            all.keep(&over);
            all
        }),
        Meeting::Since(race) => known.behind[race].clone(),
    }
}

/// The nodes that can run, in an order in which what is not a loop comes after what leads to it.
fn from_start(graph: &Graph, ways: &Ways, start: usize) -> Vec<usize> {
    let mut seen = vec![false; graph.nodes.len()];
    let mut order = Vec::new();
    let mut calls = vec![(start, 0)];
    seen[start] = true;
    while let Some((node, next)) = calls.last_mut() {
        let node = *node;
        let edge = ways.outs[node].get(*next).copied();
        *next += 1;
        match edge.map(|edge| (edge, graph.edges[edge].to)) {
            Some((edge, to)) if ways.taken[edge] && ways.live[to] && !seen[to] => {
                seen[to] = true;
                calls.push((to, 0));
            }
            Some(_) => {}
            None => {
                order.push(node);
                calls.pop();
            }
        }
    }
    order.reverse();
    order
}

/// The shortest path to a reader on which nothing sets the variable. It only passes edges behind
/// which the variable is not known, so joins that get it from another branch are not on it.
fn unset_path(
    graph: &Graph,
    ways: &Ways,
    known: &Known,
    start: usize,
    reader: usize,
    variable: usize,
) -> Vec<usize> {
    let meant = Vec::from_iter(Originals::new(graph).of(variable));
    let unset = |edge: usize| {
        let at = &graph.edges[edge];
        let over = over(graph, edge, &known.before[at.from], &known.behind[at.from]);
        ways.live[at.to]
            && meant.iter().all(|at| !over.has(*at))
            && meant.iter().all(|variable| !known.before[at.to].has(*variable))
    };
    ways.shortest(graph, start, |node| node == reader, unset).unwrap_or_default()
}
