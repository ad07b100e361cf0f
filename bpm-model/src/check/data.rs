//! Which variables are surely set where (B003, B010).

use std::collections::BTreeSet;

use super::bits::Bits;
use super::ways::{Ways, steps};
use crate::finding::{Fault, Finding, Place};
use crate::graph::Graph;
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
    let mut ready: BTreeSet<usize> = (0..order.len()).collect();
    while let Some(at) = ready.pop_first() {
        let node = order[at];
        known.before[node] = arrives(graph, ways, &known, node, start);
        let mut behind = known.before[node].clone();
        graph.nodes[node].sets.iter().for_each(|variable| behind.add(*variable));
        if behind != known.behind[node] {
            known.behind[node] = behind;
            ready.extend(ways.taken_outs(node).map(|edge| place[graph.edges[edge].to]));
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

/// A join knows what any of its branches set, everything else what all ways in agree on.
fn arrives(graph: &Graph, ways: &Ways, known: &Known, node: usize, start: usize) -> Bits {
    let bound = graph.variables.len();
    if node == start {
        let mut parameters = Bits::none(bound);
        (0..graph.parameters).for_each(|variable| parameters.add(variable));
        return parameters;
    }
    let join = graph.nodes[node].kind == Kind::Parallel;
    let mut result = if join { Bits::none(bound) } else { Bits::all(bound) };
    for edge in ways.taken_ins(node) {
        let mut over = known.behind[graph.edges[edge].from].clone();
        graph.edges[edge].sets.iter().for_each(|variable| over.add(*variable));
        match join {
            true => result.merge(&over),
            false => result.keep(&over),
        }
    }
    result
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
    let unset = |edge: usize| {
        let at = &graph.edges[edge];
        ways.live[at.to]
            && !known.behind[at.from].has(variable)
            && !at.sets.contains(&variable)
            && !known.before[at.to].has(variable)
    };
    ways.shortest(graph, start, |node| node == reader, unset).unwrap_or_default()
}
