//! Branches of parallel blocks: which edge crosses the border of which, and in what order they run.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Edge, Graph, ScopeKind};
use crate::kind::Kind;

/// The branches of one parallel block.
#[derive(Default)]
pub(super) struct Block {
    /// The scopes of its branches.
    pub(super) branches: Vec<usize>,
    /// The nodes outside of the block that its branches lead to.
    pub(super) targets: BTreeSet<usize>,
}

/// What crosses the borders of branches.
pub(super) struct Crossings {
    /// The blocks by their forks.
    pub(super) blocks: BTreeMap<usize, Block>,
    /// Nodes that wait for a branch which no token ever leaves.
    pub(super) never_complete: Vec<bool>,
    /// The edges that leave branches, each with the branches that it leaves, from the inside.
    pub(super) leaving: Vec<(usize, Vec<usize>)>,
}

impl Crossings {
    pub(super) fn new(graph: &Graph) -> Crossings {
        let mut crossings = Crossings {
            blocks: blocks(graph),
            never_complete: vec![false; graph.nodes.len()],
            leaving: Vec::new(),
        };
        let mut entered = Vec::new();
        for (at, edge) in graph.edges.iter().enumerate() {
            // Who ends the process from within a branch does not leave it; who has left a body does.
            let ends = graph.nodes[edge.to].kind.is_end()
                && !matches!(graph.nodes[edge.from].kind, Kind::Leave { .. });
            if graph.nodes[edge.from].scope != graph.nodes[edge.to].scope && !ends {
                let (left, into) = crossed(graph, edge);
                entered.extend(into.into_iter().map(|scope| (edge.to, scope)));
                crossings.leave(graph, at, left);
            }
        }
        crossings.mark_waiting(graph, &entered);
        crossings
    }

    fn leave(&mut self, graph: &Graph, edge: usize, left: Vec<usize>) {
        for &scope in &left {
            let to = graph.edges[edge].to;
            if let ScopeKind::Branch { fork, .. } = graph.scopes[scope].kind
                && let Some(block) = self.blocks.get_mut(&fork)
                && !block.branches.iter().any(|branch| inside(graph, to, *branch))
            {
                block.targets.insert(to);
            }
        }
        if !left.is_empty() {
            self.leaving.push((edge, left));
        }
    }

    /// A branch that has statements and no edge out of it never completes (it returns, or turns
    /// for ever), so what waits for it can never run.
    fn mark_waiting(&mut self, graph: &Graph, entered: &[(usize, usize)]) {
        let endless = self.endless(graph);
        // Of a race not all branches need to complete.
        let blocks = self.blocks.iter().filter(|(fork, _)| !is_race(graph, **fork));
        for (_, block) in blocks {
            if block.branches.iter().any(|branch| endless[*branch]) {
                for &target in &block.targets {
                    let end = graph.nodes[target].kind == Kind::Parallel;
                    self.never_complete[target] |= end || block.targets.len() == 1;
                }
            }
        }
        for (node, scope) in entered {
            if after(graph, *scope).iter().any(|before| endless[*before]) {
                self.never_complete[*node] = true;
            }
        }
    }

    fn endless(&self, graph: &Graph) -> Vec<bool> {
        let mut endless = vec![false; graph.scopes.len()];
        for node in graph.nodes.iter() {
            endless[node.scope] = true;
        }
        for (_, left) in &self.leaving {
            left.iter().for_each(|scope| endless[*scope] = false);
        }
        endless
    }
}

/// Whether a block whose branches begin at this node is a race.
pub(super) fn is_race(graph: &Graph, fork: usize) -> bool {
    matches!(graph.nodes[fork].kind, Kind::Race { .. })
}

fn blocks(graph: &Graph) -> BTreeMap<usize, Block> {
    let mut blocks: BTreeMap<usize, Block> = BTreeMap::new();
    for (at, scope) in graph.scopes.iter().enumerate() {
        if let ScopeKind::Branch { fork, .. } = scope.kind {
            blocks.entry(fork).or_default().branches.push(at);
        }
    }
    blocks
}

/// The scope and all scopes around it, from the inside.
pub(super) fn around(graph: &Graph, scope: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(scope), |at| {
        let parent = graph.scopes[*at].parent;
        (parent != *at).then_some(parent)
    })
}

/// Whether a node stands in a scope or in one inside of it.
pub(super) fn inside(graph: &Graph, node: usize, scope: usize) -> bool {
    around(graph, graph.nodes[node].scope).any(|at| at == scope)
}

/// The scopes that an edge leaves and those that it enters, each from the inside.
pub(super) fn crossed(graph: &Graph, edge: &Edge) -> (Vec<usize>, Vec<usize>) {
    let from: Vec<usize> = around(graph, graph.nodes[edge.from].scope).collect();
    let to: Vec<usize> = around(graph, graph.nodes[edge.to].scope).collect();
    let shared = from.iter().rev().zip(to.iter().rev()).take_while(|(a, b)| a == b).count();
    (from[..from.len() - shared].to_vec(), to[..to.len() - shared].to_vec())
}

/// What each variable is a copy of.
pub(super) struct Originals {
    of: Vec<Option<usize>>,
}

impl Originals {
    pub(super) fn new(graph: &Graph) -> Originals {
        let mut of = vec![None; graph.variables.len()];
        for node in graph.nodes.iter() {
            if let Kind::Scope { copies } = &node.kind {
                copies.iter().for_each(|(original, copy)| of[*copy] = Some(*original));
            }
        }
        Originals { of }
    }

    /// A variable, what it is a copy of, what that is a copy of and so on.
    pub(super) fn of(&self, variable: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(variable), |copy| self.of[*copy]).take(self.of.len())
    }
}

/// The branches that complete before this one starts.
pub(super) fn after(graph: &Graph, scope: usize) -> &[usize] {
    match &graph.scopes[scope].kind {
        ScopeKind::Branch { after, .. } => after,
        ScopeKind::Process | ScopeKind::Body { .. } => &[],
    }
}

/// For each branch of a block, by position, all branches that complete before it starts.
pub(super) fn earlier(graph: &Graph, branches: &[usize]) -> Vec<BTreeSet<usize>> {
    let earlier = |branch: &usize| {
        let mut seen = BTreeSet::new();
        let mut ready = after(graph, *branch).to_vec();
        while let Some(before) = ready.pop() {
            if seen.insert(before) {
                ready.extend(after(graph, before));
            }
        }
        seen
    };
    branches.iter().map(earlier).collect()
}

/// Each branch of a block with the branches that may run beside it.
pub(super) fn concurrent(graph: &Graph, block: &Block) -> BTreeMap<usize, Vec<usize>> {
    let earlier: BTreeMap<usize, BTreeSet<usize>> =
        block.branches.iter().copied().zip(self::earlier(graph, &block.branches)).collect();
    let beside = |this: usize| {
        let ordered =
            |other: usize| earlier[&this].contains(&other) || earlier[&other].contains(&this);
        block.branches.iter().copied().filter(|other| *other != this && !ordered(*other)).collect()
    };
    block.branches.iter().map(|branch| (*branch, beside(*branch))).collect()
}
