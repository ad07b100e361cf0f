//! Where in a source the methods of a builder were called: the places of its findings.

use std::panic::Location;

use bpm_model::finding::{Fault, Finding, Named, Place};
use bpm_model::graph::Graph;
use bpm_model::spell;

/// Where in a source a method of the builder was called.
pub(super) type Call = &'static Location<'static>;

/// The calls that made the elements of a graph.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    process: Call,
    nodes: Vec<Call>,
    /// The edges whose nodes exist.
    edges: Vec<Call>,
    /// Nodes that do not exist, each with the first call that names it.
    unknown: Vec<(String, Named, Call)>,
}

impl Calls {
    /// The builder was made here.
    pub(super) fn new(process: Call) -> Self {
        Self { process, nodes: Vec::new(), edges: Vec::new(), unknown: Vec::new() }
    }

    /// A node was added.
    pub(super) fn node(&mut self, call: Call) {
        self.nodes.push(call);
    }

    /// An edge between nodes that exist was added.
    pub(super) fn edge(&mut self, call: Call) {
        self.edges.push(call);
    }

    /// A call names a node that is not there. That is one mistake, however many calls do so.
    pub(super) fn unknown(&mut self, name: String, named: Named, call: Call) {
        if self.unknown.iter().all(|(known, ..)| *known != name) {
            self.unknown.push((name, named, call));
        }
    }

    /// Whether every node that is named is there.
    pub(super) fn know_all(&self) -> bool {
        self.unknown.is_empty()
    }

    /// A finding for every node that is not there.
    pub(super) fn findings(&self, graph: &Graph) -> impl Iterator<Item = Finding> {
        self.unknown.iter().map(|(name, named, _)| {
            let ids = graph.nodes.iter().map(|node| node.id.as_ref());
            let nearest = spell::nearest(name, ids).map(str::to_owned);
            let fault = Fault::Unknown { named: *named, name: name.clone(), nearest };
            Finding::new(fault, Place::Process)
        })
    }

    /// The call that made what a finding speaks about at a place.
    pub(super) fn of(&self, finding: &Finding, place: &Place) -> Call {
        let found = match (place, &finding.fault) {
            (_, Fault::Unknown { name, .. }) => {
                self.unknown.iter().find(|(known, ..)| known == name).map(|(.., call)| call)
            }
            (
                Place::Node(node)
                | Place::Read { node, .. }
                | Place::Set { node, .. }
                | Place::Clause { node, .. },
                _,
            ) => self.nodes.get(*node),
            (Place::Edge(edge) | Place::Expression { edge, .. }, _) => self.edges.get(*edge),
            (Place::Process | Place::Result | Place::Scope(_), _) => None,
        };
        found.copied().unwrap_or(self.process)
    }
}
