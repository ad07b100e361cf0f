//! Where things go in a picture: a layered drawing, top down.
//!
//! Nodes stand in layers by the longest path to them, ways back left aside; every line runs
//! through a cell of its own in each layer that it crosses, and a label *is* such a cell. So
//! nothing can overlap by construction. Cells are ordered by barycentre against crossings and
//! placed as Brandes and Köpf do ("Fast and Simple Horizontal Coordinate Assignment", 2001), which
//! keeps chains and long lines straight. A way back leaves its node at the bottom like any other,
//! climbs in a lane beside the loop and enters from above.
//!
//! Integers only, so that a picture is the same on every machine. Knows nothing of processes.

mod columns;
mod grid;
mod route;

use self::columns::{columns, shift_to_margin};
use self::grid::Grid;
use self::route::{Rows, route};

/// The empty space around a picture.
const MARGIN: i32 = 18;

/// What a thing covers around the vertical line on which it is attached.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    pub(crate) left: i32,
    pub(crate) right: i32,
    pub(crate) height: i32,
}

/// A line to draw from one node to another.
pub(crate) struct Link {
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The size of what stands on it.
    pub(crate) label: Option<Extent>,
    /// The size of what takes the line's place if it is too long.
    pub(crate) stub: Extent,
}

/// Where everything went.
pub(crate) struct Layout {
    /// The centres of the nodes.
    pub(crate) nodes: Vec<Point>,
    /// The lines, in the order of the links.
    pub(crate) routes: Vec<Route>,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: i32,
    pub(crate) y: i32,
}

/// How one line runs. It ends downwards.
#[derive(Default)]
pub(crate) struct Route {
    pub(crate) strokes: Vec<Stroke>,
    /// The centre of its label.
    pub(crate) label: Option<Point>,
    /// The centre of the stub in which it ends.
    pub(crate) stub: Option<Point>,
}

#[derive(Clone, Copy)]
pub(crate) enum Stroke {
    Move(Point),
    /// Straight up or down.
    Line(Point),
    /// Leaves and arrives vertically; both control points are at the height `bow`.
    Curve {
        to: Point,
        bow: i32,
    },
}

/// Lays out `links` between nodes of these sizes. Every link's ends must exist.
pub(crate) fn layout(nodes: &[Extent], links: &[Link]) -> Layout {
    let is_back = ways_back(nodes.len(), links);
    let levels = levels(nodes.len(), links, &is_back);
    let mut grid = Grid::new(nodes, links, &is_back, &levels);
    grid.order(links);
    let mut columns = columns(&grid);
    let width = shift_to_margin(&grid, &mut columns);
    let rows = Rows::new(&grid, &columns);
    let at = |cell: usize| Point { x: columns[cell], y: rows.centre(grid.level[cell]) };
    let routes = links.iter().zip(&grid.chains);
    Layout {
        nodes: (0..nodes.len()).map(at).collect(),
        routes: routes.map(|(link, chain)| route(&grid, &rows, &at, link, chain)).collect(),
        width,
        height: rows.height,
    }
}

/// Which links close a loop: those that a depth-first walk finds to lead to a node on its path.
fn ways_back(count: usize, links: &[Link]) -> Vec<bool> {
    let mut outs = vec![Vec::new(); count];
    let mut has_way_in = vec![false; count];
    for (index, link) in links.iter().enumerate() {
        outs[link.from].push(index);
        has_way_in[link.to] = true;
    }
    let mut is_back = vec![false; links.len()];
    let mut is_seen = vec![false; count];
    let mut is_on_path = vec![false; count];
    let heads = (0..count).filter(|&node| !has_way_in[node]);
    for root in heads.chain(0..count) {
        if is_seen[root] {
            continue;
        }
        is_seen[root] = true;
        is_on_path[root] = true;
        let mut path = vec![(root, 0)];
        while let Some((node, next)) = path.last_mut() {
            let Some(&index) = outs[*node].get(*next) else {
                is_on_path[*node] = false;
                path.pop();
                continue;
            };
            *next += 1;
            let to = links[index].to;
            is_back[index] = is_on_path[to];
            if !is_seen[to] {
                is_seen[to] = true;
                is_on_path[to] = true;
                path.push((to, 0));
            }
        }
    }
    is_back
}

