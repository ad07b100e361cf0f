//! Graphviz: for people who lay out large graphs themselves.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Drawing, Shape};
use crate::graph::Graph;

/// The graph in Graphviz's language, top down.
///
/// Nodes are called `n0`, `n1`, … by their position; the ids are their labels, escaped.
pub fn dot(graph: &Graph) -> String {
    let drawing = Drawing::new(graph);
    let mut out = format!("digraph \"{}\" {{\n", quoted(&super::one_line(&graph.name)));
    out.push_str("    node [fontname=\"sans-serif\", fontsize=11, shape=box];\n");
    out.push_str("    edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (node, _) in drawing.nodes() {
        let _ = writeln!(out, "    n{node} [{}];", attributes(&drawing, node));
    }
    for (position, edge) in drawing.edges.iter().enumerate() {
        let _ = match quoted(&drawing.caption(position)).as_str() {
            "" => writeln!(out, "    n{} -> n{};", edge.from, edge.to),
            caption => writeln!(out, "    n{} -> n{} [label=\"{caption}\"];", edge.from, edge.to),
        };
    }
    out.push_str("}\n");
    out
}

// Circles and diamonds keep their size; the id stands beside them. Merges and joins have none.
fn attributes(drawing: &Drawing<'_>, node: usize) -> String {
    const SMALL: &str = "width=0.25, height=0.25, fixedsize=true";
    let name = quoted(&drawing.name(node));
    match drawing.shape(node) {
        Shape::Start => format!("shape=circle, label=\"\", xlabel=\"{name}\", {SMALL}"),
        Shape::End => format!("shape=doublecircle, label=\"\", xlabel=\"{name}\", {SMALL}"),
        Shape::Service => format!("label=\"{name}\""),
        Shape::User => format!("style=rounded, label=\"«user»\\n{name}\""),
        Shape::Script => format!("shape=note, label=\"{name}\""),
        Shape::Choice => format!("shape=diamond, label=\"×\\n{name}\""),
        Shape::Fork => format!("shape=diamond, label=\"+\\n{name}\""),
        Shape::Each => format!("shape=hexagon, label=\"↻ {name}\""),
        Shape::Merge => format!("shape=diamond, label=\"×\", {SMALL}"),
        Shape::Join => format!("shape=diamond, label=\"+\", {SMALL}"),
    }
}

fn quoted(text: &str) -> String {
    super::escaped(text, |c| match c {
        '"' => Some(Cow::Borrowed("\\\"")),
        '\\' => Some(Cow::Borrowed("\\\\")),
        // Graphviz reads HTML entities in any label.
        '&' => Some(Cow::Borrowed("&amp;")),
        _ => None,
    })
}
