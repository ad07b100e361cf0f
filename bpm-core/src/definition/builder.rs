//! The builder: a process drawn by hand, checked like one that the compiler checked.

mod calls;
mod clauses;

use std::panic::Location;
use std::time::Duration;

use bpm_model::check::check;
use bpm_model::finding::{Code, Finding, Findings, Named, Place};
use bpm_model::graph::{
    Condition, Edge, Graph, List, Node, Origin, Outcome, Scope, ScopeKind, Text,
};
use bpm_model::kind::Kind;
use bpm_model::policy::{Policy, Retry};

use super::ProcessDefinition;
use calls::{Call, Calls};
use clauses::{Clause, Clauses};

pub use clauses::After;

/// Collects nodes and edges; [`build`](Self::build) checks them.
///
/// Nothing is refused before that: an unknown node in an edge is a finding like any other.
#[derive(Clone, Debug)]
pub struct DefinitionBuilder {
    name: String,
    version: u32,
    nodes: Vec<Node>,
    edges: Vec<Drawn>,
    clauses: Clauses,
    calls: Calls,
}

/// An edge as it was written.
#[derive(Clone, Debug)]
struct Drawn {
    from: String,
    to: String,
    condition: Condition,
    call: Call,
}

/// When an edge out of an exclusive gateway is taken. Among several edges the first one in the
/// order of writing whose condition is true wins.
#[derive(Clone, Debug, PartialEq)]
pub enum EdgeCondition {
    /// An expression of the expression language is true. An expression that cannot be decided is
    /// an incident, never `false`.
    Expression(String),
    /// A variable has this value; a variable that is not set has none.
    VariableEq(String, serde_json::Value),
    /// No other edge was taken, wherever this one stands.
    Default,
}

