//! Inline SVG: for `cargo doc` pages and everything else that shows HTML.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::{Drawing, Shape};
use crate::graph::Graph;
use crate::layout::{Extent, Layout, Link, Point, Route, Stroke, layout};

/// Text is monospaced, because only then is its width known without a font.
const CHAR_WIDTH_TENTHS: usize = 72;
const LABEL_WIDTH_TENTHS: usize = 66;
/// Longer texts are cut in the picture and whole in a tooltip.
const CHARS_MAX: usize = 36;
const LINE_HEIGHT: i32 = 16;
const BOX_HEIGHT: i32 = 30;
const BOX_PADDING: i32 = 10;
const ICON: i32 = 18;
const CIRCLE: i32 = 10;
const DIAMOND: i32 = 14;
const SMALL_DIAMOND: i32 = 9;
const BESIDE: i32 = 5;

/// The graph as an SVG element, top down, in the colour of the text around it.
///
/// Made to stand in markdown and HTML: the opening tag is a line of its own and no line is empty,
/// so that with an empty line before and behind it the picture is one HTML block. It contains no
/// script, no style sheet, no id and no reference, so that any number of them share a page.
pub fn svg(graph: &Graph) -> String {
    let drawing = Drawing::new(graph);
    let labels = Labels::new(&drawing);
    let extents: Vec<_> = drawing.nodes().map(|(node, _)| labels.extent(&drawing, node)).collect();
    let links: Vec<_> = (0..drawing.edges.len()).map(|edge| labels.link(&drawing, edge)).collect();
    let layout = layout(&extents, &links);
    let mut out = String::new();
    // A `String` takes every write.
    let _ = write(&mut out, &drawing, &labels, &layout);
    out
}

/// The texts of a picture.
struct Labels {
    nodes: Vec<String>,
    edges: Vec<String>,
    /// What takes the place of an edge that is too long.
    stubs: Vec<String>,
}

impl Labels {
    fn new(drawing: &Drawing<'_>) -> Self {
        let edges = 0..drawing.edges.len();
        Labels {
            nodes: drawing.nodes().map(|(node, _)| node_label(drawing, node)).collect(),
            edges: edges.map(|edge| drawing.caption(edge)).collect(),
            stubs: drawing
                .edges
                .iter()
                .map(|edge| format!("→ {}", drawing.name(edge.to)))
                .collect(),
        }
    }

    fn extent(&self, drawing: &Drawing<'_>, node: usize) -> Extent {
        let label = &self.nodes[node];
        let text = width(label, CHAR_WIDTH_TENTHS);
        let beside = if label.is_empty() { 0 } else { BESIDE + text };
        match drawing.shape(node) {
            Shape::Service | Shape::User | Shape::Script => {
                let half = half_box(label);
                Extent { left: half, right: half, height: BOX_HEIGHT }
            }
            Shape::Start | Shape::End => round(CIRCLE, beside),
            Shape::Choice | Shape::Fork | Shape::Each => round(DIAMOND, beside),
            Shape::Merge | Shape::Join => round(SMALL_DIAMOND, 0),
        }
    }

    fn link(&self, drawing: &Drawing<'_>, edge: usize) -> Link {
        let line = |label: &str| {
            let half = width(label, LABEL_WIDTH_TENTHS) / 2;
            Extent { left: half, right: half, height: LINE_HEIGHT }
        };
        let label = Some(self.edges[edge].as_str()).filter(|label| !label.is_empty());
        Link {
            from: drawing.edges[edge].from,
            to: drawing.edges[edge].to,
            label: label.map(line),
            stub: line(&self.stubs[edge]),
        }
    }
}

fn node_label(drawing: &Drawing<'_>, node: usize) -> String {
    match drawing.shape(node) {
        Shape::Start => super::one_line(&drawing.graph.name),
        // They close what another node opened; the id says nothing that the picture does not.
        Shape::Merge | Shape::Join => String::new(),
        _ => drawing.name(node),
    }
}

fn round(radius: i32, beside: i32) -> Extent {
    Extent { left: radius, right: radius + beside, height: 2 * radius }
}

fn half_box(label: &str) -> i32 {
    (width(label, CHAR_WIDTH_TENTHS) + ICON) / 2 + BOX_PADDING
}

fn width(text: &str, tenths: usize) -> i32 {
    let columns: usize = shown(text).chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum();
    (columns * tenths / 10) as i32 + 2
}

/// The text as far as there is room for it.
fn shown(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(CHARS_MAX) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.chars().take(CHARS_MAX - 1).chain(['…']).collect()),
    }
}

fn write(out: &mut String, drawing: &Drawing<'_>, labels: &Labels, layout: &Layout) -> fmt::Result {
    let Layout { width, height, .. } = layout;
    let name = quoted(&super::one_line(&drawing.graph.name));
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\" style=\"max-width:100%;height:auto\" \
         fill=\"none\" stroke=\"currentColor\" font-size=\"12\" \
         font-family=\"ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace\">"
    )?;
    writeln!(out, "<title>The process {name}</title>")?;
    for (edge, route) in layout.routes.iter().enumerate() {
        write_route(out, route)?;
        if let Some(at) = route.label {
            write_text(out, at, &labels.edges[edge], Anchor::Label)?;
        }
        if let Some(at) = route.stub {
            write_text(out, at, &labels.stubs[edge], Anchor::Label)?;
        }
    }
    for (node, &at) in layout.nodes.iter().enumerate() {
        write_node(out, drawing.shape(node), at, &labels.nodes[node])?;
    }
    writeln!(out, "</svg>")
}

