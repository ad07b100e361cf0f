//! The graph as the checks walk it: adjacency, what can run, cycles and shortest paths.

use std::collections::VecDeque;

use super::scopes::Crossings;
use crate::finding::Step;
use crate::graph::{Graph, Origin};
use crate::kind::Kind;

/// Adjacency of a graph, with what can run in it.
pub(super) struct Ways {
    /// The edges out of each node.
    pub(super) outs: Vec<Vec<usize>>,
    /// The edges into each node.
    pub(super) ins: Vec<Vec<usize>>,
    /// The first start.
    pub(super) start: Option<usize>,
    /// Which nodes can run.
    pub(super) live: Vec<bool>,
    /// Which edges a token can take.
    pub(super) taken: Vec<bool>,
}

impl Ways {
    /// The ways of a graph in which the edges that are not `open` are never taken.
    pub(super) fn new(graph: &Graph, open: &[bool], crossings: &Crossings) -> Ways {
        let mut outs = vec![Vec::new(); graph.nodes.len()];
        let mut ins = vec![Vec::new(); graph.nodes.len()];
        for (at, edge) in graph.edges.iter().enumerate() {
            outs[edge.from].push(at);
            ins[edge.to].push(at);
        }
        let start = graph.nodes.iter().position(|node| node.kind == Kind::Start);
        let live = vec![false; graph.nodes.len()];
        let taken = vec![false; graph.edges.len()];
        let mut ways = Ways { outs, ins, start, live, taken };
        ways.run(graph, open, crossings);
        ways
    }

    /// Marks what can run. In a process of blocks a join runs if all its ways in do; where people
    /// draw edges themselves a join that misses one is a deadlock (B011), not dead.
    fn run(&mut self, graph: &Graph, open: &[bool], crossings: &Crossings) {
        let Some(start) = self.start else { return };
        let mut missing: Vec<usize> = (0..graph.nodes.len())
            .map(|node| match graph.origin {
                Origin::Built => 1,
                Origin::Workflow if crossings.never_complete[node] => usize::MAX,
                Origin::Workflow => self.needed(graph, node),
            })
            .collect();
        self.live[start] = true;
        let mut ready = vec![start];
        while let Some(node) = ready.pop() {
            for &edge in self.outs[node].iter().filter(|edge| open[**edge]) {
                self.taken[edge] = true;
                let to = graph.edges[edge].to;
                missing[to] = missing[to].saturating_sub(1);
                if missing[to] == 0 && !self.live[to] {
                    self.live[to] = true;
                    ready.push(to);
                }
            }
        }
        self.run_undos(graph);
    }

    /// How many of the ways into a node a token must take for it to run.
    pub(super) fn needed(&self, graph: &Graph, node: usize) -> usize {
        match graph.nodes[node].kind {
            Kind::Parallel => self.ins[node].len(),
            Kind::Won { race } => match graph.nodes[race].kind {
                Kind::Race { wins } => wins.max(1) as usize,
                _ => 1,
            },
            _ => 1,
        }
    }

    /// No way leads to an undo: it can run if its activity can.
    fn run_undos(&mut self, graph: &Graph) {
        for (at, node) in graph.nodes.iter().enumerate() {
            if let Kind::Undo { of, .. } = node.kind {
                self.live[at] = self.live[of];
            }
        }
    }

    /// The edges out of a node that a token can take.
    pub(super) fn taken_outs(&self, node: usize) -> impl Iterator<Item = usize> {
        self.outs[node].iter().copied().filter(|edge| self.taken[*edge])
    }

    /// The edges into a node that a token can take.
    pub(super) fn taken_ins(&self, node: usize) -> impl Iterator<Item = usize> {
        self.ins[node].iter().copied().filter(|edge| self.taken[*edge])
    }

