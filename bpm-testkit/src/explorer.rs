//! The judge of the checks: looks at every marking of a graph, one by one.
//!
//! Slow and obvious on purpose, and written from what soundness claims (safe, able to complete,
//! completing properly, without dead parts), not from how `bpm-model` decides it. Choices are
//! free: any way out of an exclusive gateway may be taken, and an activity or a scope may be left
//! by any event that interrupts it, which is to say: as soon as it is entered. What an event starts
//! beside something is looked at by itself.

use std::collections::HashMap;

use bpm_model::graph::{Graph, ScopeKind};
use bpm_model::kind::Kind;

use crate::readings::around;

/// What the explorer says about a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that is claimed of an accepted process holds.
    Sound,
    /// Two tokens come to one edge (its index).
    Unsafe(usize),
    /// A second token reaches an end.
    EndsTwice,
    /// An end is reached while tokens are left over.
    LeavesTokens,
    /// From some reachable marking no end can be reached.
    Stuck,
    /// A node (its index) can never run.
    Dead(usize),
    /// There are more markings than were allowed.
    TooLarge,
}

/// How many tokens lie on each edge, and how many have ended.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Marking {
    edges: Vec<u8>,
    ended: u8,
}

/// Looks at all markings of a graph, at most `markings_max` of them.
pub fn explore(graph: &Graph, markings_max: usize) -> Verdict {
    let mut ran = vec![false; graph.nodes.len()];
    let starts = (0..graph.nodes.len()).filter(|node| match graph.nodes[*node].kind {
        Kind::Start => true,
        Kind::Boundary { interrupts, .. } => !interrupts,
        _ => false,
    });
    for start in starts {
        ran[start] = true;
        let verdict = explore_from(graph, start, markings_max, &mut ran);
        if verdict != Verdict::Sound {
            return verdict;
        }
    }
    ran.iter().position(|ran| !ran).map_or(Verdict::Sound, Verdict::Dead)
}

/// All markings that follow when a token leaves a node.
fn explore_from(graph: &Graph, start: usize, markings_max: usize, ran: &mut [bool]) -> Verdict {
    let mut markings = vec![begin(graph, start)];
    let mut known: HashMap<Marking, usize> = HashMap::from([(begin(graph, start), 0)]);
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut at = 0;
    while at < markings.len() {
        let marking = markings[at].clone();
        if let Some(verdict) = broken(&marking) {
            return verdict;
        }
        for (node, next) in moves(graph, &marking) {
            ran[node] = true;
            let index = *known.entry(next.clone()).or_insert(markings.len());
            if index == markings.len() {
                markings.push(next);
                before.push(Vec::new());
            }
            before[index].push(at);
        }
        if markings.len() > markings_max {
            return Verdict::TooLarge;
        }
        at += 1;
    }
    match all_complete(&markings, &before) {
        true => Verdict::Sound,
        false => Verdict::Stuck,
    }
}

/// The start gives a token to each edge out of it.
fn begin(graph: &Graph, start: usize) -> Marking {
    let edges = graph.edges.iter().map(|edge| u8::from(edge.from == start)).collect();
    Marking { edges, ended: 0 }
}

fn broken(marking: &Marking) -> Option<Verdict> {
    if marking.ended > 1 {
        return Some(Verdict::EndsTwice);
    }
    if let Some(edge) = marking.edges.iter().position(|tokens| *tokens > 1) {
        return Some(Verdict::Unsafe(edge));
    }
    let left = marking.edges.iter().any(|tokens| *tokens > 0);
    (marking.ended == 1 && left).then_some(Verdict::LeavesTokens)
}

/// Every node that can run, with the marking that follows.
fn moves(graph: &Graph, marking: &Marking) -> Vec<(usize, Marking)> {
    let nodes = 0..graph.nodes.len();
    nodes.flat_map(|node| steps(graph, marking, node).map(move |next| (node, next))).collect()
}

