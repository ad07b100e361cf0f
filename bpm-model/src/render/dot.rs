//! Graphviz: for people who lay out large graphs themselves.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Drawing, Line, Shape};
use crate::graph::Graph;

/// The graph in Graphviz's language, top down.
///
/// Nodes are called `n0`, `n1`, … by their position; the ids are their labels, escaped. The bodies
/// of scopes are clusters.
pub fn dot(graph: &Graph) -> String {
    let drawing = Drawing::new(graph);
    let mut out = format!("digraph \"{}\" {{\n", quoted(&super::one_line(&graph.name)));
    out.push_str("    node [fontname=\"sans-serif\", fontsize=11, shape=box];\n");
    out.push_str("    edge [fontname=\"sans-serif\", fontsize=10];\n");
    let mut depth = 1;
    for line in drawing.lines() {
        depth -= usize::from(matches!(line, Line::Closes));
        let _ = write!(out, "{:width$}", "", width = 4 * depth);
        let _ = match line {
            Line::Node(node) => writeln!(out, "n{node} [{}];", attributes(&drawing, node)),
            Line::Opens(scope) => {
                depth += 1;
                let name = quoted(&drawing.body(scope));
                writeln!(out, "subgraph cluster_{scope} {{ label=\"{name}\"; style=rounded;")
            }
            Line::Closes => writeln!(out, "}}"),
        };
    }
    for (position, edge) in drawing.edges.iter().enumerate() {
        let _ = match quoted(&drawing.caption(position)).as_str() {
            "" if drawing.is_beside(position) => {
                writeln!(out, "    n{} -> n{} [style=dashed];", edge.from, edge.to)
            }
            "" => writeln!(out, "    n{} -> n{};", edge.from, edge.to),
            caption => writeln!(out, "    n{} -> n{} [label=\"{caption}\"];", edge.from, edge.to),
        };
    }
    out.push_str("}\n");
    out
}

