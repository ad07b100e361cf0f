//! Graphs for the tests of the pictures, written as flows.

use std::collections::HashMap;

use crate::graph::{Condition, Edge, Graph, Node, Origin, Outcome, Scope, ScopeKind, Text};
use crate::kind::Kind;

/// Reads lines of `a -> b -[condition]-> c`. `@x` is a user task, `=x` a script; the other kinds
/// follow from how the id begins. `[else]` is the default.
pub(crate) fn graph(flows: &str) -> Graph {
    let mut nodes = Vec::new();
    let mut edges = Vec::new();
    let mut known = HashMap::new();
    for flow in flows.lines().filter(|line| !line.trim().is_empty()) {
        let mut last = None;
        for part in flow.split("->") {
            let (name, next) = split(part);
            let to = *known.entry(name.to_owned()).or_insert_with(|| {
                nodes.push(node(name));
                nodes.len() - 1
            });
            if let Some((from, text)) = last {
                edges.push(edge(from, to, text));
            }
            last = Some((to, next));
        }
    }
    Graph {
        name: "Sample".into(),
        version: 1,
        origin: Origin::Workflow,
        outcome: Outcome::Unit,
        nodes: nodes.into(),
        edges: edges.into(),
        variables: vec![].into(),
        parameters: 0,
        scopes: vec![Scope { kind: ScopeKind::Process, parent: 0 }].into(),
    }
}

/// A process that ships an order: one of every shape, about 30 nodes.
pub(crate) fn nested() -> Graph {
    graph(
        "start -> reserve -> charge -> if:order.total > 1_000 -[order.total > 1_000]-> @approve
         @approve -> if:!decision.approved -[!decision.approved]-> tell_customer -> fail:rejected
         if:!decision.approved -[else]-> merge:1
         if:order.total > 1_000 -[else]-> merge:1 -> parallel:pack+invoice
         parallel:pack+invoice -[pack]-> for:order.lines -[line]-> pick -> if:picked.is_none() -[picked.is_none()]-> reorder -> for:order.lines
         if:picked.is_none() -[else]-> =count -> for:order.lines
         for:order.lines -[done]-> pack -> join:pack+invoice
         parallel:pack+invoice -[invoice]-> match:order.country
         match:order.country -[Country::Ch]-> vat_ch -> merge:2
         match:order.country -[Country::De | Country::At]-> vat_eu -> merge:2
         match:order.country -[_]-> =no_vat -> merge:2
         merge:2 -> write_invoice -> while:!sent -[!sent]-> send_invoice -> =sent -> while:!sent
         while:!sent -[else]-> join:pack+invoice
         join:pack+invoice -> call_courier -> @confirm_delivery -> return:Receipt { tracking, bill }",
    )
}

/// A scope with events, a race in it, and something that runs beside a task.
pub(crate) fn scoped() -> Graph {
    crate::check::noted(
        "start > $ship > #race > $fast > fly > %fast/end > =race/end > pack > %ship/end > ?merge
         #race > $slow > drive > %slow/end > =race/end; pack > :pack/every > tell > %pack/every/end
         $ship > !ship/error > refund > ?merge; $ship > !ship/after > ask > ?merge > end
         body ship: #race =race/end pack pack/every %ship/end
         body pack/every: tell %pack/every/end
         branch fast of #race: $fast; branch slow of #race: $slow
         body fast: fly %fast/end; body slow: drive %slow/end",
    )
}

fn split(part: &str) -> (&str, &str) {
    match part.trim().strip_suffix("]").and_then(|rest| rest.split_once(" -[")) {
        Some((name, text)) => (name.trim(), text),
        None => (part.trim(), ""),
    }
}

fn node(name: &str) -> Node {
    let id = name.trim_start_matches(['@', '=']).to_owned();
    Node {
        kind: kind(name, &id),
        id: id.into(),
        scope: 0,
        reads: vec![].into(),
        sets: vec![].into(),
        source: "".into(),
    }
}

