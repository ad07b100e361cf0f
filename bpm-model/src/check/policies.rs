//! Policies and timers: values with which nothing sensible would happen (B015).

use crate::duration;
use crate::finding::{Fault, Finding, Place};
use crate::graph::Graph;
use crate::kind::{Kind, Trigger};
use crate::policy::Part;

/// Attempts are at least one, delays grow from the first one to the largest, and what takes time
/// takes some (B015).
pub(super) fn sensible(graph: &Graph, findings: &mut Vec<Finding>) {
    for (node, at) in graph.nodes.iter().enumerate() {
        let faults = match &at.kind {
            Kind::Service { policy, .. } => policy.faults(),
            Kind::Wait { after_ms: Some(0) } => {
                vec![(Part::Wait, Fault::Zero { part: Part::Wait })]
            }
            Kind::Boundary { on, interrupts, .. } if is_idle(*on, *interrupts, &at.source) => {
                vec![(Part::Wait, Fault::Zero { part: Part::Wait })]
            }
            _ => continue,
        };
        let place = |part| Place::Clause { node, part };
        findings.extend(faults.into_iter().map(|(part, fault)| Finding::new(fault, place(part))));
    }
}

/// Whether something is to begin beside an activity as soon as that begins itself. If it is to
/// interrupt at once, it is told with the events that never happen.
fn is_idle(on: Trigger, interrupts: bool, source: &str) -> bool {
    matches!(on, Trigger::After | Trigger::Every)
        && !interrupts
        && duration::millis(source) == Some(0)
}
