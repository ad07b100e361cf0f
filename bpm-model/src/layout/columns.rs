//! The horizontal places of the cells.

use std::collections::HashSet;

use super::MARGIN;
use super::grid::Grid;

const SPACE_BETWEEN: i32 = 22;

/// The horizontal place of every cell: the middle of four drawings, each of which pulls the cells
/// as far as it can to one of the four corners.
pub(super) fn columns(grid: &Grid) -> Vec<i32> {
    let conflicts = grid.conflicts();
    let mut four = Vec::new();
    for (from_top, mirrored) in [(true, false), (true, true), (false, false), (false, true)] {
        let corner = Corner::new(grid, from_top, mirrored);
        let block = corner.align(&conflicts);
        four.push((mirrored, corner.compact(&block)));
    }
    join_edges(&mut four);
    let cells = 0..grid.level.len();
    cells
        .map(|cell| {
            let mut places: Vec<_> = four.iter().map(|(_, columns)| columns[cell]).collect();
            places.sort_unstable();
            (places[1] + places[2]).div_euclid(2)
        })
        .collect()
}

/// Moves the four drawings onto the narrowest one: left edge on left edge or right on right.
fn join_edges(four: &mut [(bool, Vec<i32>)]) {
    let ends = |columns: &[i32]| {
        let low = columns.iter().min().copied().unwrap_or_default();
        (low, columns.iter().max().copied().unwrap_or_default())
    };
    let all = four.iter().map(|(_, columns)| ends(columns));
    let (low, high) = all.min_by_key(|(low, high)| high - low).unwrap_or_default();
    for (mirrored, columns) in four {
        let (own_low, own_high) = ends(columns);
        let shift = if *mirrored { high - own_high } else { low - own_low };
        columns.iter_mut().for_each(|x| *x += shift);
    }
}

/// The grid as seen from one of its four corners, as if that were the upper left one.
struct Corner<'g> {
    grid: &'g Grid,
    layers: Vec<Vec<usize>>,
    place: Vec<usize>,
    from_top: bool,
    mirrored: bool,
}

impl<'g> Corner<'g> {
    fn new(grid: &'g Grid, from_top: bool, mirrored: bool) -> Self {
        let mut layers = grid.layers.clone();
        if !from_top {
            layers.reverse();
        }
        let mut place = grid.place.clone();
        if mirrored {
            layers.iter_mut().for_each(|layer| layer.reverse());
            for layer in &layers {
                layer.iter().enumerate().for_each(|(index, &cell)| place[cell] = index);
            }
        }
        Corner { grid, layers, place, from_top, mirrored }
    }

    /// Puts every cell in one block with the middle one of its neighbours in the layer before,
    /// unless that crosses another block. Gives each cell the first cell of its block.
    fn align(&self, conflicts: &HashSet<(usize, usize)>) -> Vec<usize> {
        let mut block: Vec<_> = (0..self.place.len()).collect();
        let mut is_taken = vec![false; self.place.len()];
        for layer in &self.layers {
            let mut free_from = 0;
            for &cell in layer {
                for other in self.middle(cell) {
                    let pair = if self.from_top { (other, cell) } else { (cell, other) };
                    let is_free = !is_taken[other] && self.place[other] >= free_from;
                    if block[cell] == cell && is_free && !conflicts.contains(&pair) {
                        block[cell] = block[other];
                        is_taken[other] = true;
                        free_from = self.place[other] + 1;
                    }
                }
            }
        }
        block
    }

    /// The one or two middle neighbours of a cell in the layer before.
    fn middle(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let near = if self.from_top { &self.grid.ups } else { &self.grid.downs };
        let mut others = near[cell].clone();
        others.sort_unstable_by_key(|&other| self.place[other]);
        let (first, last) = (others.len().saturating_sub(1) / 2, others.len() / 2);
        others.into_iter().take(last + 1).skip(first)
    }

    /// Pushes the blocks together to the left, then each one to the right as far as it is free.
    fn compact(&self, block: &[usize]) -> Vec<i32> {
        let mut rights = vec![Vec::new(); block.len()];
        let mut missing = vec![0; block.len()];
        for pair in self.layers.iter().flat_map(|layer| layer.windows(2)) {
            rights[block[pair[0]]].push((block[pair[1]], self.distance(pair[0], pair[1])));
            missing[block[pair[1]]] += 1;
        }
        let is_ready = |&cell: &usize| block[cell] == cell && missing[cell] == 0;
        let mut sorted: Vec<_> = (0..block.len()).filter(is_ready).collect();
        let mut x = vec![0; block.len()];
        let mut next = 0;
        while let Some(&left) = sorted.get(next) {
            next += 1;
            for &(right, distance) in &rights[left] {
                x[right] = x[right].max(x[left] + distance);
                missing[right] -= 1;
                if missing[right] == 0 {
                    sorted.push(right);
                }
            }
        }
        for &left in sorted.iter().rev() {
            let free = rights[left].iter().map(|&(right, distance)| x[right] - distance).min();
            x[left] = x[left].max(free.unwrap_or(i32::MIN));
        }
        let sign = if self.mirrored { -1 } else { 1 };
        block.iter().map(|&block| x[block] * sign).collect()
    }

    fn distance(&self, left: usize, right: usize) -> i32 {
        let (left, right) = if self.mirrored { (right, left) } else { (left, right) };
        self.grid.extent[left].right + SPACE_BETWEEN + self.grid.extent[right].left
    }
}

/// Moves everything to the left margin; gives the width of the picture.
pub(super) fn shift_to_margin(grid: &Grid, columns: &mut [i32]) -> i32 {
    let cells = || columns.iter().zip(&grid.extent);
    let low = cells().map(|(x, extent)| x - extent.left).min().unwrap_or_default();
    let high = cells().map(|(x, extent)| x + extent.right).max().unwrap_or_default();
    columns.iter_mut().for_each(|x| *x += MARGIN - low);
    high - low + 2 * MARGIN
}
