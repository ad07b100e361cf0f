//! The outline: plain text for terminals and messages.

use std::fmt::Write as _;

use super::{Drawing, Line, Shape};
use crate::graph::Graph;

/// The graph as plain text, one line a node with its ways out in the order in which they are tried.
/// What stands in the body of a scope is indented.
///
/// ```text
/// Approval, version 1
/// start      start -> if:amount > 50
/// exclusive  if:amount > 50 -[amount > 50]-> approve -[else]-> end
/// user       approve -> end
/// end        end
/// ```
pub fn text(graph: &Graph) -> String {
    let drawing = Drawing::new(graph);
    let mut out = format!("{}, version {}\n", super::one_line(&graph.name), graph.version);
    let mut depth = 0;
    for part in drawing.lines() {
        match part {
            Line::Node(node) => line(&mut out, &drawing, node, depth),
            Line::Opens(_) => depth += 1,
            Line::Closes => depth -= 1,
        }
    }
    out
}

fn line(out: &mut String, drawing: &Drawing<'_>, node: usize, depth: usize) {
    let (word, title) = (word(drawing.shape(node)), drawing.title(node));
    let _ = write!(out, "{word:<9}  {:width$}{title}", "", width = 2 * depth);
    for &edge in &drawing.outs[node] {
        let target = drawing.name(drawing.edges[edge].to);
        let _ = match drawing.caption(edge).as_str() {
            "" if drawing.is_beside(edge) => write!(out, " -also-> {target}"),
            "" => write!(out, " -> {target}"),
            caption => write!(out, " -[{caption}]-> {target}"),
        };
    }
    out.push('\n');
}

fn word(shape: Shape) -> &'static str {
    match shape {
        Shape::Start => "start",
        Shape::End => "end",
        Shape::Service => "service",
        Shape::User => "user",
        Shape::Script => "script",
        Shape::Fail => "fail",
        Shape::Undo => "undo",
        Shape::Wait => "wait",
        Shape::Choice => "exclusive",
        Shape::Merge => "merge",
        Shape::Each => "each",
        Shape::Fork => "parallel",
        Shape::Join => "join",
        Shape::Scope => "scope",
        Shape::Leave => "leave",
        Shape::Catch | Shape::Limit => "on",
        Shape::Beside => "also",
        Shape::Race => "race",
        Shape::Won => "won",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Condition, Scope, ScopeKind};
    use crate::render::sample;

    #[track_caller]
    fn check(flows: &str, expected: &str) {
        assert_eq!(text(&sample::graph(flows)), expected);
    }

    #[test]
    fn a_timer_says_how_long_it_waits_where_the_graph_knows() {
        check(
            "start -> pause -> wait:order.ships -> end",
            "\
Sample, version 1
start      start -> pause
wait       pause (14d) -> wait:order.ships
wait       wait:order.ships -> end
end        end
",
        );
    }

    #[test]
    fn every_node_is_a_line_with_its_ways_out() {
        check(
            "start -> charge -> if:total > 9 -[total > 9]-> @approve -> merge:1
             if:total > 9 -[else]-> merge:1 -> =fee -> end",
            "\
Sample, version 1
start      start -> charge
service    charge -> if:total > 9
exclusive  if:total > 9 -[total > 9]-> approve -[else]-> merge:1
user       approve -> merge:1
merge      merge:1 -> fee
script     fee -> end
end        end
",
        );
    }

    #[test]
    fn loops_and_branches_are_named() {
        let mut graph = sample::graph(
            "start -> for:xs -> parallel:a+b -> a -> join -> for:xs
             parallel:a+b -> b -> join
             for:xs -> end",
        );
        let branch = |name: &'static str, after: Vec<usize>| Scope {
            kind: ScopeKind::Branch { name: name.into(), fork: 2, after: after.into() },
            parent: 0,
        };
        graph.scopes.to_mut().extend([branch("a", vec![]), branch("b", vec![1])]);
        graph.nodes.to_mut()[3].scope = 1;
        graph.nodes.to_mut()[5].scope = 2;
        let expected = "\
Sample, version 1
start      start -> for:xs
each       for:xs -[next]-> parallel:a+b -[done]-> end
parallel   parallel:a+b -[a]-> a -[b after a]-> b
service    a -> join
join       join -> for:xs
service    b -> join
end        end
";
        assert_eq!(text(&graph), expected);
    }

    #[test]
    fn conditions_are_shown_where_the_edge_has_no_text() {
        let mut graph = sample::graph("start -> if:x -> a -> end\nif:x -> b -> end");
        let edges = graph.edges.to_mut();
        edges[1].condition = Condition::Expression("amount >\n 50".into());
        edges[3].condition = Condition::VariableEq("vip".into(), "true".into());
        let expected = "\
Sample, version 1
start      start -> if:x
exclusive  if:x -[amount > 50]-> a -[vip == true]-> b
service    a -> end
end        end
service    b -> end
";
        assert_eq!(text(&graph), expected);
    }

    #[test]
    fn a_broken_graph_is_drawn_as_far_as_it_goes() {
        let mut graph = sample::graph("start -> a -> end");
        graph.edges.to_mut()[1].to = 99;
        graph.nodes.to_mut()[1].scope = 99;
        graph.nodes.to_mut()[1].id = "a\n\tb".into();
        let expected = "\
Sample, version 1
start      start -> a b
service    a b
end        end
";
        assert_eq!(text(&graph), expected);
    }

    #[test]
    fn bodies_are_kept_together() {
        let picture = text(&sample::scoped());
        let expected = "\
Test, version 1
start      start -> ship
scope      ship -> race -> ship/error -> ship/after
race         race -[fast]-> fast -[slow]-> slow
scope        fast -> fly
service        fly -> fast/end
leave          fast/end -> race/end
won          race/end -> pack
service      pack -> ship/end -also-> pack/every
leave        ship/end -> merge
scope        slow -> drive
service        drive -> slow/end
leave          slow/end -> race/end
also         pack/every -> tell
service        tell -> pack/every/end
leave          pack/every/end
merge      merge -> end
on         ship/error -> refund
service    refund -> merge
on         ship/after -> ask
service    ask -> merge
end        end
";
        assert_eq!(picture, expected);
    }
}
