//! Graphs as text, so that tests are data.
//!
//! Lines (or parts between `;`): `start > a > ?g`, `?g -[if paid]> b` (compiled code chooses),
//! `?g -[item|x]> b` (and binds `x`), `?g -{n > 1}> b` (an expression), `?g -{else}> b`,
//! `a sets x`, `a reads x y`, `branch pack of +f: a b after invoice`, `parameters x`, `built`,
//! `-> value`, `-> never`, `type x u64`. A sign in front of a name says its kind: `?` exclusive,
//! `+` parallel, `*` each, `.` script, `~` wait, `@` user task, `$` scope, `#` race (`#2r` has two
//! winners); `start`, `end…`, `return…` and `fail…` are what they say; the rest are service tasks.
//! `%s/end` leaves `s`, `=r/end` ends the race `r`; `!a/after` interrupts `a`, `:a/every` does not,
//! and edges to them are those of boundary events. `body s: a b %s/end` says what stands in a body,
//! `copies s: x s.x` which variables it has copies of, `source a/after 3d` what is written there.

use crate::graph::{Condition, Edge, Graph, Node, Origin, Outcome, Scope, ScopeKind, Variable};
use crate::kind::{Kind, Trigger};
use crate::policy::Policy;

/// The graph that a text describes.
pub(crate) fn graph(text: &str) -> Graph {
    let mut graph = Graph {
        name: "Test".into(),
        version: 1,
        origin: Origin::Workflow,
        outcome: Outcome::Unit,
        nodes: Vec::new().into(),
        edges: Vec::new().into(),
        variables: Vec::new().into(),
        parameters: 0,
        scopes: vec![Scope { kind: ScopeKind::Process, parent: 0 }].into(),
    };
    for line in text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
        statement(&mut graph, line);
    }
    graph
}

fn statement(graph: &mut Graph, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        ["built"] => {
            graph.origin = Origin::Built;
            graph.outcome = Outcome::Variables;
        }
        ["->", "value"] => graph.outcome = Outcome::Value,
        ["->", "never"] => graph.outcome = Outcome::Never,
        ["type", name, ty] => {
            let variable = variable(graph, name);
            graph.variables.to_mut()[variable].ty = ty.to_owned().into();
        }
        ["parameters", ref names @ ..] => graph.parameters = variables(graph, names).len(),
        [name, "sets", ref names @ ..] => {
            let (at, sets) = (node(graph, name), variables(graph, names));
            graph.nodes.to_mut()[at].sets.to_mut().extend(sets);
        }
        [name, "reads", ref names @ ..] => {
            let (at, reads) = (node(graph, name), variables(graph, names));
            graph.nodes.to_mut()[at].reads.to_mut().extend(reads);
        }
        ["branch", name, "of", fork, ref members @ ..] => {
            branch(graph, name, fork.trim_end_matches(':'), members);
        }
        ["body", of, ref members @ ..] => body(graph, of.trim_end_matches(':'), members),
        ["copies", scope, ref names @ ..] => copies(graph, scope.trim_end_matches(':'), names),
        ["source", name, ..] => {
            let at = node(graph, name);
            let text = line.splitn(3, ' ').nth(2).unwrap().to_owned();
            graph.nodes.to_mut()[at].source = text.into();
        }
        _ => path(graph, line),
    }
}

fn body(graph: &mut Graph, of: &str, members: &[&str]) {
    let of = node(graph, of);
    let (own, parent) = (graph.scopes.len(), graph.nodes[of].scope);
    graph.scopes.to_mut().push(Scope { kind: ScopeKind::Body { of }, parent });
    for member in members {
        let member = node(graph, member);
        graph.nodes.to_mut()[member].scope = own;
    }
}

fn copies(graph: &mut Graph, scope: &str, names: &[&str]) {
    let (at, pairs) = (node(graph, scope), variables(graph, names));
    for pair in pairs.chunks(2) {
        let name = graph.variables[pair[0]].name.clone();
        graph.variables.to_mut()[pair[1]].name = name;
        if let Kind::Scope { copies } = &mut graph.nodes.to_mut()[at].kind {
            copies.to_mut().push((pair[0], pair[1]));
        }
    }
}

fn branch(graph: &mut Graph, name: &str, fork: &str, members: &[&str]) {
    let mut parts = members.split(|word| *word == "after");
    let inside: Vec<usize> =
        parts.next().unwrap_or_default().iter().map(|name| node(graph, name)).collect();
    let fork = node(graph, fork);
    let named = |graph: &Graph, wanted: &str| {
        graph.scopes.iter().position(|scope| {
            matches!(&scope.kind, ScopeKind::Branch { name, fork: of, .. } if name == wanted && *of == fork)
        })
    };
    let after: Vec<&str> = parts.next().unwrap_or_default().to_vec();
    let (own, parent) = (graph.scopes.len(), graph.nodes[fork].scope);
    let kind = ScopeKind::Branch { name: name.to_owned().into(), fork, after: Vec::new().into() };
    // A branch may be mentioned before it is described; it is then described in its place.
    let own = named(graph, name).unwrap_or_else(|| {
        graph.scopes.to_mut().push(Scope { kind: kind.clone(), parent });
        own
    });
    for member in inside {
        graph.nodes.to_mut()[member].scope = own;
    }
    let mut indices = Vec::new();
    for before in after {
        let at = named(graph, before).unwrap_or_else(|| {
            let kind = ScopeKind::Branch {
                name: before.to_owned().into(),
                fork,
                after: Vec::new().into(),
            };
            graph.scopes.to_mut().push(Scope { kind, parent });
            graph.scopes.len() - 1
        });
        indices.push(at);
    }
    if let ScopeKind::Branch { after, .. } = &mut graph.scopes.to_mut()[own].kind {
        *after = indices.into();
    }
}

