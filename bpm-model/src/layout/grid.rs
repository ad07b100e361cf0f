//! The cells of a picture and their order from left to right.

use std::collections::HashSet;

use super::{Extent, Link};

/// A line that crosses more layers is not drawn: nobody could follow it, and without a bound the
/// cells grow with the square of the graph. A stub that names the target takes its place.
const LAYERS_CROSSED_MAX: usize = 64;
const SWEEPS: usize = 8;
/// How many lanes are tried on both sides.
const FLIPS_MAX: usize = 32;
const UNPLACED: usize = usize::MAX;
const LANE: Extent = Extent { left: 2, right: 2, height: 0 };

/// Everything that takes a place: the nodes first, then the cells of the lines.
pub(super) struct Grid {
    nodes: usize,
    pub(super) extent: Vec<Extent>,
    pub(super) level: Vec<usize>,
    /// The cells of every layer from left to right, and where each stands in its layer.
    pub(super) layers: Vec<Vec<usize>>,
    pub(super) place: Vec<usize>,
    pub(super) ups: Vec<Vec<usize>>,
    pub(super) downs: Vec<Vec<usize>>,
    pub(super) chains: Vec<Chain>,
    /// The chains that lead back to a node.
    lanes: Vec<Vec<usize>>,
}

/// The cells of one line from top to bottom, its nodes left aside.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) cells: Vec<usize>,
    pub(super) label: Option<usize>,
    pub(super) stub: Option<usize>,
    pub(super) is_back: bool,
    /// Whether a lane climbs at the right of its loop.
    is_right: bool,
}

impl Grid {
    pub(super) fn new(
        nodes: &[Extent],
        links: &[Link],
        is_back: &[bool],
        levels: &[usize],
    ) -> Self {
        let mut grid = Grid {
            nodes: nodes.len(),
            extent: nodes.to_vec(),
            level: levels.to_vec(),
            layers: Vec::new(),
            place: Vec::new(),
            ups: vec![Vec::new(); nodes.len()],
            downs: vec![Vec::new(); nodes.len()],
            chains: Vec::new(),
            lanes: vec![Vec::new(); nodes.len()],
        };
        for (index, link) in links.iter().enumerate() {
            let (from, to) = (levels[link.from], levels[link.to]);
            let chain = match (is_back[index], from.abs_diff(to) > LAYERS_CROSSED_MAX) {
                (_, true) => grid.stub(link),
                (true, false) => grid.lane(link, index),
                (false, false) => grid.chain(link),
            };
            grid.chains.push(chain);
        }
        grid
    }

    fn chain(&mut self, link: &Link) -> Chain {
        let mut chain = Chain::default();
        for level in self.level[link.from] + 1..self.level[link.to] {
            let label = link.label.filter(|_| chain.cells.is_empty());
            let cell = self.cell(level, label.unwrap_or(LANE));
            chain.label = chain.label.or(label.map(|_| cell));
            chain.cells.push(cell);
        }
        self.connect([link.from].iter().chain(&chain.cells).chain([&link.to]));
        chain
    }

    fn lane(&mut self, link: &Link, index: usize) -> Chain {
        let (top, bottom) = (self.level[link.to], self.level[link.from]);
        let mut chain = Chain { is_back: true, ..Chain::default() };
        for level in top..=bottom {
            let label = link.label.filter(|_| level == bottom);
            let cell = self.cell(level, label.unwrap_or(LANE));
            chain.label = label.map(|_| cell);
            chain.cells.push(cell);
        }
        self.connect(chain.cells.iter());
        self.lanes[link.to].push(index);
        chain
    }

    fn stub(&mut self, link: &Link) -> Chain {
        let mut chain = Chain::default();
        let mut level = self.level[link.from] + 1;
        if let Some(extent) = link.label {
            let cell = self.cell(level, extent);
            chain.label = Some(cell);
            chain.cells.push(cell);
            level += 1;
        }
        let cell = self.cell(level, link.stub);
        chain.stub = Some(cell);
        chain.cells.push(cell);
        self.connect([link.from].iter().chain(&chain.cells));
        chain
    }

    fn cell(&mut self, level: usize, extent: Extent) -> usize {
        self.level.push(level);
        self.extent.push(extent);
        self.ups.push(Vec::new());
        self.downs.push(Vec::new());
        self.level.len() - 1
    }

