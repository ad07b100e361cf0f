//! Mermaid flowcharts: for markdown pages that draw them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Drawing, Line, Shape};
use crate::graph::Graph;

/// The graph as a Mermaid `flowchart`, top down.
///
/// The bodies of scopes are subgraphs. Only syntax that every Mermaid since version 8 reads. Nodes are called `n0`, `n1`, … by their
/// position; the ids are their labels, escaped.
pub fn mermaid(graph: &Graph) -> String {
    let drawing = Drawing::new(graph);
    let mut out = String::from("flowchart TD\n");
    let mut depth = 1;
    for line in drawing.lines() {
        depth -= usize::from(matches!(line, Line::Closes));
        let _ = write!(out, "{:width$}", "", width = 4 * depth);
        let _ = match line {
            Line::Node(node) => {
                let label = label(&drawing, node);
                let (open, close) = brackets(drawing.shape(node));
                writeln!(out, "n{node}{open}\"{label}\"{close}")
            }
            Line::Opens(scope) => {
                depth += 1;
                // An empty label is a syntax error.
                let name = quoted(&drawing.body(scope));
                let name = if name.is_empty() { "#nbsp;" } else { name.as_str() };
                writeln!(out, "subgraph s{scope}[\"{name}\"]")
            }
            Line::Closes => writeln!(out, "end"),
        };
    }
    for (position, edge) in drawing.edges.iter().enumerate() {
        let _ = match quoted(&drawing.caption(position)).as_str() {
            "" if drawing.is_beside(position) => {
                writeln!(out, "    n{} -.-> n{}", edge.from, edge.to)
            }
            "" => writeln!(out, "    n{} --> n{}", edge.from, edge.to),
            caption => writeln!(out, "    n{} -->|\"{caption}\"| n{}", edge.from, edge.to),
        };
    }
    out
}

fn label(drawing: &Drawing<'_>, node: usize) -> String {
    let name = quoted(&drawing.title(node));
    match drawing.shape(node) {
        Shape::User => format!("👤 {name}"),
        Shape::Wait => format!("⏲ {name}"),
        Shape::Fail => format!("⚡ {name}"),
        Shape::Undo => format!("↶ {name}"),
        Shape::Choice => format!("× {name}"),
        Shape::Fork => format!("#43; {name}"),
        Shape::Each => format!("↻ {name}"),
        Shape::Merge => "×".to_owned(),
        Shape::Join => "#43;".to_owned(),
        Shape::Scope => format!("⊞ {name}"),
        Shape::Catch => format!("⚡ {name}"),
        Shape::Limit | Shape::Beside => format!("⏲ {name}"),
        Shape::Race | Shape::Won => format!("⚑ {name}"),
        // An empty label is a syntax error.
        _ if name.is_empty() => "#nbsp;".to_owned(),
        _ => name,
    }
}

fn brackets(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::Start => ("((", "))"),
        Shape::End | Shape::Fail => ("(((", ")))"),
        Shape::Service | Shape::Undo => ("[", "]"),
        Shape::User => ("(", ")"),
        Shape::Wait => ("([", "])"),
        Shape::Script => ("[/", "/]"),
        Shape::Choice | Shape::Merge | Shape::Fork | Shape::Join => ("{", "}"),
        Shape::Each => ("{{", "}}"),
        Shape::Scope => ("(", ")"),
        Shape::Leave => ("((", "))"),
        Shape::Catch | Shape::Limit | Shape::Beside => ("(((", ")))"),
        Shape::Race | Shape::Won => ("{", "}"),
    }
}

// Mermaid has no escape but HTML entities with `#` for `&`. Whatever can mean something to its
// lexer, to the markdown in its labels or to HTML goes out as a number.
fn quoted(text: &str) -> String {
    let quoted = super::escaped(text, |c| {
        let is_plain = c.is_alphanumeric() || !c.is_ascii() || " _.,:+-=!?/'".contains(c);
        (!is_plain).then(|| Cow::Owned(format!("#{};", u32::from(c))))
    });
    if is_list_item(text) { quoted.replacen(' ', "#32;", 1) } else { quoted }
}

/// Whether markdown would make a list of it, which Mermaid refuses to draw.
fn is_list_item(text: &str) -> bool {
    let first = text.split(' ').next().unwrap_or_default();
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    matches!(first, "-" | "+") || first.strip_suffix('.').is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[track_caller]
    fn check(flows: &str, expected: &str) {
        assert_eq!(mermaid(&sample::graph(flows)), expected);
    }

    #[test]
    fn every_kind_has_its_shape() {
        check(
            "start -> charge -> if:total > 9 -[total > 9]-> @approve -> merge:1
             if:total > 9 -[else]-> merge:1 -> =fee -> for:xs -> parallel:a+b -[a]-> a -> join
             parallel:a+b -[b]-> b -> join -> for:xs -> end",
            r##"flowchart TD
    n0(("start"))
    n1["charge"]
    n2{"× if:total #62; 9"}
    n3("👤 approve")
    n4{"×"}
    n5[/"fee"/]
    n6{{"↻ for:xs"}}
    n7{"#43; parallel:a+b"}
    n8["a"]
    n9{"#43;"}
    n10["b"]
    n11((("end")))
    n0 --> n1
    n1 --> n2
    n2 -->|"total #62; 9"| n3
    n3 --> n4
    n2 -->|"else"| n4
    n4 --> n5
    n5 --> n6
    n6 -->|"next"| n7
    n7 -->|"a"| n8
    n8 --> n9
    n7 -->|"b"| n10
    n10 --> n9
    n9 --> n6
    n6 -->|"done"| n11
"##,
        );
    }

    #[test]
    fn any_text_is_escaped() {
        let cases = [
            ("say \"hi\"\n; end", "say #34;hi#34; #59; end"),
            ("a#35;b & <i>`x`</i>", "a#35;35#59;b #38; #60;i#62;#96;x#96;#60;/i#62;"),
            ("übung 任务 ✓", "übung 任务 ✓"),
            (
                "*a* [b] {c} (d) |e| \\n %%f",
                "#42;a#42; #91;b#93; #123;c#125; #40;d#41; #124;e#124; #92;n #37;#37;f",
            ),
            ("1. first", "1.#32;first"),
            ("- x - y", "-#32;x - y"),
            ("1..=5", "1..=5"),
            ("", "#nbsp;"),
        ];
        for (id, expected) in cases {
            let mut graph = sample::graph("a");
            graph.nodes.to_mut()[0].id = id.into();
            assert_eq!(mermaid(&graph), format!("flowchart TD\n    n0[\"{expected}\"]\n"));
        }
    }

    #[test]
    fn bodies_are_kept_together() {
        let picture = mermaid(&sample::scoped());
        let expected = r##"    n1("⊞ ship")
    subgraph s1["ship"]
        n2{"⚑ race"}
        n3("⊞ fast")
        subgraph s5["fast"]
            n4["fly"]
            n5(("fast/end"))
        end
        n6{"⚑ race/end"}
"##;
        assert!(picture.contains(expected), "{picture}");
        let lines = ["n13(((\"⏲ pack/every\")))", "n16(((\"⚡ ship/error\")))", "n7 -.-> n13"];
        lines.iter().for_each(|line| assert!(picture.contains(line), "{line} in {picture}"));
        assert_eq!(picture.matches("subgraph").count(), picture.matches(" end\n").count());
    }
}
