//! How elements and paths are named: nodes by id, choices by the user's own text.

use super::{Place, Step};
use crate::graph::{Condition, Edge, Graph, Origin, ScopeKind};
use crate::kind::Kind;

/// How many steps of a path are shown at either end of a long one.
const STEPS_SHOWN: usize = 6;

/// The id of a node in backticks.
pub(super) fn node(graph: &Graph, node: usize) -> String {
    format!("`{}`", graph.nodes[node].id)
}

/// The name of a variable in backticks.
pub(super) fn variable(graph: &Graph, variable: usize) -> String {
    format!("`{}`", graph.variables[variable].name)
}

/// The name of a branch in backticks.
pub(super) fn branch(graph: &Graph, scope: usize) -> String {
    match &graph.scopes[scope].kind {
        ScopeKind::Branch { name, .. } => format!("`{name}`"),
        ScopeKind::Body { of } => format!("`{}`", graph.nodes[*of].id),
        ScopeKind::Process => format!("`{}`", graph.name),
    }
}

/// The node that a place belongs to.
pub(super) fn place_node(graph: &Graph, place: &Place) -> Option<usize> {
    match place {
        Place::Node(node)
        | Place::Read { node, .. }
        | Place::Set { node, .. }
        | Place::Clause { node, .. } => Some(*node),
        Place::Edge(edge) | Place::Expression { edge, .. } => Some(graph.edges[*edge].from),
        Place::Process | Place::Result | Place::Scope(_) => None,
    }
}

/// A path as `start → if amount > 50 → ship`; long ones without their middle.
pub(super) fn path(graph: &Graph, steps: &[Step]) -> String {
    let mut words: Vec<String> = steps.iter().filter_map(|step| word(graph, step)).collect();
    words.dedup();
    if words.len() > 2 * STEPS_SHOWN + 1 {
        words.splice(STEPS_SHOWN..words.len() - STEPS_SHOWN, ["…".to_owned()]);
    }
    words.join(" → ")
}

fn word(graph: &Graph, step: &Step) -> Option<String> {
    match step {
        Step::Node(node) => passed(graph, *node),
        Step::Choice(edge) => choice(graph, &graph.edges[*edge]),
        Step::Again(node) => Some(format!("[{} is reached a second time]", graph.nodes[*node].id)),
        Step::Waits { join, edge } => Some(waits(graph, *join, &graph.edges[*edge])),
    }
}

/// What a join waits for: the step before it, or the choice that was not made.
fn waits(graph: &Graph, join: usize, missing: &Edge) -> String {
    let join = &graph.nodes[join].id;
    let from = &graph.nodes[missing.from];
    match choice(graph, missing).filter(|_| from.kind.is_choice()) {
        Some(choice) => format!("[{join} waits for \"{choice}\", which was not chosen]"),
        None => format!("[{join} waits for \"{}\", which was never started]", from.id),
    }
}

/// Gateways have no name of their own in `workflow!`, and their choices speak for them.
fn passed(graph: &Graph, node: usize) -> Option<String> {
    let node = &graph.nodes[node];
    let silent = match node.kind {
        Kind::Exclusive | Kind::Each | Kind::Leave { .. } => true,
        Kind::Parallel | Kind::Race { .. } | Kind::Won { .. } => graph.origin == Origin::Workflow,
        _ => false,
    };
    (!silent).then(|| node.id.to_string())
}

/// A choice in the user's words, or in words made from its condition.
pub(super) fn choice(graph: &Graph, edge: &Edge) -> Option<String> {
    if !edge.text.is_empty() {
        return Some(edge.text.to_string());
    }
    match &edge.condition {
        Condition::Expression(text) => Some(format!("if {text}")),
        Condition::VariableEq(name, value) => Some(format!("if {name} == {value}")),
        Condition::Default => Some("otherwise".to_owned()),
        Condition::Boundary => None,
        Condition::Code | Condition::Always => {
            let from = &graph.nodes[edge.from];
            let chooses = from.kind.is_choice() && graph.origin == Origin::Built;
            chooses.then(|| from.id.to_string())
        }
    }
}
