//! Random processes of blocks, as `workflow!` makes them: choices, loops, concurrent branches that
//! are scopes of their own and may wait for each other, scopes and tasks with events, races, and
//! nodes that read and set variables.

use std::collections::{BTreeMap, BTreeSet};

use bpm_model::graph::{Condition, Edge, Graph, Node, Origin, Outcome, Scope, ScopeKind, Variable};
use bpm_model::kind::{Kind, Trigger};
use bpm_model::policy::Policy;

use crate::arbitrary::Random;
use crate::readings::{around, inside};

/// How many variables there are: few, so that they meet.
const VARIABLES: usize = 2;

/// How deep blocks nest.
const DEPTH_MAX: usize = 3;

/// A process of blocks.
#[derive(Clone, Debug)]
pub struct Blocks {
    /// The process.
    pub graph: Graph,
    /// The end of each parallel block, with its fork.
    pub forks: BTreeMap<usize, usize>,
}

/// A path that has no next node yet.
struct Open {
    from: usize,
    sets: Vec<usize>,
}

struct Sketch<'a> {
    random: &'a mut Random,
    graph: Graph,
    forks: BTreeMap<usize, usize>,
    open: Vec<Open>,
    scope: usize,
    depth: usize,
    /// How many statements may still be written.
    left: usize,
    /// Whether there are scopes, events and races.
    scopes: bool,
}

impl Blocks {
    /// A process of at most so many statements: tasks, choices, loops and parallel blocks.
    pub fn random(random: &mut Random, statements: usize) -> Blocks {
        Blocks::of(random, statements, false)
    }

    /// The same with scopes, events and races.
    pub fn with_scopes(random: &mut Random, statements: usize) -> Blocks {
        Blocks::of(random, statements, true)
    }

    fn of(random: &mut Random, statements: usize, scopes: bool) -> Blocks {
        let parameters = random.below(2);
        let graph = empty(parameters);
        let (forks, open) = (BTreeMap::new(), Vec::new());
        let mut sketch =
            Sketch { random, graph, forks, open, scope: 0, depth: 0, left: statements, scopes };
        let start = sketch.node(Kind::Start);
        sketch.open = vec![way(start)];
        while sketch.left > 0 && !sketch.open.is_empty() {
            sketch.statement();
        }
        if !sketch.open.is_empty() {
            let end = sketch.node(Kind::End { returns: false });
            sketch.read(end);
        }
        Blocks { graph: sketch.graph, forks: sketch.forks }
    }
}

fn empty(parameters: usize) -> Graph {
    let variable = |at: usize| Variable {
        name: format!("v{at}").into(),
        key: format!("v{at}").into(),
        ty: "".into(),
    };
    Graph {
        name: "Random".into(),
        version: 1,
        origin: Origin::Workflow,
        outcome: Outcome::Unit,
        nodes: Vec::new().into(),
        edges: Vec::new().into(),
        variables: (0..VARIABLES).map(variable).collect::<Vec<_>>().into(),
        parameters,
        scopes: vec![Scope { kind: ScopeKind::Process, parent: 0 }].into(),
    }
}

fn way(from: usize) -> Open {
    Open { from, sets: Vec::new() }
}

