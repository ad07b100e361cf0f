//! The rules on variables and the judge must agree on random processes of blocks; and in an
//! accepted one no run depends on who is faster.

use std::collections::BTreeSet;

use bpm_model::check::{check, separate_private};
use bpm_model::finding::{Fault, Finding, Place};
use bpm_model::graph::{Graph, ScopeKind};
use bpm_testkit::arbitrary::Random;
use bpm_testkit::blocks::Blocks;
use bpm_testkit::readings::{Anew, Readings, around, inside, is_before, readings};

const MARKINGS_MAX: usize = 1_000;

/// What is said about variables: reads of what may be unset, and races by their blocks' forks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    unset: BTreeSet<(usize, usize)>,
    races: BTreeSet<(usize, usize)>,
}

fn said(graph: &Graph) -> Said {
    let mut said = Said::default();
    for Finding { fault, place, .. } in check(graph) {
        match (fault, place) {
            (Fault::MayBeUnset { variable }, Place::Read { node, .. }) => {
                said.unset.insert((node, variable));
            }
            (
                Fault::Race { variable, branch, .. }
                | Fault::UnorderedRead { variable, branch, .. },
                _,
            ) => {
                said.races.extend(fork(graph, branch).map(|fork| (fork, variable)));
            }
            _ => {}
        }
    }
    said
}

fn fork(graph: &Graph, branch: usize) -> Option<usize> {
    match graph.scopes[branch].kind {
        ScopeKind::Branch { fork, .. } => Some(fork),
        ScopeKind::Process | ScopeKind::Body { .. } => None,
    }
}

fn branches(graph: &Graph) -> impl Iterator<Item = usize> {
    1..graph.scopes.len()
}

/// Whether two branches of one block may run at the same time.
fn are_rivals(graph: &Graph, one: usize, other: usize) -> bool {
    one != other
        && fork(graph, one) == fork(graph, other)
        && !is_before(graph, one, other)
        && !is_before(graph, other, one)
}

fn sets(graph: &Graph, node: usize, variable: usize) -> bool {
    let by_edge = graph.outgoing(node).any(|(_, edge)| edge.sets.contains(&variable));
    by_edge || graph.nodes[node].sets.contains(&variable)
}

/// What follows from the runs.
struct Judge<'a> {
    graph: &'a Graph,
    readings: &'a Readings,
}

/// What has to be said.
#[derive(Debug, Default)]
struct Expected {
    said: Said,
    /// Of reads that may be unset because a branch beside sets the variable: the blocks of such
    /// branches, of which one is to be named.
    one_of: Vec<(BTreeSet<usize>, usize)>,
}

impl Expected {
    fn is_met(&self, said: &Said) -> bool {
        said.unset == self.said.unset
            && said.races.is_superset(&self.said.races)
            && self.one_of.iter().all(|(forks, variable)| {
                forks.iter().any(|fork| said.races.contains(&(*fork, *variable)))
            })
    }

    fn allows(&self, (fork, variable): (usize, usize)) -> bool {
        self.said.races.contains(&(fork, variable))
            || self.one_of.iter().any(|(forks, of)| *of == variable && forks.contains(&fork))
    }
}

