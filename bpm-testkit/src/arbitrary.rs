//! Random graphs: sound ones by construction, and ones with a mutation that may break them.

use bpm_model::graph::{Condition, Edge, Graph, Node, Origin, Outcome, Scope, ScopeKind};
use bpm_model::kind::Kind;
use bpm_model::policy::Policy;

/// A generator of random numbers that gives the same ones for the same seed.
#[derive(Clone, Debug)]
pub struct Random {
    bits: u64,
    tape: Option<Tape>,
}

/// What was drawn, or what is to be drawn.
#[derive(Clone, Debug)]
struct Tape {
    draws: Vec<u32>,
    /// The next one that is given again; nothing if they are recorded.
    next: Option<usize>,
}

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Random {
        Random { bits: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, tape: None }
    }

    /// The generator of a seed that records what is drawn.
    pub fn recording(seed: u64) -> Random {
        Random { tape: Some(Tape { draws: Vec::new(), next: None }), ..Random::new(seed) }
    }

    /// Gives what was recorded, and then 0 for ever.
    pub fn replaying(draws: Vec<u32>) -> Random {
        Random { tape: Some(Tape { draws, next: Some(0) }), ..Random::new(0) }
    }

    /// What was recorded.
    pub fn into_draws(self) -> Vec<u32> {
        self.tape.map(|tape| tape.draws).unwrap_or_default()
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        if let Some(Tape { draws, next: Some(next) }) = &mut self.tape {
            let drawn = draws.get(*next).copied().unwrap_or(0);
            *next += 1;
            return drawn as usize % bound;
        }
        self.bits ^= self.bits << 13;
        self.bits ^= self.bits >> 7;
        self.bits ^= self.bits << 17;
        let drawn = ((self.bits >> 16) % bound as u64) as usize;
        if let Some(tape) = &mut self.tape {
            tape.draws.push(u32::try_from(drawn).unwrap_or(u32::MAX));
        }
        drawn
    }

    /// True with one chance in so many; the last one, so that a shrunk draw says no.
    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) + 1 == chances
    }
}

/// A graph under construction: `start → task → end`, of which edges are replaced.
#[derive(Clone, Debug)]
pub struct Sketch {
    kinds: Vec<Kind>,
    edges: Vec<(usize, usize)>,
    /// The edges on which a token is the only one of its instance.
    alone: Vec<bool>,
}

impl Default for Sketch {
    fn default() -> Sketch {
        let kinds = vec![Kind::Start, task(), Kind::End { returns: false }];
        Sketch { kinds, edges: vec![(0, 1), (1, 2)], alone: vec![true; 2] }
    }
}

fn task() -> Kind {
    Kind::Service { task: "task".into(), policy: Policy::NONE }
}

impl Sketch {
    /// A sound graph made in so many steps.
    pub fn sound(random: &mut Random, steps: usize) -> Sketch {
        let mut sketch = Sketch::default();
        for _ in 0..steps {
            sketch.grow(random);
        }
        sketch
    }

    /// Replaces a random edge by a block; what was sound stays sound.
    pub fn grow(&mut self, random: &mut Random) {
        let edge = random.below(self.edges.len());
        match random.below(7) {
            0 => self.put_task(edge),
            1 | 2 => self.put_block(edge, Kind::Exclusive, 2 + random.below(2)),
            3 => self.put_block(edge, Kind::Parallel, 2 + random.below(2)),
            4 => self.put_loop(edge),
            5 if self.alone[edge] => self.put_detour(edge, random),
            _ if self.alone[edge] => self.put_end(edge),
            _ => self.put_task(edge),
        }
    }

    /// Changes something at random that may or may not keep the graph sound, but keeps its form.
    pub fn mutate(&mut self, random: &mut Random) {
        match random.below(3) {
            0 => self.flip(random),
            1 => self.bridge(random, Kind::Exclusive),
            _ => self.bridge(random, Kind::Parallel),
        }
    }

    /// Puts a task on an edge.
    pub fn put_task(&mut self, edge: usize) {
        self.split(edge, task());
    }

    /// Puts a block with so many branches on an edge.
    pub fn put_block(&mut self, edge: usize, kind: Kind, branches: usize) {
        let alone = self.alone[edge] && kind == Kind::Exclusive;
        let middle = self.split(edge, kind.clone());
        let close = self.split(middle, kind);
        self.alone[middle] = alone;
        let (open, end) = (self.edges[middle].0, self.edges[middle].1);
        debug_assert_eq!(self.edges[close].0, end);
        for _ in 1..branches {
            self.edges.push((open, end));
            self.alone.push(alone);
        }
    }

