//! All findings on one graph.

use std::fmt;
use std::panic::Location;

use super::{Code, Finding, Place};
use crate::graph::Graph;

/// All findings on one graph: the error of whoever builds a graph at run time.
///
/// `Display` prints them all, each with the call that it is about where that is known; so does
/// `Debug`, because that is what a `main` that fails and `unwrap` show.
#[derive(Clone, PartialEq)]
pub struct Findings {
    findings: Vec<Finding>,
    graph: Graph,
    /// For each finding the call of its place, and those of what is related to it.
    calls: Vec<Calls>,
}

type Call = Option<&'static Location<'static>>;

#[derive(Clone, Default, PartialEq)]
struct Calls {
    own: Call,
    related: Vec<Call>,
}

impl Findings {
    /// The findings that [`check`](crate::check::check) or a builder made on `graph`.
    pub fn new(findings: Vec<Finding>, graph: Graph) -> Findings {
        let calls = vec![Calls::default(); findings.len()];
        Findings { findings, graph, calls }
    }

    /// The same with the calls of the source that made the elements, as far as `call` knows them.
    pub fn called(mut self, call: impl Fn(&Finding, &Place) -> Call) -> Findings {
        let calls = |finding: &Finding| Calls {
            own: call(finding, &finding.place),
            related: finding.related.iter().map(|place| call(finding, place)).collect(),
        };
        self.calls = self.findings.iter().map(calls).collect();
        self
    }

    /// The codes, in the order of the findings.
    pub fn codes(&self) -> Vec<Code> {
        self.iter().map(Finding::code).collect()
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.findings.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The graph that the findings are about.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl<'a> IntoIterator for &'a Findings {
    type Item = &'a Finding;
    type IntoIter = std::slice::Iter<'a, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (finding, calls)) in self.iter().zip(&self.calls).enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            let message = finding.message(&self.graph);
            write!(f, "{message}")?;
            if let Some(own) = calls.own {
                write!(f, "\n  at {own}")?;
            }
            for ((_, note), call) in message.notes.iter().zip(&calls.related) {
                if let Some(call) = call {
                    write!(f, "\n  note: {note}: {call}")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Findings {}
