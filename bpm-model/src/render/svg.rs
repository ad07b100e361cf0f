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
const COG: &str = "m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0m2-6v3m0 6v3m-6-6h3m6 0h3m-10.2-4.2l2 2m4.4 4.4l2 2\
                   m0-8.4l-2 2m-4.4 4.4l-2 2";

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
            shape if is_box(shape) => {
                let half = half_box(label);
                Extent { left: half, right: half, height: BOX_HEIGHT }
            }
            Shape::Start | Shape::End | Shape::Fail => round(CIRCLE, beside),
            shape if is_event(shape) => round(CIRCLE, beside),
            Shape::Merge | Shape::Join => round(SMALL_DIAMOND, 0),
            _ => round(DIAMOND, beside),
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
        _ => drawing.title(node),
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

/// Draws layer by layer, so that what all elements of a layer share is written once.
fn write(out: &mut String, drawing: &Drawing<'_>, labels: &Labels, layout: &Layout) -> fmt::Result {
    write_head(out, &super::one_line(&drawing.graph.name), layout)?;
    out.push_str("<g opacity=\".6\">\n");
    for (edge, route) in layout.routes.iter().enumerate() {
        write_route(out, route, drawing.is_beside(edge))?;
    }
    let nodes = || {
        let placed = layout.nodes.iter().zip(&labels.nodes).enumerate();
        placed.map(|(node, (&at, label))| (drawing.shape(node), at, label.as_str()))
    };
    out.push_str("</g>\n<g fill=\"currentColor\" fill-opacity=\".07\">\n");
    for (shape, at, label) in nodes() {
        write_outline(out, shape, at, label)?;
    }
    out.push_str("</g>\n<g opacity=\".75\">\n");
    for (shape, at, label) in nodes() {
        write_mark(out, shape, at, label)?;
    }
    out.push_str("</g>\n<g fill=\"currentColor\" stroke=\"none\">\n");
    for (shape, at, label) in nodes() {
        write_name(out, shape, at, label)?;
    }
    out.push_str("<g font-size=\"11\" text-anchor=\"middle\" opacity=\".85\">\n");
    for (route, (label, stub)) in layout.routes.iter().zip(labels.edges.iter().zip(&labels.stubs)) {
        route.label.map_or(Ok(()), |at| write_text(out, at, label, ""))?;
        route.stub.map_or(Ok(()), |at| write_text(out, at, stub, ""))?;
    }
    out.push_str("</g>\n</g>\n</svg>\n");
    Ok(())
}

fn write_head(out: &mut String, name: &str, Layout { width, height, .. }: &Layout) -> fmt::Result {
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{width}\" \
         height=\"{height}\" viewBox=\"0 0 {width} {height}\" style=\"max-width:100%;height:auto\" \
         fill=\"none\" stroke=\"currentColor\" font-size=\"12\" \
         font-family=\"ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace\">"
    )?;
    writeln!(out, "<title>The process {}</title>", quoted(name))
}

fn write_route(out: &mut String, route: &Route, dashed: bool) -> fmt::Result {
    let mut x_before = 0;
    out.push_str(if dashed { "<path stroke-dasharray=\"4 3\" d=\"" } else { "<path d=\"" });
    for stroke in &route.strokes {
        let (Stroke::Move(to) | Stroke::Line(to) | Stroke::Curve { to, .. }) = *stroke;
        let Point { x, y } = to;
        match *stroke {
            Stroke::Move(_) => write!(out, "M{x} {y}")?,
            Stroke::Line(_) => write!(out, "V{y}")?,
            Stroke::Curve { bow, .. } => write!(out, "C{x_before} {bow} {x} {bow} {x} {y}")?,
        }
        x_before = x;
    }
    // The arrow head is part of the line: a marker would need an id.
    out.push_str("m-4-7l4 7 4-7\"/>\n");
    Ok(())
}

fn write_outline(out: &mut String, shape: Shape, at: Point, label: &str) -> fmt::Result {
    match shape {
        Shape::Service | Shape::Script | Shape::Undo => write_box(out, at, label, 3),
        Shape::User | Shape::Wait => write_box(out, at, label, 10),
        Shape::Scope | Shape::Leave => write_box(out, at, label, 6),
        Shape::Catch | Shape::Limit => write_rings(out, at, ""),
        Shape::Beside => write_rings(out, at, " stroke-dasharray=\"3 2\""),
        Shape::Start => write_circle(out, at, CIRCLE, "1.5"),
        Shape::End | Shape::Fail => write_circle(out, at, CIRCLE - 1, "3"),
        Shape::Choice | Shape::Fork | Shape::Each | Shape::Race | Shape::Won => {
            write_diamond(out, at, DIAMOND)
        }
        Shape::Merge | Shape::Join => write_diamond(out, at, SMALL_DIAMOND),
    }
}

fn write_box(out: &mut String, at: Point, label: &str, radius: i32) -> fmt::Result {
    let half = half_box(label);
    let (x, y, width) = (at.x - half, at.y - BOX_HEIGHT / 2, 2 * half);
    writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\"/>"
    )
}