impl Judge<'_> {
    fn expected(&self) -> Expected {
        let mut expected = Expected::default();
        for &(node, variable) in &self.readings.unset {
            let forks = self.blocks_of_setters(node, variable);
            match forks.is_empty() {
                true => _ = expected.said.unset.insert((node, variable)),
                false => expected.one_of.push((forks, variable)),
            }
        }
        for &(one, other) in &self.readings.beside {
            for variable in 0..self.graph.variables.len() {
                let fork = self.race(one, other, variable);
                expected.said.races.extend(fork.map(|fork| (fork, variable)));
            }
        }
        expected
    }

    /// The blocks in which a branch beside the reader sets what it reads.
    fn blocks_of_setters(&self, reader: usize, variable: usize) -> BTreeSet<usize> {
        let graph = self.graph;
        let is_set_in = |branch: usize| {
            (0..graph.nodes.len())
                .any(|node| inside(graph, node, branch) && sets(graph, node, variable))
        };
        let around = around(graph, graph.nodes[reader].scope).into_iter();
        let contested = around.filter(|own| {
            branches(graph).any(|other| are_rivals(graph, *own, other) && is_set_in(other))
        });
        contested.filter_map(|branch| fork(graph, branch)).collect()
    }

    /// The block in which two nodes that are ready at the same time fight over a variable.
    fn race(&self, setter: usize, other: usize, variable: usize) -> Option<usize> {
        let uses =
            sets(self.graph, other, variable) || self.graph.nodes[other].reads.contains(&variable);
        if !sets(self.graph, setter, variable) || !uses {
            return None;
        }
        let around = |node: usize| around(self.graph, self.graph.nodes[node].scope);
        let pairs = around(setter)
            .into_iter()
            .flat_map(|one| around(other).into_iter().map(move |other| (one, other)));
        let (one, two) = pairs.into_iter().find(|(one, two)| are_rivals(self.graph, *one, *two))?;
        let is_kept = |node: usize, branch: usize| {
            let scopes = around(node);
            let inner = scopes.split_inclusive(|scope| *scope == branch).next().unwrap_or_default();
            inner.iter().any(|scope| self.is_private(*scope, variable))
        };
        (!is_kept(setter, one) && !is_kept(other, two)).then(|| fork(self.graph, one))?
    }

    /// Whether a branch neither takes a variable that it sets from outside nor hands it out.
    fn is_private(&self, branch: usize, variable: usize) -> bool {
        let within =
            |node: usize| node < self.graph.nodes.len() && inside(self.graph, node, branch);
        let sets = (0..self.graph.nodes.len())
            .any(|node| within(node) && sets(self.graph, node, variable));
        let unset = self.readings.unset.iter();
        let takes_nothing = unset.filter(|read| read.1 == variable).all(|read| !within(read.0));
        let seen = self.readings.seen.iter().filter(|(read, _)| read.1 == variable);
        sets && takes_nothing
            && seen.into_iter().all(|(read, sources)| {
                sources.iter().all(|source| within(*source) == within(read.0))
            })
    }
}

#[test]
fn the_checks_and_the_judge_agree() {
    let (mut judged, mut clean) = (0, 0);
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let statements = 2 + random.below(6);
        let blocks = Blocks::random(&mut random, statements);
        let graph = &blocks.graph;
        let Some(expected) = expected(&blocks, Anew::Hidden) else { continue };
        let said = said(graph);
        assert!(expected.is_met(&said), "seed {seed}: {said:?}, {expected:?}\n{}", text(graph));
        if !said.races.iter().all(|race| expected.allows(*race)) {
            may_say_more(seed, &blocks, &said);
        }
        judged += 1;
        if said == Said::default() {
            clean += 1;
            no_run_depends_on_who_is_faster(seed, &blocks);
        }
    }
    assert!(judged > 1_500 && clean > 400, "{judged} judged, {clean} clean: a poor sample");
}

fn expected(blocks: &Blocks, anew: Anew) -> Option<Expected> {
    let readings = readings(blocks, anew, MARKINGS_MAX)?;
    Some(Judge { graph: &blocks.graph, readings: &readings }.expected())
}

/// The checks look at ways, so of a value that a later branch sets anew they think that it may be
/// read behind the block. Then they say more than needed.
fn may_say_more(seed: u64, blocks: &Blocks, said: &Said) {
    let most = expected(blocks, Anew::Seen).unwrap_or_default();
    let allowed = said.races.iter().all(|race| most.allows(*race));
    assert!(allowed, "seed {seed}: {said:?}, at most {most:?}\n{}", text(&blocks.graph));
}

/// With private names separated, all branches share one store, and every read still sees what its
/// own past has set.
fn no_run_depends_on_who_is_faster(seed: u64, blocks: &Blocks) {
    let graph = separate_private(&blocks.graph);
    let separated = Blocks { graph, forks: blocks.forks.clone() };
    let Some(readings) = readings(&separated, Anew::Hidden, MARKINGS_MAX) else { return };
    let disturbed = &readings.disturbed;
    assert!(disturbed.is_empty(), "seed {seed}: {disturbed:?} in {}", text(&blocks.graph));
}

/// A graph in short, for whoever reads why a seed fails.
fn text(graph: &Graph) -> String {
    let mut text = format!("{} parameters\n", graph.parameters);
    for (at, node) in graph.nodes.iter().enumerate() {
        let ways: Vec<String> =
            graph.outgoing(at).map(|(_, edge)| format!("{}{:?}", edge.to, edge.sets)).collect();
        let (reads, sets, scope) = (&node.reads, &node.sets, node.scope);
        text += &format!(
            "{at} {:?} in {scope} reads {reads:?} sets {sets:?} to {}\n",
            node.kind,
            ways.join(" ")
        );
    }
    for (at, scope) in graph.scopes.iter().enumerate() {
        text += &format!("scope {at}: {scope:?}\n");
    }
    text
}
