//! Blocks are sound by construction, so `check` does not ask it of them. Here it is asked: of
//! every process that any test of this crate expands, of those in documents and examples, and of
//! random ones.

use std::path::Path;

use bpm_model::check;
use bpm_model::graph::{Condition, Edge, Graph, Node, Outcome, ScopeKind};
use bpm_model::kind::Kind;
use proc_macro2::{TokenStream, TokenTree};

use super::tokens;
use crate::lower::lower;
use crate::syntax;

/// No join waits for ever, no two tokens meet, and every path comes to an end or could.
#[track_caller]
pub(crate) fn assert_sound(graph: &Graph) {
    let mut graph = graph.clone();
    let takes_all = |node: &usize| match graph.nodes[*node].kind {
        Kind::Fail => true,
        // `return` in a branch takes all other tokens with it, as a failure does.
        Kind::End { .. } => graph.nodes[*node].scope != 0,
        _ => false,
    };
    let fails = (0..graph.nodes.len()).filter(takes_all);
    for node in fails.collect::<Vec<usize>>() {
        graph.nodes.to_mut()[node].kind = Kind::Script;
        lead_out(&mut graph, node);
    }
    while graph.outcome == Outcome::Never
        && let Some(head) = endless_loop(&graph)
    {
        lead_out(&mut graph, head);
    }
    let findings = check::tokens(&graph);
    let messages: Vec<String> =
        findings.iter().map(|finding| finding.message(&graph).to_string()).collect();
    assert!(messages.is_empty(), "{}\n{graph:#?}", messages.join("\n"));
}

/// What goes nowhere gets a way out that is never taken: out of a branch to where the branch ends,
/// else to an end. A loop that never ends is right in a process of type `!`, and `fail` takes all
/// other tokens with it.
fn lead_out(graph: &mut Graph, node: usize) {
    let scope = graph.nodes[node].scope;
    let to = match graph.scopes[scope].kind {
        ScopeKind::Branch { fork, .. } => match leaving(graph, scope) {
            Some(edge) => merge_on(graph, edge),
            None => join_of(graph, fork),
        },
        ScopeKind::Body { of } => return lead_to_leave(graph, node, of),
        ScopeKind::Process => add(graph, Kind::End { returns: false }, 0),
    };
    connect(graph, node, to);
}

/// Out of a body a way leads to where it completes; a body that never does gets such a place.
fn lead_to_leave(graph: &mut Graph, node: usize, of: usize) {
    let scope = graph.nodes[node].scope;
    let into = graph.edges.iter().position(|edge| graph.nodes[edge.to].kind == Kind::Leave { of });
    if let Some(edge) = into {
        let merge = merge_on(graph, edge);
        return connect(graph, node, merge);
    }
    let leave = add(graph, Kind::Leave { of }, scope);
    connect(graph, node, leave);
    if !matches!(graph.nodes[of].kind, Kind::Boundary { .. }) {
        let around = add(graph, Kind::Script, graph.nodes[of].scope);
        connect(graph, leave, around);
        lead_out(graph, around);
    }
}

fn is_inside(graph: &Graph, node: usize, scope: usize) -> bool {
    let mut at = graph.nodes[node].scope;
    while at != scope && at != graph.scopes[at].parent {
        at = graph.scopes[at].parent;
    }
    at == scope
}

/// The edge that leaves a branch.
fn leaving(graph: &Graph, scope: usize) -> Option<usize> {
    graph
        .edges
        .iter()
        .position(|edge| is_inside(graph, edge.from, scope) && !is_inside(graph, edge.to, scope))
}

/// Puts a merge on an edge.
fn merge_on(graph: &mut Graph, edge: usize) -> usize {
    let Edge { from, to, .. } = graph.edges[edge];
    let merge = add(graph, Kind::Exclusive, graph.nodes[from].scope);
    graph.edges.to_mut()[edge].to = merge;
    connect(graph, merge, to);
    merge
}

fn add(graph: &mut Graph, kind: Kind, scope: usize) -> usize {
    let id = format!("added#{}", graph.nodes.len()).into();
    let (reads, sets, source) = (Vec::new().into(), Vec::new().into(), "".into());
    graph.nodes.to_mut().push(Node { id, kind, scope, reads, sets, source });
    graph.nodes.len() - 1
}

