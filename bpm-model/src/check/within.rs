//! What branches take from outside of them, and what they surely set.

use super::bits::Bits;
use super::data::{Meeting, over, passes};
use super::scopes::{Block, Originals, around, earlier};
use super::ways::Ways;
use crate::graph::Graph;

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
        let originals = Originals::new(graph);
        // The process itself has no outside.
        for (scope, members) in members.iter().enumerate().skip(1) {
            let branch = Branch { graph, ways, members, originals: &originals };
            let (before, behind) = branch.surely_set();
            within.takes[scope] = branch.reads_without(&before);
            within.sets[scope] = branch.left_with(&before, &behind);
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
    originals: &'a Originals,
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
                let arrives = self.arrives(node, &before, &behind);
                let leaves = passes(self.graph, node, &arrives);
                is_stable &= arrives == before[at] && leaves == behind[at];
                before[at] = arrives;
                behind[at] = leaves;
            }
        }
        (before, behind)
    }

    /// A join knows what any way in has set, all else what all have.
    fn arrives(&self, node: usize, before: &[Bits], behind: &[Bits]) -> Bits {
        let bound = self.graph.variables.len();
        let mut arrives = match Meeting::at(self.graph, node) {
            Meeting::Any => Bits::none(bound),
            Meeting::All => Bits::all(bound),
            Meeting::Since(race) => {
                let at = self.members.binary_search(&race);
                return at.map_or_else(|_| Bits::none(bound), |at| behind[at].clone());
            }
        };
        for edge in self.ways.taken_ins(node) {
            let over = self.over(edge, before, behind);
            match Meeting::at(self.graph, node) {
                Meeting::Any => arrives.merge(&over),
                _ => arrives.keep(&over),
            }
        }
        arrives
    }

    /// What is set behind an edge; of one that comes from outside, nothing.
    fn over(&self, edge: usize, before: &[Bits], behind: &[Bits]) -> Bits {
        match self.members.binary_search(&self.graph.edges[edge].from) {
            Ok(from) => over(self.graph, edge, &before[from], &behind[from]),
            Err(_) => Bits::none(self.graph.variables.len()),
        }
    }

    fn reads_without(&self, before: &[Bits]) -> Bits {
        let mut takes = Bits::none(self.graph.variables.len());
        for (node, before) in self.members.iter().zip(before) {
            let reads = self.graph.nodes[*node].reads.iter().copied();
            let unset = reads.filter(|variable| !before.has(*variable));
            // What is copied where a body begins is taken from outside of it.
            unset.flat_map(|at| self.originals.of(at)).for_each(|at| takes.add(at));
        }
        takes
    }

    fn left_with(&self, before: &[Bits], behind: &[Bits]) -> Bits {
        let outs = self.members.iter().flat_map(|node| self.ways.taken_outs(*node));
        let leaving =
            outs.filter(|edge| self.members.binary_search(&self.graph.edges[*edge].to).is_err());
        let mut left = Bits::all(self.graph.variables.len());
        leaving.for_each(|edge| left.keep(&self.over(edge, before, behind)));
        left
    }
}