    /// The shortest path from `from` to a node that is a `goal`, over edges that may be `used`.
    pub(super) fn shortest(
        &self,
        graph: &Graph,
        from: usize,
        goal: impl Fn(usize) -> bool,
        used: impl Fn(usize) -> bool,
    ) -> Option<Vec<usize>> {
        let mut came: Vec<Option<usize>> = vec![None; self.live.len()];
        let mut seen = vec![false; self.live.len()];
        let mut ready = VecDeque::from([from]);
        seen[from] = true;
        while let Some(node) = ready.pop_front() {
            if goal(node) {
                return Some(trace(graph, &came, from, node));
            }
            for edge in self.taken_outs(node).filter(|edge| used(*edge)) {
                let to = graph.edges[edge].to;
                if !seen[to] {
                    seen[to] = true;
                    came[to] = Some(edge);
                    ready.push_back(to);
                }
            }
        }
        None
    }

    /// The shortest way round from a node back to itself, within what may be `used`.
    pub(super) fn round(
        &self,
        graph: &Graph,
        node: usize,
        used: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let leaving = self.taken_outs(node).filter(|edge| used(*edge));
        let rounds = leaving.filter_map(|first| {
            let back = self.shortest(graph, graph.edges[first].to, |at| at == node, &used)?;
            Some(std::iter::once(first).chain(back).collect::<Vec<_>>())
        });
        rounds.min_by_key(Vec::len).unwrap_or_default()
    }
}

/// The edges that a search came along, from its first node to `node`.
fn trace(graph: &Graph, came: &[Option<usize>], first: usize, node: usize) -> Vec<usize> {
    let mut edges = Vec::new();
    let mut at = node;
    while at != first {
        let edge = came[at].unwrap_or_else(|| unreachable!("every node found was come to"));
        edges.push(edge);
        at = graph.edges[edge].from;
    }
    edges.reverse();
    edges
}

/// A path of edges as the steps of a witness: its nodes, and its edges where a choice is made.
pub(super) fn steps(graph: &Graph, first: usize, edges: &[usize]) -> Vec<Step> {
    let mut steps = vec![Step::Node(first)];
    for &edge in edges {
        if graph.nodes[graph.edges[edge].from].kind.is_choice() {
            steps.push(Step::Choice(edge));
        }
        steps.push(Step::Node(graph.edges[edge].to));
    }
    steps
}

/// The strongly connected components of a graph of `count` nodes, successors before
/// predecessors.
pub(super) fn components<I: Iterator<Item = usize>>(
    count: usize,
    successors: impl Fn(usize) -> I,
) -> Vec<Vec<usize>> {
    let mut search = Tarjan { index: vec![0; count], low: vec![0; count], ..Tarjan::default() };
    search.placed = vec![false; count];
    for root in 0..count {
        if search.index[root] == 0 {
            search.visit(root, &successors);
        }
    }
    search.found
}

/// Tarjan's search with its stack of calls as data.
#[derive(Default)]
struct Tarjan {
    index: Vec<usize>,
    low: Vec<usize>,
    placed: Vec<bool>,
    next: usize,
    stack: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Tarjan {
    fn visit<I: Iterator<Item = usize>>(&mut self, root: usize, successors: &impl Fn(usize) -> I) {
        let mut calls = vec![(root, self.enter(root, successors(root)))];
        while let Some((node, rest)) = calls.last_mut() {
            let node = *node;
            match rest.next() {
                Some(next) if self.index[next] == 0 => {
                    let rest = self.enter(next, successors(next));
                    calls.push((next, rest));
                }
                Some(next) if !self.placed[next] => {
                    self.low[node] = self.low[node].min(self.index[next]);
                }
                Some(_) => {}
                None => {
                    calls.pop();
                    self.leave(node, calls.last().map(|call| call.0));
                }
            }
        }
    }

    fn enter<I>(&mut self, node: usize, successors: I) -> I {
        self.next += 1;
        self.index[node] = self.next;
        self.low[node] = self.next;
        self.stack.push(node);
        successors
    }

    fn leave(&mut self, node: usize, caller: Option<usize>) {
        if let Some(caller) = caller {
            self.low[caller] = self.low[caller].min(self.low[node]);
        }
        if self.low[node] != self.index[node] {
            return;
        }
        let Some(from) = self.stack.iter().rposition(|at| *at == node) else { return };
        let mut component = self.stack.split_off(from);
        component.iter().for_each(|at| self.placed[*at] = true);
        component.sort_unstable();
        self.found.push(component);
    }
}