fn steps(graph: &Graph, marking: &Marking, node: usize) -> impl Iterator<Item = Marking> {
    let ins: Vec<usize> = graph.incoming(node).map(|(edge, _)| edge).collect();
    let outs: Vec<usize> = graph
        .outgoing(node)
        .filter(|(_, edge)| !starts_beside(graph, edge.to))
        .map(|(edge, _)| edge)
        .collect();
    let each = |next: &dyn Fn(Marking) -> Marking| -> Vec<Marking> {
        ins.iter().filter_map(|edge| pass(marking, &[*edge], &[])).map(next).collect()
    };
    let found: Vec<Marking> = match graph.nodes[node].kind {
        Kind::Start => Vec::new(),
        Kind::Parallel | Kind::Race { .. } => pass(marking, &ins, &outs).into_iter().collect(),
        Kind::Won { race } => won(graph, marking, race, &ins, &outs).into_iter().collect(),
        // Where others may run beside it, the end of the process takes their tokens with it.
        Kind::End { .. } if graph.nodes[node].scope == 0 => {
            each(&|next| Marking { ended: next.ended + 1, ..next })
        }
        Kind::End { .. } | Kind::Fail => {
            each(&|next| Marking { ended: next.ended + 1, edges: vec![0; next.edges.len()] })
        }
        Kind::Leave { of } if starts_beside(graph, of) => {
            each(&|next| Marking { ended: next.ended + 1, ..next })
        }
        _ => {
            let ways = ins.iter().flat_map(|edge| outs.iter().map(move |out| (*edge, *out)));
            ways.filter_map(|(edge, out)| pass(marking, &[edge], &[out])).collect()
        }
    };
    found.into_iter()
}

/// Whether a node is an event that starts something beside.
fn starts_beside(graph: &Graph, node: usize) -> bool {
    matches!(graph.nodes[node].kind, Kind::Boundary { interrupts: false, .. })
}

/// Enough branches have completed: the tokens in the others vanish.
fn won(
    graph: &Graph,
    marking: &Marking,
    race: usize,
    ins: &[usize],
    outs: &[usize],
) -> Option<Marking> {
    let Kind::Race { wins } = graph.nodes[race].kind else { return None };
    let arrived = ins.iter().filter(|edge| marking.edges[**edge] > 0).count();
    if arrived < wins as usize {
        return None;
    }
    let mut next = marking.clone();
    for (at, edge) in graph.edges.iter().enumerate() {
        let is_inside = around(graph, graph.nodes[edge.from].scope).into_iter().any(
            |scope| matches!(graph.scopes[scope].kind, ScopeKind::Branch { fork, .. } if fork == race),
        );
        if is_inside || edge.from == race {
            next.edges[at] = 0;
        }
    }
    outs.iter().for_each(|edge| next.edges[*edge] += 1);
    Some(next)
}

/// Takes a token from each of `ins` and gives one to each of `outs`, if there are enough.
fn pass(marking: &Marking, ins: &[usize], outs: &[usize]) -> Option<Marking> {
    let mut next = marking.clone();
    for edge in ins {
        next.edges[*edge] = next.edges[*edge].checked_sub(1)?;
    }
    outs.iter().for_each(|edge| next.edges[*edge] += 1);
    (!ins.is_empty()).then_some(next)
}

/// Whether from every marking one can be reached in which the instance has ended.
fn all_complete(markings: &[Marking], before: &[Vec<usize>]) -> bool {
    let mut completes: Vec<bool> = markings.iter().map(|marking| marking.ended == 1).collect();
    let mut ready: Vec<usize> = (0..markings.len()).filter(|at| completes[*at]).collect();
    while let Some(at) = ready.pop() {
        for &earlier in &before[at] {
            if !std::mem::replace(&mut completes[earlier], true) {
                ready.push(earlier);
            }
        }
    }
    completes.into_iter().all(|completes| completes)
}