fn write_route(out: &mut String, route: &Route) -> fmt::Result {
    let mut end = Point { x: 0, y: 0 };
    write!(out, "<path opacity=\".6\" d=\"")?;
    for stroke in &route.strokes {
        match *stroke {
            Stroke::Move(Point { x, y }) => write!(out, "M{x} {y}")?,
            Stroke::Line(Point { y, .. }) => write!(out, "V{y}")?,
            Stroke::Curve { to: Point { x, y }, bow } => {
                write!(out, "C{} {bow} {x} {bow} {x} {y}", end.x)?;
            }
        }
        let (Stroke::Move(to) | Stroke::Line(to) | Stroke::Curve { to, .. }) = *stroke;
        end = to;
    }
    // The arrow head is part of the line: a marker would need an id.
    writeln!(out, "m-4-7l4 7 4-7\"/>")
}

fn write_node(out: &mut String, shape: Shape, at: Point, label: &str) -> fmt::Result {
    let Point { x, y } = at;
    match shape {
        Shape::Service | Shape::User | Shape::Script => write_box(out, shape, at, label),
        Shape::Start => {
            writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{CIRCLE}\" stroke-width=\"1.5\"/>")?;
            write_text(out, beside(at, CIRCLE), label, Anchor::Title)
        }
        Shape::End => {
            writeln!(
                out,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\" stroke-width=\"3\"/>",
                CIRCLE - 1
            )?;
            write_text(out, beside(at, CIRCLE), label, Anchor::Beside)
        }
        Shape::Choice => write_diamond(out, at, DIAMOND, "m-4-4l8 8m0-8l-8 8", label),
        Shape::Merge => write_diamond(out, at, SMALL_DIAMOND, "", label),
        Shape::Fork => write_diamond(out, at, DIAMOND, "m-6 0h12m-6-6v12", label),
        Shape::Join => write_diamond(out, at, SMALL_DIAMOND, "m-4 0h8m-4-4v8", label),
        Shape::Each => write_diamond(out, at, DIAMOND, "m3-4a5 5 0 1 0 2 4m1-6l-2 3-3-1", label),
    }
}

fn write_box(out: &mut String, shape: Shape, at: Point, label: &str) -> fmt::Result {
    let half = half_box(label);
    let (x, y) = (at.x - half, at.y - BOX_HEIGHT / 2);
    let radius = if shape == Shape::User { 10 } else { 3 };
    writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\" \
         fill=\"currentColor\" fill-opacity=\".07\"/>",
        2 * half
    )?;
    let icon = match shape {
        Shape::User => "m-3-3a3 3 0 1 0 6 0a3 3 0 1 0-6 0m-3 9c0-7 12-7 12 0z",
        Shape::Script => "m-4-5h9m-9 3.5h6m-6 3.5h9m-9 3.5h6",
        _ => {
            "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0m2-6v3m0 6v3m-6-6h3m6 0h3m-10.2-4.2l2 2m4.4 4.4l2 2m0-8.4l-2 2m-4.4 4.4l-2 2"
        }
    };
    let left = x + BOX_PADDING;
    writeln!(out, "<path opacity=\".7\" d=\"M{} {}{icon}\"/>", left + ICON / 3, at.y)?;
    write_text(out, Point { x: left + ICON, y: at.y }, label, Anchor::Beside)
}

fn write_diamond(out: &mut String, at: Point, size: i32, marker: &str, label: &str) -> fmt::Result {
    let Point { x, y } = at;
    let top = y - size;
    writeln!(
        out,
        "<path fill=\"currentColor\" fill-opacity=\".07\" d=\"M{x} {top}l{size} {size}-{size} \
         {size}-{size}-{size}z\"/>"
    )?;
    if !marker.is_empty() {
        writeln!(out, "<path stroke-width=\"1.7\" d=\"M{x} {y}{marker}\"/>")?;
    }
    write_text(out, beside(at, size), label, Anchor::Beside)
}

fn beside(at: Point, radius: i32) -> Point {
    Point { x: at.x + radius + BESIDE, y: at.y }
}

/// What a text is for, and so how it hangs on its point.
#[derive(Clone, Copy)]
enum Anchor {
    Title,
    Beside,
    Label,
}

fn write_text(out: &mut String, at: Point, text: &str, anchor: Anchor) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    let attributes = match anchor {
        Anchor::Title => " font-weight=\"bold\"",
        Anchor::Beside => "",
        Anchor::Label => " font-size=\"11\" text-anchor=\"middle\" opacity=\".85\"",
    };
    let Point { x, y } = Point { y: at.y + 4, ..at };
    write!(out, "<text x=\"{x}\" y=\"{y}\" fill=\"currentColor\" stroke=\"none\"{attributes}>")?;
    let shown = shown(text);
    if shown.len() != text.len() {
        write!(out, "<title>{}</title>", quoted(text))?;
    }
    writeln!(out, "{}</text>", quoted(&shown))
}

fn quoted(text: &str) -> String {
    super::escaped(text, |c| match c {
        '&' => Some(Cow::Borrowed("&amp;")),
        '<' => Some(Cow::Borrowed("&lt;")),
        '>' => Some(Cow::Borrowed("&gt;")),
        '"' => Some(Cow::Borrowed("&quot;")),
        // Allowed in no XML document.
        '\u{fffe}' | '\u{ffff}' => Some(Cow::Borrowed("\u{fffd}")),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    #[ignore = "writes pictures for people to look at"]
    fn gallery() {
        for (name, graph) in sample::gallery() {
            std::fs::write(format!("/tmp/gallery/{name}.svg"), svg(&graph)).unwrap();
            std::fs::write(format!("/tmp/gallery/{name}.dot"), super::super::dot(&graph)).unwrap();
            std::fs::write(format!("/tmp/gallery/{name}.mmd"), super::super::mermaid(&graph))
                .unwrap();
        }
    }
}
