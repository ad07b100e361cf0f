//! Which nodes and ways of the processes the tests of a program went, over all [`TestEngine`]s.
//!
//! [`TestEngine`]: crate::TestEngine

mod files;
mod journal;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bpm_core::definition::ProcessDefinition;
use bpm_core::process::Process;
use bpm_model::graph::Graph;
use bpm_model::render;

pub(crate) use journal::Journal;

/// What the test engines of this program ran of one definition so far.
///
/// `cargo test` says of no test that it is the last one. So there are two ways to see the whole:
/// with `BPM_COVERAGE=folder cargo test`, every test engine adds what it ran to files in that
/// folder when it is dropped (a report and a Mermaid picture for each process, over all programs
/// and also with one program a test); or one test runs what it wants to be complete and asserts
/// it by [`Coverage::of`].
#[derive(Clone, Debug)]
pub struct Coverage {
    definition: ProcessDefinition,
    hits: Hits,
}

/// Nodes and edges by their positions in the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hits {
    nodes: BTreeSet<usize>,
    edges: BTreeSet<usize>,
}

/// By name and version.
type All = BTreeMap<(String, u32), Coverage>;

static ALL: Mutex<All> = Mutex::new(BTreeMap::new());

fn all() -> MutexGuard<'static, All> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The coverage of a definition, to be added to. One that is another than before begins anew.
fn entry<'a>(all: &'a mut All, definition: &ProcessDefinition) -> &'a mut Coverage {
    let key = (definition.name().to_owned(), definition.version());
    let coverage = all.entry(key).or_insert_with(|| Coverage::none(definition));
    if coverage.definition.fingerprint() != definition.fingerprint() {
        *coverage = Coverage::none(definition);
    }
    coverage
}

impl Coverage {
    fn none(definition: &ProcessDefinition) -> Self {
        Self { definition: definition.clone(), hits: Hits::default() }
    }

    /// That of a process that is written with `workflow!`.
    pub fn of<P: Process>() -> Self {
        Self::of_definition(&P::definition())
    }

    /// That of a definition.
    pub fn of_definition(definition: &ProcessDefinition) -> Self {
        entry(&mut all(), definition).clone()
    }

    /// That of every definition that a test engine was started with, by name and version.
    pub fn all() -> Vec<Self> {
        all().values().cloned().collect()
    }

    fn graph(&self) -> &Graph {
        self.definition.graph()
    }

    /// The ids of the nodes that no instance came to, in the order of the graph.
    pub fn missed_nodes(&self) -> Vec<&str> {
        let nodes = self.graph().nodes.iter().enumerate();
        let missed = nodes.filter(|(at, _)| !self.hits.nodes.contains(at));
        missed.map(|(_, node)| node.id.as_ref()).collect()
    }

    /// The ways that no instance went, as `from -[condition]-> to`, in the order of the graph.
    pub fn missed_ways(&self) -> Vec<String> {
        self.missed_edges().map(|edge| self.way(edge)).collect()
    }

    fn missed_edges(&self) -> impl Iterator<Item = usize> {
        (0..self.graph().edges.len()).filter(|edge| !self.hits.edges.contains(edge))
    }

    fn way(&self, edge: usize) -> String {
        let (nodes, edge) = (&self.graph().nodes, &self.graph().edges[edge]);
        let (from, to) = (&nodes[edge.from].id, &nodes[edge.to].id);
        match edge.text.is_empty() {
            true => format!("{from} -> {to}"),
            false => format!("{from} -[{}]-> {to}", edge.text),
        }
    }

    /// Whether every node was reached and every way was gone.
    pub fn is_complete(&self) -> bool {
        self.missed_nodes().is_empty() && self.missed_edges().next().is_none()
    }

    /// What was run and what was missed, as text.
    pub fn report(&self) -> String {
        let (graph, hits) = (self.graph(), &self.hits);
        let mut out = format!(
            "{}, version {}: {} of {} nodes, {} of {} ways\n",
            graph.name,
            graph.version,
            hits.nodes.len(),
            graph.nodes.len(),
            hits.edges.len(),
            graph.edges.len()
        );
        for node in self.missed_nodes() {
            let _ = writeln!(out, "  never reached: {node}");
        }
        for way in self.missed_ways() {
            let _ = writeln!(out, "  never gone: {way}");
        }
        out
    }

    /// The picture as a Mermaid flowchart, in which what was missed is red and dashed.
    pub fn to_mermaid(&self) -> String {
        let mut out = render::mermaid(self.graph());
        let nodes = (0..self.graph().nodes.len()).filter(|at| !self.hits.nodes.contains(at));
        let nodes: Vec<_> = nodes.map(|node| format!("n{node}")).collect();
        if !nodes.is_empty() {
            out.push_str("    classDef missed stroke:#c00,stroke-dasharray:4\n");
            let _ = writeln!(out, "    class {} missed", nodes.join(","));
        }
        let edges: Vec<_> = self.missed_edges().map(|edge| edge.to_string()).collect();
        if !edges.is_empty() {
            let _ = writeln!(out, "    linkStyle {} stroke:#c00", edges.join(","));
        }
        out
    }
}
