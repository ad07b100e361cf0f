//! The static checks: why a process that was accepted cannot get stuck by itself.
//!
//! This file is the list of them; each rule is one function with its reason above it.
//!
//! What is claimed of an accepted process, under the reading that any way out of a choice may be
//! taken: it is safe (never two tokens on one edge), able to complete, it completes properly
//! (nothing is left over), it has no dead parts, and no variable is read before it is set. What
//! is *not* claimed: that a person ever answers, that a task succeeds, that a loop whose end
//! depends on data ends.

mod beside;
mod bits;
mod data;
mod events;
mod expressions;
mod flow;
mod form;
mod handlers;
mod loops;
mod names;
mod needed;
#[cfg(test)]
mod notation;
mod policies;
mod race;
mod scopes;
mod sync;
#[cfg(test)]
mod tests;
mod uses;
mod ways;
mod within;

#[cfg(test)]
pub(crate) use notation::graph as noted;

use crate::finding::{Fault, Finding, Place};
use crate::graph::{Graph, Origin};
use expressions::Constants;
use scopes::Crossings;
use ways::Ways;

/// Everything that is wrong with a graph, in the order of its places.
///
/// Every check runs even when another one found something, except where it would only repeat it.
///
/// ```
/// use bpm_model::check::check;
/// # use bpm_model::graph::{Graph, Origin, Outcome, Scope, ScopeKind};
/// # let graph = Graph {
/// #     name: "Empty".into(), version: 1, origin: Origin::Built, outcome: Outcome::Variables,
/// #     nodes: vec![].into(), edges: vec![].into(), variables: vec![].into(), parameters: 0,
/// #     scopes: vec![Scope { kind: ScopeKind::Process, parent: 0 }].into(),
/// # };
/// for finding in check(&graph) {
///     println!("{}", finding.message(&graph));        // [B018] the process `Empty` has no start …
/// }
/// # assert_eq!(check(&graph).len(), 2);
/// ```
///
/// The indices in the graph must be those of its own elements.
pub fn check(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let crossings = Crossings::new(graph);
    let constants = Constants::new(graph);
    let ways = Ways::new(graph, &constants.open(graph), &crossings);

    names::same_ids(graph, &mut findings);
    names::same_branches(graph, &mut findings);
    form::start_and_end(graph, &ways, &mut findings);
    form::degrees(graph, &ways, &mut findings);
    form::conditions(graph, &ways, &mut findings);
    form::defaults(graph, &ways, &constants, &mut findings);
    expressions::types(graph, &mut findings);
    policies::sensible(graph, &mut findings);
    handlers::never_fire(graph, &ways, &mut findings);

    let excused = flow::after_cycles(graph, &ways, &mut findings);
    flow::dead(graph, &ways, &constants, &excused, &mut findings);
    loops::no_exit(graph, &ways, &crossings, &mut findings);
    loops::no_durable_point(graph, &ways, &mut findings);
    flow::jumps(graph, &crossings, &mut findings);
    flow::endings(graph, &ways, &mut findings);

    variables(graph, &ways, &crossings, &mut findings);
    silence_doubled(&mut findings);
    if graph.origin == Origin::Built && !findings.iter().any(hides_tokens) {
        sync::tokens(graph, &ways, &crossings, &mut findings);
    }
    findings.sort_by_key(|finding| order(graph, finding));
    findings
}

/// Where edges are missing or too many, what tokens do is not yet a question.
fn hides_tokens(finding: &Finding) -> bool {
    matches!(finding.fault, Fault::Degree(_) | Fault::NoWayToEnd)
}

/// Edges name nodes by id, so of two nodes with one id one is cut off: that is no cause of its own.
fn silence_doubled(findings: &mut Vec<Finding>) {
    let doubled: Vec<usize> = findings
        .iter()
        .filter_map(|finding| match (&finding.fault, &finding.place) {
            (Fault::SameId { first }, Place::Node(node)) => Some([*first, *node]),
            _ => None,
        })
        .flatten()
        .collect();
    findings.retain(|finding| match (&finding.fault, &finding.place) {
        (Fault::NeverRuns | Fault::NeverChosen { .. } | Fault::Degree(_), Place::Node(node)) => {
            !doubled.contains(node)
        }
        _ => true,
    });
}

/// What tokens do wrong in a graph of which nothing else is wrong (B011, B012).
///
/// [`check`] asks this of built graphs alone: blocks are sound by construction. Whoever makes
/// blocks can ask here whether they are.
pub fn tokens(graph: &Graph) -> Vec<Finding> {
    let (crossings, mut findings) = (Crossings::new(graph), Vec::new());
    let ways = Ways::new(graph, &Constants::new(graph).open(graph), &crossings);
    sync::tokens(graph, &ways, &crossings, &mut findings);
    findings
}

/// Gives each name that is private to a parallel branch a variable of its own.
///
/// A name is private to a branch if the branch sets it before it reads it, nobody reads it
/// outside the branch before setting it again, and a concurrent branch uses the same name. Names
/// that race with nobody stay as they are.
pub fn separate_private(graph: &Graph) -> Graph {
    let crossings = Crossings::new(graph);
    let ways = Ways::new(graph, &Constants::new(graph).open(graph), &crossings);
    race::separate(graph, &ways, &crossings).graph
}

/// The rules on variables read the graph with private names separated, and speak about the graph
/// as it was given.
fn variables(graph: &Graph, ways: &Ways, crossings: &Crossings, findings: &mut Vec<Finding>) {
    let race::Separated { graph: separated, was } = race::separate(graph, ways, crossings);
    let mut found = Vec::new();
    let raced = race::races(&separated, ways, crossings, &mut found);
    data::unset_reads(&separated, ways, &raced, &mut found);
    for finding in &mut found {
        if let Fault::MayBeUnset { variable }
        | Fault::UndoMayBeUnset { variable, .. }
        | Fault::Race { variable, .. }
        | Fault::UnorderedRead { variable, .. }
        | Fault::SetBeside { variable, .. }
        | Fault::ReadBeside { variable, .. } = &mut finding.fault
        {
            *variable = was[*variable];
        }
        for place in finding.related.iter_mut().chain([&mut finding.place]) {
            if let Place::Read { variable, .. } | Place::Set { variable, .. } = place {
                *variable = was[*variable];
            }
        }
    }
    race::reads_of_siblings(graph, ways, crossings, &mut found);
    findings.append(&mut found);
}

/// Findings come in the order of the nodes that they are about.
fn order(graph: &Graph, finding: &Finding) -> (usize, usize, u8) {
    let (node, detail) = match finding.place {
        Place::Process => (0, 0),
        Place::Result => (0, 1),
        Place::Node(node) => (node + 1, 0),
        Place::Clause { node, part } => (node + 1, part as usize),
        Place::Read { node, variable } => (node + 1, 1 + 2 * variable),
        Place::Set { node, variable } => (node + 1, 2 + 2 * variable),
        Place::Edge(edge) | Place::Expression { edge, .. } => (graph.edges[edge].from + 1, edge),
        Place::Scope(scope) => (first_of_scope(graph, scope) + 1, scope),
    };
    (node, detail, finding.code() as u8)
}

fn first_of_scope(graph: &Graph, scope: usize) -> usize {
    graph.nodes.iter().position(|node| node.scope == scope).unwrap_or(graph.nodes.len())
}
