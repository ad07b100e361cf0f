//! The builder: a process drawn by hand, checked like one that the compiler checked.

use std::time::Duration;

use bpm_model::check::check;
use bpm_model::duration;
use bpm_model::finding::{Code, Fault, Finding, Findings, Named, Place};
use bpm_model::graph::{
    Condition, Edge, Graph, List, Node, Origin, Outcome, Scope, ScopeKind, Text,
};
use bpm_model::kind::Kind;
use bpm_model::policy::{Policy, Retry};
use bpm_model::spell;

use super::ProcessDefinition;

/// Collects nodes and edges; [`build`](Self::build) checks them.
///
/// Nothing is refused before that: an unknown node in an edge is a finding like any other.
#[derive(Clone, Debug)]
pub struct DefinitionBuilder {
    name: String,
    version: u32,
    nodes: Vec<Node>,
    edges: Vec<(String, String, Condition)>,
    clauses: Vec<(String, Clause)>,
    /// Durations that cannot be read, and the nodes that they are of.
    unread: Vec<(usize, String)>,
}

/// What is said of a node behind it.
#[derive(Clone, Copy, Debug)]
enum Clause {
    Retry(Retry),
    Timeout(u64),
}

/// How long a timer waits: a [`Duration`], or a number with a unit like `14d` or `1.5h`.
#[derive(Clone, Debug)]
pub struct After(Result<u64, String>);

impl From<Duration> for After {
    fn from(duration: Duration) -> Self {
        Self(Ok(millis(duration)))
    }
}

impl From<&str> for After {
    fn from(text: &str) -> Self {
        Self(duration::millis(text).ok_or_else(|| text.to_owned()))
    }
}

impl From<String> for After {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            version: 1,
            nodes: Vec::new(),
            edges: Vec::new(),
            clauses: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// Sets the version; it is 1 otherwise.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Adds the start.
    pub fn start(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::Start)
    }

    /// Adds an end. The instance completes with its variables.
    pub fn end(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::End { returns: false })
    }

    /// Adds a service task, run by the handler or task of the same name. Its result, an object,
    /// is merged into the variables.
    pub fn service(self, id: impl Into<String>) -> Self {
        self.node(id, |id| Kind::Service { task: id, policy: Policy::NONE })
    }

    /// Adds a user task. Its payload, an object, is merged into the variables.
    pub fn user(self, id: impl Into<String>) -> Self {
        self.node(id, |id| Kind::User { name: id })
    }

    /// Adds a timer: an instance that comes there goes on after that time. The timer is durable,
    /// and never early by the engine's time.
    pub fn wait(mut self, id: impl Into<String>, after: impl Into<After>) -> Self {
        let after_ms = match after.into().0 {
            Ok(after_ms) => Some(after_ms),
            Err(text) => {
                self.unread.push((self.nodes.len(), text));
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
    pub fn retry(self, service: impl Into<String>, retry: Retry) -> Self {
        self.clause(service.into(), Clause::Retry(retry))
    }

    /// Sets how long one attempt of the service task with this id may take; without a bound
    /// otherwise. An attempt that takes longer is dropped and has failed.
    pub fn timeout(self, service: impl Into<String>, timeout: Duration) -> Self {
        self.clause(service.into(), Clause::Timeout(millis(timeout)))
    }

    /// Adds an exclusive gateway: a choice if it has several ways out, a merge if it has several
    /// ways in.
    pub fn exclusive(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::Exclusive)
    }

    /// Adds a parallel gateway: a fork if it has several ways out, a join if it has several ways
    /// in.
    pub fn parallel(self, id: impl Into<String>) -> Self {
        self.node(id, |_| Kind::Parallel)
    }

    /// Leads from one node to another.
    pub fn edge(self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.connect(from.into(), to.into(), Condition::Always)
    }

    /// Leads from an exclusive gateway to a node under a condition.
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
        let mut findings = self.apply_clauses();
        let (graph, unknown) = self.graph();
        findings.extend(self::findings(&graph, unknown));
        if findings.is_empty() {
            Ok(ProcessDefinition::new(graph, None))
        } else {
            Err(Findings::new(findings, graph))
        }
    }

    fn node(mut self, id: impl Into<String>, kind: impl FnOnce(Text) -> Kind) -> Self {
        let id = Text::Owned(id.into());
        let kind = kind(id.clone());
        let (reads, sets) = (List::default(), List::default());
        self.nodes.push(Node { id, kind, scope: 0, reads, sets, source: Text::default() });
        self
    }

    fn connect(mut self, from: String, to: String, condition: Condition) -> Self {
        self.edges.push((from, to, condition));
        self
    }

    fn clause(mut self, node: String, clause: Clause) -> Self {
        self.clauses.push((node, clause));
        self
    }

    /// Puts every clause to its node; a finding for every one that has none, and for every
    /// duration that cannot be read.
    fn apply_clauses(&mut self) -> Vec<Finding> {
        let unread = |(at, text)| Finding::new(Fault::NotADuration { text }, Place::Node(at));
        let mut findings: Vec<_> =
            std::mem::take(&mut self.unread).into_iter().map(unread).collect();
        for (id, clause) in std::mem::take(&mut self.clauses) {
            let Some(at) = self.nodes.iter().position(|node| node.id == id) else {
                findings.push(unknown_node(id, &self.nodes, Named::Activity));
                continue;
            };
            match (&mut self.nodes[at].kind, clause) {
                (Kind::Service { policy, .. }, Clause::Retry(retry)) => policy.retry = Some(retry),
                (Kind::Service { policy, .. }, Clause::Timeout(ms)) => policy.timeout_ms = Some(ms),
                (_, clause) => findings.push(foreign(clause, &id, at)),
            }
        }
        findings
    }

    /// The graph of all edges whose nodes exist, and a finding for every node that does not.
    fn graph(self) -> (Graph, Vec<Finding>) {
        let mut edges = Vec::new();
        let mut unknown = Vec::new();
        let index = |id: &str| self.nodes.iter().position(|node| node.id == id);
        for (from, to, condition) in self.edges {
            match (index(&from), index(&to)) {
                (Some(from), Some(to)) => edges.push(edge(from, to, condition)),
                (known, _) => {
                    let name = if known.is_some() { to } else { from };
                    unknown.push(unknown_node(name, &self.nodes, Named::Node));
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
        (graph, unknown)
    }
}

fn edge(from: usize, to: usize, condition: Condition) -> Edge {
    Edge { from, to, condition, text: Text::default(), sets: List::default() }
}

fn foreign(clause: Clause, id: &str, node: usize) -> Finding {
    let word = match clause {
        Clause::Retry(_) => "retry",
        Clause::Timeout(_) => "timeout",
    };
    Finding::new(Fault::ForeignClause { word, of: id.to_owned() }, Place::Node(node))
}

fn unknown_node(name: String, nodes: &[Node], named: Named) -> Finding {
    let ids = nodes.iter().map(|node| node.id.as_ref());
    let nearest = spell::nearest(&name, ids).map(str::to_owned);
    Finding::new(Fault::Unknown { named, name, nearest }, Place::Process)
}

/// Every finding; where edges are missing because they name unknown nodes, what would only follow
/// from that is left out.
fn findings(graph: &Graph, mut unknown: Vec<Finding>) -> Vec<Finding> {
    let found = check(graph).into_iter();
    if unknown.is_empty() {
        return found.collect();
    }
    unknown.extend(
        found.filter(|finding| matches!(finding.code(), Code::B001 | Code::B014 | Code::B015)),
    );
    unknown
}