    /// Puts a loop on an edge.
    pub fn put_loop(&mut self, edge: usize) {
        let body = self.split(edge, Kind::Exclusive);
        self.split(body, Kind::Exclusive);
        let (head, tail) = self.edges[body];
        self.edges.push((tail, head));
        self.alone.push(self.alone[body]);
    }

    /// Puts a fork of two tasks on an edge, of which the second waits for the first: `after`.
    pub fn put_after(&mut self, edge: usize) {
        let first = self.edges.len();
        self.put_block(edge, Kind::Parallel, 2);
        let second = self.edges.len() - 1;
        self.connect(first, second, Kind::Parallel);
        let behind_both = self.edges.len() - 2;
        self.put_task(first);
        self.put_task(behind_both);
    }

    /// How many edges there are; they are numbered from 0 and keep their numbers.
    pub fn edges(&self) -> usize {
        self.edges.len()
    }

    /// A choice on one edge that leads to another one: where a token is alone, it may go anywhere.
    pub fn put_detour(&mut self, edge: usize, random: &mut Random) {
        let alone: Vec<usize> = (0..self.edges.len()).filter(|at| self.alone[*at]).collect();
        let other = alone[random.below(alone.len())];
        self.connect(edge, other, Kind::Exclusive);
    }

    fn put_end(&mut self, edge: usize) {
        let behind = self.split(edge, Kind::Exclusive);
        self.kinds.push(Kind::End { returns: false });
        self.edges.push((self.edges[behind].0, self.kinds.len() - 1));
        self.alone.push(true);
    }

    /// Puts a node on an edge and gives the edge behind it.
    fn split(&mut self, edge: usize, kind: Kind) -> usize {
        self.kinds.push(kind);
        let (node, to) = (self.kinds.len() - 1, self.edges[edge].1);
        self.edges[edge].1 = node;
        self.edges.push((node, to));
        self.alone.push(self.alone[edge]);
        self.edges.len() - 1
    }

    fn flip(&mut self, random: &mut Random) {
        let gateway = |node: &usize| matches!(self.kinds[*node], Kind::Exclusive | Kind::Parallel);
        let gateways: Vec<usize> = (0..self.kinds.len()).filter(gateway).collect();
        if gateways.is_empty() {
            return;
        }
        let node = gateways[random.below(gateways.len())];
        self.kinds[node] = match self.kinds[node] {
            Kind::Exclusive => Kind::Parallel,
            _ => Kind::Exclusive,
        };
    }

    /// A way from one random edge to another one.
    fn bridge(&mut self, random: &mut Random, kind: Kind) {
        let from = random.below(self.edges.len());
        let to = random.below(self.edges.len());
        self.connect(from, to, kind);
    }

    /// A gateway on each of two edges, and a way from the first to the second.
    fn connect(&mut self, from: usize, to: usize, kind: Kind) {
        let alone = self.alone[from] && self.alone[to] && kind == Kind::Exclusive;
        let behind = self.split(from, kind.clone());
        let before = self.split(to, kind);
        self.edges.push((self.edges[behind].0, self.edges[before].0));
        self.alone.push(alone);
    }

    /// The sketch as a built graph, in which every choice is free.
    pub fn graph(&self) -> Graph {
        let node = |(at, kind): (usize, &Kind)| Node {
            id: format!("n{at}").into(),
            kind: kind.clone(),
            scope: 0,
            reads: Vec::new().into(),
            sets: Vec::new().into(),
            source: "".into(),
        };
        let edge = |&(from, to): &(usize, usize)| {
            let chooses = self.kinds[from] == Kind::Exclusive;
            let condition = if chooses { Condition::Code } else { Condition::Always };
            Edge { from, to, condition, text: "".into(), sets: Vec::new().into() }
        };
        Graph {
            name: "Random".into(),
            version: 1,
            origin: Origin::Built,
            outcome: Outcome::Variables,
            nodes: self.kinds.iter().enumerate().map(node).collect::<Vec<_>>().into(),
            edges: self.edges.iter().map(edge).collect::<Vec<_>>().into(),
            variables: Vec::new().into(),
            parameters: 0,
            scopes: vec![Scope { kind: ScopeKind::Process, parent: 0 }].into(),
        }
    }
}
