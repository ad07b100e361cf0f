//! The form of a graph: starts, ends, and how many ways lead in and out (B013, B018).

use std::collections::BTreeSet;

use super::expressions::Constants;
use super::ways::Ways;
use crate::finding::{Degree, Fault, Finding, Place};
use crate::graph::{Condition, Graph, Origin, Outcome};
use crate::kind::Kind;

/// An instance begins at one place, and there is a place where it completes (B018). What should
/// lead to an end that is missing is no mistake of its own.
pub(super) fn start_and_end(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let starts: Vec<usize> =
        (0..graph.nodes.len()).filter(|node| graph.nodes[*node].kind == Kind::Start).collect();
    if starts.is_empty() {
        findings.push(wrong(Degree::NoStart, Place::Process));
    }
    for &second in starts.iter().skip(1) {
        let first = starts[0];
        let finding = wrong(Degree::SecondStart { first }, Place::Node(second));
        findings.push(finding.related(Place::Node(first)));
    }
    if lacks_end(graph) {
        let mut finding = wrong(Degree::NoEnd, Place::Process);
        let loose = (0..graph.nodes.len()).filter(|at| ways.live[*at] && ways.outs[*at].is_empty());
        finding.related = loose.map(Place::Node).collect();
        findings.push(finding);
    }
}

fn lacks_end(graph: &Graph) -> bool {
    let may = graph.outcome == Outcome::Never || graph.origin == Origin::Workflow;
    !may && !graph.nodes.iter().any(|node| matches!(node.kind, Kind::End { .. }))
}

/// How many ways lead in and out follows from the kind (B018). What nothing leads to is left to
/// the rule on dead parts.
pub(super) fn degrees(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let lacks_end = lacks_end(graph);
    for (at, node) in graph.nodes.iter().enumerate() {
        if graph.origin == Origin::Workflow && !ways.live[at] {
            continue;
        }
        let (ins, outs) = (ways_in(graph, ways, at), ways_out(graph, ways, at));
        let both = ins > 1 && outs > 1;
        let fault = match node.kind {
            Kind::Start if ins > 0 => Degree::IntoStart,
            Kind::End { .. } | Kind::Fail if outs > 0 => Degree::OutOfEnd,
            Kind::End { .. } | Kind::Fail | Kind::Undo { .. } => continue,
            Kind::Each if (ins > 1 || ways.outs[at].len() != 2) && ways.live[at] => Degree::Each,
            Kind::Leave { of } if matches!(graph.nodes[of].kind, Kind::Boundary { .. }) => continue,
            _ if outs == 0 && ways.live[at] && lacks_end => continue,
            _ if outs == 0 && ways.live[at] => Degree::NoWayOut,
            Kind::Exclusive | Kind::Parallel if both => Degree::BothSides,
            Kind::Exclusive | Kind::Parallel | Kind::Each => continue,
            Kind::Leave { .. } | Kind::Won { .. } if outs < 2 => continue,
            Kind::Race { .. } if ins < 2 => continue,
            _ if ins > 1 => Degree::ImplicitMerge { ways: ins },
            _ if outs > 1 => Degree::ImplicitSplit { ways: outs },
            _ => continue,
        };
        findings.push(wrong(fault, Place::Node(at)));
    }
}

/// Several edges from one exclusive gateway to one node are one way: only one can be taken.
fn ways_in(graph: &Graph, ways: &Ways, node: usize) -> usize {
    let from = ways.ins[node].iter().map(|edge| graph.edges[*edge].from);
    let (chosen, others): (Vec<usize>, Vec<usize>) =
        from.partition(|from| graph.nodes[*from].kind.is_choice());
    chosen.into_iter().collect::<BTreeSet<_>>().len() + others.len()
}

fn ways_out(graph: &Graph, ways: &Ways, node: usize) -> usize {
    let normal = ways.outs[node].iter().map(|edge| &graph.edges[*edge]);
    // To an activity or a scope its boundary events are no ways out.
    let normal = normal.filter(|edge| edge.condition != Condition::Boundary);
    let to = normal.map(|edge| edge.to);
    match graph.nodes[node].kind.is_choice() {
        true => to.collect::<BTreeSet<_>>().len(),
        false => to.count(),
    }
}

/// A condition is looked at only where a choice is made, and one edge at most is the last resort
/// (B018).
pub(super) fn conditions(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    for (at, node) in graph.nodes.iter().enumerate() {
        let mut defaults = 0;
        for &edge in &ways.outs[at] {
            let condition = &graph.edges[edge].condition;
            defaults += usize::from(*condition == Condition::Default);
            let leads_to_event = *condition == Condition::Boundary
                && matches!(graph.nodes[graph.edges[edge].to].kind, Kind::Boundary { of, .. } if of == at);
            if leads_to_event {
                continue;
            }
            if *condition != Condition::Always && !node.kind.is_choice() {
                findings.push(wrong(Degree::ConditionWithoutChoice, Place::Edge(edge)));
            } else if *condition == Condition::Default && defaults > 1 {
                findings.push(wrong(Degree::SecondDefault, Place::Edge(edge)));
            }
        }
    }
}

/// A choice by data alone may match nothing, and the instance would stop there (B013).
pub(super) fn defaults(
    graph: &Graph,
    ways: &Ways,
    constants: &Constants,
    findings: &mut Vec<Finding>,
) {
    for (at, node) in graph.nodes.iter().enumerate() {
        let may_fail = |edge: &usize| {
            let condition = &graph.edges[*edge].condition;
            matches!(condition, Condition::Expression(_) | Condition::VariableEq(..))
                && !constants.is(*edge, true)
        };
        let outs = &ways.outs[at];
        if node.kind == Kind::Exclusive && !outs.is_empty() && outs.iter().all(may_fail) {
            findings.push(Finding::new(Fault::NoDefault, Place::Node(at)));
        }
    }
}

fn wrong(degree: Degree, place: Place) -> Finding {
    Finding::new(Fault::Degree(degree), place)
}
