//! The rules on variables and the judge must agree on random processes of blocks; and in an
//! accepted one no run depends on who is faster.

use std::collections::BTreeSet;

use bpm_model::check::{check, separate_private};
use bpm_model::finding::{Fault, Finding, Place};
use bpm_model::graph::{Graph, ScopeKind};
use bpm_testkit::arbitrary::Random;
use bpm_testkit::blocks::Blocks;
use bpm_testkit::events::{bodies_beside, fork, is_in, original, owner};
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
                let fork = fork(graph, branch).expect("a branch");
                said.races.insert((fork, original(graph, variable)));
            }
            (
                Fault::SetBeside { variable, one, .. }
                | Fault::ReadBeside { variable, reader: one, .. },
                _,
            ) => {
                said.races.insert((owner(graph, one), original(graph, variable)));
            }
            _ => {}
        }
    }
    said
}

/// What two scopes belong to that may run at the same time: the fork of their branches, or the
/// activity or scope beside which one of them runs.
fn rivals(graph: &Graph, one: usize, other: usize) -> Option<usize> {
    if one == other {
        return None;
    }
    if let (Some(fork), Some(of)) = (fork(graph, one), fork(graph, other)) {
        let ordered = is_before(graph, one, other) || is_before(graph, other, one);
        return (fork == of && !ordered).then_some(fork);
    }
    match (&graph.scopes[one].kind, &graph.scopes[other].kind) {
        (ScopeKind::Body { of: one }, ScopeKind::Body { of: other }) => {
            let of = owner(graph, *one);
            (of == owner(graph, *other)).then_some(of)
        }
        _ => None,
    }
}

/// The scopes whose names may be private: branches, and bodies beside which something runs.
fn is_contested(graph: &Graph, scope: usize) -> bool {
    let ScopeKind::Body { of } = graph.scopes[scope].kind else {
        return fork(graph, scope).is_some();
    };
    !bodies_beside(graph, owner(graph, of)).is_empty()
}

fn sets(graph: &Graph, node: usize, variable: usize) -> bool {
    let means = |at: &usize| original(graph, *at) == variable;
    let by_edge = graph.outgoing(node).any(|(_, edge)| edge.sets.iter().any(means));
    by_edge || graph.nodes[node].sets.iter().any(means)
}

fn reads(graph: &Graph, node: usize, variable: usize) -> bool {
    graph.nodes[node].reads.iter().any(|at| original(graph, *at) == variable)
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
    /// Reads of an activity of what runs beside it sets: unset when it is first tried, and perhaps
    /// not when it is tried again. Either may be said.
    either: BTreeSet<(usize, usize)>,
}

