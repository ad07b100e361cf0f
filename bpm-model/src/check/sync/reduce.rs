//! Reduction: what nests vanishes, and what is left is small.
//!
//! A gate passes one token from one way in to one way out, or all at once; a link is a way from
//! gate to gate and stands for a route of edges. Each rule keeps soundness in both directions:
//!
//! * a gate with one way in and one out is a piece of a route;
//! * two links from gate to gate are one: both taken in turn between choices, both at once between
//!   forks and joins. A fork into a merge, and a choice into a join, is a mismatch;
//! * a link from a choice back to itself changes nothing; a join that waits for itself is a
//!   mismatch;
//! * two gates of one kind are one if the link between them is the only way out of the first or
//!   the only way into the second.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::regions::{Region, Way};
use crate::graph::Graph;

/// A place where tokens meet or part.
#[derive(Default)]
pub(super) struct Gate {
    /// Whether it takes a token from each way in and gives one to each way out.
    pub(super) all: bool,
    /// Whether an instance begins here.
    pub(super) first: bool,
    /// Whether an instance ends here.
    pub(super) last: bool,
    /// The links that lead here.
    pub(super) ins: BTreeSet<usize>,
    /// The links that leave.
    pub(super) outs: BTreeSet<usize>,
    gone: bool,
}

impl Gate {
    /// How many ways in it has, the beginning of the instance included.
    fn ways_in(&self) -> usize {
        self.ins.len() + usize::from(self.first)
    }

    /// How many ways out it has, the end of the instance included.
    fn ways_out(&self) -> usize {
        self.outs.len() + usize::from(self.last)
    }
}

/// A way from gate to gate.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) route: usize,
}

/// A sequence of edges as a tree, so that joining two costs nothing.
#[derive(Clone, Copy)]
enum Route {
    Edge(usize),
    Both(usize, usize),
}

/// How two links do not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// A token over the first waits for one over the second.
    Waits,
    /// Tokens come over both.
    TwoTokens,
    /// Tokens come over both, and end.
    TwoEnds,
}

/// Two routes between gates that do not match.
pub(super) struct Clash {
    pub(super) mismatch: Mismatch,
    pub(super) first: usize,
    pub(super) second: usize,
}

/// The graph as gates and links.
pub(super) struct Net {
    pub(super) gates: Vec<Gate>,
    pub(super) links: Vec<Link>,
    pub(super) clashes: Vec<Clash>,
    routes: Vec<Route>,
    between: HashMap<(usize, usize), usize>,
    ready: VecDeque<usize>,
}

impl Net {
    /// The net of a part. All ends in it are one gate.
    pub(super) fn new(graph: &Graph, region: &Region) -> Net {
        let mut gates: Vec<Gate> =
            region.all.iter().map(|all| Gate { all: *all, ..Gate::default() }).collect();
        gates[region.first].first = true;
        gates[graph.nodes.len()].last = true;
        let mut net = Net {
            gates,
            links: Vec::new(),
            clashes: Vec::new(),
            routes: Vec::new(),
            between: HashMap::new(),
            ready: VecDeque::new(),
        };
        for Way { edge, from, to } in region.ways.iter().copied() {
            net.routes.push(Route::Edge(edge));
            let route = net.routes.len() - 1;
            net.connect(Link { from, to, route });
        }
        net
    }

    /// Applies the rules until none fits.
    pub(super) fn reduce(&mut self) {
        while let Some(gate) = self.ready.pop_front() {
            if self.gates[gate].gone {
                continue;
            }
            let (one_in, one_out) =
                (self.gates[gate].ways_in() == 1, self.gates[gate].ways_out() == 1);
            let into = self.gates[gate].ins.first().copied().filter(|_| one_in);
            let out = self.gates[gate].outs.first().copied().filter(|_| one_out);
            match (into, out) {
                (Some(into), Some(out)) => self.pass_through(gate, into, out),
                (Some(link), _) if self.is_one_kind(link) => self.fuse(link),
                (_, Some(link)) if self.is_one_kind(link) => self.fuse(link),
                _ => {}
            }
        }
    }

