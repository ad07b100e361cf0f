//! Definitions: a graph, and what its nodes do.

use bpm_model::graph::Graph;

use crate::vars::Visit;

/// A process that an engine can run.
#[derive(Clone)]
pub struct ProcessDefinition {
    graph: Graph,
    visit: Option<Visit>,
}

impl ProcessDefinition {
    pub(crate) fn compiled(graph: Graph, visit: Visit) -> Self {
        Self { graph, visit: Some(visit) }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn visit(&self) -> Option<Visit> {
        self.visit
    }
}
