//! Definitions: a graph, and what its nodes do.

mod builder;
mod conditions;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use bpm_model::fingerprint::{Fingerprint, fingerprint};
use bpm_model::graph::{Condition, Graph, Node, Origin, Text};
use bpm_model::kind::Kind;
use bpm_model::policy::Policy;
use bpm_model::render;
use serde::{Serialize, Serializer};

use crate::json::Json;
use crate::task::TaskSignature;
use crate::vars::{Current, Cx, Does, Values, Vars, Visit};
use conditions::Conditions;

pub use bpm_model::policy::{Exhausted, Retry};
pub use builder::{After, DefinitionBuilder, EdgeCondition};

/// A process that an engine can run: written with `workflow!` or built as data.
///
/// ```
/// use bpm_core::definition::{EdgeCondition, ProcessDefinition};
///
/// let definition = ProcessDefinition::builder("approval")
///     .start("start").exclusive("gateway").user("approve").end("approved").end("small")
///     .edge("start", "gateway")
///     .edge_if("gateway", "approve", EdgeCondition::Expression("amount > 50".into()))
///     .edge_if("gateway", "small", EdgeCondition::Default)
///     .edge("approve", "approved")
///     .build()?;
/// assert!(definition.to_mermaid().starts_with("flowchart"));
/// # Ok::<(), bpm_model::finding::Findings>(())
/// ```
///
/// Cloning is cheap.
#[derive(Clone)]
pub struct ProcessDefinition(Arc<Inner>);

struct Inner {
    graph: Graph,
    visit: Option<Visit>,
    fingerprint: Fingerprint,
    nodes: HashMap<Text, usize>,
    ways_out: Vec<Vec<usize>>,
    ways_in: Vec<usize>,
    start: usize,
    conditions: Conditions,
    policies: Vec<Policy>,
    undos: HashMap<usize, usize>,
    boundaries: Vec<Vec<usize>>,
}

impl Inner {
    fn new(graph: Graph, visit: Option<Visit>) -> Self {
        let mut ways_out = vec![Vec::new(); graph.nodes.len()];
        let mut ways_in = vec![0; graph.nodes.len()];
        for (index, edge) in graph.edges.iter().enumerate() {
            if edge.condition != Condition::Boundary {
                ways_out[edge.from].push(index);
            }
            ways_in[edge.to] += 1;
        }
        Self {
            visit,
            fingerprint: fingerprint(&graph),
            nodes: graph.nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect(),
            ways_out,
            ways_in,
            start: graph.nodes.iter().position(|node| node.kind == Kind::Start).unwrap_or(0),
            conditions: Conditions::of(&graph),
            policies: policies(&graph, visit),
            undos: undos(&graph),
            boundaries: boundaries(&graph),
            graph,
        }
    }
}

impl ProcessDefinition {
    /// A definition as data.
    #[track_caller]
    pub fn builder(name: impl Into<String>) -> DefinitionBuilder {
        DefinitionBuilder::new(name.into())
    }

    /// A definition whose nodes are compiled code.
    pub(crate) fn compiled(graph: Graph, visit: Visit) -> Self {
        Self::new(graph, Some(visit))
    }

    /// A definition of any graph and code, unchecked: for tests that make processes at random.
    #[doc(hidden)]
    pub fn of_graph(graph: Graph, visit: Option<Visit>) -> Self {
        Self::new(graph, visit)
    }

    fn new(graph: Graph, visit: Option<Visit>) -> Self {
        Self(Arc::new(Inner::new(graph, visit)))
    }

    /// The same, whose service tasks have the policies of what runs them where the graph says
    /// nothing. Of a compiled process they are known already.
    pub(crate) fn with_policies(self, own: impl Fn(&str) -> Policy) -> Self {
        if self.0.visit.is_some() {
            return self;
        }
        let mut inner = Inner::new(self.0.graph.clone(), None);
        for (policy, node) in inner.policies.iter_mut().zip(self.0.graph.nodes.iter()) {
            if let Kind::Service { task, .. } | Kind::Undo { task, .. } = &node.kind {
                *policy = policy.or(own(task));
            }
        }
        Self(Arc::new(inner))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.graph.name
    }

    /// The version, from 1.
    pub fn version(&self) -> u32 {
        self.0.graph.version
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// What tells this graph from every other one of the same name and version.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// The picture as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        render::mermaid(&self.0.graph)
    }

    /// The picture in Graphviz's language.
    pub fn to_dot(&self) -> String {
        render::dot(&self.0.graph)
    }

    /// The service tasks that the graph names, each once, in the order of its nodes.
    pub fn service_tasks(&self) -> Vec<&str> {
        let mut tasks = Vec::new();
        for node in self.0.graph.nodes.iter() {
            if let Kind::Service { task, .. } | Kind::Undo { task, .. } = &node.kind
                && !tasks.contains(&task.as_ref())
            {
                tasks.push(task.as_ref());
            }
        }
        tasks
    }

