//! Who runs beside whom: branches of parallel blocks, and what boundary events start beside
//! activities and scopes.

use super::events::{Events, owner};
use super::scopes::{Crossings, around, concurrent, inside, is_race};
use crate::graph::{Graph, ScopeKind};
use crate::kind::{Kind, Trigger};

/// What may run at the same time as something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// All that stands in a scope.
    Scope(usize),
    /// An activity or the frame of a scope, with what belongs to it alone.
    Work(usize),
}

impl Party {
    /// Whether a node runs as a part of it.
    pub(super) fn has(self, graph: &Graph, node: usize) -> bool {
        match (self, &graph.nodes[node].kind) {
            (Party::Scope(scope), _) => inside(graph, node, scope),
            (Party::Work(work), Kind::Undo { of, .. }) => *of == work,
            (Party::Work(work), Kind::Boundary { of, on: Trigger::Error, .. }) => *of == work,
            (Party::Work(work), _) => node == work,
        }
    }

    /// What a node of it reads at some time while the others run. What a user task says is said
    /// when it is opened.
    pub(super) fn reads(self, graph: &Graph, node: usize) -> &[usize] {
        match (self, &graph.nodes[node].kind) {
            (Party::Work(_), Kind::User { .. }) => &[],
            _ => &graph.nodes[node].reads,
        }
    }

    /// The branch that it is.
    pub(super) fn branch(self, graph: &Graph) -> Option<usize> {
        match self {
            Party::Scope(scope) if matches!(graph.scopes[scope].kind, ScopeKind::Branch { .. }) => {
                Some(scope)
            }
            _ => None,
        }
    }

    /// The node that it is called by.
    pub(super) fn node(self, graph: &Graph) -> usize {
        match self {
            Party::Work(node) => node,
            Party::Scope(scope) => match graph.scopes[scope].kind {
                ScopeKind::Body { of } => of,
                ScopeKind::Branch { fork, .. } => fork,
                ScopeKind::Process => 0,
            },
        }
    }
}

/// Who runs beside whom in a graph.
pub(super) struct Beside<'a> {
    graph: &'a Graph,
    crossings: &'a Crossings,
    pub(super) events: Events,
}

impl<'a> Beside<'a> {
    pub(super) fn new(graph: &'a Graph, crossings: &'a Crossings) -> Beside<'a> {
        Beside { graph, crossings, events: Events::new(graph) }
    }

    /// Parts that run beside each other, inner ones first: parallel blocks, and activities and
    /// scopes with what runs beside them. In a race each branch has copies of its own.
    pub(super) fn groups(&self) -> Vec<Vec<usize>> {
        let blocks = self.crossings.blocks.iter();
        let blocks = blocks.filter(|(fork, _)| !is_race(self.graph, **fork));
        let mut groups: Vec<Vec<usize>> = blocks.map(|(_, block)| block.branches.clone()).collect();
        for (owner, _) in self.events.owners() {
            let mut bodies: Vec<usize> = self.events.beside(self.graph, owner).collect();
            if !bodies.is_empty() {
                bodies.extend(self.events.body(owner));
                groups.push(bodies);
            }
        }
        groups.sort_by_key(|group| std::cmp::Reverse(around(self.graph, group[0]).count()));
        groups
    }

    /// What may run beside a scope because of what the scope is.
    pub(super) fn of(&self, scope: usize) -> Vec<Party> {
        match self.graph.scopes[scope].kind {
            ScopeKind::Branch { fork, .. } if !is_race(self.graph, fork) => {
                let mut all = concurrent(self.graph, &self.crossings.blocks[&fork]);
                all.remove(&scope).unwrap_or_default().into_iter().map(Party::Scope).collect()
            }
            ScopeKind::Body { of } => self.of_body(of, scope),
            ScopeKind::Process | ScopeKind::Branch { .. } => Vec::new(),
        }
    }

    fn of_body(&self, of: usize, scope: usize) -> Vec<Party> {
        let event = owner(self.graph, of);
        let owner = event.unwrap_or(of);
        let inner = self.events.body(owner);
        let bodies = self.events.beside(self.graph, owner).chain(inner);
        let others = bodies.filter(|other| *other != scope);
        others.map(Party::Scope).chain(event.map(Party::Work)).collect()
    }

    /// What may run beside a scope because of it or of any scope around it.
    pub(super) fn of_all_around(&self, scope: usize) -> Vec<Party> {
        around(self.graph, scope).flat_map(|scope| self.of(scope)).collect()
    }
}