fn kind(name: &str, id: &str) -> Kind {
    let id = Text::from(id.to_owned());
    match name.split(':').next().unwrap_or_default() {
        "start" => Kind::Start,
        "end" | "fail" => Kind::End { returns: false },
        "return" => Kind::End { returns: true },
        "if" | "match" | "while" | "loop" | "merge" => Kind::Exclusive,
        "for" => Kind::Each,
        "parallel" | "join" => Kind::Parallel,
        _ if name.starts_with('@') => Kind::User { name: id },
        _ if name.starts_with('=') => Kind::Script,
        _ if id.starts_with("wait:") => Kind::Wait { after_ms: None },
        _ if id.starts_with("pause") => Kind::Wait { after_ms: Some(1_209_600_000) },
        _ => Kind::Service { task: id, policy: crate::policy::Policy::NONE },
    }
}

fn edge(from: usize, to: usize, text: &str) -> Edge {
    let condition = match text {
        "" => Condition::Always,
        "else" => Condition::Default,
        _ => Condition::Code,
    };
    let text = if text == "else" { "" } else { text };
    Edge { from, to, condition, text: text.to_owned().into(), sets: vec![].into() }
}

/// One picture for every form that a process takes.
pub(crate) fn gallery() -> Vec<(&'static str, Graph)> {
    vec![
        ("scoped", scoped()),
        ("chain", graph("start -> reserve -> charge -> =fee -> @approve -> end")),
        (
            "if_else",
            graph(
                "start -> if:order.total > 1_000 -[order.total > 1_000]-> @approve -> merge:1
                 if:order.total > 1_000 -[else]-> merge:1 -> ship -> end",
            ),
        ),
        (
            "match",
            graph(
                "start -> match:decision -[Decision::Approved { by, .. }]-> ship -> merge:1
                 match:decision -[Decision::Rejected(reason)]-> tell_customer -> merge:1
                 match:decision -[Decision::Deferred]-> @approve_again -> file -> merge:1
                 match:decision -[_]-> merge:1 -> end",
            ),
        ),
        (
            "parallel",
            graph(
                "start -> parallel:pack+invoice+label -[pack]-> pack -> parallel:pack/done -> join
                 parallel:pack+invoice+label -[invoice]-> write_invoice -> join
                 parallel:pack/done -[label after pack]-> print_label -> join -> end",
            ),
        ),
        (
            "loop",
            graph(
                "start -> merge:loop -> poll -> if:state.is_done() -[state.is_done()]-> report -> end
                 if:state.is_done() -[else]-> =count -> merge:loop",
            ),
        ),
        ("while", graph("start -> while:n < 3 -[n < 3]-> try_it -> while:n < 3 -[else]-> end")),
        ("nested", nested()),
        ("odd", odd()),
        ("long", long()),
    ]
}

/// Ids and conditions of every nasty kind.
pub(crate) fn odd() -> Graph {
    let mut graph = graph("start -> if:x -[x]-> a -> a -> @b -> end\nif:x -[else]-> =c -> b");
    let texts = [
        "say \"hi\"",
        "if:a < b && c > d | <i>`e`</i> #35; %% ;",
        "two\n\nlines\tand \\n [x] {y} (z)",
        "- übung 任务 ✓ end subgraph",
        "",
        "1. an id that is so long that nobody would ever want to see the whole of it",
    ];
    for (node, text) in graph.nodes.to_mut().iter_mut().zip(texts) {
        node.id = text.into();
    }
    graph.edges.to_mut()[1].text = "a \"quoted\" <b>|&amp;|".into();
    graph.name = "A <name> & \"more\"\n\n".into();
    graph
}

/// A chain with ways back and forth that are too long to draw.
pub(crate) fn long() -> Graph {
    let chain: Vec<_> = (1..80).map(|index| format!("step_{index}")).collect();
    graph(&format!(
        "start -> if:x -> {} -> while:y -> if:x\nif:x -[skip]-> end\nwhile:y -[else]-> end",
        chain.join(" -> ")
    ))
}