impl DefinitionBuilder {
    #[track_caller]
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            version: 1,
            nodes: Vec::new(),
            edges: Vec::new(),
            clauses: Clauses::default(),
            calls: Calls::new(Location::caller()),
        }
    }

    /// Sets the version; it is 1 otherwise.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Adds the start.
    #[track_caller]
    pub fn start(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::Start)
    }

    /// Adds an end. The instance completes with its variables.
    #[track_caller]
    pub fn end(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::End { returns: false })
    }

    /// Adds a service task, run by the handler or task of the same name. Its result, an object,
    /// is merged into the variables.
    #[track_caller]
    pub fn service(self, id: impl Into<String>) -> Self {
        self.node(id, |id| Kind::Service { task: id, policy: Policy::NONE })
    }

    /// Adds a user task. Its payload, an object, is merged into the variables.
    #[track_caller]
    pub fn user(self, id: impl Into<String>) -> Self {
        self.node(id, |id| Kind::User { name: id })
    }

    /// Adds a timer: an instance that comes there goes on after that time. The timer is durable,
    /// and never early by the engine's time.
    #[track_caller]
    pub fn wait(mut self, id: impl Into<String>, after: impl Into<After>) -> Self {
        let after_ms = match after.into().millis() {
            Ok(after_ms) => Some(after_ms),
            Err(text) => {
                self.clauses.unread(self.nodes.len(), text);
                None
            }
        };
        self.node(id, |_| Kind::Wait { after_ms })
    }

    /// Sets how often the service task with this id is attempted; once otherwise. A second one
    /// replaces the first.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use bpm_core::definition::{ProcessDefinition, Retry};
    ///
    /// let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    /// ProcessDefinition::builder("billing")
    ///     .start("start").service("charge").end("end")
    ///     .retry("charge", Retry::times(5).every(second, minute).then_suspend())
    ///     .timeout("charge", Duration::from_secs(30))
    ///     .edge("start", "charge").edge("charge", "end")
    ///     .build()?;
    /// # Ok::<(), bpm_model::finding::Findings>(())
    /// ```
    #[track_caller]
    pub fn retry(self, service: impl Into<String>, retry: Retry) -> Self {
        self.clause(service.into(), Clause::Retry(retry))
    }

    /// Sets how long one attempt of the service task with this id may take; without a bound
    /// otherwise. An attempt that takes longer is dropped and has failed.
    #[track_caller]
    pub fn timeout(self, service: impl Into<String>, timeout: Duration) -> Self {
        self.clause(service.into(), Clause::Timeout(clauses::millis(timeout)))
    }

    /// Adds an exclusive gateway: a choice if it has several ways out, a merge if it has several
    /// ways in.
    #[track_caller]
    pub fn exclusive(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::Exclusive)
    }

    /// Adds a parallel gateway: a fork if it has several ways out, a join if it has several ways
    /// in.
    #[track_caller]
    pub fn parallel(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::Parallel)
    }

    /// Leads from one node to another.
    #[track_caller]
    pub fn edge(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.connect(from.into(), to.into(), Condition::Always)
    }

    /// Leads from an exclusive gateway to a node under a condition.
    #[track_caller]
    pub fn edge_if(
        self,
        from: impl Into<String>,
        to: impl Into<String>,
        condition: EdgeCondition,
    ) -> Self {
        let condition = match condition {
            EdgeCondition::Expression(source) => Condition::Expression(source.into()),
            EdgeCondition::VariableEq(variable, value) => {
                Condition::VariableEq(variable.into(), value.to_string().into())
            }
            EdgeCondition::Default => Condition::Default,
        };
        self.connect(from.into(), to.into(), condition)
    }

    /// Checks the whole and makes a definition of it, or gives every finding.
    pub fn build(mut self) -> Result<ProcessDefinition, Findings> {
        let clauses = std::mem::take(&mut self.clauses);
        let mut findings = clauses.apply(&mut self.nodes, &mut self.calls);
        let (graph, calls) = self.graph();
        findings.extend(self::findings(&graph, &calls));
        if findings.is_empty() {
            Ok(ProcessDefinition::new(graph, None))
        } else {
            let called = |finding: &Finding, place: &Place| Some(calls.of(finding, place));
            Err(Findings::new(findings, graph).called(called))
        }
    }

    #[track_caller]
    fn node(mut self, id: impl Into<String>, kind: impl FnOnce(Text) -> Kind) -> Self {
        let id = Text::Owned(id.into());
        let kind = kind(id.clone());
        let (reads, sets) = (List::default(), List::default());
        self.calls.node(Location::caller());
        self.nodes.push(Node { id, kind, scope: 0, reads, sets, source: Text::default() });
        self
    }

    #[track_caller]
    fn connect(mut self, from: String, to: String, condition: Condition) -> Self {
        self.edges.push(Drawn { from, to, condition, call: Location::caller() });
        self
    }

    #[track_caller]
    fn clause(mut self, node: String, clause: Clause) -> Self {
        self.clauses.say(node, clause, Location::caller());
        self
    }

    /// The graph of all edges whose nodes exist, and what was called for it.
    fn graph(self) -> (Graph, Calls) {
        let mut edges = Vec::new();
        let mut calls = self.calls;
        let index = |id: &str| self.nodes.iter().position(|node| node.id == id);
        for Drawn { from, to, condition, call } in self.edges {
            match (index(&from), index(&to)) {
                (Some(from), Some(to)) => {
                    edges.push(edge(from, to, condition));
                    calls.edge(call);
                }
                (known_from, known_to) => {
                    let ends = [(known_from, from), (known_to, to)];
                    let unknown = ends.into_iter().filter(|(known, _)| known.is_none());
                    unknown.for_each(|(_, name)| calls.unknown(name, Named::Node, call));
                }
            }
        }
        let graph = Graph {
            name: self.name.into(),
            version: self.version,
            origin: Origin::Built,
            outcome: Outcome::Variables,
            nodes: self.nodes.into(),
            edges: edges.into(),
            variables: List::default(),
            parameters: 0,
            scopes: vec![Scope { kind: ScopeKind::Process, parent: 0 }].into(),
        };
        (graph, calls)
    }
}

fn edge(from: usize, to: usize, condition: Condition) -> Edge {
    Edge { from, to, condition, text: Text::default(), sets: List::default() }
}

/// Every finding; where edges are missing because they name unknown nodes, what would only follow
/// from that is left out.
fn findings(graph: &Graph, calls: &Calls) -> Vec<Finding> {
    let remains = |finding: &Finding| {
        calls.know_all() || matches!(finding.code(), Code::B001 | Code::B014 | Code::B015)
    };
    calls.findings(graph).chain(check(graph).into_iter().filter(remains)).collect()
}
