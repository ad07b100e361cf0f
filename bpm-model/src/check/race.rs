//! Variables of concurrent branches: which are private to a branch, and which race (B004).

use std::collections::{BTreeMap, BTreeSet};

use super::beside::{Beside, Party};
use super::bits::Bits;
use super::needed::Needed;
use super::scopes::{Crossings, Originals, around, inside};
use super::uses::{Uses, sets_at};
use super::ways::Ways;
use super::within::Within;
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Graph, Node, ScopeKind, Text, Variable};
use crate::kind::Kind;

/// A graph in which private names have variables of their own.
pub(super) struct Separated {
    /// The graph.
    pub(super) graph: Graph,
    /// For each of its variables the one that it was.
    pub(super) was: Vec<usize>,
}

/// Gives each name that is private to a branch a variable of its own, inner blocks first.
pub(super) fn separate(graph: &Graph, ways: &Ways, crossings: &Crossings) -> Separated {
    let was = (0..graph.variables.len()).collect();
    let mut separated = Separated { graph: graph.clone(), was };
    let beside = Beside::new(graph, crossings);
    let groups = beside.groups();
    if groups.is_empty() {
        return separated;
    }
    let needed = Needed::new(graph, ways, crossings);
    let mut uses = Uses::new(graph, ways);
    for group in groups {
        let mut privates = Vec::new();
        for branch in group {
            let now = &separated.graph;
            let mut contested = Bits::none(now.variables.len());
            for rival in beside.of_all_around(branch) {
                contested.merge(&uses.sets(now, rival));
                contested.merge(&uses.reads(now, rival));
            }
            let own = uses.sets(now, Party::Scope(branch)).both(&contested);
            let own = own.iter().filter(|at| *at < graph.variables.len());
            let private = own.filter(|at| !needed.outside(graph, crossings, branch, *at));
            privates.extend(private.map(|variable| (branch, variable)));
        }
        for (branch, variable) in &privates {
            separated.give(*branch, *variable);
        }
        if !privates.is_empty() {
            uses = Uses::new(&separated.graph, ways);
        }
    }
    separated
}

impl Separated {
    fn give(&mut self, branch: usize, variable: usize) {
        let own = self.graph.variables.len();
        let key = self.free_key(branch, variable);
        let of = &self.graph.variables[variable];
        let (name, ty) = (of.name.clone(), of.ty.clone());
        self.graph.variables.to_mut().push(Variable { name, key, ty });
        self.was.push(self.was[variable]);
        let here: Vec<bool> =
            (0..self.graph.nodes.len()).map(|node| inside(&self.graph, node, branch)).collect();
        for (node, _) in here.iter().enumerate().filter(|(_, here)| **here) {
            let node = &mut self.graph.nodes.to_mut()[node];
            replace(&mut node.reads, variable, own);
            replace(&mut node.sets, variable, own);
            if let Kind::Scope { copies } = &mut node.kind
                && copies.iter().any(|(original, copy)| [original, copy].contains(&&variable))
            {
                let new = |at: &mut usize| *at = if *at == variable { own } else { *at };
                copies.to_mut().iter_mut().for_each(|(original, copy)| {
                    new(original);
                    new(copy);
                });
            }
        }
        for edge in self.graph.edges.to_mut().iter_mut().filter(|edge| here[edge.from]) {
            replace(&mut edge.sets, variable, own);
        }
    }

    /// `pack.tmp`, or with a number behind it where that is taken.
    fn free_key(&self, branch: usize, variable: usize) -> Text {
        let name = match &self.graph.scopes[branch].kind {
            ScopeKind::Branch { name, .. } => name,
            ScopeKind::Body { of } => &self.graph.nodes[*of].id,
            ScopeKind::Process => &self.graph.name,
        };
        let wanted = format!("{name}.{}", self.graph.variables[variable].key);
        let taken = |key: &String| self.graph.variables.iter().any(|other| other.key == *key);
        let numbered = (2..).map(|number| format!("{wanted}.{number}"));
        let key = std::iter::once(wanted.clone()).chain(numbered).find(|key| !taken(key));
        key.unwrap_or(wanted).into()
    }
}

fn replace(list: &mut crate::graph::List<usize>, from: usize, to: usize) {
    if list.contains(&from) {
        list.to_mut().iter_mut().filter(|at| **at == from).for_each(|at| *at = to);
    }
}