fn connect(graph: &mut Graph, from: usize, to: usize) {
    let (condition, text, sets) = (Condition::Code, "".into(), Vec::new().into());
    graph.edges.to_mut().push(Edge { from, to, condition, text, sets });
}

/// The first node of a cycle that is never left: its head, because a loop is lowered from its
/// head on.
fn endless_loop(graph: &Graph) -> Option<usize> {
    let from_start = reached(graph, 0);
    let is_left = |node: usize, reached: &[usize]| {
        reached.iter().any(|next| !self::reached(graph, *next).contains(&node))
    };
    (0..graph.nodes.len()).filter(|node| from_start.contains(node)).find(|node| {
        let reached = reached(graph, *node);
        reached.contains(node) && !is_left(*node, &reached)
    })
}

/// What can be reached from a node, by one edge at least.
fn reached(graph: &Graph, node: usize) -> Vec<usize> {
    let mut reached: Vec<usize> = graph.outgoing(node).map(|(_, edge)| edge.to).collect();
    let mut at = 0;
    while let Some(&next) = reached.get(at) {
        let ways: Vec<usize> = graph.outgoing(next).map(|(_, edge)| edge.to).collect();
        ways.into_iter().for_each(|to| {
            if !reached.contains(&to) {
                reached.push(to);
            }
        });
        at += 1;
    }
    reached
}

/// The join of a block is the first node that is lowered behind its branches.
fn join_of(graph: &Graph, fork: usize) -> usize {
    let of_block = |scope: &usize| match graph.scopes[*scope].kind {
        ScopeKind::Branch { fork: of, .. } => of == fork,
        ScopeKind::Process | ScopeKind::Body { .. } => false,
    };
    let branches: Vec<usize> = (0..graph.scopes.len()).filter(of_block).collect();
    let lowered = (0..graph.nodes.len()).filter(|node| !graph.nodes[*node].id.starts_with("added"));
    let inside = |node: &usize| branches.iter().any(|at| is_inside(graph, *node, *at));
    lowered.filter(inside).max().map_or(fork, |last| last + 1)
}

/// Whether nothing is wrong with a process; if so, it is found sound.
fn is_accepted(process: TokenStream) -> bool {
    let mut reports = Vec::new();
    let Some(process) = syntax::process(process, &mut reports) else { return false };
    let lowered = lower(&process);
    let clean = reports.is_empty() && lowered.reports.is_empty();
    let accepted = clean && check::check(&lowered.graph).is_empty();
    if accepted {
        assert_sound(&lowered.graph);
    }
    accepted
}

#[test]
fn processes_of_documents_and_examples_are_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut accepted = 0;
    for folder in ["", "docs", "docs/errors", "examples", "src", "tests/it", "tests/ui/pass"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let is_page = path.extension().is_some_and(|end| end == "md");
            if !is_page && path.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let sources: Vec<&str> = match is_page {
                true => text.split("```").skip(1).step_by(2).collect(),
                false => vec![&text],
            };
            let streams = sources.iter().filter(|text| text.contains("workflow! {"));
            let streams = streams.filter_map(|text| {
                text.strip_prefix("rust").unwrap_or(text).parse::<TokenStream>().ok()
            });
            let processes = streams.flat_map(processes);
            accepted += processes.filter(|process| is_accepted(process.clone())).count();
        }
    }
    assert!(accepted > 40, "only {accepted} processes were found");
}

/// What stands in the braces of each `workflow! { … }`.
fn processes(stream: TokenStream) -> Vec<TokenStream> {
    let (mut found, mut ready) = (Vec::new(), vec![stream]);
    while let Some(stream) = ready.pop() {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            match at > 1 && syntax::is_ident(&tokens[at - 2], "workflow") {
                true => found.push(group.stream()),
                false => ready.push(group.stream()),
            }
        }
    }
    found
}

#[test]
fn random_processes_are_sound() {
    let mut accepted = 0;
    for seed in 0..1_500 {
        let mut text = Text { random: seed * 2 + 1, names: 0, loops: 0, left: 9 };
        let result = ["", "-> !"][text.below(2)];
        let body = text.body(0, false);
        let end = if result.is_empty() { "" } else { "loop { service last(); }" };
        let source = format!("process P(n: u32) {result} {{ {body} {end} }}");
        let process = tokens(&source);
        let outcome = std::panic::catch_unwind(|| is_accepted(process));
        accepted += usize::from(outcome.unwrap_or_else(|_| panic!("seed {seed}: {source}")));
    }
    assert!(accepted > 400, "only {accepted} of 1500 are accepted: a poor sample");
}

