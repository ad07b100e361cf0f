//! Pictures of a graph: for documentation, for terminals and for the tools that people know.
//!
//! Every picture is a pure function of the graph: same graph, same text. A graph that the checks
//! would refuse is drawn as far as it goes (edges that lead nowhere are left out), because a
//! picture helps most where something is wrong.
//!
//! Deliberately not here: themes, files and instances. What runs where is drawn by a console.

mod dot;
mod mermaid;
#[cfg(test)]
pub(crate) mod sample;
mod svg;
mod text;

use std::borrow::Cow;

pub use self::dot::dot;
pub use self::mermaid::mermaid;
pub use self::svg::svg;
pub use self::text::text;

use crate::duration;
use crate::graph::{Condition, Edge, Graph, Node, Scope, ScopeKind};
use crate::kind::{Kind, Trigger};

/// A graph prepared for drawing: its ways out by node, in time linear in the graph.
struct Drawing<'g> {
    graph: &'g Graph,
    /// The edges whose ends both exist, in the graph's order.
    edges: Vec<&'g Edge>,
    /// The positions in `edges` of every node's ways out.
    outs: Vec<Vec<usize>>,
}

/// How a node is drawn.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Start,
    End,
    Service,
    User,
    Script,
    Wait,
    Fail,
    Undo,
    Choice,
    Merge,
    Each,
    Fork,
    Join,
    Scope,
    Leave,
    /// A boundary event for errors.
    Catch,
    /// A timer that interrupts.
    Limit,
    /// A timer that starts something beside.
    Beside,
    Race,
    Won,
}

/// A line of a picture that is made of lines: a node, or where a body begins or ends.
enum Line {
    Node(usize),
    /// The scope of the body.
    Opens(usize),
    Closes,
}

impl<'g> Drawing<'g> {
    fn new(graph: &'g Graph) -> Self {
        let exists = |node: usize| node < graph.nodes.len();
        let edges: Vec<_> =
            graph.edges.iter().filter(|edge| exists(edge.from) && exists(edge.to)).collect();
        let mut outs = vec![Vec::new(); graph.nodes.len()];
        for (position, edge) in edges.iter().enumerate() {
            outs[edge.from].push(position);
        }
        Drawing { graph, edges, outs }
    }

    fn shape(&self, node: usize) -> Shape {
        let splits = self.outs[node].len() > 1;
        match self.graph.nodes[node].kind {
            Kind::Start => Shape::Start,
            Kind::End { .. } => Shape::End,
            Kind::Service { .. } => Shape::Service,
            Kind::User { .. } => Shape::User,
            Kind::Script => Shape::Script,
            Kind::Wait { .. } => Shape::Wait,
            Kind::Fail => Shape::Fail,
            Kind::Undo { .. } => Shape::Undo,
            Kind::Exclusive if splits => Shape::Choice,
            Kind::Exclusive => Shape::Merge,
            Kind::Each => Shape::Each,
            Kind::Parallel if splits => Shape::Fork,
            Kind::Parallel => Shape::Join,
            Kind::Scope { .. } => Shape::Scope,
            Kind::Leave { .. } => Shape::Leave,
            Kind::Boundary { on: Trigger::Error, .. } => Shape::Catch,
            Kind::Boundary { interrupts: true, .. } => Shape::Limit,
            Kind::Boundary { .. } => Shape::Beside,
            Kind::Race { .. } => Shape::Race,
            Kind::Won { .. } => Shape::Won,
        }
    }

    /// What a node is called in a picture.
    fn name(&self, node: usize) -> String {
        one_line(&self.graph.nodes[node].id)
    }

    /// What stands at a node: its name, and of a timer how long it waits where that is known.
    fn title(&self, node: usize) -> String {
        let name = self.name(node);
        match self.graph.nodes[node].kind {
            Kind::Wait { after_ms: Some(after) } => format!("{name} ({})", duration::text(after)),
            _ => name,
        }
    }

    /// What stands on an edge; empty if nothing does.
    fn caption(&self, edge: usize) -> String {
        let Edge { from, condition, text, .. } = self.edges[edge];
        if !text.is_empty() {
            return one_line(text);
        }
        match condition {
            Condition::Expression(expression) => one_line(expression),
            Condition::VariableEq(name, value) => one_line(&format!("{name} == {value}")),
            Condition::Default => "else".to_owned(),
            Condition::Boundary => String::new(),
            Condition::Always | Condition::Code if self.shape(*from) == Shape::Each => {
                let is_body = self.outs[*from].first() == Some(&edge);
                if is_body { "next" } else { "done" }.to_owned()
            }
            Condition::Always | Condition::Code => self.branch(edge).unwrap_or_default(),
        }
    }