    fn connect<'c>(&mut self, cells: impl Iterator<Item = &'c usize>) {
        let mut above = None;
        for &cell in cells {
            if let Some(above) = above {
                self.ups[cell].push(above);
                let downs: &mut Vec<usize> = &mut self.downs[above];
                downs.push(cell);
            }
            above = Some(cell);
        }
    }

    /// Orders the cells of every layer, so that few lines cross. The order in which a walk meets
    /// them, which is the source's, stands unless another one is strictly better.
    pub(super) fn order(&mut self, links: &[Link]) {
        let cells = self.level.len();
        self.add_turns(links);
        self.choose_sides();
        self.sweep();
        self.drop_turns(cells);
        (0..self.layers.len()).for_each(|layer| self.renumber(layer));
    }

    /// Lets every lane and the node that it comes from meet in a cell below, so that what the turn
    /// into the lane crosses counts.
    fn add_turns(&mut self, links: &[Link]) {
        for (index, link) in links.iter().enumerate() {
            let lane = self.chains[index].cells.last().copied();
            if let Some(lane) = lane.filter(|_| self.chains[index].is_back) {
                let turn = self.cell(self.level[link.from] + 1, LANE);
                self.connect([link.from, turn].iter());
                self.connect([lane, turn].iter());
            }
        }
    }

    fn drop_turns(&mut self, cells: usize) {
        self.level.truncate(cells);
        self.extent.truncate(cells);
        self.ups.truncate(cells);
        self.downs.truncate(cells);
        self.place.truncate(cells);
        self.layers.iter_mut().for_each(|layer| layer.retain(|&cell| cell < cells));
        self.downs.iter_mut().for_each(|downs| downs.retain(|&cell| cell < cells));
        while self.layers.pop_if(|layer| layer.is_empty()).is_some() {}
    }

    /// Lanes climb at the left of their loops, unless fewer lines cross with one at the right.
    fn choose_sides(&mut self) {
        self.order_by_walk();
        let mut fewest = self.crossings();
        let lanes = (0..self.chains.len()).filter(|&index| self.chains[index].is_back);
        for lane in lanes.take(FLIPS_MAX).collect::<Vec<_>>() {
            if fewest == 0 {
                break;
            }
            self.chains[lane].is_right = true;
            self.order_by_walk();
            let crossings = self.crossings();
            self.chains[lane].is_right = crossings < fewest;
            fewest = fewest.min(crossings);
        }
        self.order_by_walk();
    }

    fn sweep(&mut self) {
        let mut best = (self.crossings(), self.layers.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            match sweep % 2 {
                0 => (1..self.layers.len()).for_each(|layer| self.sort(layer, true)),
                _ => (0..self.layers.len()).rev().for_each(|layer| self.sort(layer, false)),
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    fn order_by_walk(&mut self) {
        let depth = self.level.iter().max().map_or(0, |&deepest| deepest + 1);
        self.layers = vec![Vec::new(); depth];
        self.place = vec![UNPLACED; self.level.len()];
        let mut stack: Vec<_> = (0..self.nodes).rev().filter(|&n| self.ups[n].is_empty()).collect();
        while let Some(cell) = stack.pop() {
            if self.place[cell] != UNPLACED {
                continue;
            }
            let lanes = if cell < self.nodes { self.lanes[cell].clone() } else { Vec::new() };
            let (rights, lefts): (Vec<_>, Vec<_>) =
                lanes.into_iter().partition(|&lane| self.chains[lane].is_right);
            for lane in lefts {
                (0..self.chains[lane].cells.len())
                    .for_each(|index| self.append(self.chains[lane].cells[index]));
            }
            self.append(cell);
            stack.extend(rights.iter().map(|&lane| self.chains[lane].cells[0]));
            stack.extend(self.downs[cell].iter().rev());
        }
    }

    fn append(&mut self, cell: usize) {
        let layer = &mut self.layers[self.level[cell]];
        self.place[cell] = layer.len();
        layer.push(cell);
    }

    fn sort(&mut self, layer: usize, by_ups: bool) {
        let near = if by_ups { &self.ups } else { &self.downs };
        let mut cells: Vec<_> = self.layers[layer].iter().map(|&cell| (0, cell)).collect();
        // What hangs on nothing stays beside its right neighbour.
        let mut key = u64::MAX;
        for (own, cell) in cells.iter_mut().rev() {
            let sum: usize = near[*cell].iter().map(|&other| self.place[other]).sum();
            key = match near[*cell].len() {
                0 => key,
                count => (sum as u64) * 1024 / (count as u64),
            };
            *own = key;
        }
        cells.sort_by_key(|&(key, _)| key);
        self.layers[layer] = cells.into_iter().map(|(_, cell)| cell).collect();
        self.renumber(layer);
    }

    fn renumber(&mut self, layer: usize) {
        for (place, &cell) in self.layers[layer].iter().enumerate() {
            self.place[cell] = place;
        }
    }

    fn crossings(&self) -> usize {
        let mut sum = 0;
        for layer in &self.layers {
            let mut lower = Vec::new();
            for &cell in layer {
                let from = lower.len();
                lower.extend(self.downs[cell].iter().map(|&down| self.place[down]));
                lower[from..].sort_unstable();
            }
            sum += inversions(&lower);
        }
        sum
    }

    /// The pairs of neighbours that must not stand in one column, because the line between them
    /// crosses a long line, which stays straight.
    pub(super) fn conflicts(&self) -> HashSet<(usize, usize)> {
        let mut conflicts = HashSet::new();
        for pair in self.layers.windows(2) {
            let (upper, lower) = (&pair[0], &pair[1]);
            let (mut low, mut scanned) = (0, 0);
            for (place, &cell) in lower.iter().enumerate() {
                let long =
                    self.ups[cell].iter().find(|&&up| self.is_line(up) && self.is_line(cell));
                if long.is_none() && place + 1 < lower.len() {
                    continue;
                }
                let high = long.map_or(upper.len(), |&up| self.place[up]);
                for &other in &lower[scanned..=place] {
                    let crosses = |up: usize| self.place[up] < low || self.place[up] > high;
                    let is_long = |up: usize| self.is_line(up) && self.is_line(other);
                    let ups = self.ups[other].iter().filter(|&&up| crosses(up) && !is_long(up));
                    conflicts.extend(ups.map(|&up| (up, other)));
                }
                (low, scanned) = (high, place + 1);
            }
        }
        conflicts
    }

    fn is_line(&self, cell: usize) -> bool {
        cell >= self.nodes
    }
}

/// How many pairs stand in the wrong order, by a Fenwick tree.
fn inversions(values: &[usize]) -> usize {
    let size = values.iter().max().map_or(0, |&largest| largest + 1);
    let mut tree = vec![0; size + 1];
    let mut count = 0;
    for (seen, &value) in values.iter().enumerate() {
        let mut index = value + 1;
        let mut not_larger = 0;
        while index > 0 {
            not_larger += tree[index];
            index &= index - 1;
        }
        count += seen - not_larger;
        index = value + 1;
        while index <= size {
            tree[index] += 1;
            index += index & index.wrapping_neg();
        }
    }
    count
}