fn write_circle(out: &mut String, Point { x, y }: Point, radius: i32, line: &str) -> fmt::Result {
    writeln!(out, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" stroke-width=\"{line}\"/>")
}

/// The double ring of an event at something.
fn write_rings(out: &mut String, Point { x, y }: Point, dashes: &str) -> fmt::Result {
    let inner = CIRCLE - 3;
    writeln!(
        out,
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"{CIRCLE}\"{dashes}/>\n\
         <circle cx=\"{x}\" cy=\"{y}\" r=\"{inner}\"{dashes}/>"
    )
}

fn write_diamond(out: &mut String, Point { x, y }: Point, size: i32) -> fmt::Result {
    let top = y - size;
    writeln!(out, "<path d=\"M{x} {top}l{size} {size}-{size} {size}-{size}-{size}z\"/>")
}

/// The mark inside a shape: a cog, a person, lines of text, a cross, a plus, a round arrow.
fn write_mark(out: &mut String, shape: Shape, at: Point, label: &str) -> fmt::Result {
    let (line, path) = match shape {
        Shape::Start | Shape::End | Shape::Merge => return Ok(()),
        Shape::Service => ("1", COG),
        Shape::User => ("1", "m-3-3a3 3 0 1 0 6 0a3 3 0 1 0-6 0m-3 9c0-7 12-7 12 0z"),
        Shape::Script => ("1", "m-4-5h9m-9 3.5h6m-6 3.5h9m-9 3.5h6"),
        Shape::Wait => ("1", "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0m5-3v3h2"),
        Shape::Fail => ("1.5", "m-4 4l3-7 3 5 3-7"),
        Shape::Scope => ("1.5", "m2-5h-5v10h5"),
        Shape::Leave => ("1.5", "m-3-5h5v10h-5"),
        Shape::Catch => ("1", "m-3 3l2-5 2 4 2-5"),
        Shape::Limit | Shape::Beside => ("1", "m0-4v4h3"),
        Shape::Race | Shape::Won => ("1.5", "m-3 6v-12l7 3-7 3"),
        Shape::Undo => ("1.5", "m5-4a5 5 0 1 0 0 8m0-8l-3-1m3 1l-1 3"),
        Shape::Choice => ("2", "m-4-4l8 8m0-8l-8 8"),
        Shape::Fork => ("2", "m-6 0h12m-6-6v12"),
        Shape::Join => ("1.5", "m-4 0h8m-4-4v8"),
        Shape::Each => ("1.5", "m3-4a5 5 0 1 0 2 4m1-6l-2 3-3-1"),
    };
    let x = if is_box(shape) { at.x - half_box(label) + BOX_PADDING + ICON / 3 } else { at.x };
    writeln!(out, "<path stroke-width=\"{line}\" d=\"M{x} {}{path}\"/>", at.y)
}

fn write_name(out: &mut String, shape: Shape, at: Point, label: &str) -> fmt::Result {
    let x = match shape {
        _ if is_box(shape) => at.x - half_box(label) + BOX_PADDING + ICON,
        Shape::Start | Shape::End | Shape::Fail => at.x + CIRCLE + BESIDE,
        shape if is_event(shape) => at.x + CIRCLE + BESIDE,
        _ => at.x + DIAMOND + BESIDE,
    };
    let style = if shape == Shape::Start { " font-weight=\"bold\"" } else { "" };
    write_text(out, Point { x, ..at }, label, style)
}

fn is_box(shape: Shape) -> bool {
    let works = matches!(shape, Shape::Service | Shape::User | Shape::Script | Shape::Undo);
    works || matches!(shape, Shape::Wait | Shape::Scope | Shape::Leave)
}

fn is_event(shape: Shape) -> bool {
    matches!(shape, Shape::Catch | Shape::Limit | Shape::Beside)
}