/// Two concurrent branches may not set one variable, and none may read what the other sets
/// (B004): who comes first is chance. Gives the reads that are spoken about.
pub(super) fn races(
    graph: &Graph,
    ways: &Ways,
    crossings: &Crossings,
    findings: &mut Vec<Finding>,
) -> BTreeSet<(usize, usize)> {
    let mut raced = BTreeSet::new();
    two_winners(graph, ways, crossings, findings);
    let beside = Beside::new(graph, crossings);
    let groups = beside.groups();
    if groups.is_empty() {
        return raced;
    }
    let search = Races {
        graph,
        ways,
        uses: Uses::new(graph, ways),
        within: Within::new(graph, ways),
        originals: Originals::new(graph),
    };
    for group in groups {
        let mut told = BTreeSet::new();
        for second in group {
            // Of two scopes the later one asks; whoever is no scope asks nobody.
            let rivals = beside.of(second).into_iter().filter(|first| match first {
                Party::Scope(first) => *first < second,
                Party::Work(_) => true,
            });
            for first in rivals {
                search.between(first, Party::Scope(second), &mut told, &mut raced, findings);
            }
        }
    }
    raced
}

/// If several branches of a race must complete, two of them may not set one variable that is read
/// behind it (B004): the copies of both would be written back.
fn two_winners(graph: &Graph, ways: &Ways, crossings: &Crossings, findings: &mut Vec<Finding>) {
    let races = |node: &&Node| match node.kind {
        Kind::Won { race } => graph.nodes[race].kind != (Kind::Race { wins: 1 }),
        _ => false,
    };
    if !graph.nodes.iter().any(|node| races(&node)) {
        return;
    }
    let (needed, originals) = (Needed::new(graph, ways, crossings), Originals::new(graph));
    for (end, node) in graph.nodes.iter().enumerate().filter(|(_, node)| races(node)) {
        let Kind::Won { race } = node.kind else { continue };
        let mut set: BTreeMap<usize, (usize, Place)> = BTreeMap::new();
        let Some(block) = crossings.blocks.get(&race) else { continue };
        for &branch in &block.branches {
            for (variable, place) in copied_back(graph, ways, &originals, branch) {
                if !needed.behind(graph, ways, end, variable) {
                    continue;
                }
                match set.get(&variable) {
                    Some((other, first)) => {
                        let fault = Fault::Race { variable, branch, other: *other };
                        findings.push(Finding::new(fault, place).related(first.clone()));
                    }
                    None => _ = set.insert(variable, (branch, place)),
                }
            }
        }
    }
}

/// What a branch of a race sets outside of it, and where in the branch.
fn copied_back(
    graph: &Graph,
    ways: &Ways,
    originals: &Originals,
    branch: usize,
) -> Vec<(usize, Place)> {
    let scopes = graph.nodes.iter().filter(|node| node.scope == branch);
    let copies = scopes.filter_map(|node| match &node.kind {
        Kind::Scope { copies } => Some(copies.iter()),
        _ => None,
    });
    let place = |&(original, copy): &(usize, usize)| {
        let live =
            (0..graph.nodes.len()).filter(|node| ways.live[*node] && inside(graph, *node, branch));
        let mut sets = live.flat_map(|node| sets_at(graph, ways, node).map(move |at| (node, at)));
        let (node, variable) = sets.find(|(_, at)| originals.of(*at).any(|of| of == copy))?;
        Some((original, Place::Set { node, variable }))
    };
    copies.flatten().filter_map(place).collect()
}

/// Turns what is unset only because a concurrent branch sets it into what it is: a read of a
/// sibling's variable (B004, never B003). `graph` is the one before names were separated.
pub(super) fn reads_of_siblings(
    graph: &Graph,
    ways: &Ways,
    crossings: &Crossings,
    findings: &mut [Finding],
) {
    let (beside, originals) = (Beside::new(graph, crossings), Originals::new(graph));
    for finding in findings {
        let (
            Fault::MayBeUnset { variable } | Fault::UndoMayBeUnset { variable, .. },
            Place::Read { node, .. },
        ) = (&finding.fault, &finding.place)
        else {
            continue;
        };
        let means = |at: usize| originals.of(at).last();
        let sets =
            |setter: usize| sets_at(graph, ways, setter).find(|at| means(*at) == means(*variable));
        let setters = (0..graph.nodes.len()).filter(|node| ways.live[*node]);
        let setters: Vec<(usize, usize)> =
            setters.filter_map(|setter| Some((setter, sets(setter)?))).collect();
        let beside = around(graph, graph.nodes[*node].scope).find_map(|scope| {
            beside.of(scope).into_iter().find_map(|other| {
                let set = setters.iter().find(|(setter, _)| other.has(graph, *setter))?;
                Some((Party::Scope(scope), other, *set))
            })
        });
        let Some((reader, setter, (node, set))) = beside else { continue };
        finding.fault = unordered_read(graph, *variable, reader, setter);
        finding.related = vec![Place::Set { node, variable: set }];
        finding.witness = Vec::new();
    }
}