    /// The gates that are left.
    pub(super) fn left(&self) -> Vec<usize> {
        let alive = |gate: &usize| {
            let gate = &self.gates[*gate];
            !gate.gone && (gate.first || gate.last || !gate.ins.is_empty())
        };
        (0..self.gates.len()).filter(alive).collect()
    }

    /// The links that are left.
    pub(super) fn left_links(&self) -> Vec<usize> {
        self.left().iter().flat_map(|gate| self.gates[*gate].outs.iter().copied()).collect()
    }

    /// The edges of a route.
    pub(super) fn unfold(&self, route: usize) -> Vec<usize> {
        let mut edges = Vec::new();
        let mut rest = vec![route];
        while let Some(route) = rest.pop() {
            match self.routes[route] {
                Route::Edge(edge) => edges.push(edge),
                Route::Both(first, second) => rest.extend([second, first]),
            }
        }
        edges
    }

    /// The edge by which a link enters its gate.
    pub(super) fn last_edge(&self, link: usize) -> usize {
        let mut route = self.links[link].route;
        loop {
            match self.routes[route] {
                Route::Edge(edge) => return edge,
                Route::Both(_, second) => route = second,
            }
        }
    }

    fn is_one_kind(&self, link: usize) -> bool {
        let Link { from, to, .. } = self.links[link];
        self.gates[from].all == self.gates[to].all
    }

    fn pass_through(&mut self, gate: usize, into: usize, out: usize) {
        let (before, behind) = (self.links[into], self.links[out]);
        self.disconnect(into);
        self.disconnect(out);
        self.gates[gate].gone = true;
        self.routes.push(Route::Both(before.route, behind.route));
        let route = self.routes.len() - 1;
        self.connect(Link { from: before.from, to: behind.to, route });
    }

    /// Makes one gate of the two at a link, moving the links of the one that has fewer.
    fn fuse(&mut self, link: usize) {
        let Link { from, to, .. } = self.links[link];
        self.disconnect(link);
        let weight = |gate: &Gate| gate.ins.len() + gate.outs.len();
        let (kept, moved) = match weight(&self.gates[from]) < weight(&self.gates[to]) {
            true => (to, from),
            false => (from, to),
        };
        let Gate { first, last, ref ins, ref outs, .. } = self.gates[moved];
        let links: Vec<usize> = ins.iter().chain(outs).copied().collect();
        self.gates[kept].first |= first;
        self.gates[kept].last |= last;
        self.gates[moved].gone = true;
        for at in links {
            self.disconnect(at);
            let Link { from, to, route } = self.links[at];
            let other = |gate: usize| if gate == moved { kept } else { gate };
            self.connect(Link { from: other(from), to: other(to), route });
        }
        self.ready.push_back(kept);
    }

    fn disconnect(&mut self, link: usize) {
        let Link { from, to, .. } = self.links[link];
        self.gates[from].outs.remove(&link);
        self.gates[to].ins.remove(&link);
        self.between.remove(&(from, to));
        self.ready.extend([from, to]);
    }

    /// Adds a link, or lets it vanish beside the one that is there already.
    fn connect(&mut self, link: Link) {
        let Link { from, to, route } = link;
        self.ready.extend([from, to]);
        if from == to {
            if self.gates[from].all {
                let clash = Clash { mismatch: Mismatch::Waits, first: route, second: route };
                self.clashes.push(clash);
            }
            return;
        }
        if let Some(&beside) = self.between.get(&(from, to)) {
            let first = self.links[beside].route;
            let mismatch = match (self.gates[from].all, self.gates[to].all) {
                (true, false) if self.gates[to].last => Mismatch::TwoEnds,
                (true, false) => Mismatch::TwoTokens,
                (false, true) => Mismatch::Waits,
                _ => return,
            };
            self.clashes.push(Clash { mismatch, first, second: route });
            return;
        }
        self.links.push(link);
        let at = self.links.len() - 1;
        self.between.insert((from, to), at);
        self.gates[from].outs.insert(at);
        self.gates[to].ins.insert(at);
    }
}
