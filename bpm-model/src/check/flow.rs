//! Control flow: what never runs, loops, jumps, the order of branches, how paths end.

use std::collections::BTreeSet;

use super::expressions::Constants;
use super::scopes::{Crossings, after, inside, is_race};
use super::ways::{Ways, components, steps};
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Graph, Origin, Outcome, ScopeKind};
use crate::kind::Kind;

/// Branches that wait for each other never start (B008). Gives the nodes that cannot run because
/// of it, so that nothing else is said about them.
pub(super) fn after_cycles(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) -> Vec<bool> {
    let mut excused = vec![false; graph.nodes.len()];
    for cycle in components(graph.scopes.len(), |scope| after(graph, scope).iter().copied()) {
        let first = cycle[0];
        if cycle.len() == 1 && !after(graph, first).contains(&first) {
            continue;
        }
        let branches = shortest_cycle(graph, first);
        let mut finding = Finding::new(Fault::AfterCycle { branches }, Place::Scope(first));
        finding.related = cycle[1..].iter().map(|scope| Place::Scope(*scope)).collect();
        findings.push(finding);
        let members = (0..graph.nodes.len())
            .filter(|node| cycle.iter().any(|scope| inside(graph, *node, *scope)));
        excuse(graph, ways, members.collect(), &mut excused);
    }
    excused
}

/// A way from a branch over `after` back to itself, within a cycle that is known to exist.
fn shortest_cycle(graph: &Graph, first: usize) -> Vec<usize> {
    let mut paths = std::collections::VecDeque::from([vec![first]]);
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop_front() {
        for &before in after(graph, path[path.len() - 1]) {
            if before == first {
                return path;
            }
            if seen.insert(before) {
                let mut longer = path.clone();
                longer.push(before);
                paths.push_back(longer);
            }
        }
    }
    vec![first]
}

fn excuse(graph: &Graph, ways: &Ways, mut ready: Vec<usize>, excused: &mut [bool]) {
    while let Some(node) = ready.pop() {
        if !std::mem::replace(&mut excused[node], true) {
            ready.extend(ways.outs[node].iter().map(|edge| graph.edges[*edge].to));
        }
    }
}

/// A statement that can never run is a mistake (B005). Only the first one of each dead stretch is
/// reported; merges and the implicit end of a block are nobody's statements, and a second start is
/// a mistake of its own.
pub(super) fn dead(
    graph: &Graph,
    ways: &Ways,
    constants: &Constants,
    excused: &[bool],
    findings: &mut Vec<Finding>,
) {
    let dead_next = |node: usize| {
        let outs: &[usize] = if ways.live[node] { &[] } else { &ways.outs[node] };
        outs.iter().map(|edge| graph.edges[*edge].to).filter(|to| !ways.live[*to])
    };
    let mut told: Vec<bool> = excused.to_vec();
    for stretch in components(graph.nodes.len(), dead_next).iter().rev() {
        let first = stretch[0];
        if ways.live[first] {
            continue;
        }
        let behind = stretch.iter().any(|node| told[*node]);
        let is_told = behind || is_statement(graph, ways, stretch);
        if is_told && !behind && graph.nodes[first].kind != Kind::Start {
            findings.push(never_runs(graph, ways, constants, stretch));
        }
        if is_told {
            for &node in stretch {
                told[node] = true;
                dead_next(node).for_each(|to| told[to] = true);
            }
        }
    }
}

/// A stretch that nothing leads to, or that a condition without variables cuts off.
fn never_runs(graph: &Graph, ways: &Ways, constants: &Constants, stretch: &[usize]) -> Finding {
    let ins = stretch.iter().flat_map(|node| &ways.ins[*node]);
    let mut closed = ins.filter(|edge| ways.live[graph.edges[**edge].from] && !ways.taken[**edge]);
    let place = Place::Node(stretch[0]);
    match closed.find_map(|edge| constants.closing(graph, *edge)) {
        Some((edge, always)) => {
            Finding::new(Fault::NeverChosen { edge, always }, place).related(Place::Edge(edge))
        }
        None => Finding::new(Fault::NeverRuns, place),
    }
}

fn is_statement(graph: &Graph, ways: &Ways, stretch: &[usize]) -> bool {
    let node = stretch[0];
    let implicit = match graph.nodes[node].kind {
        Kind::End { returns } => !returns,
        Kind::Exclusive | Kind::Parallel => ways.outs[node].len() <= 1,
        Kind::Leave { .. } | Kind::Won { .. } => true,
        // It belongs to its activity, about which something is said if it is dead.
        Kind::Undo { .. } => true,
        _ => false,
    };
    graph.origin == Origin::Built || stretch.len() > 1 || !implicit
}

/// A jump may not leave a concurrent branch: its siblings would be waited for in vain (B007). A
/// branch is left properly for a branch that runs after it, or for the end of its block.
pub(super) fn jumps(graph: &Graph, crossings: &Crossings, findings: &mut Vec<Finding>) {
    for (edge, left) in &crossings.leaving {
        let at = &graph.edges[*edge];
        let improper =
            left.iter().find(|branch| !leaves_properly(graph, crossings, **branch, at.to));
        if let Some(&branch) = improper {
            let fault = Fault::LeavesBranch { branch };
            findings.push(Finding::new(fault, Place::Node(at.from)).related(Place::Scope(branch)));
        }
    }
}

fn leaves_properly(graph: &Graph, crossings: &Crossings, branch: usize, to: usize) -> bool {
    let fork = match graph.scopes[branch].kind {
        ScopeKind::Branch { fork, .. } => fork,
        // The body of a scope may be left for anywhere; what runs beside something is not left.
        ScopeKind::Body { of } => return !matches!(graph.nodes[of].kind, Kind::Boundary { .. }),
        ScopeKind::Process => return true,
    };
    if is_race(graph, fork) {
        return graph.nodes[to].kind == Kind::Won { race: fork };
    }
    let block = &crossings.blocks[&fork];
    let sibling = block.branches.iter().find(|sibling| inside(graph, to, **sibling));
    match sibling {
        Some(sibling) => after(graph, *sibling).contains(&branch),
        None => graph.nodes[to].kind == Kind::Parallel || block.targets.len() == 1,
    }
}

/// Every path ends with the process's result; in a process of type `!` no path ends (B009).
pub(super) fn endings(graph: &Graph, ways: &Ways, findings: &mut Vec<Finding>) {
    let wrong = |node: usize| match graph.nodes[node].kind {
        Kind::End { returns } => match graph.outcome {
            Outcome::Value => !returns,
            Outcome::Never => true,
            Outcome::Unit | Outcome::Variables => false,
        },
        _ => false,
    };
    let Some(start) = ways.start else { return };
    let Some(path) = ways.shortest(graph, start, |node| ways.live[node] && wrong(node), |_| true)
    else {
        return;
    };
    let fault = match graph.outcome {
        Outcome::Never => Fault::EndsNever,
        _ => Fault::NoResult,
    };
    let end = path.last().map_or(start, |edge| graph.edges[*edge].to);
    let finding = Finding::new(fault, Place::Result).related(Place::Node(end));
    findings.push(finding.witness(steps(graph, start, &path)));
}