fn unordered_read(graph: &Graph, variable: usize, reader: Party, setter: Party) -> Fault {
    match (reader.branch(graph), setter.branch(graph)) {
        (Some(branch), Some(other)) => Fault::UnorderedRead { variable, branch, other },
        _ => Fault::ReadBeside { variable, reader: reader.node(graph), setter: setter.node(graph) },
    }
}

struct Races<'a> {
    graph: &'a Graph,
    ways: &'a Ways,
    uses: Uses,
    within: Within,
    originals: Originals,
}

impl Races<'_> {
    /// The races between two branches. Each is blamed on a read of what the other one sets, else
    /// on the later setter; a place is blamed once.
    fn between(
        &self,
        first: Party,
        second: Party,
        told: &mut BTreeSet<(usize, usize)>,
        raced: &mut BTreeSet<(usize, usize)>,
        findings: &mut Vec<Finding>,
    ) {
        let sets = |party| self.uses.sets(self.graph, party);
        let reads = |party| self.uses.reads(self.graph, party);
        let mut by_both = sets(first).both(&sets(second));
        by_both.merge(&sets(first).both(&reads(second)));
        by_both.merge(&sets(second).both(&reads(first)));
        for variable in by_both.iter() {
            let reads = [(second, first), (first, second)]
                .into_iter()
                .find(|(reader, setter)| self.takes(*reader, *setter, variable));
            let finding = match reads {
                Some((reader, setter)) => self.read(reader, setter, variable, raced),
                None => self.set(first, second, variable),
            };
            let Some(finding) = finding else { continue };
            let blamed = match finding.place {
                Place::Read { node, .. } | Place::Set { node, .. } => node,
                _ => continue,
            };
            if told.insert((blamed, variable)) {
                findings.push(finding);
            }
        }
    }

    /// Whether a branch reads a variable of another one, and not one that it set itself.
    fn takes(&self, reader: Party, setter: Party, variable: usize) -> bool {
        let sets = |party| self.uses.sets(self.graph, party).has(variable);
        let is_taken = match reader {
            Party::Scope(scope) => self.within.takes[scope].has(variable),
            Party::Work(_) => true,
        };
        sets(setter)
            && self.uses.reads(self.graph, reader).has(variable)
            && (!sets(reader) || is_taken)
    }

    fn read(
        &self,
        reader: Party,
        setter: Party,
        variable: usize,
        raced: &mut BTreeSet<(usize, usize)>,
    ) -> Option<Finding> {
        let reads = |node| reader.reads(self.graph, node).iter().copied();
        let reads: Vec<(usize, usize)> = self
            .live_in(reader)
            .flat_map(|node| reads(node).map(move |at| (node, at)))
            .filter(|(_, at)| self.means(*at, variable))
            .collect();
        raced.extend(&reads);
        let (node, read) = *reads.first()?;
        let set = self.first_set(setter, variable)?;
        let fault = unordered_read(self.graph, variable, reader, setter);
        Some(Finding::new(fault, Place::Read { node, variable: read }).related(set))
    }

    fn set(&self, first: Party, second: Party, variable: usize) -> Option<Finding> {
        let earlier = self.first_set(first, variable)?;
        let later = self.first_set(second, variable)?;
        let fault = match (first.branch(self.graph), second.branch(self.graph)) {
            (Some(other), Some(branch)) => Fault::Race { variable, branch, other },
            _ => Fault::SetBeside {
                variable,
                one: first.node(self.graph),
                other: second.node(self.graph),
            },
        };
        Some(Finding::new(fault, later).related(earlier))
    }

    fn live_in(&self, party: Party) -> impl Iterator<Item = usize> {
        (0..self.graph.nodes.len())
            .filter(move |node| self.ways.live[*node] && party.has(self.graph, *node))
    }

    /// Whether a variable is another one or a copy of it.
    fn means(&self, variable: usize, original: usize) -> bool {
        self.originals.of(variable).any(|at| at == original)
    }

    fn first_set(&self, party: Party, variable: usize) -> Option<Place> {
        self.live_in(party).find_map(|node| {
            let mut sets = sets_at(self.graph, self.ways, node);
            let set = sets.find(|at| self.means(*at, variable))?;
            Some(Place::Set { node, variable: set })
        })
    }
}