impl Expected {
    fn is_met(&self, said: &Said) -> bool {
        let unset = said.unset.iter().filter(|read| !self.either.contains(read));
        unset.eq(&self.said.unset)
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
            let mut forks = self.blocks_of_setters(node, variable);
            if self.is_set_beside(node, original(self.graph, variable)) {
                if forks.is_empty() {
                    expected.either.insert((node, variable));
                    continue;
                }
                forks.insert(node);
            }
            match forks.is_empty() {
                true => _ = expected.said.unset.insert((node, variable)),
                false => expected.one_of.push((forks, original(self.graph, variable))),
            }
        }
        for &(one, other) in &self.readings.beside {
            let originals = (0..self.graph.variables.len())
                .filter(|variable| original(self.graph, *variable) == *variable);
            for variable in originals {
                let fork = self.race(one, other, variable);
                expected.said.races.extend(fork.map(|fork| (fork, variable)));
            }
        }
        expected
    }

    /// The blocks in which a branch beside the reader sets what it reads.
    fn blocks_of_setters(&self, reader: usize, variable: usize) -> BTreeSet<usize> {
        let graph = self.graph;
        let variable = original(graph, variable);
        let is_set_in = |scope: usize| {
            (0..graph.nodes.len())
                .any(|node| inside(graph, node, scope) && sets(graph, node, variable))
        };
        let mut found = BTreeSet::new();
        for own in around(graph, graph.nodes[reader].scope) {
            let others = (0..graph.scopes.len()).filter(|other| is_set_in(*other));
            found.extend(others.filter_map(|other| rivals(graph, own, other)));
            if let ScopeKind::Body { of } = graph.scopes[own].kind {
                found.extend(Some(owner(graph, of)).filter(|of| sets(graph, *of, variable)));
            }
        }
        found
    }

    fn is_set_beside(&self, activity: usize, variable: usize) -> bool {
        let bodies = bodies_beside(self.graph, activity);
        (0..self.graph.nodes.len())
            .any(|node| is_in(self.graph, node, &bodies) && sets(self.graph, node, variable))
    }

    /// The block in which two nodes that are ready at the same time fight over a variable.
    fn race(&self, setter: usize, other: usize, variable: usize) -> Option<usize> {
        let graph = self.graph;
        let uses = sets(graph, other, variable) || reads(graph, other, variable);
        if !sets(graph, setter, variable) || !uses {
            return None;
        }
        let (one, two, of) = self.parting(setter, other)?;
        let is_kept = |node: usize, scope: Option<usize>| {
            let Some(scope) = scope else { return false };
            let scopes = around(graph, graph.nodes[node].scope);
            let inner = scopes.split_inclusive(|at| *at == scope).next().unwrap_or_default();
            let mut inner = inner.iter().filter(|scope| is_contested(graph, **scope));
            inner.any(|scope| self.is_private(*scope, variable))
        };
        (!is_kept(setter, one) && !is_kept(other, two)).then_some(of)
    }

    /// The scopes in which two nodes run beside each other, and what these belong to. An activity
    /// stands in none.
    fn parting(&self, one: usize, two: usize) -> Option<(Option<usize>, Option<usize>, usize)> {
        let around = |node: usize| around(self.graph, self.graph.nodes[node].scope);
        for scope in around(one) {
            for other in around(two) {
                if let Some(of) = rivals(self.graph, scope, other) {
                    return Some((Some(scope), Some(other), of));
                }
            }
        }
        let beside = |node: usize, of: usize| {
            let bodies = bodies_beside(self.graph, of);
            around(node).into_iter().find(|scope| bodies.contains(scope))
        };
        match (beside(one, two), beside(two, one)) {
            (Some(scope), _) => Some((Some(scope), None, two)),
            (_, Some(scope)) => Some((None, Some(scope), one)),
            _ => None,
        }
    }

    /// Whether a branch neither takes a variable that it sets from outside nor hands it out.
    fn is_private(&self, branch: usize, variable: usize) -> bool {
        let within =
            |node: usize| node < self.graph.nodes.len() && inside(self.graph, node, branch);
        let means = |at: usize| original(self.graph, at) == variable;
        let sets = (0..self.graph.nodes.len())
            .any(|node| within(node) && sets(self.graph, node, variable));
        let unset = self.readings.unset.iter();
        let takes_nothing = unset.filter(|read| means(read.1)).all(|read| !within(read.0));
        let seen = self.readings.seen.iter().filter(|(read, _)| means(read.1));
        sets && takes_nothing
            && seen.into_iter().all(|(read, sources)| {
                sources.iter().all(|source| within(*source) == within(read.0))
            })
    }
}

#[test]
fn the_checks_and_the_judge_agree() {
    let (judged, clean) = agree(0..2_000, Blocks::random);
    assert!(judged > 1_500 && clean > 400, "{judged} judged, {clean} clean: a poor sample");
}

#[test]
fn they_agree_on_scopes_and_events() {
    let (judged, clean) = agree(0..2_000, Blocks::with_scopes);
    assert!(judged > 1_200 && clean > 300, "{judged} judged, {clean} clean: a poor sample");
}

/// How many were judged, and how many of them are clean.
fn agree(seeds: std::ops::Range<u64>, blocks: fn(&mut Random, usize) -> Blocks) -> (usize, usize) {
    let (mut judged, mut clean) = (0, 0);
    for seed in seeds {
        let mut random = Random::new(seed);
        let statements = 2 + random.below(6);
        let blocks = blocks(&mut random, statements);
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
    (judged, clean)
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
