//! The judge of the rules on variables: runs a process of blocks in every order, one step at a
//! time, and notes who reads what.
//!
//! Slow and obvious on purpose, and written from what is claimed, not from how `bpm-model` decides
//! it. Each token carries the values that its past has set: a fork copies them, and a join takes
//! from each branch what that branch has set, the later one of two that are ordered. Of a value
//! only its source matters, the node that set it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bpm_model::graph::{Graph, ScopeKind};
use bpm_model::kind::Kind;

use crate::blocks::Blocks;

/// The source of a parameter.
pub const PARAMETER: usize = usize::MAX;

/// The values of one variable in one block, by the branches that set them; what was there before
/// the block has none.
type Values = BTreeMap<Option<usize>, BTreeSet<usize>>;

/// What the past of a token has set: for each variable its values, from the outermost block to the
/// innermost one.
type Past = Vec<Vec<Values>>;

/// The tokens on the edges, and the one store that all tokens share.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Marking {
    edges: Vec<Option<Past>>,
    shared: Vec<Option<usize>>,
}

/// Whether a value that a later branch has set anew is hidden when both reach the join.
///
/// It is; but whoever only looks at the ways from setters to readers does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anew {
    /// As it is.
    Hidden,
    /// As it seems if one way is looked at alone.
    Seen,
}

/// What happens in the runs of a process.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// For each node and each variable that it reads, the nodes that set what it may see.
    pub seen: BTreeMap<(usize, usize), BTreeSet<usize>>,
    /// The nodes, each with a variable that may not be set when it reads it.
    pub unset: BTreeSet<(usize, usize)>,
    /// The nodes, each with a variable that it reads, of which the shared store may hold another
    /// value than the one that the node's own past has set.
    pub disturbed: BTreeSet<(usize, usize)>,
    /// Nodes that are ready at the same time.
    pub beside: BTreeSet<(usize, usize)>,
}

/// All runs of a process; `None` if there are more markings than allowed.
pub fn readings(blocks: &Blocks, anew: Anew, markings_max: usize) -> Option<Readings> {
    let mut readings = Readings::default();
    let begin = begin(&blocks.graph);
    let mut known = HashSet::from([begin.clone()]);
    let mut ready = vec![begin];
    while let Some(marking) = ready.pop() {
        let nodes = enabled(&blocks.graph, &marking);
        for &node in &nodes {
            readings.note(&blocks.graph, &marking, node);
            readings.beside.extend(nodes.iter().map(|other| (node, *other)));
            for next in moves(blocks, anew, &marking, node) {
                if known.insert(next.clone()) {
                    ready.push(next);
                }
            }
        }
        if known.len() > markings_max {
            return None;
        }
    }
    Some(readings)
}

/// Whether a node stands in a branch or in one inside of it.
pub fn inside(graph: &Graph, node: usize, branch: usize) -> bool {
    around(graph, graph.nodes[node].scope).contains(&branch)
}

/// A scope and the scopes around it, from the inside.
pub fn around(graph: &Graph, scope: usize) -> Vec<usize> {
    let mut scopes = vec![scope];
    while let [.., last] = scopes[..]
        && graph.scopes[last].parent != last
    {
        scopes.push(graph.scopes[last].parent);
    }
    scopes
}

/// Whether one branch is complete before another one starts.
pub fn is_before(graph: &Graph, one: usize, other: usize) -> bool {
    let ScopeKind::Branch { after, .. } = &graph.scopes[other].kind else { return false };
    after.iter().any(|before| *before == one || is_before(graph, one, *before))
}

fn begin(graph: &Graph) -> Marking {
    let parameter = |variable: usize| (variable < graph.parameters).then_some(PARAMETER);
    let shared: Vec<Option<usize>> = (0..graph.variables.len()).map(parameter).collect();
    let values =
        |source: &Option<usize>| vec![Values::from([(None, source.iter().copied().collect())])];
    let past: Past = shared.iter().map(values).collect();
    let from_start = |from: usize| (graph.nodes[from].kind == Kind::Start).then(|| past.clone());
    Marking { edges: graph.edges.iter().map(|edge| from_start(edge.from)).collect(), shared }
}

fn enabled(graph: &Graph, marking: &Marking) -> Vec<usize> {
    let is_enabled = |node: &usize| {
        let mut ins = graph.incoming(*node).map(|(edge, _)| marking.edges[edge].is_some());
        match graph.nodes[*node].kind {
            Kind::Start => false,
            Kind::Parallel => ins.all(|token| token),
            _ => ins.any(|token| token),
        }
    };
    (0..graph.nodes.len()).filter(is_enabled).collect()
}