fn write_text(out: &mut String, Point { x, y }: Point, text: &str, style: &str) -> fmt::Result {
    if text.is_empty() {
        return Ok(());
    }
    write!(out, "<text x=\"{x}\" y=\"{}\"{style}>", y + 4)?;
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

    /// `PICTURES=pictures cargo test -p bpm-model gallery` writes all forms to look at.
    #[test]
    fn gallery_is_embeddable() {
        for (name, graph) in sample::gallery() {
            let picture = svg(&graph);
            assert_eq!(picture.lines().next().map(|line| line.ends_with('>')), Some(true));
            for bad in ["\n\n", " id=", "<script", "url(", "href", "<style"] {
                assert!(!picture.contains(bad), "{bad:?} in the picture of {name}");
            }
            if let Ok(directory) = std::env::var("PICTURES") {
                let file = |kind: &str| format!("{directory}/{name}.{kind}");
                std::fs::write(file("svg"), picture).unwrap();
                std::fs::write(file("mmd"), crate::render::mermaid(&graph)).unwrap();
                std::fs::write(file("dot"), crate::render::dot(&graph)).unwrap();
            }
        }
    }

    #[test]
    fn nothing_overlaps() {
        for (name, graph) in sample::gallery() {
            let boxes = boxes(&graph);
            for (index, one) in boxes.iter().enumerate() {
                for other in &boxes[index + 1..] {
                    let apart_x = one.1.x >= other.2.x || other.1.x >= one.2.x;
                    let apart_y = one.1.y >= other.2.y || other.1.y >= one.2.y;
                    assert!(apart_x || apart_y, "{name}: {one:?} {other:?}");
                }
            }
        }
    }

    /// What every node, label and stub covers.
    fn boxes(graph: &Graph) -> Vec<(String, Point, Point)> {
        let drawing = Drawing::new(graph);
        let labels = Labels::new(&drawing);
        let extents: Vec<_> =
            drawing.nodes().map(|(node, _)| labels.extent(&drawing, node)).collect();
        let links: Vec<_> =
            (0..drawing.edges.len()).map(|edge| labels.link(&drawing, edge)).collect();
        let layout = layout(&extents, &links);
        let nodes = labels.nodes.iter().zip(&layout.nodes).zip(&extents);
        let mut boxes: Vec<_> = nodes.map(|((text, at), size)| area(text, *at, *size)).collect();
        for (edge, route) in layout.routes.iter().enumerate() {
            let label = route.label.zip(links[edge].label);
            boxes.extend(label.map(|(at, size)| area(&labels.edges[edge], at, size)));
            boxes.extend(route.stub.map(|at| area(&labels.stubs[edge], at, links[edge].stub)));
        }
        boxes
    }

    fn area(text: &str, Point { x, y }: Point, size: Extent) -> (String, Point, Point) {
        let low = Point { x: x - size.left, y: y - size.height / 2 };
        let high = Point { x: x + size.right, y: y + size.height / 2 };
        (text.to_owned(), low, high)
    }

    #[test]
    fn a_loop_climbs_beside_its_body() {
        let graph =
            sample::graph("start -> while:n < 3 -[n < 3]-> @fix -> while:n < 3 -[else]-> end");
        let expected = r#"<svg xmlns="http://www.w3.org/2000/svg" role="img" width="223" height="198" viewBox="0 0 223 198" style="max-width:100%;height:auto" fill="none" stroke="currentColor" font-size="12" font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace">
<title>The process Sample</title>
<g opacity=".6">
<path d="M105 38V60m-4-7l4 7 4-7"/>
<path d="M105 88C105 100 74 100 74 112M74 128V150m-4-7l4 7 4-7"/>
<path d="M74 180C74 200 20 200 20 180V60C20 40 105 40 105 60m-4-7l4 7 4-7"/>
<path d="M105 88C105 100 136 100 136 112M136 128V155m-4-7l4 7 4-7"/>
</g>
<g fill="currentColor" fill-opacity=".07">
<circle cx="105" cy="28" r="10" stroke-width="1.5"/>
<path d="M105 60l14 14-14 14-14-14z"/>
<rect x="44" y="150" width="60" height="30" rx="10"/>
<circle cx="136" cy="165" r="9" stroke-width="3"/>
</g>
<g opacity=".75">
<path stroke-width="2" d="M105 74m-4-4l8 8m0-8l-8 8"/>
<path stroke-width="1" d="M60 165m-3-3a3 3 0 1 0 6 0a3 3 0 1 0-6 0m-3 9c0-7 12-7 12 0z"/>
</g>
<g fill="currentColor" stroke="none">
<text x="120" y="32" font-weight="bold">Sample</text>
<text x="124" y="78">while:n &lt; 3</text>
<text x="72" y="169">fix</text>
<text x="151" y="169">end</text>
<g font-size="11" text-anchor="middle" opacity=".85">
<text x="74" y="124">n &lt; 3</text>
<text x="136" y="124">else</text>
</g>
</g>
</svg>
"#;
        assert_eq!(svg(&graph), expected);
    }

    #[test]
    fn a_long_text_is_cut_and_whole_in_a_tooltip() {
        let mut graph = sample::graph("a");
        graph.nodes.to_mut()[0].id = "<a text of more than thirty-six characters>".into();
        let picture = svg(&graph);
        let whole = "<title>&lt;a text of more than thirty-six characters&gt;</title>";
        assert!(
            picture.contains(&format!("{whole}&lt;a text of more than thirty-six cha…</text>"))
        );
    }

    #[test]
    fn an_empty_graph_is_an_empty_picture() {
        let mut graph = sample::graph("");
        graph.scopes = Vec::new().into();
        assert!(svg(&graph).contains("<title>The process Sample</title>\n"));
    }

    #[test]
    fn what_runs_beside_something_is_dashed() {
        let picture = svg(&sample::scoped());
        assert_eq!(picture.matches("stroke-dasharray=\"4 3\"").count(), 1);
        assert_eq!(picture.matches("stroke-dasharray=\"3 2\"").count(), 2);
        assert!(picture.contains(">ship/end</text>"), "{picture}");
    }
}
