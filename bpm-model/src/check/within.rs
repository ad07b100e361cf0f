//! What branches take from outside of them, and what they surely set.

use super::bits::Bits;
use super::scopes::{Block, around, earlier};
use super::ways::Ways;
use crate::graph::Graph;
use crate::kind::Kind;

/// For each scope what it does with the variables, seen from outside.
pub(super) struct Within {
    /// What it may read before it has set it.
    pub(super) takes: Vec<Bits>,
    /// What it has surely set when it is left.
    pub(super) sets: Vec<Bits>,
}

impl Within {
    pub(super) fn new(graph: &Graph, ways: &Ways) -> Within {
        let (bound, scopes) = (graph.variables.len(), graph.scopes.len());
        let mut members = vec![Vec::new(); scopes];
        for (node, at) in graph.nodes.iter().enumerate().filter(|(node, _)| ways.live[*node]) {
            around(graph, at.scope).for_each(|scope| members[scope].push(node));
        }
        let mut within = Within {
            takes: vec![Bits::none(bound); scopes],
            sets: vec![Bits::none(bound); scopes],
        };
        // The process itself has no outside.
        for (scope, members) in members.iter().enumerate().skip(1) {
            let branch = Branch { graph, ways, members };
            let (before, behind) = branch.surely_set();
            within.takes[scope] = branch.reads_without(&before);
            within.sets[scope] = branch.left_with(&behind);
        }
        within
    }

    /// What somebody behind a block reads is not what was there before it if a branch surely sets
    /// it anew, and no branch takes it that has not waited for such a one.
    pub(super) fn hidden(&self, graph: &Graph, block: &Block) -> Bits {
        let mut hidden = Bits::none(graph.variables.len());
        block.branches.iter().for_each(|branch| hidden.merge(&self.sets[*branch]));
        for (branch, earlier) in block.branches.iter().zip(earlier(graph, &block.branches)) {
            let is_set = |variable| earlier.iter().any(|before| self.sets[*before].has(variable));
            let taken = self.takes[*branch].iter().filter(|variable| !is_set(*variable));
            taken.for_each(|variable| hidden.remove(variable));
        }
        hidden
    }
}

/// A scope with the nodes in it that can run, in order.
struct Branch<'a> {
    graph: &'a Graph,
    ways: &'a Ways,
    members: &'a [usize],
}

impl Branch<'_> {
    /// What is surely set inside of it before and behind each of its nodes: everything, until some
    /// path does not set it.
    fn surely_set(&self) -> (Vec<Bits>, Vec<Bits>) {
        let all = vec![Bits::all(self.graph.variables.len()); self.members.len()];
        let (mut before, mut behind) = (all.clone(), all);
        let mut is_stable = false;
        while !is_stable {
            is_stable = true;
            for (at, &node) in self.members.iter().enumerate() {
                before[at] = self.arrives(node, &behind);
                let mut now = before[at].clone();
                self.graph.nodes[node].sets.iter().for_each(|variable| now.add(*variable));
                is_stable &= now == behind[at];
                behind[at] = now;
            }
        }
        (before, behind)
    }

    /// A join knows what any way in has set, all else what all have.
    fn arrives(&self, node: usize, behind: &[Bits]) -> Bits {
        let bound = self.graph.variables.len();
        let join = self.graph.nodes[node].kind == Kind::Parallel;
        let mut arrives = if join { Bits::none(bound) } else { Bits::all(bound) };
        for edge in self.ways.taken_ins(node) {
            let over = self.over(edge, behind);
            match join {
                true => arrives.merge(&over),
                false => arrives.keep(&over),
            }
        }
        arrives
    }

    /// What is set behind an edge; of one that comes from outside, nothing.
    fn over(&self, edge: usize, behind: &[Bits]) -> Bits {
        let edge = &self.graph.edges[edge];
        let Ok(from) = self.members.binary_search(&edge.from) else {
            return Bits::none(self.graph.variables.len());
        };
        let mut over = behind[from].clone();
        edge.sets.iter().for_each(|variable| over.add(*variable));
        over
    }

    fn reads_without(&self, before: &[Bits]) -> Bits {
        let mut takes = Bits::none(self.graph.variables.len());
        for (node, before) in self.members.iter().zip(before) {
            let reads = self.graph.nodes[*node].reads.iter().copied();
            reads.filter(|variable| !before.has(*variable)).for_each(|at| takes.add(at));
        }
        takes
    }

    fn left_with(&self, behind: &[Bits]) -> Bits {
        let outs = self.members.iter().flat_map(|node| self.ways.taken_outs(*node));
        let leaving =
            outs.filter(|edge| self.members.binary_search(&self.graph.edges[*edge].to).is_err());
        let mut left = Bits::all(self.graph.variables.len());
        leaving.for_each(|edge| left.keep(&self.over(edge, behind)));
        left
    }
}
