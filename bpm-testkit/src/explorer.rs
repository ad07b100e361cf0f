//! The judge of the checks: looks at every marking of a graph, one by one.
//!
//! Slow and obvious on purpose, and written from what soundness claims (safe, able to complete,
//! completing properly, without dead parts), not from how `bpm-model` decides it. Choices are
//! free: any way out of an exclusive gateway may be taken.

use std::collections::HashMap;

use bpm_model::graph::Graph;
use bpm_model::kind::Kind;

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
    let mut markings = vec![begin(graph)];
    let mut known: HashMap<Marking, usize> = HashMap::from([(begin(graph), 0)]);
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut ran = vec![false; graph.nodes.len()];
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
    if !all_complete(&markings, &before) {
        return Verdict::Stuck;
    }
    let dead = |node: &usize| !ran[*node] && graph.nodes[*node].kind != Kind::Start;
    (0..graph.nodes.len()).find(dead).map_or(Verdict::Sound, Verdict::Dead)
}

/// The start gives a token to each edge out of it.
fn begin(graph: &Graph) -> Marking {
    let from_start = |node: usize| u8::from(graph.nodes[node].kind == Kind::Start);
    Marking { edges: graph.edges.iter().map(|edge| from_start(edge.from)).collect(), ended: 0 }
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
    let mut moves = Vec::new();
    for (node, at) in graph.nodes.iter().enumerate() {
        let ins: Vec<usize> = graph.incoming(node).map(|(edge, _)| edge).collect();
        let outs: Vec<usize> = graph.outgoing(node).map(|(edge, _)| edge).collect();
        match at.kind {
            Kind::Start => {}
            Kind::Parallel => moves.extend(pass(marking, &ins, &outs).map(|next| (node, next))),
            Kind::End { .. } => {
                for edge in ins {
                    let next = pass(marking, &[edge], &[]);
                    moves
                        .extend(next.map(|next| (node, Marking { ended: next.ended + 1, ..next })));
                }
            }
            _ => {
                for (edge, out) in
                    ins.iter().flat_map(|edge| outs.iter().map(move |out| (edge, out)))
                {
                    moves.extend(pass(marking, &[*edge], &[*out]).map(|next| (node, next)));
                }
            }
        }
    }
    moves
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
