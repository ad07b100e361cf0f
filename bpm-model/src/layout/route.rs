//! The vertical places of the layers and the lines between the cells.

use super::grid::{Chain, Grid};
use super::{Link, MARGIN, Point, Route, Stroke};

const SPACE_BELOW: i32 = 22;
/// How far a turn reaches above or below its ends; the line itself goes three quarters of it.
const TURN: i32 = 20;

/// The vertical places of the layers.
pub(super) struct Rows {
    tops: Vec<i32>,
    heights: Vec<i32>,
    pub(super) height: i32,
}

impl Rows {
    pub(super) fn new(grid: &Grid, columns: &[i32]) -> Self {
        let mut rows = Rows { tops: Vec::new(), heights: Vec::new(), height: MARGIN };
        for layer in &grid.layers {
            let height = layer.iter().map(|&cell| grid.extent[cell].height).max();
            let downs = |cell: usize| grid.downs[cell].iter().map(move |&down| (cell, down));
            let pairs = layer.iter().flat_map(|&cell| downs(cell));
            let widest = pairs.map(|(cell, down)| columns[cell].abs_diff(columns[down])).max();
            rows.tops.push(rows.height);
            rows.heights.push(height.unwrap_or_default());
            rows.height += height.unwrap_or_default() + space_below(widest.unwrap_or_default());
        }
        rows.height += MARGIN - SPACE_BELOW;
        rows
    }

    fn top(&self, level: usize) -> i32 {
        self.tops[level]
    }

    fn bottom(&self, level: usize) -> i32 {
        self.tops[level] + self.heights[level]
    }

    pub(super) fn centre(&self, level: usize) -> i32 {
        self.tops[level] + self.heights[level] / 2
    }
}

/// A line that goes far to the side needs room to be seen as one that goes down.
fn space_below(widest: u32) -> i32 {
    SPACE_BELOW + (widest / 12).min(24) as i32
}

/// Draws one line through its cells.
pub(super) fn route(
    grid: &Grid,
    rows: &Rows,
    at: &impl Fn(usize) -> Point,
    link: &Link,
    chain: &Chain,
) -> Route {
    let mut pen = Pen { at: leave(grid, at, link.from), route: Route::default() };
    pen.route.strokes.push(Stroke::Move(pen.at));
    pen.line(rows.bottom(grid.level[link.from]));
    if chain.is_back {
        climb(&mut pen, grid, rows, at, link, chain);
        return pen.route;
    }
    for &cell in &chain.cells {
        let level = grid.level[cell];
        pen.curve(Point { x: at(cell).x, y: rows.top(level) });
        if chain.stub == Some(cell) {
            pen.route.stub = Some(at(cell));
            return pen.route;
        }
        if chain.label == Some(cell) {
            pen.label(at(cell), grid.extent[cell].height);
        }
        pen.line(rows.bottom(level));
    }
    pen.enter(grid, rows, at, link.to);
    pen.route
}

fn leave(grid: &Grid, at: &impl Fn(usize) -> Point, node: usize) -> Point {
    let Point { x, y } = at(node);
    Point { x, y: y + grid.extent[node].height / 2 }
}

/// Turns into the lane, up, and turns into the node from above.
fn climb(
    pen: &mut Pen,
    grid: &Grid,
    rows: &Rows,
    at: &impl Fn(usize) -> Point,
    link: &Link,
    chain: &Chain,
) {
    let x = chain.cells.first().map_or(pen.at.x, |&lane| at(lane).x);
    pen.turn(Point { x, y: pen.at.y }, pen.at.y + TURN);
    if let Some(label) = chain.label {
        pen.label(at(label), -grid.extent[label].height);
    }
    let top = rows.top(grid.level[link.to]);
    pen.line(top);
    let node = at(link.to);
    pen.turn(Point { x: node.x, y: top }, top - TURN);
    pen.line(node.y - grid.extent[link.to].height / 2);
}

/// Draws a route, leaving out what has no length.
struct Pen {
    at: Point,
    route: Route,
}

impl Pen {
    fn line(&mut self, y: i32) {
        if y == self.at.y {
            return;
        }
        self.at.y = y;
        if let Some(Stroke::Line(end)) = self.route.strokes.last_mut() {
            *end = self.at;
        } else {
            self.route.strokes.push(Stroke::Line(self.at));
        }
    }

    fn curve(&mut self, to: Point) {
        if to.x == self.at.x {
            return self.line(to.y);
        }
        self.turn(to, self.at.y + (to.y - self.at.y) / 2);
    }

    fn turn(&mut self, to: Point, bow: i32) {
        self.at = to;
        self.route.strokes.push(Stroke::Curve { to, bow });
    }

    /// Leaves a label free; a negative height on the way up.
    fn label(&mut self, centre: Point, height: i32) {
        self.line(centre.y - height / 2);
        self.at.y = centre.y + height / 2;
        self.route.strokes.push(Stroke::Move(self.at));
        self.route.label = Some(centre);
    }

    fn enter(&mut self, grid: &Grid, rows: &Rows, at: &impl Fn(usize) -> Point, node: usize) {
        let centre = at(node);
        self.curve(Point { x: centre.x, y: rows.top(grid.level[node]) });
        self.line(centre.y - grid.extent[node].height / 2);
    }
}
