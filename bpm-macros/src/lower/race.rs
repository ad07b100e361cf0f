//! Races, and branches that may end the process: each branch is one scope, so that it can be told
//! which ones are complete, and the others be undone.
//!
//! ```text
//!            ┌──► race/a ──► body ──► race/a/end ──►┐
//!   ──► race ┤                                      ├► race/end ──►
//!            └──► race/b ──► body ──► race/b/end ──►┘
//! ```
//!
//! A branch of a race sets copies of its own. The statements are lowered as if there were none;
//! when a branch is over, what its nodes read and set is renamed.

use std::collections::{BTreeMap, HashMap};

use bpm_model::graph::{Condition as When, List, Scope, ScopeKind};
use bpm_model::kind::Kind;

use super::Lowering;
use super::names::{NodeName, plain};
use super::statement::At;
use crate::syntax::{Arm, Branch, Do, Event, Statement};

impl<'a> Lowering<'a> {
    pub(super) fn race(&mut self, at: At, wins: u32, branches: &'a [Branch]) {
        if branches.is_empty() {
            return;
        }
        let names: Vec<String> = branches.iter().map(|branch| plain(&branch.name)).collect();
        let id = at.content(format!("race:{}", names.join("+")));
        let race = self.node(Kind::Race { wins }, id, at.place(at.span));
        let first = self.graph.scopes.len();
        for (branch, name) in branches.iter().zip(names) {
            let after = Vec::new().into();
            let kind = ScopeKind::Branch { name: name.into(), fork: race, after };
            self.graph.scopes.to_mut().push(Scope { kind, parent: self.scope });
            self.places.scopes.push(branch.name.span());
        }
        let mut ends = Vec::new();
        for (scope, branch) in (first..).zip(branches) {
            self.open = vec![self.choice(race, When::Always, String::new(), branch.name.span())];
            let around = std::mem::replace(&mut self.scope, scope);
            let outer = self.private.clone();
            let node = self.branch_scope(race, branch);
            self.copies(node, &outer);
            self.scope = around;
            ends.append(&mut self.open);
        }
        self.open = ends;
        if !self.open.is_empty() {
            let name = NodeName::Within(race, "end".to_owned());
            let won = self.node(Kind::Won { race }, name, at.span);
            self.open = vec![self.way(won)];
        }
    }

    /// A branch as one scope; gives its node.
    pub(super) fn branch_scope(&mut self, fork: usize, branch: &'a Branch) -> usize {
        let span = branch.name.span();
        let kind = Kind::Scope { copies: Vec::new().into() };
        let node = self.node(kind, NodeName::Within(fork, plain(&branch.name)), span);
        self.open = vec![self.way(node)];
        self.inside(node, span, |lowering| lowering.statements(&branch.body));
        node
    }

    /// Gives the scope that was lowered last copies of what it sets; `outer` are the variables
    /// that were private before.
    fn copies(&mut self, scope: usize, outer: &std::collections::HashSet<usize>) {
        let from = scope + 1;
        let mut set = Vec::new();
        for node in &self.graph.nodes[from..] {
            set.extend(node.sets.iter());
            if let Kind::Scope { copies } = &node.kind {
                set.extend(copies.iter().map(|(of, _)| of));
            }
        }
        let inside = self.graph.edges.iter().filter(|edge| edge.from >= from);
        set.extend(inside.flat_map(|edge| edge.sets.iter()));
        let is_private = |at: &usize| self.private.contains(at) && !outer.contains(at);
        let is_copy = |at: &usize| {
            self.graph.nodes[from..].iter().any(|node| {
            matches!(&node.kind, Kind::Scope { copies } if copies.iter().any(|(_, copy)| copy == at))
        })
        };
        let mut set: Vec<usize> =
            set.into_iter().filter(|at| !is_private(at) && !is_copy(at)).collect();
        set.sort_unstable();
        set.dedup();
        let copies: BTreeMap<usize, usize> =
            set.into_iter().map(|variable| (variable, self.copy(variable))).collect();
        self.rename(from, &copies);
        let pairs: Vec<(usize, usize)> = copies.into_iter().collect();
        self.graph.nodes.to_mut()[scope].kind = Kind::Scope { copies: pairs.into() };
    }

    /// Lets the nodes from one on read and set copies.
    fn rename(&mut self, from: usize, copies: &BTreeMap<usize, usize>) {
        let renamed = |list: &mut List<usize>| {
            list.to_mut().iter_mut().for_each(|at| *at = *copies.get(at).unwrap_or(at));
        };
        for node in &mut self.graph.nodes.to_mut()[from..] {
            renamed(&mut node.reads);
            renamed(&mut node.sets);
            if let Kind::Scope { copies: inner } = &mut node.kind {
                inner.to_mut().iter_mut().for_each(|(of, _)| *of = *copies.get(of).unwrap_or(of));
            }
        }
        for edge in self.graph.edges.to_mut() {
            if edge.from >= from {
                renamed(&mut edge.sets);
            }
        }
        for places in [&mut self.places.reads, &mut self.places.sets] {
            let inside = places.iter().filter(|((node, _), _)| *node >= from);
            let moved: HashMap<(usize, usize), _> = inside
                .filter_map(|((node, of), span)| Some(((*node, *copies.get(of)?), *span)))
                .collect();
            places.extend(moved);
        }
    }
}

/// Whether one of these statements, at any depth, ends the process with `return`.
pub(super) fn returns(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| match &statement.does {
        Do::Return { .. } => true,
        Do::Service { clauses, .. } => handlers_return(&clauses.events),
        Do::User { events, .. } => handlers_return(events),
        Do::LetElse { otherwise, .. } => returns(otherwise),
        Do::If { arms, otherwise } => {
            arms.iter().any(|(_, body)| returns(body)) || otherwise.iter().any(|body| returns(body))
        }
        Do::Match { arms, .. } => arms.iter().any(|Arm { body, .. }| returns(body)),
        Do::Parallel { branches } | Do::Race { branches, .. } => any_returns(branches),
        Do::Scope { body, events, .. } => returns(body) || handlers_return(events),
        Do::For { body, .. } | Do::While { body, .. } | Do::Loop { body } => returns(body),
        Do::Script { .. }
        | Do::Wait { .. }
        | Do::Fail { .. }
        | Do::Break { .. }
        | Do::Continue { .. }
        | Do::Broken { .. }
        | Do::Leaves { .. } => false,
    })
}

fn handlers_return(events: &[Event]) -> bool {
    events.iter().any(|event| returns(&event.body))
}

/// Whether a branch, at any depth, ends the process with `return`.
pub(super) fn any_returns(branches: &[Branch]) -> bool {
    branches.iter().any(|branch| returns(&branch.body))
}
