//! Soundness of arbitrary graphs: no join waits for ever (B011), no two tokens meet (B012).
//!
//! The graph is reduced to what does not nest; that rest is decided in polynomial time; and only
//! if it is unsound, a run is searched that shows it. `workflow!` makes blocks, which are sound by
//! construction, so this runs on graphs that people draw edge by edge.

mod decide;
mod rank;
mod reduce;
mod regions;
mod witness;

use super::scopes::Crossings;
use super::ways::{Ways, steps};
use crate::finding::{Fault, Finding, Place, Step};
use crate::graph::Graph;
use reduce::{Clash, Mismatch, Net};
use regions::{Region, regions};

/// How many gates may be left to decide; beyond, a finding asks for simpler blocks.
const GATES_MAX: usize = 2_000;

/// A fork needs its join and a choice its merge (B011, B012). Each mismatch is reported where it
/// is, and then taken as if it matched, so that what lies around it is judged by itself.
pub(super) fn tokens(
    graph: &Graph,
    ways: &Ways,
    crossings: &Crossings,
    findings: &mut Vec<Finding>,
) {
    let Some(start) = ways.start else { return };
    let told = Told { graph, ways, start };
    for region in regions(graph, ways, crossings, start) {
        judge(&told, &region, findings);
    }
}

fn judge(told: &Told<'_>, region: &Region, findings: &mut Vec<Finding>) {
    let mut net = Net::new(told.graph, region);
    net.reduce();
    findings.extend(net.clashes.iter().map(|clash| told.clash(&net, clash)));
    let left = net.left();
    if left.len() <= 1 {
        return;
    }
    if left.len() > GATES_MAX {
        let fault = Fault::Tangled { nodes: left.len(), bound: GATES_MAX };
        findings.push(Finding::new(fault, Place::Node(told.entry(&net))));
    } else if !decide::is_sound(&net)
        && let Some(fault) = witness::search(&net)
    {
        findings.push(told.run(&net, &fault));
    }
}

/// Turns what happens in the reduced net into findings about the graph.
struct Told<'a> {
    graph: &'a Graph,
    ways: &'a Ways,
    start: usize,
}

impl Told<'_> {
    fn clash(&self, net: &Net, clash: &Clash) -> Finding {
        let (first, second) = (net.unfold(clash.first), net.unfold(clash.second));
        let (first_in, second_in) = (first[first.len() - 1], second[second.len() - 1]);
        match clash.mismatch {
            Mismatch::Waits => {
                let join = self.graph.edges[first_in].to;
                let witness = waits(self.join_up(&[first]), join, second_in);
                Finding::new(Fault::JoinWaits, Place::Node(join)).witness(witness)
            }
            Mismatch::TwoTokens | Mismatch::TwoEnds => {
                let at = self.graph.edges[second_in].to;
                let fault = match clash.mismatch {
                    Mismatch::TwoEnds => Fault::TwoEnds,
                    _ => Fault::TwoTokens,
                };
                let run = self.join_up(&[first, second]);
                Finding::new(fault, Place::Node(at)).witness(again(run, at))
            }
        }
    }

    fn run(&self, net: &Net, run: &witness::Run) -> Finding {
        let routes: Vec<Vec<usize>> =
            run.links.iter().map(|link| net.unfold(net.links[*link].route)).collect();
        let last = |link: usize| net.last_edge(link);
        match run.fault {
            witness::End::Waits { link, missing } => {
                let join = self.graph.edges[last(link)].to;
                let witness = waits(self.join_up(&routes), join, last(missing));
                Finding::new(Fault::JoinWaits, Place::Node(join)).witness(witness)
            }
            witness::End::TwoTokens { link } => {
                let at = self.graph.edges[last(link)].to;
                let witness = again(self.join_up(&routes), at);
                Finding::new(Fault::TwoTokens, Place::Node(at)).witness(witness)
            }
            witness::End::TwoEnds { link } => {
                let at = self.graph.edges[last(link)].to;
                let witness = again(self.join_up(&routes), at);
                Finding::new(Fault::TwoEnds, Place::Node(at)).witness(witness)
            }
            witness::End::Unknown { link } => {
                let at = self.graph.edges[last(link)].to;
                let entry = self.entry(net);
                Finding::new(Fault::JoinWaits, Place::Node(at)).related(Place::Node(entry))
            }
        }
    }

    /// Routes one behind the other, from the start; what lies between two is filled in.
    fn join_up(&self, routes: &[Vec<usize>]) -> Vec<Step> {
        let mut all = vec![Step::Node(self.start)];
        let mut reached = vec![self.start];
        for route in routes {
            let from = self.graph.edges[route[0]].from;
            let gap = if reached.contains(&from) { Vec::new() } else { self.gap(&reached, from) };
            for part in [&gap, route] {
                let Some(first) = part.first() else { continue };
                all.extend(&steps(self.graph, self.graph.edges[*first].from, part)[1..]);
                reached.extend(part.iter().map(|edge| self.graph.edges[*edge].to));
            }
        }
        all
    }

    /// The shortest way to a node from the latest place of the run that leads there.
    fn gap(&self, reached: &[usize], to: usize) -> Vec<usize> {
        let ways = reached.iter().rev();
        ways.filter_map(|from| self.ways.shortest(self.graph, *from, |at| at == to, |_| true))
            .next()
            .unwrap_or_default()
    }

    /// Where the part that is left begins.
    fn entry(&self, net: &Net) -> usize {
        let links = net.left_links();
        let first = links.iter().find(|link| net.gates[net.links[**link].from].first);
        first.or(links.first()).map_or(self.start, |link| self.graph.edges[net.last_edge(*link)].to)
    }
}

/// A run that ends with the second token at a node, if a first one is shown to reach it.
fn again(mut run: Vec<Step>, node: usize) -> Vec<Step> {
    let is_arrival = |step: &Step| *step == Step::Node(node);
    if run.iter().filter(|step| is_arrival(step)).count() > 1
        && let Some(arrival) = run.iter().rposition(is_arrival)
    {
        run.remove(arrival);
        run.push(Step::Again(node));
    }
    run
}

/// A run that ends with a token that came to a join and stays there.
fn waits(mut run: Vec<Step>, join: usize, edge: usize) -> Vec<Step> {
    if let Some(arrival) = run.iter().rposition(|step| *step == Step::Node(join)) {
        run.remove(arrival);
    }
    run.push(Step::Waits { join, edge });
    run
}
