//! Building the graph: nodes, edges, open ends.

use std::collections::HashSet;

use bpm_model::graph::{Condition, Edge, Graph, Node, Origin, Outcome, Scope, ScopeKind, Variable};
use bpm_model::kind::Kind;
use proc_macro2::{Ident, Span};

use super::names::{self, NodeName, Scopes};
use super::{Binder, Lowered, Lowering, Open, Part, Places, Region, Visit, names::plain};
use crate::report::Report;
use crate::spacing;
use crate::syntax::{Process, ResultType, Tokens};

impl<'a> Lowering<'a> {
    pub(super) fn new(process: &'a Process) -> Lowering<'a> {
        let stored = process.stored_name.clone().unwrap_or_else(|| plain(&process.name));
        let graph = Graph {
            name: stored.into(),
            version: process.version,
            origin: Origin::Workflow,
            outcome: match process.result {
                ResultType::Unit => Outcome::Unit,
                ResultType::Never => Outcome::Never,
                ResultType::Value(_) => Outcome::Value,
            },
            nodes: Vec::new().into(),
            edges: Vec::new().into(),
            variables: Vec::new().into(),
            parameters: process.parameters.len(),
            scopes: vec![Scope { kind: ScopeKind::Process, parent: 0 }].into(),
        };
        Lowering {
            process,
            graph,
            node_names: Vec::new(),
            places: Places::new(process.name.span(), process.result_span),
            binders: Vec::new(),
            user_tasks: Vec::new(),
            reports: Vec::new(),
            parts: Vec::new(),
            scopes: Scopes::default(),
            scope: 0,
            loops: Vec::new(),
            unseen: Vec::new(),
            loop_labels: Vec::new(),
            orders: Vec::new(),
            ways: 0,
            private: HashSet::new(),
            thrown: Vec::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn start(&mut self) {
        let start = self.node(Kind::Start, NodeName::Content("start".into()), self.places.process);
        self.open = vec![self.way(start)];
    }

    /// A path that is still open at the bottom ends there.
    pub(super) fn end(&mut self) {
        if !self.open.is_empty() {
            let kind = Kind::End { returns: false };
            self.node(kind, NodeName::Content("end".into()), self.process.end);
        }
    }

    pub(super) fn finish(mut self) -> Lowered<'a> {
        names::assign(&self.node_names, &mut self.graph);
        self.names_of_other_arms();
        self.sort_edges();
        let last = self.graph.nodes.len().saturating_sub(1);
        let variables = (0..self.binders.len()).filter(|at| self.is_of_process(*at)).collect();
        Lowered {
            graph: self.graph,
            places: self.places,
            body: Region { nodes: (0, last), variables, parts: self.parts },
            binders: self.binders,
            user_tasks: self.user_tasks,
            thrown: self.thrown,
            reports: self.reports,
        }
    }

    /// Rust says itself that a name of another arm is not in sight; of an expression that is data
    /// the checks know only whether the process has the name.
    fn names_of_other_arms(&mut self) {
        for name in std::mem::take(&mut self.unseen) {
            let text = plain(&name);
            if self.graph.variables.iter().any(|variable| variable.name == text.as_str()) {
                let what = format!("[B014] the variable `{text}` is not in sight here");
                let report = Report::new(name.span(), what)
                    .follows("it belongs to the arm whose pattern binds it")
                    .help("set a variable with `let` in that arm");
                self.reports.push(report);
            }
        }
    }

    fn is_of_process(&self, variable: usize) -> bool {
        let name = plain(&self.binders[variable].name);
        self.scopes.of_process(&name) == Some(variable)
    }

    /// Adds a node; the open ends lead to it.
    pub(super) fn node(&mut self, kind: Kind, name: NodeName, span: Span) -> usize {
        let node = self.graph.nodes.len();
        self.graph.nodes.to_mut().push(Node {
            id: "".into(),
            kind,
            scope: self.scope,
            reads: Vec::new().into(),
            sets: Vec::new().into(),
            source: "".into(),
        });
        self.node_names.push(name);
        self.places.nodes.push(span);
        for open in std::mem::take(&mut self.open) {
            self.connect(open, node);
        }
        node
    }

    /// Draws the edge from an open end to a node.
    pub(super) fn connect(&mut self, open: Open, to: usize) {
        self.graph.edges.to_mut().push(Edge {
            from: open.from,
            to,
            condition: open.condition,
            text: open.text.into(),
            sets: open.sets.into(),
        });
        self.places.edges.push(open.span);
        self.orders.push(open.order);
    }

    /// Edges are drawn when their targets are known, which is not the order in which they are
    /// tried.
    fn sort_edges(&mut self) {
        let edges = self.graph.edges.to_mut();
        let mut by_way: Vec<usize> = (0..edges.len()).collect();
        by_way.sort_by_key(|at| (edges[*at].from, self.orders[*at]));
        *edges = by_way.iter().map(|at| edges[*at].clone()).collect();
        self.places.edges = by_way.iter().map(|at| self.places.edges[*at]).collect();
    }

    /// The only way out of a node.
    pub(super) fn way(&mut self, from: usize) -> Open {
        let span = self.places.nodes[from];
        self.choice(from, Condition::Always, String::new(), span)
    }

    /// One of several ways out of a node; they are tried in the order in which they are made.
    pub(super) fn choice(
        &mut self,
        from: usize,
        condition: Condition,
        text: String,
        span: Span,
    ) -> Open {
        self.ways += 1;
        Open { from, condition, text, sets: Vec::new(), span, order: self.ways }
    }

    /// Several open ends become one.
    pub(super) fn merge(&mut self, of: usize) {
        if self.open.len() > 1 {
            let span = self.places.nodes[of];
            let merge = self.node(Kind::Exclusive, NodeName::Within(of, "end".into()), span);
            self.open = vec![self.way(merge)];
        }
    }

    /// What the node's expressions are, for the fingerprint.
    pub(super) fn source(&mut self, node: usize, source: &[&Tokens]) {
        let parts = source.iter().filter(|tokens| !tokens.is_empty());
        let parts: Vec<String> = parts.map(|tokens| spacing::text(tokens)).collect();
        self.graph.nodes.to_mut()[node].source = parts.join(" | ").into();
    }

    /// Adds a variable; its key is its name, with a number where that is taken.
    pub(super) fn variable(&mut self, name: Ident) -> usize {
        self.add_variable(plain(&name), name, None)
    }

    /// Adds a variable that no expression can see.
    pub(super) fn hidden(&mut self, name: String, span: Span) -> usize {
        let variable = self.add_variable(name, Ident::new("hidden", span), None);
        self.binders[variable].hidden = true;
        self.private.insert(variable);
        variable
    }

    /// Adds a variable that takes the place of another one in a branch of a race.
    pub(super) fn copy(&mut self, of: usize) -> usize {
        let (name, text) = (self.binders[of].name.clone(), self.graph.variables[of].name.clone());
        let copy = self.add_variable(text.into_owned(), name, Some(of));
        self.graph.variables.to_mut()[copy].ty = self.graph.variables[of].ty.clone();
        copy
    }

    fn add_variable(&mut self, text: String, name: Ident, copy_of: Option<usize>) -> usize {
        let variables = self.graph.variables.to_mut();
        let numbered = (2..).map(|number: usize| format!("{text}#{number}"));
        let mut keys = std::iter::once(text.clone()).chain(numbered);
        let free = keys.find(|key| variables.iter().all(|other| other.key != key.as_str()));
        let key = free.unwrap_or_else(|| unreachable!("there are more numbers than variables"));
        variables.push(Variable { name: text.into(), key: key.into(), ty: "".into() });
        let binder = Binder { name, mutable: None, annotation: None, hidden: false, copy_of };
        self.binders.push(binder);
        self.binders.len() - 1
    }

    pub(super) fn visit(&mut self, visit: Visit<'a>) {
        self.parts.push(Part::Visit(visit));
    }
}