fn path(graph: &mut Graph, line: &str) {
    let mut rest = line;
    let mut from: Option<(usize, Condition, String, Vec<usize>)> = None;
    loop {
        let cut = [" > ", " -[", " -{"].iter().filter_map(|sign| rest.find(sign)).min();
        let to = node(graph, rest[..cut.unwrap_or(rest.len())].trim());
        if let Some((from, mut condition, text, sets)) = from.take() {
            if matches!(graph.nodes[to].kind, Kind::Boundary { of, .. } if of == from) {
                condition = Condition::Boundary;
            }
            let edge = Edge { from, to, condition, text: text.into(), sets: sets.into() };
            graph.edges.to_mut().push(edge);
        }
        let Some(cut) = cut else { return };
        rest = rest[cut..].trim_start();
        let end = match rest.as_bytes()[1] {
            b'[' => rest.find("]>").unwrap(),
            b'{' => rest.find("}>").unwrap(),
            _ => 0,
        };
        let (condition, text, sets) = condition(graph, rest, end);
        from = Some((to, condition, text, sets));
        rest = rest[end + if end == 0 { 1 } else { 2 }..].trim_start();
    }
}

fn condition(graph: &mut Graph, rest: &str, end: usize) -> (Condition, String, Vec<usize>) {
    match rest.as_bytes()[1] {
        b'[' => {
            let (text, sets) = rest[2..end].split_once('|').unwrap_or((&rest[2..end], ""));
            let names: Vec<&str> = sets.split_whitespace().collect();
            (Condition::Code, text.to_owned(), variables(graph, &names))
        }
        b'{' if &rest[2..end] == "else" => (Condition::Default, String::new(), Vec::new()),
        b'{' => (Condition::Expression(rest[2..end].to_owned().into()), String::new(), Vec::new()),
        _ => (Condition::Always, String::new(), Vec::new()),
    }
}

fn variables(graph: &mut Graph, names: &[&str]) -> Vec<usize> {
    names.iter().map(|name| variable(graph, name)).collect()
}

fn variable(graph: &mut Graph, name: &str) -> usize {
    if let Some(known) = graph.variables.iter().position(|variable| variable.key == name) {
        return known;
    }
    let text = name.to_owned();
    let variable = Variable { name: text.clone().into(), key: text.into(), ty: "".into() };
    graph.variables.to_mut().push(variable);
    graph.variables.len() - 1
}

/// The node in front of the last `/`; of a node that is not there yet any, as its kind is known.
fn owner(graph: &Graph, id: &str) -> usize {
    id.rsplit_once('/').and_then(|(of, _)| graph.node(of)).unwrap_or(usize::MAX)
}

fn trigger(id: &str) -> Trigger {
    match id.rsplit('/').next().unwrap().trim_end_matches(|sign: char| sign.is_ascii_digit()) {
        "error" => Trigger::Error,
        "after" => Trigger::After,
        "at" => Trigger::At,
        "every" => Trigger::Every,
        other => panic!("no trigger {other}"),
    }
}

fn node(graph: &mut Graph, name: &str) -> usize {
    let (kind, id) = match name.split_at(1) {
        ("?", id) => (Kind::Exclusive, id),
        ("+", id) => (Kind::Parallel, id),
        ("*", id) => (Kind::Each, id),
        (".", id) => (Kind::Script, id),
        ("~", id) => (Kind::Wait { after_ms: None }, id),
        ("@", id) => (Kind::User { name: id.to_owned().into() }, id),
        ("$", id) => (Kind::Scope { copies: Vec::new().into() }, id),
        ("%", id) => (Kind::Leave { of: owner(graph, id) }, id),
        ("=", id) => (Kind::Won { race: owner(graph, id) }, id),
        ("#", id) => {
            let wins = id.chars().next().and_then(|first| first.to_digit(10));
            (Kind::Race { wins: wins.unwrap_or(1) }, &id[usize::from(wins.is_some())..])
        }
        ("!" | ":", id) => {
            let (of, on) = (owner(graph, id), trigger(id));
            (Kind::Boundary { of, on, interrupts: name.starts_with('!') }, id)
        }
        _ if name.starts_with("start") => (Kind::Start, name),
        _ if name.starts_with("end") => (Kind::End { returns: false }, name),
        _ if name.starts_with("return") => (Kind::End { returns: true }, name),
        ("^", rest) => {
            // `^a/undo` undoes `a`.
            let of = graph.node(rest.trim_end_matches("/undo")).unwrap();
            (Kind::Undo { task: "undo".into(), of }, rest)
        }
        _ if name.starts_with("fail") => (Kind::Fail, name),
        _ => (Kind::Service { task: name.to_owned().into(), policy: Policy::NONE }, name),
    };
    graph.node(id).unwrap_or_else(|| {
        let (reads, sets) = (Vec::new().into(), Vec::new().into());
        let id = id.to_owned().into();
        graph.nodes.to_mut().push(Node { id, kind, scope: 0, reads, sets, source: "".into() });
        graph.nodes.len() - 1
    })
}