/// The text of a random process.
struct Text {
    random: u64,
    names: usize,
    loops: usize,
    /// How many statements may still be written.
    left: usize,
}

impl Text {
    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        ((self.random >> 16) % bound as u64) as usize
    }

    fn body(&mut self, depth: usize, in_branch: bool) -> String {
        let count = 1 + self.below(3);
        (0..count).map(|_| self.statement(depth, in_branch)).collect()
    }

    fn name(&mut self) -> usize {
        self.names += 1;
        self.names
    }

    fn statement(&mut self, depth: usize, in_branch: bool) -> String {
        if self.left == 0 || depth > 3 {
            return String::new();
        }
        self.left -= 1;
        let name = self.name();
        match self.below(13) {
            10 => self.scope(depth, in_branch),
            11 => self.race(depth),
            12 => {
                let body = self.body(depth + 1, in_branch);
                format!(
                    "service f{name}() on error _ => {{ {body} }} also after 1d => {{ 'h{name}: service f(); }}"
                )
            }
            0 => format!("if n > 3 {{ {} }}", self.body(depth + 1, in_branch)),
            1 => {
                let (one, other) =
                    (self.body(depth + 1, in_branch), self.body(depth + 1, in_branch));
                format!("if \"n > 3\" {{ {one} }} else {{ {other} }}")
            }
            2 => {
                let (one, other) =
                    (self.body(depth + 1, in_branch), self.body(depth + 1, in_branch));
                format!("match n {{ 0 => {{ {one} }} 1 => {{ }} _ => {{ {other} }} }}")
            }
            3 => self.looped("while n > 3", depth, in_branch),
            4 => self.looped("for x in list(n)", depth, in_branch),
            5 => self.looped("loop", depth, in_branch),
            6 | 7 => self.parallel(depth),
            9 if self.below(4) == 0 => format!("if n > 3 {{ 'x{name}: fail \"x\"; }}"),
            9 if self.below(8) == 0 => format!("'x{name}: fail \"x\";"),
            8 if self.below(if in_branch { 6 } else { 2 }) == 0 => {
                "if n > 3 { return; }".to_owned()
            }
            _ => format!("service f{name}();"),
        }
    }

    /// A loop that may be left and begun again in its middle.
    fn looped(&mut self, word: &str, depth: usize, in_branch: bool) -> String {
        self.loops += 1;
        let (label, name) = (self.loops, self.name());
        let body = self.body(depth + 1, in_branch);
        let jump = ["", "if n > 3 { break; }", "if n > 4 { continue; }"][self.below(3)];
        let last = match self.below(3) {
            0 => format!("if n > 5 {{ break 'l{label}; }}"),
            _ => String::new(),
        };
        format!("'l{label}: {word} {{ service g{name}(); {jump} {body} {last} }}")
    }

    /// A scope with handlers.
    fn scope(&mut self, depth: usize, in_branch: bool) -> String {
        let (name, body) = (self.name(), self.body(depth + 1, in_branch));
        let handler = match self.below(2) {
            0 => format!("on after 3d => {{ {} }}", self.body(depth + 1, in_branch)),
            _ => String::new(),
        };
        let beside = match self.below(2) {
            0 => format!("also every 1d => {{ {} }}", self.body(depth + 1, true)),
            _ => String::new(),
        };
        format!("'s{name}: scope {{ 't{name}: service f(); {body} }} {handler} {beside} ")
    }

    fn race(&mut self, depth: usize) -> String {
        let count = 2 + self.below(2);
        let wins = 1 + self.below(2);
        let branches: String =
            (0..count).map(|at| format!("b{at}: {{ {} }} ", self.body(depth + 1, true))).collect();
        format!("race {wins} of {{ {branches} }}")
    }

    fn parallel(&mut self, depth: usize) -> String {
        let count = 2 + self.below(2);
        let mut branches = String::new();
        for at in 0..count {
            let after: Vec<String> =
                (0..at).filter(|_| self.below(4) == 0).map(|at| format!("b{at}")).collect();
            let after = match after.is_empty() {
                true => String::new(),
                false => format!(" after {}", after.join(", ")),
            };
            branches += &format!("b{at}{after}: {{ {} }} ", self.body(depth + 1, true));
        }
        format!("parallel {{ {branches} }}")
    }
}
