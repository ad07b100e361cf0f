//! The judge of the rules on variables: runs a process of blocks in every order, one step at a
//! time, and notes who reads what.
//!
//! Slow and obvious on purpose, and written from what is claimed, not from how `bpm-model` decides
//! it. Each token carries the values that its past has set: a fork copies them, and a join takes
//! from each branch what that branch has set, the later one of two that are ordered. Of a value
//! only its source matters, the node that set it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bpm_model::graph::{Condition, Graph, ScopeKind};
use bpm_model::kind::Kind;

use crate::blocks::Blocks;
use crate::events::{bodies_beside, body, branch, events, is_in, is_in_race, owner};

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
    /// The scopes whose bodies run, with what was set when they began.
    open: BTreeMap<usize, Past>,
    /// The activities that have completed and wait for what runs beside them.
    done: BTreeMap<usize, Past>,
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
        for next in happenings(&blocks.graph, &marking) {
            if known.insert(next.clone()) {
                ready.push(next);
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
    let edges = graph.edges.iter().map(|edge| from_start(edge.from)).collect();
    Marking { edges, shared, open: BTreeMap::new(), done: BTreeMap::new() }
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
    if let Kind::Won { race } = graph.nodes[node].kind {
        return ins.iter().filter_map(|edge| won(graph, marking, race, *edge, outs[0])).collect();
    }
    let has_events = !events(graph, node).is_empty();
    let outs: Vec<usize> = outs
        .into_iter()
        .filter(|edge| graph.edges[*edge].condition != Condition::Boundary)
        .collect();
    let mut found = Vec::new();
    for edge in ins {
        let mut next = marking.clone();
        let Some(mut past) = next.edges[edge].take() else { continue };
        match &graph.nodes[node].kind {
            Kind::Scope { copies } => {
                next.open.insert(node, past.clone());
                begin_copies(graph, &mut next, &mut past, node, copies);
            }
            Kind::Leave { of } if matches!(graph.nodes[*of].kind, Kind::Scope { .. }) => {
                let beside = bodies_beside(graph, *of);
                if runs(graph, &next, *of, &beside) {
                    continue;
                }
                next.open.remove(of);
                overlay(graph, &next, &mut past, *of, &beside);
            }
            _ => {}
        }
        set(graph, &mut next, &mut past, node, &graph.nodes[node].sets);
        if has_events && !matches!(graph.nodes[node].kind, Kind::Scope { .. }) {
            next.done.insert(node, past);
            found.push(next);
            continue;
        }
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

/// A copy has the value of what it is a copy of.
fn begin_copies(
    graph: &Graph,
    marking: &mut Marking,
    past: &mut Past,
    scope: usize,
    copies: &[(usize, usize)],
) {
    for &(original, copy) in copies {
        marking.shared[copy] = marking.shared[original];
        let sources = sources(past, original);
        let setter = branch(graph, scope).filter(|_| !sources.is_empty());
        if let Some(values) = past[copy].last_mut() {
            *values = Values::from([(setter, sources)]);
        }
    }
}

/// A branch of a race wins: the tokens in the others vanish, and what it has set becomes visible.
fn won(graph: &Graph, marking: &Marking, race: usize, edge: usize, out: usize) -> Option<Marking> {
    let mut next = marking.clone();
    let mut past = next.edges[edge].take()?;
    let Kind::Leave { of } = graph.nodes[graph.edges[edge].from].kind else { return None };
    let Kind::Scope { copies } = &graph.nodes[of].kind else { return None };
    for &(original, copy) in copies.iter() {
        let sources = sources(&past, copy);
        if !sources.is_empty()
            && let Some(values) = past[original].last_mut()
        {
            *values = Values::from([(branch(graph, race), sources)]);
            next.shared[original] = next.shared[copy];
        }
    }
    next.vanish(graph, |node| is_in_race(graph, node, race) || node == race);
    next.edges[out] = Some(past);
    Some(next)
}

/// What the outside does: an event happens, or what ran beside an activity has ended.
fn happenings(graph: &Graph, marking: &Marking) -> Vec<Marking> {
    let mut found = Vec::new();
    for owner in 0..graph.nodes.len() {
        let own = events(graph, owner);
        if own.is_empty() {
            continue;
        }
        let beside = bodies_beside(graph, owner);
        if let Some(past) = marking.done.get(&owner)
            && !runs(graph, marking, owner, &beside)
        {
            let (mut next, mut past) = (marking.clone(), past.clone());
            next.done.remove(&owner);
            overlay(graph, &next, &mut past, owner, &beside);
            let normal = graph.outgoing(owner);
            let normal = normal.filter(|(_, edge)| edge.condition != Condition::Boundary);
            normal.for_each(|(edge, _)| next.edges[edge] = Some(past.clone()));
            found.push(next);
        }
        let entered = graph.incoming(owner).find_map(|(edge, _)| marking.edges[edge].as_ref());
        let entered = match graph.nodes[owner].kind {
            Kind::Scope { .. } => marking.open.get(&owner),
            _ => entered,
        };
        let Some(past) = entered else { continue };
        for (edge, event, interrupts) in own {
            found.extend(match interrupts {
                true => Some(interrupted(graph, marking, past, owner, edge)),
                false => begun(graph, marking, past, (owner, edge, event)),
            });
        }
    }
    found
}

/// An event interrupts: all that runs for its owner vanishes, but for what it has set.
fn interrupted(
    graph: &Graph,
    marking: &Marking,
    past: &Past,
    owner: usize,
    edge: usize,
) -> Marking {
    let (mut next, mut past) = (marking.clone(), past.clone());
    let mut inside = bodies_beside(graph, owner);
    inside.extend(body(graph, owner));
    overlay(graph, &next, &mut past, owner, &inside);
    next.vanish(graph, |node| node == owner || is_in(graph, node, &inside));
    next.open.remove(&owner);
    if !matches!(graph.nodes[owner].kind, Kind::Scope { .. }) {
        graph.incoming(owner).for_each(|(edge, _)| next.edges[edge] = None);
    }
    next.edges[edge] = Some(past);
    next
}

/// Something begins beside its owner, if it does not run yet.
fn begun(
    graph: &Graph,
    marking: &Marking,
    past: &Past,
    (owner, edge, event): (usize, usize, usize),
) -> Option<Marking> {
    let own: Vec<usize> = body(graph, event).into_iter().collect();
    if marking.edges[edge].is_some() || marking.runs_in(graph, &own, event) {
        return None;
    }
    let (mut next, mut past) = (marking.clone(), past.clone());
    overlay(graph, &next, &mut past, owner, &own);
    next.edges[edge] = Some(past);
    Some(next)
}

/// Whether anything runs beside an activity or a scope.
fn runs(graph: &Graph, marking: &Marking, owner: usize, beside: &[usize]) -> bool {
    let begins = |(edge, _, interrupts): &(usize, usize, bool)| {
        !interrupts && marking.edges[*edge].is_some()
    };
    let mut events = events(graph, owner).into_iter();
    events.any(|event| begins(&event) || marking.runs_in(graph, beside, event.1))
}

/// What was set in these scopes is set in this past: they have shared the store with it.
fn overlay(graph: &Graph, marking: &Marking, past: &mut Past, at: usize, scopes: &[usize]) {
    for (variable, source) in marking.shared.iter().enumerate() {
        if let Some(source) = source.filter(|source| is_in(graph, *source, scopes))
            && let Some(values) = past[variable].last_mut()
        {
            *values = Values::from([(branch(graph, at), BTreeSet::from([source]))]);
        }
    }
}

impl Marking {
    /// Whether a token is in these scopes, or on its way out of an event.
    fn runs_in(&self, graph: &Graph, scopes: &[usize], event: usize) -> bool {
        let inside = |node: usize| is_in(graph, node, scopes);
        let mut waiting = self.open.keys().chain(self.done.keys());
        let begins = |from: usize| {
            from == event
                && matches!(graph.nodes[event].kind, Kind::Boundary { interrupts: false, .. })
        };
        waiting.any(|node| inside(*node))
            || graph
                .edges
                .iter()
                .zip(&self.edges)
                .any(|(edge, token)| token.is_some() && (inside(edge.from) || begins(edge.from)))
    }

    /// The tokens that have left these nodes vanish.
    fn vanish(&mut self, graph: &Graph, left: impl Fn(usize) -> bool) {
        // What an event of such a node has begun has left it too.
        let is_left =
            |node: usize| left(node) || left(owner(graph, node)) && node_is_beside(graph, node);
        for (edge, token) in graph.edges.iter().zip(&mut self.edges) {
            if is_left(edge.from) {
                *token = None;
            }
        }
        self.open.retain(|node, _| !left(*node));
        self.done.retain(|node, _| !left(*node));
    }
}

fn node_is_beside(graph: &Graph, node: usize) -> bool {
    matches!(graph.nodes[node].kind, Kind::Boundary { interrupts: false, .. })
}

fn set(graph: &Graph, marking: &mut Marking, past: &mut Past, node: usize, variables: &[usize]) {
    for &variable in variables {
        marking.shared[variable] = Some(node);
        if let Some(values) = past[variable].last_mut() {
            *values = Values::from([(branch(graph, node), BTreeSet::from([node]))]);
        }
    }
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