/// The layer of every node: the longest way to it. A label needs a layer of its own.
fn levels(count: usize, links: &[Link], is_back: &[bool]) -> Vec<usize> {
    let mut outs = vec![Vec::new(); count];
    let mut missing = vec![0; count];
    for (link, _) in links.iter().zip(is_back).filter(|(_, back)| !**back) {
        outs[link.from].push((link.to, 1 + usize::from(link.label.is_some())));
        missing[link.to] += 1;
    }
    let mut level = vec![0; count];
    let mut ready: Vec<_> = (0..count).filter(|&node| missing[node] == 0).collect();
    while let Some(node) = ready.pop() {
        for &(to, span) in &outs[node] {
            level[to] = level[to].max(level[node] + span);
            missing[to] -= 1;
            if missing[to] == 0 {
                ready.push(to);
            }
        }
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Extent = Extent { left: 20, right: 20, height: 20 };

    fn link(from: usize, to: usize) -> Link {
        Link { from, to, label: None, stub: BOX }
    }

    /// The layers of the nodes and the links that are drawn as ways back.
    #[track_caller]
    fn check(count: usize, edges: &[(usize, usize)], expected: (&[usize], &[(usize, usize)])) {
        let links: Vec<_> = edges.iter().map(|&(from, to)| link(from, to)).collect();
        let is_back = ways_back(count, &links);
        let backs = edges.iter().zip(&is_back).filter(|(_, back)| **back);
        let backs: Vec<_> = backs.map(|(edge, _)| *edge).collect();
        assert_eq!((&levels(count, &links, &is_back)[..], &backs[..]), expected);
    }

    #[test]
    fn a_node_stands_below_everything_that_leads_to_it() {
        check(1, &[], (&[0], &[]));
        check(3, &[(0, 1), (1, 2)], (&[0, 1, 2], &[]));
        check(4, &[(0, 1), (1, 2), (0, 3), (2, 3)], (&[0, 1, 2, 3], &[]));
    }

    #[test]
    fn a_way_back_makes_no_layer() {
        check(3, &[(0, 1), (1, 2), (2, 1)], (&[0, 1, 2], &[(2, 1)]));
        check(2, &[(0, 0), (0, 1)], (&[0, 1], &[(0, 0)]));
        check(2, &[(0, 1), (1, 0)], (&[0, 1], &[(1, 0)]));
        check(4, &[(0, 1), (1, 2), (2, 3), (3, 1), (2, 0)], (&[0, 1, 2, 3], &[(3, 1), (2, 0)]));
    }

    #[test]
    fn the_walk_begins_where_nothing_leads_to() {
        check(3, &[(1, 2), (2, 1), (0, 1)], (&[0, 1, 2], &[(2, 1)]));
        check(3, &[(0, 1), (1, 0), (2, 1)], (&[2, 1, 0], &[(0, 1)]));
    }

    #[test]
    fn a_chain_is_straight() {
        let links: Vec<_> = (0..50).map(|from| link(from, from + 1)).collect();
        let layout = layout(&[BOX; 51], &links);
        assert!(layout.nodes.iter().all(|at| at.x == layout.nodes[0].x));
    }

    #[test]
    fn the_ways_out_stand_in_the_order_of_the_source() {
        let links: Vec<_> = (1..5).flat_map(|arm| [link(0, arm), link(arm, 5)]).collect();
        let layout = layout(&[BOX; 6], &links);
        assert!(layout.nodes[1..5].is_sorted_by(|left, right| left.x < right.x));
        assert_eq!(layout.nodes[0].x, layout.nodes[5].x);
    }

    #[test]
    fn ten_thousand_nodes_of_any_form_are_laid_out() {
        const COUNT: usize = 10_000;
        type Form = fn(usize) -> Vec<Link>;
        let forms: [(&str, Form); 5] = [
            ("chain", |n| vec![link(n, n + 1)]),
            ("all back to the first", |n| vec![link(n, n + 1), link(n, 0)]),
            ("all back a little", |n| vec![link(n, n + 1), link(n, n.saturating_sub(9))]),
            ("fan", |n| vec![link(0, n + 1)]),
            ("tangle", |n| vec![link(n, n * 7 % 9_973), link(n, n * n % 9_967)]),
        ];
        for (name, form) in forms {
            let links: Vec<_> = (0..COUNT - 1).flat_map(form).collect();
            let layout = layout(&[BOX; COUNT], &links);
            assert_eq!(layout.routes.len(), links.len(), "{name}");
        }
    }
}
