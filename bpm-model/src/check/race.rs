//! Variables of concurrent branches: which are private to a branch, and which race (B004).

use std::collections::{BTreeMap, BTreeSet};

use super::bits::Bits;
use super::scopes::{Block, Crossings, around, concurrent, inside};
use super::ways::Ways;
use super::within::Within;
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Graph, ScopeKind, Text, Variable};

/// A graph in which private names have variables of their own.
pub(super) struct Separated {
    /// The graph.
    pub(super) graph: Graph,
    /// For each of its variables the one that it was.
    pub(super) was: Vec<usize>,
}

/// What the branches do with the variables.
struct Uses {
    /// What each scope reads, the scopes inside of it included.
    reads: Vec<Bits>,
    /// What each scope sets, the scopes inside of it included.
    sets: Vec<Bits>,
}

/// Gives each name that is private to a branch a variable of its own, inner blocks first.
pub(super) fn separate(graph: &Graph, ways: &Ways, crossings: &Crossings) -> Separated {
    let was = (0..graph.variables.len()).collect();
    let mut separated = Separated { graph: graph.clone(), was };
    if crossings.blocks.is_empty() {
        return separated;
    }
    let needed = Needed::new(graph, ways, crossings);
    let mut uses = Uses::new(graph, ways);
    for block in inner_first(graph, crossings) {
        let mut privates = Vec::new();
        for branch in &block.branches {
            let rivals = beside(graph, crossings, *branch);
            for variable in uses.sets[*branch].iter().filter(|at| *at < graph.variables.len()) {
                let contested = rivals.iter().any(|rival| {
                    uses.sets[*rival].has(variable) || uses.reads[*rival].has(variable)
                });
                if contested && !needed.outside(graph, crossings, *branch, variable) {
                    privates.push((*branch, variable));
                }
            }
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
        }
        for edge in self.graph.edges.to_mut().iter_mut().filter(|edge| here[edge.from]) {
            replace(&mut edge.sets, variable, own);
        }
    }

    /// `pack.tmp`, or with a number behind it where that is taken.
    fn free_key(&self, branch: usize, variable: usize) -> Text {
        let ScopeKind::Branch { name, .. } = &self.graph.scopes[branch].kind else {
            unreachable!("only branches have variables of their own")
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

impl Uses {
    fn new(graph: &Graph, ways: &Ways) -> Uses {
        let none = vec![Bits::none(graph.variables.len()); graph.scopes.len()];
        let mut uses = Uses { reads: none.clone(), sets: none };
        for (at, node) in graph.nodes.iter().enumerate().filter(|(at, _)| ways.live[*at]) {
            for scope in around(graph, node.scope) {
                node.reads.iter().for_each(|variable| uses.reads[scope].add(*variable));
                sets_at(graph, ways, at).for_each(|variable| uses.sets[scope].add(variable));
            }
        }
        uses
    }
}

/// What a node and the edges out of it set.
fn sets_at(graph: &Graph, ways: &Ways, node: usize) -> impl Iterator<Item = usize> {
    let by_edges = ways.outs[node].iter().flat_map(|edge| graph.edges[*edge].sets.iter());
    graph.nodes[node].sets.iter().chain(by_edges).copied()
}

/// Which variables somebody may read later, before they are set again: at the entry of each node.
struct Needed {
    at: Vec<Bits>,
    within: Within,
    /// By the forks, what their blocks hide from whoever reads behind them.
    hidden: BTreeMap<usize, Bits>,
}

impl Needed {
    fn new(graph: &Graph, ways: &Ways, crossings: &Crossings) -> Needed {
        let nodes = graph.nodes.len();
        let at = vec![Bits::none(graph.variables.len()); nodes];
        let within = Within::new(graph, ways);
        let blocks = crossings.blocks.iter();
        let hidden = blocks.map(|(fork, block)| (*fork, within.hidden(graph, block))).collect();
        let mut needed = Needed { at, within, hidden };
        let mut waits = vec![true; nodes];
        let mut ready: Vec<usize> = (0..nodes).collect();
        while let Some(node) = ready.pop() {
            waits[node] = false;
            let now = needed.before(graph, ways, node);
            if now != needed.at[node] {
                needed.at[node] = now;
                for edge in ways.taken_ins(node) {
                    let from = graph.edges[edge].from;
                    if !std::mem::replace(&mut waits[from], true) {
                        ready.push(from);
                    }
                }
            }
        }
        needed
    }

    fn before(&self, graph: &Graph, ways: &Ways, node: usize) -> Bits {
        let mut now = Bits::none(graph.variables.len());
        for edge in ways.taken_outs(node) {
            let mut over = self.at[graph.edges[edge].to].clone();
            graph.edges[edge].sets.iter().for_each(|variable| over.remove(*variable));
            now.merge(&over);
        }
        self.hidden.get(&node).into_iter().for_each(|hidden| now.drop(hidden));
        graph.nodes[node].sets.iter().for_each(|variable| now.remove(*variable));
        graph.nodes[node].reads.iter().for_each(|variable| now.add(*variable));
        now
    }

    /// Whether a branch takes a variable from outside of it or leaves it to somebody outside.
    fn outside(
        &self,
        graph: &Graph,
        crossings: &Crossings,
        branch: usize,
        variable: usize,
    ) -> bool {
        let left = crossings.leaving.iter().any(|(edge, left)| {
            left.contains(&branch) && self.at[graph.edges[*edge].to].has(variable)
        });
        left || self.within.takes[branch].has(variable)
    }
}

fn inner_first<'a>(graph: &Graph, crossings: &'a Crossings) -> Vec<&'a Block> {
    let mut blocks: Vec<&Block> = crossings.blocks.values().collect();
    blocks.sort_by_key(|block| std::cmp::Reverse(around(graph, block.branches[0]).count()));
    blocks
}

/// The branches that may run beside a branch: of its own block and of the blocks around it.
fn beside(graph: &Graph, crossings: &Crossings, branch: usize) -> Vec<usize> {
    let beside = |scope: usize| match graph.scopes[scope].kind {
        ScopeKind::Branch { fork, .. } => {
            concurrent(graph, &crossings.blocks[&fork]).remove(&scope).unwrap_or_default()
        }
        ScopeKind::Process | ScopeKind::Body { .. } => Vec::new(),
    };
    around(graph, branch).flat_map(beside).collect()
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
    if crossings.blocks.is_empty() {
        return raced;
    }
    let search =
        Races { graph, ways, uses: Uses::new(graph, ways), within: Within::new(graph, ways) };
    for block in inner_first(graph, crossings) {
        let mut told = BTreeSet::new();
        for (second, rivals) in &concurrent(graph, block) {
            for first in rivals.iter().filter(|first| *first < second) {
                search.between(*first, *second, &mut told, &mut raced, findings);
            }
        }
    }
    raced
}

/// Turns what is unset only because a concurrent branch sets it into what it is: a read of a
/// sibling's variable (B004, never B003). `graph` is the one before names were separated.
pub(super) fn reads_of_siblings(
    graph: &Graph,
    ways: &Ways,
    crossings: &Crossings,
    findings: &mut [Finding],
) {
    for finding in findings {
        let (
            Fault::MayBeUnset { variable } | Fault::UndoMayBeUnset { variable, .. },
            Place::Read { node, .. },
        ) = (&finding.fault, &finding.place)
        else {
            continue;
        };
        let Some((branch, other, set)) = sibling(graph, ways, crossings, *node, *variable) else {
            continue;
        };
        let variable = *variable;
        finding.fault = Fault::UnorderedRead { variable, branch, other };
        finding.related = vec![Place::Set { node: set, variable }];
        finding.witness = Vec::new();
    }
}

/// The branch of a reader, a branch beside it that sets the variable, and where.
fn sibling(
    graph: &Graph,
    ways: &Ways,
    crossings: &Crossings,
    reader: usize,
    variable: usize,
) -> Option<(usize, usize, usize)> {
    let sets = |node: usize| sets_at(graph, ways, node).any(|at| at == variable);
    let setters: Vec<usize> =
        (0..graph.nodes.len()).filter(|node| ways.live[*node] && sets(*node)).collect();
    around(graph, graph.nodes[reader].scope).find_map(|branch| {
        let ScopeKind::Branch { fork, .. } = graph.scopes[branch].kind else { return None };
        let beside = concurrent(graph, &crossings.blocks[&fork]);
        beside[&branch].iter().find_map(|other| {
            let set = setters.iter().find(|node| inside(graph, **node, *other))?;
            Some((branch, *other, *set))
        })
    })
}

struct Races<'a> {
    graph: &'a Graph,
    ways: &'a Ways,
    uses: Uses,
    within: Within,
}