    /// Whether a value can be what this node gives: an activity's result or a payload. Of what has
    /// no such node, nothing can be said.
    ///
    /// # Errors
    ///
    /// Why it does not read as the node's type.
    pub fn accepts(&self, node: &str, value: &Json) -> Result<(), String> {
        let Some(node) = self.node(node) else { return Ok(()) };
        let Some(visit) = self.0.visit else { return self.results(node, value).map(drop) };
        let (values, nobody) = (Values::default(), Current::nobody());
        let vars = Vars::new(&self.0.graph, &values, &nobody);
        visit(node, &vars, Cx::Accept(value.clone())).map(drop).map_err(|error| error.to_string())
    }

    pub(crate) fn visit(&self) -> Option<Visit> {
        self.0.visit
    }

    /// The index of the node with this id.
    pub(crate) fn node(&self, id: &str) -> Option<usize> {
        self.0.nodes.get(id).copied()
    }

    pub(crate) fn start(&self) -> usize {
        self.0.start
    }

    /// The edges out of a node, in the order in which they are tried.
    pub(crate) fn ways_out(&self, node: usize) -> &[usize] {
        &self.0.ways_out[node]
    }

    /// The policy of a node: the clauses at it, and for the rest the task's own.
    pub(crate) fn policy(&self, node: usize) -> Policy {
        self.0.policies[node]
    }

    /// The node that undoes an activity, if it has an `undo`.
    pub(crate) fn undo_of(&self, activity: usize) -> Option<usize> {
        self.0.undos.get(&activity).copied()
    }

    /// The boundary events of an activity or a scope, in the order of writing.
    pub(crate) fn boundaries(&self, node: usize) -> &[usize] {
        &self.0.boundaries[node]
    }

    /// What the service tasks of a compiled process say of themselves, by node.
    pub(crate) fn signatures(&self) -> Vec<TaskSignature> {
        let visit = self.0.visit;
        (0..self.0.graph.nodes.len())
            .filter_map(|node| signature(&self.0.graph, visit?, node))
            .collect()
    }

    pub(crate) fn ways_in(&self, node: usize) -> usize {
        self.0.ways_in[node]
    }

    /// The key of a variable as the graph holds it.
    pub(crate) fn key(&self, key: &str) -> Text {
        let mut variables = self.0.graph.variables.iter();
        match variables.find(|variable| variable.key == key) {
            Some(variable) => variable.key.clone(),
            None => Text::Owned(key.to_owned()),
        }
    }

    /// What a result sets: the node's variable, or in a built graph the fields of the object.
    pub(crate) fn results(&self, node: usize, result: &Json) -> Result<Vec<(Text, Json)>, String> {
        if self.0.graph.origin == Origin::Built {
            return fields(result);
        }
        let variable = self.0.graph.nodes[node].sets.first();
        let key = variable.map(|&variable| self.0.graph.variables[variable].key.clone());
        Ok(key.map(|key| (key, result.clone())).into_iter().collect())
    }

    /// Whether the condition of an edge is true; an error says which one cannot be decided, and
    /// why.
    pub(crate) fn holds(&self, edge: usize, values: &crate::vars::Values) -> Result<bool, String> {
        self.0.conditions.holds(&self.0.graph, edge, values)
    }
}

fn policies(graph: &Graph, visit: Option<Visit>) -> Vec<Policy> {
    let own = |at| {
        let signature = visit.and_then(|visit| signature(graph, visit, at));
        signature.map_or(Policy::NONE, |signature| signature.policy)
    };
    let policy = |(at, node): (usize, &Node)| match &node.kind {
        Kind::Service { policy, .. } => policy.or(own(at)),
        Kind::Undo { .. } => own(at),
        _ => Policy::NONE,
    };
    graph.nodes.iter().enumerate().map(policy).collect()
}

fn undos(graph: &Graph) -> HashMap<usize, usize> {
    let undo = |(at, node): (usize, &Node)| match node.kind {
        Kind::Undo { of, .. } => Some((of, at)),
        _ => None,
    };
    graph.nodes.iter().enumerate().filter_map(undo).collect()
}

fn boundaries(graph: &Graph) -> Vec<Vec<usize>> {
    let mut boundaries = vec![Vec::new(); graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate() {
        if let Kind::Boundary { of, .. } = node.kind {
            boundaries[of].push(at);
        }
    }
    boundaries
}

/// What the service task of a node says of itself.
fn signature(graph: &Graph, visit: Visit, node: usize) -> Option<TaskSignature> {
    if !matches!(graph.nodes[node].kind, Kind::Service { .. } | Kind::Undo { .. }) {
        return None;
    }
    let (values, nobody) = (Values::default(), Current::nobody());
    let vars = Vars::new(graph, &values, &nobody);
    match visit(node, &vars, Cx::Describe).ok()?.0 {
        Does::Signature(signature) => Some(signature),
        _ => None,
    }
}

/// The fields of an object; nothing for `null`.
fn fields(result: &Json) -> Result<Vec<(Text, Json)>, String> {
    if result.text() == "null" {
        return Ok(Vec::new());
    }
    let fields: std::collections::BTreeMap<String, Json> = result.decode().map_err(|_| {
        "its result must be a JSON object, whose fields become variables, or null".to_owned()
    })?;
    Ok(fields.into_iter().map(|(key, value)| (Text::Owned(key), value)).collect())
}

impl fmt::Debug for ProcessDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessDefinition")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

impl Serialize for ProcessDefinition {
    /// As its graph. What the nodes do is code and is not part of it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.graph.serialize(serializer)
    }
}