impl Sketch<'_> {
    fn one_in(&mut self, chances: usize) -> bool {
        self.random.below(chances) == 0
    }

    /// Each variable with one chance in so many.
    fn some_variables(&mut self, chances: usize) -> Vec<usize> {
        (0..VARIABLES).filter(|_| self.one_in(chances)).collect()
    }

    fn body(&mut self) {
        self.depth += 1;
        for _ in 0..self.random.below(3) {
            if self.left > 0 && !self.open.is_empty() {
                self.statement();
            }
        }
        self.depth -= 1;
    }

    fn statement(&mut self) {
        self.left -= 1;
        match self.random.below(if self.scopes { 13 } else { 8 }) {
            4 if self.depth < DEPTH_MAX => self.choice(),
            5 if self.depth < DEPTH_MAX => self.repeat(),
            6 | 7 if self.depth < DEPTH_MAX => self.parallel(),
            8 | 9 if self.depth < DEPTH_MAX => self.sub_process(),
            10 if self.depth < DEPTH_MAX => self.race(),
            11 if self.depth < DEPTH_MAX => {
                self.task();
                let task = self.graph.nodes.len() - 1;
                self.events(task);
            }
            _ => self.task(),
        }
    }

    fn task(&mut self) {
        let node = self.node(Kind::Service { task: "task".into(), policy: Policy::NONE });
        self.read(node);
        self.graph.nodes.to_mut()[node].sets = self.some_variables(3).into();
        self.open = vec![way(node)];
    }

    fn read(&mut self, node: usize) {
        self.graph.nodes.to_mut()[node].reads = self.some_variables(4).into();
    }

    fn choice(&mut self) {
        let node = self.node(Kind::Exclusive);
        self.read(node);
        let mut ends = Vec::new();
        for _ in 0..2 {
            self.open = vec![Open { from: node, sets: self.some_variables(8) }];
            self.body();
            if self.may_end() && !self.open.is_empty() && self.one_in(6) {
                self.node(Kind::End { returns: false });
            }
            ends.append(&mut self.open);
        }
        self.open = ends;
        self.merge();
    }

    /// Whether the process may end here: in no branch of a parallel block.
    fn may_end(&self) -> bool {
        around(&self.graph, self.scope).into_iter().all(|scope| {
            match self.graph.scopes[scope].kind {
                ScopeKind::Branch { fork, .. } => self.graph.nodes[fork].kind != Kind::Parallel,
                ScopeKind::Process | ScopeKind::Body { .. } => true,
            }
        })
    }

    fn sub_process(&mut self) {
        let scope = self.node(Kind::Scope { copies: Vec::new().into() });
        self.enclosed(scope);
        self.events(scope);
    }

    /// A body, which the open paths leave together.
    fn enclosed(&mut self, of: usize) {
        self.graph.scopes.to_mut().push(Scope { kind: ScopeKind::Body { of }, parent: self.scope });
        let around = std::mem::replace(&mut self.scope, self.graph.scopes.len() - 1);
        self.open = vec![way(of)];
        let nodes = self.graph.nodes.len();
        self.body();
        if self.graph.nodes.len() == nodes {
            self.task();
        }
        self.merge();
        if !self.open.is_empty() {
            let leave = self.node(Kind::Leave { of });
            self.open = vec![way(leave)];
        }
        self.scope = around;
    }

    /// What may happen to a task or scope.
    fn events(&mut self, of: usize) {
        let mut ends = std::mem::take(&mut self.open);
        let boundary = |on, interrupts| Kind::Boundary { of, on, interrupts };
        for _ in 0..self.random.below(3) {
            self.open = vec![way(of)];
            if self.one_in(2) {
                let event = self.node(boundary(Trigger::Every, false));
                self.enclosed(event);
                self.open.clear();
                continue;
            }
            let event = self.node(boundary(Trigger::After, true));
            self.read(event);
            self.open = vec![way(event)];
            self.body();
            ends.append(&mut self.open);
        }
        self.open = ends;
        self.merge();
    }

    fn race(&mut self) {
        let race = self.node(Kind::Race { wins: 1 });
        let mut ends = Vec::new();
        let around = self.scope;
        for name in ["r0", "r1"] {
            let kind =
                ScopeKind::Branch { name: name.into(), fork: race, after: Vec::new().into() };
            self.graph.scopes.to_mut().push(Scope { kind, parent: around });
            self.scope = self.graph.scopes.len() - 1;
            self.open = vec![way(race)];
            let scope = self.node(Kind::Scope { copies: Vec::new().into() });
            let body = self.graph.scopes.len();
            self.enclosed(scope);
            self.copy(scope, body);
            ends.append(&mut self.open);
        }
        self.scope = around;
        self.open = ends;
        if !self.open.is_empty() {
            let end = self.node(Kind::Won { race });
            self.open = vec![way(end)];
        }
    }

    /// Gives a body copies of the variables that are set in it.
    fn copy(&mut self, scope: usize, body: usize) {
        let nodes: Vec<usize> =
            (0..self.graph.nodes.len()).filter(|node| inside(&self.graph, *node, body)).collect();
        let mut set = BTreeSet::new();
        for &node in &nodes {
            set.extend(self.graph.nodes[node].sets.iter().copied());
            let outs = self.graph.outgoing(node);
            set.extend(outs.flat_map(|(_, edge)| edge.sets.iter().copied()));
            if let Kind::Scope { copies } = &self.graph.nodes[node].kind {
                set.extend(copies.iter().map(|(original, _)| *original));
            }
        }
        // Copies of inner bodies stay what they are.
        let copies = self.graph.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Scope { copies } => Some(copies.iter().map(|(_, copy)| *copy)),
            _ => None,
        });
        copies.flatten().for_each(|copy| _ = set.remove(&copy));
        let own = self.own_variables(set.into_iter().collect());
        let new = |at: &mut usize| {
            if let Some((_, copy)) = own.iter().find(|(original, _)| original == at) {
                *at = *copy;
            }
        };
        for &node in &nodes {
            let at = &mut self.graph.nodes.to_mut()[node];
            at.reads.to_mut().iter_mut().chain(at.sets.to_mut()).for_each(new);
            if let Kind::Scope { copies } = &mut at.kind {
                copies.to_mut().iter_mut().for_each(|(original, _)| new(original));
            }
        }
        for edge in self.graph.edges.to_mut().iter_mut().filter(|edge| nodes.contains(&edge.from)) {
            edge.sets.to_mut().iter_mut().for_each(new);
        }
        for open in self.open.iter_mut().filter(|open| nodes.contains(&open.from)) {
            open.sets.iter_mut().for_each(new);
        }
        self.graph.nodes.to_mut()[scope].kind = Kind::Scope { copies: own.into() };
    }

    /// Each variable with a new one of the same name.
    fn own_variables(&mut self, variables: Vec<usize>) -> Vec<(usize, usize)> {
        let own = |original: usize| {
            let Variable { name, ty, .. } = self.graph.variables[original].clone();
            let copy = self.graph.variables.len();
            let key = format!("v{copy}").into();
            self.graph.variables.to_mut().push(Variable { name, key, ty });
            (original, copy)
        };
        variables.into_iter().map(own).collect()
    }

    fn merge(&mut self) {
        if self.open.len() > 1 {
            let merge = self.node(Kind::Exclusive);
            self.open = vec![way(merge)];
        }
    }

    fn repeat(&mut self) {
        let head = self.node(Kind::Exclusive);
        self.open = vec![way(head)];
        let kind = if self.one_in(2) { Kind::Each } else { Kind::Exclusive };
        let turn = self.node(kind);
        self.read(turn);
        self.open = vec![Open { from: turn, sets: self.some_variables(4) }];
        self.body();
        for open in std::mem::take(&mut self.open) {
            self.connect(open, head);
        }
        self.open = vec![way(turn)];
    }

    fn parallel(&mut self) {
        let fork = self.node(Kind::Parallel);
        let count = 2 + self.random.below(2);
        let first = self.graph.scopes.len();
        let after: Vec<Vec<usize>> =
            (0..count).map(|at| (0..at).filter(|_| self.one_in(4)).collect()).collect();
        for (at, after) in after.iter().enumerate() {
            let after: Vec<usize> = after.iter().map(|before| first + before).collect();
            let kind =
                ScopeKind::Branch { name: format!("b{at}").into(), fork, after: after.into() };
            self.graph.scopes.to_mut().push(Scope { kind, parent: self.scope });
        }
        let (mut ends, mut joined) = (Vec::new(), Vec::new());
        for (at, before) in after.iter().enumerate() {
            let before: Vec<usize> = before.iter().map(|at| ends[*at]).collect();
            let awaited = after.iter().any(|after| after.contains(&at));
            ends.push(self.branch(fork, first + at, &before, awaited));
            joined.append(&mut self.open);
        }
        self.open = joined;
        let join = self.node(Kind::Parallel);
        self.forks.insert(join, fork);
        self.open = vec![way(join)];
    }

    /// A branch; gives the node that those wait for which run after it.
    fn branch(&mut self, fork: usize, scope: usize, before: &[usize], awaited: bool) -> usize {
        self.open = before.iter().map(|end| way(*end)).collect();
        match before.len() {
            0 => self.open = vec![way(fork)],
            1 => {}
            _ => {
                let start = self.node(Kind::Parallel);
                self.open = vec![way(start)];
            }
        }
        let around = std::mem::replace(&mut self.scope, scope);
        let nodes = self.graph.nodes.len();
        self.body();
        if self.graph.nodes.len() == nodes {
            self.task();
        }
        self.merge();
        self.scope = around;
        if awaited {
            let end = self.node(Kind::Parallel);
            self.open = vec![way(end)];
        }
        self.graph.nodes.len() - 1
    }

    /// Adds a node; the open paths lead to it.
    fn node(&mut self, kind: Kind) -> usize {
        let node = self.graph.nodes.len();
        let (reads, sets) = (Vec::new().into(), Vec::new().into());
        let (id, source) = (format!("n{node}").into(), "".into());
        self.graph.nodes.to_mut().push(Node { id, kind, scope: self.scope, reads, sets, source });
        for open in std::mem::take(&mut self.open) {
            self.connect(open, node);
        }
        node
    }

    fn connect(&mut self, open: Open, to: usize) {
        let is_event = |kind: &Kind| matches!(kind, Kind::Boundary { of, .. } if *of == open.from);
        let condition = match self.graph.nodes[open.from].kind.is_choice() {
            _ if is_event(&self.graph.nodes[to].kind) => Condition::Boundary,
            true => Condition::Code,
            false => Condition::Always,
        };
        let sets = open.sets.into();
        self.graph.edges.to_mut().push(Edge {
            from: open.from,
            to,
            condition,
            text: "".into(),
            sets,
        });
    }
}