impl Races<'_> {
    /// The races between two branches. Each is blamed on a read of what the other one sets, else
    /// on the later setter; a place is blamed once.
    fn between(
        &self,
        first: usize,
        second: usize,
        told: &mut BTreeSet<(usize, usize)>,
        raced: &mut BTreeSet<(usize, usize)>,
        findings: &mut Vec<Finding>,
    ) {
        let uses = &self.uses;
        let mut contested = uses.sets[first].clone();
        contested.merge(&uses.sets[second]);
        let mut by_both = uses.sets[first].both(&uses.sets[second]);
        by_both.merge(&uses.sets[first].both(&uses.reads[second]));
        by_both.merge(&uses.sets[second].both(&uses.reads[first]));
        for variable in by_both.both(&contested).iter() {
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
    fn takes(&self, reader: usize, setter: usize, variable: usize) -> bool {
        self.uses.sets[setter].has(variable)
            && self.uses.reads[reader].has(variable)
            && (!self.uses.sets[reader].has(variable) || self.within.takes[reader].has(variable))
    }

    fn read(
        &self,
        reader: usize,
        setter: usize,
        variable: usize,
        raced: &mut BTreeSet<(usize, usize)>,
    ) -> Option<Finding> {
        let reads: Vec<usize> = self
            .live_in(reader)
            .filter(|node| self.graph.nodes[*node].reads.contains(&variable))
            .collect();
        raced.extend(reads.iter().map(|node| (*node, variable)));
        let node = *reads.first()?;
        let setting = self.first_set(setter, variable)?;
        let fault = Fault::UnorderedRead { variable, branch: reader, other: setter };
        let finding = Finding::new(fault, Place::Read { node, variable });
        Some(finding.related(Place::Set { node: setting, variable }))
    }

    fn set(&self, first: usize, second: usize, variable: usize) -> Option<Finding> {
        let earlier = self.first_set(first, variable)?;
        let later = self.first_set(second, variable)?;
        let fault = Fault::Race { variable, branch: second, other: first };
        let finding = Finding::new(fault, Place::Set { node: later, variable });
        Some(finding.related(Place::Set { node: earlier, variable }))
    }

    fn live_in(&self, branch: usize) -> impl Iterator<Item = usize> {
        (0..self.graph.nodes.len())
            .filter(move |node| self.ways.live[*node] && inside(self.graph, *node, branch))
    }

    fn first_set(&self, branch: usize, variable: usize) -> Option<usize> {
        let sets = |node: &usize| sets_at(self.graph, self.ways, *node).any(|at| at == variable);
        self.live_in(branch).find(sets)
    }
}
