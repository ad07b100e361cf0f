//! Mermaid flowcharts: for markdown pages that draw them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Drawing, Shape};
use crate::graph::Graph;

/// The graph as a Mermaid `flowchart`, top down.
///
/// Only syntax that every Mermaid since version 8 reads. Nodes are called `n0`, `n1`, … by their
/// position; the ids are their labels, escaped.
pub fn mermaid(graph: &Graph) -> String {
    let drawing = Drawing::new(graph);
    let mut out = String::from("flowchart TD\n");
    for (node, _) in drawing.nodes() {
        let label = label(&drawing, node);
        let (open, close) = brackets(drawing.shape(node));
        let _ = writeln!(out, "    n{node}{open}\"{label}\"{close}");
    }
    for (position, edge) in drawing.edges.iter().enumerate() {
        let _ = match quoted(&drawing.caption(position)).as_str() {
            "" => writeln!(out, "    n{} --> n{}", edge.from, edge.to),
            caption => writeln!(out, "    n{} -->|\"{caption}\"| n{}", edge.from, edge.to),
        };
    }
    out
}

fn label(drawing: &Drawing<'_>, node: usize) -> String {
    let name = quoted(&drawing.name(node));
    match drawing.shape(node) {
        Shape::User => format!("👤 {name}"),
        Shape::Choice => format!("× {name}"),
        Shape::Fork => format!("+ {name}"),
        Shape::Each => format!("↻ {name}"),
        Shape::Merge => "×".to_owned(),
        Shape::Join => "+".to_owned(),
        // An empty label is a syntax error.
        _ if name.is_empty() => "#nbsp;".to_owned(),
        _ => name,
    }
}

fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Start => ("((", "))"),
        Shape::End => ("(((", ")))"),
        Shape::Service => ("[", "]"),
        Shape::User => ("(", ")"),
        Shape::Script => ("[/", "/]"),
        Shape::Choice | Shape::Merge | Shape::Fork | Shape::Join => ("{", "}"),
        Shape::Each => ("{{", "}}"),
    }
}

// Mermaid has no escape but HTML entities with `#` for `&`. Whatever can mean something to its
// lexer, to the markdown in its labels or to HTML goes out as a number.
fn quoted(text: &str) -> String {
    super::escaped(text, |c| {
        let is_plain = c.is_alphanumeric() || " .,:+-=!?/'".contains(c);
        let is_safe = is_plain || c == '_' || !c.is_ascii();
        (!is_safe).then(|| Cow::Owned(format!("#{};", u32::from(c))))
    })
}
