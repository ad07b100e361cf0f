//! Boundary events that can never happen (B016).

use super::events::{Events, interrupts};
use super::scopes::inside;
use super::ways::Ways;
use crate::duration;
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Condition, Graph};
use crate::kind::{Kind, Trigger};

/// What is written for an event that never happens is a mistake (B016): nothing fails that an
/// error could come from, no time passes, or another event always comes first.
pub(super) fn never_fire(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let events = Events::new(graph);
    for (owner, written) in events.owners().filter(|(owner, _)| ways.live[*owner]) {
        for (nth, &event) in written.iter().enumerate() {
            let Some(on) = trigger(graph, event) else { continue };
            let place = Place::Node(event);
            if on == Trigger::Error && !can_fail(graph, ways, &events, owner) {
                findings.push(Finding::new(Fault::CannotFail { of: owner }, place));
            } else if let Some(Some(0)) = limit(graph, event) {
                findings.push(Finding::new(Fault::FiresAtOnce { of: owner }, place));
            } else if let Some(first) = comes_before(graph, written, nth) {
                let fault = Fault::ComesLater { first };
                findings.push(Finding::new(fault, place).related(Place::Node(first)));
            }
        }
    }
}

fn trigger(graph: &Graph, event: usize) -> Option<Trigger> {
    match graph.nodes[event].kind {
        Kind::Boundary { on, .. } => Some(on),
        _ => None,
    }
}

/// Whether anything in an activity or a scope may fail: work, and all code and expressions. A
/// person does not, and neither does a wait that the graph itself describes.
fn can_fail(graph: &Graph, ways: &Ways, events: &Events, owner: usize) -> bool {
    let Some(body) = events.body(owner) else {
        return !matches!(graph.nodes[owner].kind, Kind::User { .. });
    };
    let live = (0..graph.nodes.len()).filter(|node| ways.live[*node]);
    live.filter(|node| inside(graph, *node, body)).any(|node| {
        let at = &graph.nodes[node];
        match at.kind {
            Kind::Service { .. } | Kind::Fail | Kind::Script | Kind::Each => true,
            Kind::End { returns } => returns,
            Kind::Wait { after_ms } => after_ms.is_none(),
            Kind::User { .. } => !at.reads.is_empty() || !at.source.is_empty(),
            Kind::Boundary { on, .. } => on.is_timer() && duration::millis(&at.source).is_none(),
            _ => ways.outs[node].iter().any(|edge| {
                let condition = &graph.edges[*edge].condition;
                matches!(condition, Condition::Code | Condition::Expression(_))
            }),
        }
    })
}

/// Of an event that interrupts after some time: how long that is, if the graph knows it.
fn limit(graph: &Graph, event: usize) -> Option<Option<u64>> {
    let is_limit = trigger(graph, event) == Some(Trigger::After) && interrupts(graph, event);
    is_limit.then(|| duration::millis(&graph.nodes[event].source))
}

/// The event that always happens before the n-th one of those that are written at one place.
fn comes_before(graph: &Graph, written: &[usize], nth: usize) -> Option<usize> {
    let event = written[nth];
    let mut others = written.iter().enumerate().filter(|(at, _)| *at != nth);
    let first = others.find(|(at, other)| {
        let is_earlier = *at < nth;
        match (trigger(graph, event), trigger(graph, **other)) {
            (Some(Trigger::Error), Some(Trigger::Error)) => {
                is_earlier && takes_all_of(graph, **other, event)
            }
            (Some(Trigger::At), Some(Trigger::At)) => {
                is_earlier
                    && interrupts(graph, **other)
                    && interrupts(graph, event)
                    && is_same(graph, event, **other)
            }
            (Some(Trigger::After | Trigger::Every), Some(Trigger::After)) => {
                is_over_before(graph, event, **other, is_earlier)
            }
            _ => false,
        }
    });
    first.map(|(_, other)| *other)
}

/// Whether an event comes too late because another one has interrupted by then. Of two that
/// interrupt at the same time the earlier one does; what does not interrupt may come before that.
fn is_over_before(graph: &Graph, event: usize, other: usize, is_earlier: bool) -> bool {
    let Some(over) = limit(graph, other) else { return false };
    match (duration::millis(&graph.nodes[event].source), over) {
        (Some(event), Some(over)) if event > over => true,
        (own, over) => {
            is_earlier
                && interrupts(graph, event)
                && ((own.is_some() && own == over) || is_same(graph, event, other))
        }
    }
}

/// Whether an earlier pattern matches whatever a later one does.
fn takes_all_of(graph: &Graph, earlier: usize, later: usize) -> bool {
    let source = &graph.nodes[earlier].source;
    source == "_" || (is_same(graph, earlier, later) && !source.contains(" if "))
}

fn is_same(graph: &Graph, one: usize, other: usize) -> bool {
    let (one, other) = (&graph.nodes[one].source, &graph.nodes[other].source);
    !one.is_empty() && one == other
}