    /// The name of the branch that an edge enters, with what the branch waits for.
    fn branch(&self, edge: usize) -> Option<String> {
        let Edge { from, to, .. } = *self.edges[edge];
        let scope = self.graph.nodes[to].scope;
        let (name, fork, after) = self.as_branch(scope)?;
        let before = self.graph.nodes[from].scope;
        let is_sibling = || self.as_branch(before).is_some_and(|(_, other, _)| other == fork);
        if before == scope || !(from == fork || is_sibling()) {
            return None;
        }
        let waits: Vec<_> = after
            .iter()
            .filter_map(|&sibling| self.as_branch(sibling))
            .map(|(name, ..)| name)
            .collect();
        match waits.is_empty() {
            true => Some(one_line(name)),
            false => Some(one_line(&format!("{name} after {}", waits.join(", ")))),
        }
    }

    /// Whether an edge leads to what runs beside the node that it leaves.
    fn is_beside(&self, edge: usize) -> bool {
        let Edge { to, condition, .. } = self.edges[edge];
        *condition == Condition::Boundary && self.shape(*to) == Shape::Beside
    }

    /// The nodes in the graph's order, those of a body together where its first one is.
    fn lines(&self) -> Vec<Line> {
        let mut inside: Vec<Vec<Line>> = self.graph.scopes.iter().map(|_| Vec::new()).collect();
        let mut outside = Vec::new();
        let mut is_shown = vec![false; inside.len()];
        for (node, at) in self.nodes() {
            let mut line = Line::Node(node);
            // From the inside, up to a body that has its place already.
            for body in self.bodies(at.scope) {
                inside[body].push(line);
                line = Line::Opens(body);
                if std::mem::replace(&mut is_shown[body], true) {
                    line = Line::Closes;
                    break;
                }
            }
            if !matches!(line, Line::Closes) {
                outside.push(line);
            }
        }
        let mut lines = Vec::new();
        let mut rest: Vec<Line> = outside.into_iter().rev().collect();
        while let Some(line) = rest.pop() {
            if let Line::Opens(body) = line {
                rest.push(Line::Closes);
                rest.extend(std::mem::take(&mut inside[body]).into_iter().rev());
            }
            lines.push(line);
        }
        lines
    }

    /// The bodies around a scope, from the inside.
    fn bodies(&self, scope: usize) -> impl Iterator<Item = usize> {
        let scopes = &self.graph.scopes;
        let parent = move |at: &usize| {
            let parent = scopes.get(*at)?.parent;
            (parent != *at).then_some(parent)
        };
        let around = std::iter::successors(Some(scope), parent).take(scopes.len());
        around.filter(|at| {
            scopes.get(*at).is_some_and(|scope| matches!(scope.kind, ScopeKind::Body { .. }))
        })
    }

    /// What a body is called in a picture: like the node that opens it.
    fn body(&self, scope: usize) -> String {
        match self.graph.scopes[scope].kind {
            ScopeKind::Body { of } if of < self.graph.nodes.len() => self.name(of),
            _ => String::new(),
        }
    }

    fn as_branch(&self, scope: usize) -> Option<(&'g str, usize, &'g [usize])> {
        match self.graph.scopes.get(scope) {
            Some(Scope { kind: ScopeKind::Branch { name, fork, after }, .. }) => {
                Some((name, *fork, after))
            }
            _ => None,
        }
    }

    fn nodes(&self) -> impl Iterator<Item = (usize, &'g Node)> + use<'g> {
        self.graph.nodes.iter().enumerate()
    }
}

/// The text on one line: white space and control characters become single blanks.
fn one_line(text: &str) -> String {
    let blank = |c: char| c.is_whitespace() || c.is_control();
    text.split(blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Replaces every character for which `escape` has an answer.
fn escaped(text: &str, escape: impl Fn(char) -> Option<Cow<'static, str>>) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match escape(c) {
            Some(replacement) => out.push_str(&replacement),
            None => out.push(c),
        }
    }
    out
}
