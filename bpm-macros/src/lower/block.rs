//! Parallel blocks: a fork, branches that are scopes of their own, a join.
//!
//! ```text
//!            ┌──────► pack ──► pack/end ─────────────┐
//!   ──► fork ┤                        └─► label ────►├► join ──►       label after pack
//!            └──────► invoice ──────────────────────►┘
//! ```

use std::collections::HashMap;

use bpm_model::finding::{Fault, Finding, Named, Place};
use bpm_model::graph::{Condition as When, Scope, ScopeKind};
use bpm_model::kind::Kind;
use bpm_model::spell;
use proc_macro2::Ident;

use super::names::{NodeName, plain};
use super::race::any_returns;
use super::statement::At;
use super::{Lowering, Open};
use crate::report::Report;
use crate::syntax::Branch;

/// A parallel block in the making.
struct Block {
    fork: usize,
    /// The graph scope of the first branch; the others follow.
    scopes: usize,
    /// For each branch the positions of those that it waits for.
    after: Vec<Vec<usize>>,
    /// For each branch that is lowered, the node that its dependents start from, if it has any.
    ends: HashMap<usize, Option<usize>>,
    /// The ends that lead to the join.
    joined: Vec<Open>,
    /// Whether each branch is a scope, because one of them may end the process.
    scoped: bool,
}

impl<'a> Lowering<'a> {
    pub(super) fn parallel(&mut self, at: At, branches: &'a [Branch]) {
        if branches.is_empty() {
            return;
        }
        let names: Vec<String> = branches.iter().map(|branch| plain(&branch.name)).collect();
        let id = at.content(format!("parallel:{}", names.join("+")));
        let fork = self.node(Kind::Parallel, id, at.place(at.span));
        let first = self.graph.scopes.len();
        let after = (first..).zip(branches);
        let after =
            after.map(|(scope, branch)| self.positions(scope, &branch.after, &names)).collect();
        let scopes = self.branch_scopes(fork, branches, &names, &after);
        let (ends, joined, scoped) = (HashMap::new(), Vec::new(), any_returns(branches));
        let mut block = Block { fork, scopes, after, ends, joined, scoped };
        for at in order(&block.after) {
            self.branch(&branches[at], at, &mut block);
        }
        self.open = block.joined;
        let span = self.places.nodes[fork];
        let join = self.node(Kind::Parallel, NodeName::Within(fork, "end".to_owned()), span);
        self.open = vec![self.way(join)];
    }

    /// The positions of the branches that the `after` of a branch names.
    fn positions(&mut self, scope: usize, after: &[Ident], names: &[String]) -> Vec<usize> {
        let mut positions = Vec::new();
        for name in after {
            match names.iter().position(|known| *known == plain(name)) {
                Some(position) => positions.push(position),
                None => {
                    self.places.unordered.insert(scope);
                    self.unknown_branch(name, names);
                }
            }
        }
        positions.dedup();
        positions
    }

    fn unknown_branch(&mut self, name: &Ident, names: &[String]) {
        let text = plain(name);
        let nearest = spell::nearest(&text, names.iter().map(String::as_str)).map(str::to_owned);
        let fault = Fault::Unknown { named: Named::Branch, name: text, nearest };
        let finding = Finding::new(fault, Place::Process);
        self.reports.push(Report::of(&finding, &self.graph, name.span()));
    }

    /// Adds the scopes of all branches; gives the first one.
    fn branch_scopes(
        &mut self,
        fork: usize,
        branches: &[Branch],
        names: &[String],
        after: &Vec<Vec<usize>>,
    ) -> usize {
        let first = self.graph.scopes.len();
        for ((branch, name), after) in branches.iter().zip(names).zip(after) {
            let after: Vec<usize> = after.iter().map(|at| first + at).collect();
            let kind = ScopeKind::Branch { name: name.clone().into(), fork, after: after.into() };
            self.graph.scopes.to_mut().push(Scope { kind, parent: self.scope });
            self.places.scopes.push(branch.name.span());
        }
        first
    }

    fn branch(&mut self, branch: &'a Branch, at: usize, block: &mut Block) {
        self.open = self.entry(branch, at, block);
        let around = std::mem::replace(&mut self.scope, block.scopes + at);
        let first = self.graph.nodes.len();
        if block.scoped {
            self.branch_scope(block.fork, branch);
        } else {
            self.statements(&branch.body);
        }
        if self.graph.nodes.len() == first {
            self.pass(branch, block.fork);
        }
        self.merge_branch(branch, block.fork);
        self.scope = around;
        let end = self.is_awaited(at, block).then(|| self.branch_end(branch, block.fork));
        block.ends.insert(at, end);
        block.joined.append(&mut self.open);
    }

    /// Whether a branch that is not lowered yet waits for this one.
    fn is_awaited(&self, at: usize, block: &Block) -> bool {
        let waits = |(other, after): (usize, &Vec<usize>)| {
            other != at && after.contains(&at) && !block.ends.contains_key(&other)
        };
        block.after.iter().enumerate().any(waits)
    }

    fn branch_end(&mut self, branch: &Branch, fork: usize) -> usize {
        let name = NodeName::Within(fork, format!("{}/end", plain(&branch.name)));
        let end = self.node(Kind::Parallel, name, branch.name.span());
        self.open = vec![self.way(end)];
        end
    }

    /// The ways into a branch: from the fork, or from the ends of those that it waits for.
    fn entry(&mut self, branch: &Branch, at: usize, block: &Block) -> Vec<Open> {
        let ends = block.after[at].iter().filter_map(|before| *block.ends.get(before)?);
        let ends: Vec<usize> = ends.collect();
        match ends[..] {
            [] => vec![self.branch_way(block.fork, branch)],
            [end] => vec![self.branch_way(end, branch)],
            _ => {
                self.open = ends.iter().map(|end| self.branch_way(*end, branch)).collect();
                let name = NodeName::Within(block.fork, format!("{}/start", plain(&branch.name)));
                let start = self.node(Kind::Parallel, name, branch.name.span());
                vec![self.way(start)]
            }
        }
    }

    fn branch_way(&mut self, from: usize, branch: &Branch) -> Open {
        self.choice(from, When::Always, String::new(), branch.name.span())
    }

    /// A branch without statements is one node that passes on.
    fn pass(&mut self, branch: &Branch, fork: usize) {
        let name = NodeName::Within(fork, plain(&branch.name));
        let node = self.node(Kind::Exclusive, name, branch.name.span());
        self.open = vec![self.way(node)];
    }

    /// A branch has one end.
    fn merge_branch(&mut self, branch: &Branch, fork: usize) {
        if self.open.len() > 1 {
            self.pass(branch, fork);
        }
    }
}

/// The positions in an order in which each stands behind those that it waits for. In a cycle, which
/// is reported, the first one goes ahead.
fn order(after: &[Vec<usize>]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..after.len()).collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let ready = |at: &usize| after[*at].iter().all(|before| ordered.contains(before));
        let next = left.iter().position(ready).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    ordered
}