// Circles keep their size, with the id beside them; merges and joins are small and have none.
fn attributes(drawing: &Drawing<'_>, node: usize) -> String {
    const SMALL: &str = "width=0.25, height=0.25, fixedsize=true";
    let name = quoted(&drawing.title(node));
    match drawing.shape(node) {
        Shape::Start => format!("shape=circle, label=\"\", xlabel=\"{name}\", {SMALL}"),
        Shape::End => format!("shape=doublecircle, label=\"\", xlabel=\"{name}\", {SMALL}"),
        Shape::Service => format!("label=\"{name}\""),
        Shape::User => format!("style=rounded, label=\"«user»\\n{name}\""),
        Shape::Script => format!("shape=note, label=\"{name}\""),
        Shape::Wait => format!("style=rounded, label=\"⏲ {name}\""),
        Shape::Fail => format!("shape=doublecircle, label=\"⚡\", xlabel=\"{name}\", {SMALL}"),
        Shape::Undo => format!("style=dashed, label=\"↶ {name}\""),
        Shape::Choice => format!("shape=diamond, label=\"×\\n{name}\""),
        Shape::Fork => format!("shape=diamond, label=\"+\\n{name}\""),
        Shape::Each => format!("shape=hexagon, label=\"↻ {name}\""),
        Shape::Merge => format!("shape=diamond, label=\"×\", {SMALL}"),
        Shape::Join => format!("shape=diamond, label=\"+\", {SMALL}"),
        Shape::Scope => format!("style=rounded, label=\"⊞ {name}\""),
        Shape::Leave => format!("shape=circle, label=\"\", xlabel=\"{name}\", {SMALL}"),
        Shape::Catch => format!("shape=doublecircle, label=\"⚡\", xlabel=\"{name}\", {SMALL}"),
        Shape::Limit => format!("shape=doublecircle, label=\"⏲\", xlabel=\"{name}\", {SMALL}"),
        Shape::Beside => {
            format!("shape=doublecircle, style=dashed, label=\"⏲\", xlabel=\"{name}\", {SMALL}")
        }
        Shape::Race => format!("shape=diamond, label=\"⚑\\n{name}\""),
        Shape::Won => format!("shape=diamond, label=\"⚑\", xlabel=\"{name}\", {SMALL}"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    const HEAD: &str = r#"digraph "Sample" {
    node [fontname="sans-serif", fontsize=11, shape=box];
    edge [fontname="sans-serif", fontsize=10];
"#;

    #[test]
    fn every_kind_has_its_shape() {
        let flows = "start -> charge -> if:total > 9 -[total > 9]-> @approve -> merge:1
             if:total > 9 -[else]-> merge:1 -> =fee -> for:xs -> parallel:a+b -> a -> join
             parallel:a+b -> b -> join -> for:xs -> end";
        let expected = r#"    n0 [shape=circle, label="", xlabel="start", width=0.25, height=0.25, fixedsize=true];
    n1 [label="charge"];
    n2 [shape=diamond, label="×\nif:total > 9"];
    n3 [style=rounded, label="«user»\napprove"];
    n4 [shape=diamond, label="×", width=0.25, height=0.25, fixedsize=true];
    n5 [shape=note, label="fee"];
    n6 [shape=hexagon, label="↻ for:xs"];
    n7 [shape=diamond, label="+\nparallel:a+b"];
    n8 [label="a"];
    n9 [shape=diamond, label="+", width=0.25, height=0.25, fixedsize=true];
    n10 [label="b"];
    n11 [shape=doublecircle, label="", xlabel="end", width=0.25, height=0.25, fixedsize=true];
    n0 -> n1;
    n1 -> n2;
    n2 -> n3 [label="total > 9"];
    n3 -> n4;
    n2 -> n4 [label="else"];
    n4 -> n5;
    n5 -> n6;
    n6 -> n7 [label="next"];
    n7 -> n8;
    n8 -> n9;
    n7 -> n10;
    n10 -> n9;
    n9 -> n6;
    n6 -> n11 [label="done"];
"#;
        assert_eq!(dot(&sample::graph(flows)), format!("{HEAD}{expected}}}\n"));
    }

    #[test]
    fn any_text_is_escaped() {
        let cases = [
            ("say \"hi\"\n; end", r#"say \"hi\" ; end"#),
            (r"a\nb\", r"a\\nb\\"),
            ("&lt; <b> [c] {d} 任务", "&amp;lt; <b> [c] {d} 任务"),
            ("", ""),
        ];
        for (id, label) in cases {
            let mut graph = sample::graph("a");
            graph.nodes.to_mut()[0].id = id.into();
            assert_eq!(dot(&graph), format!("{HEAD}    n0 [label=\"{label}\"];\n}}\n"));
        }
    }

    #[test]
    fn bodies_are_kept_together() {
        let picture = dot(&sample::scoped());
        let expected = r#"    n1 [style=rounded, label="⊞ ship"];
    subgraph cluster_1 { label="ship"; style=rounded;
        n2 [shape=diamond, label="⚑\nrace"];
        n3 [style=rounded, label="⊞ fast"];
        subgraph cluster_5 { label="fast"; style=rounded;
            n4 [label="fly"];
            n5 [shape=circle, label="", xlabel="fast/end", width=0.25, height=0.25, fixedsize=true];
        }
        n6 [shape=diamond, label="⚑", xlabel="race/end", width=0.25, height=0.25, fixedsize=true];
"#;
        assert!(picture.contains(expected), "{picture}");
        let events = ["style=dashed, label=\"⏲\"", "label=\"⚡\", xlabel=\"ship/error\""];
        events.iter().for_each(|event| assert!(picture.contains(event), "{event} in {picture}"));
        assert!(picture.contains("    n7 -> n13 [style=dashed];\n"), "{picture}");
        assert_eq!(picture.matches('{').count(), picture.matches('}').count());
    }
}