/// What a token sees of a variable.
fn sources(past: &Past, variable: usize) -> BTreeSet<usize> {
    past[variable]
        .iter()
        .next_back()
        .into_iter()
        .flat_map(|values| values.values().flatten().copied())
        .collect()
}

impl Readings {
    fn note(&mut self, graph: &Graph, marking: &Marking, node: usize) {
        let tokens = graph.incoming(node).filter_map(|(edge, _)| marking.edges[edge].as_ref());
        for past in tokens {
            for &variable in graph.nodes[node].reads.iter() {
                let sources = sources(past, variable);
                let read = (node, variable);
                if sources.is_empty() {
                    self.unset.insert(read);
                }
                if !sources.iter().eq(&marking.shared[variable]) {
                    self.disturbed.insert(read);
                }
                self.seen.entry(read).or_default().extend(sources);
            }
        }
    }
}

/// The markings that a node leads to.
fn moves(blocks: &Blocks, anew: Anew, marking: &Marking, node: usize) -> Vec<Marking> {
    let graph = &blocks.graph;
    let ins: Vec<usize> = graph.incoming(node).map(|(edge, _)| edge).collect();
    let outs: Vec<usize> = graph.outgoing(node).map(|(edge, _)| edge).collect();
    if graph.nodes[node].kind == Kind::Parallel {
        return vec![pass(blocks, anew, marking, node, (&ins, &outs))];
    }
    let mut found = Vec::new();
    for edge in ins {
        let mut next = marking.clone();
        let Some(mut past) = next.edges[edge].take() else { continue };
        set(graph, &mut next, &mut past, node, &graph.nodes[node].sets);
        if outs.is_empty() {
            found.push(next.clone());
        }
        for &out in &outs {
            let (mut next, mut past) = (next.clone(), past.clone());
            set(graph, &mut next, &mut past, node, &graph.edges[out].sets);
            next.edges[out] = Some(past);
            found.push(next);
        }
    }
    found
}

fn set(graph: &Graph, marking: &mut Marking, past: &mut Past, node: usize, variables: &[usize]) {
    for &variable in variables {
        marking.shared[variable] = Some(node);
        if let Some(values) = past[variable].last_mut() {
            *values = Values::from([(branch(graph, node), BTreeSet::from([node]))]);
        }
    }
}

/// The branch that a node stands in.
fn branch(graph: &Graph, node: usize) -> Option<usize> {
    Some(graph.nodes[node].scope).filter(|scope| *scope != 0)
}

/// A parallel gateway: what comes in is one past, and goes on over every way out.
fn pass(
    blocks: &Blocks,
    anew: Anew,
    marking: &Marking,
    node: usize,
    (ins, outs): (&[usize], &[usize]),
) -> Marking {
    let graph = &blocks.graph;
    let mut next = marking.clone();
    let pasts: Vec<Past> = ins.iter().filter_map(|edge| next.edges[*edge].take()).collect();
    let mut past = merged(graph, anew, &pasts);
    if blocks.forks.contains_key(&node) {
        past.iter_mut().for_each(|values| close(values, branch(graph, node)));
    }
    if blocks.forks.values().any(|fork| *fork == node) {
        past.iter_mut().for_each(open);
    }
    outs.iter().for_each(|edge| next.edges[*edge] = Some(past.clone()));
    next
}

/// What several pasts of one block have set; what a later branch has set hides what was before.
fn merged(graph: &Graph, anew: Anew, pasts: &[Past]) -> Past {
    let mut merged = pasts[0].clone();
    for (variable, blocks) in merged.iter_mut().enumerate() {
        let Some(values) = blocks.last_mut() else { continue };
        for past in pasts {
            values.extend(past[variable].last().cloned().unwrap_or_default());
        }
        let setters: Vec<Option<usize>> = values.keys().copied().collect();
        let hidden = |setter| setters.iter().any(|other| hides(graph, anew, *other, setter));
        values.retain(|setter, _| !hidden(*setter));
    }
    merged
}

fn hides(graph: &Graph, anew: Anew, later: Option<usize>, earlier: Option<usize>) -> bool {
    match (later, earlier) {
        (Some(later), Some(earlier)) => anew == Anew::Hidden && is_before(graph, earlier, later),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// A block begins: all that is set is from before it.
fn open(blocks: &mut Vec<Values>) {
    let before = blocks.last().map(|values| values.values().flatten().copied().collect());
    blocks.push(Values::from([(None, before.unwrap_or_default())]));
}

/// A block ends: what its branches have set, the branch around it has set.
fn close(blocks: &mut Vec<Values>, around: Option<usize>) {
    let Some(inner) = blocks.pop() else { return };
    if !inner.contains_key(&None)
        && let Some(outer) = blocks.last_mut()
    {
        *outer = Values::from([(around, inner.into_values().flatten().collect())]);
    }
}
