//! Which way an instance went, and what a test says of it.

use std::fmt;

use bpm_core::change::Change;
use bpm_core::history::Recorded;
use bpm_model::graph::Graph;
use bpm_model::kind::Kind;

use crate::engine::TestEngine;

/// The nodes that an instance passed, in the order in which tokens came to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Passed>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Passed {
    node: String,
    /// Gateways count only where a test names them.
    gateway: bool,
}

/// A part of a path as a test says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// This node.
    Node(&'a str),
    /// Any nodes, or none.
    Gap,
}

/// What has a path.
pub trait HasPath {
    /// The path.
    fn path(&self) -> Path;
}

impl HasPath for Path {
    fn path(&self) -> Path {
        self.clone()
    }
}

impl HasPath for TestEngine {
    /// That of the instance that was started last.
    #[track_caller]
    fn path(&self) -> Path {
        self.last_path()
    }
}

impl<T: HasPath> HasPath for &T {
    #[track_caller]
    fn path(&self) -> Path {
        (*self).path()
    }
}

impl HasPath for Vec<Recorded> {
    /// That of a history; every gateway counts.
    fn path(&self) -> Path {
        Path::of(self, None)
    }
}

impl Path {
    /// The nodes of a history.
    pub(crate) fn of(history: &[Recorded], graph: Option<&Graph>) -> Self {
        let passed =
            history.iter().flat_map(|turn| &turn.changes).filter_map(|change| match change {
                Change::TokenCreated { node, .. }
                | Change::TokenMoved { node, .. }
                | Change::UndoStarted { node, .. } => Some(Passed {
                    node: node.to_string(),
                    gateway: graph.is_some_and(|graph| is_gateway(graph, node)),
                }),
                _ => None,
            });
        Self(passed.collect())
    }

    /// The ids of all nodes, gateways included.
    pub fn nodes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|passed| passed.node.as_str())
    }

    /// The ids that a test looks at: all but the gateways that it does not name.
    fn seen(&self, expected: &[Step<'_>]) -> Vec<&str> {
        let named = |node: &str| expected.contains(&Step::Node(node));
        let seen = self.0.iter().filter(|passed| !passed.gateway || named(&passed.node));
        seen.map(|passed| passed.node.as_str()).collect()
    }

    /// Whether the path is the expected one; if not, both of them, with the place where they part.
    ///
    /// # Errors
    ///
    /// The difference, as text for people.
    pub fn compare(&self, expected: &[Step<'_>]) -> Result<(), Difference> {
        let seen = self.seen(expected);
        // Which beginnings of the path each beginning of the expectation can be.
        let mut reach = vec![false; seen.len() + 1];
        reach[0] = true;
        let mut furthest = (0, 0);
        for (at, step) in expected.iter().enumerate() {
            reach = match step {
                Step::Gap => {
                    let first = reach.iter().position(|reached| *reached);
                    (0..reach.len()).map(|to| first.is_some_and(|first| to >= first)).collect()
                }
                Step::Node(node) => (0..reach.len())
                    .map(|to| to > 0 && reach[to - 1] && seen[to - 1] == *node)
                    .collect(),
            };
            match reach.iter().position(|reached| *reached) {
                Some(first) => furthest = (at + 1, first),
                None => break,
            }
        }
        if furthest.0 == expected.len() && reach[seen.len()] {
            return Ok(());
        }
        Err(Difference::new(expected, &seen, furthest))
    }
}

fn is_gateway(graph: &Graph, id: &str) -> bool {
    let kind = graph.node(id).map(|node| &graph.nodes[node].kind);
    matches!(kind, Some(Kind::Exclusive | Kind::Each | Kind::Parallel))
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.nodes().collect::<Vec<_>>().join(" → "))
    }
}

/// Where a path is not the expected one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference(String);

impl Difference {
    fn new(expected: &[Step<'_>], seen: &[&str], (steps, passed): (usize, usize)) -> Self {
        let word = |step: &Step<'_>| match step {
            Step::Node(node) => (*node).to_owned(),
            Step::Gap => "..".to_owned(),
        };
        let expected: Vec<_> = expected.iter().map(word).collect();
        let seen: Vec<_> = seen.iter().map(|node| (*node).to_owned()).collect();
        let (same, mut lines) = (steps.min(expected.len()), Vec::new());
        lines.extend(expected[..same].iter().map(|node| format!("    {node}")));
        lines.extend(expected[same..].iter().map(|node| format!("  - {node}")));
        lines.extend(seen[passed..].iter().map(|node| format!("  + {node}")));
        Self(format!("the instance went another way (- expected, + passed):\n{}", lines.join("\n")))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Difference {}

/// Asserts which nodes an instance passed, by their ids, in order; `..` stands for any of them.
///
/// The first argument is a [`TestEngine`] (then it is the instance that was started last), the
/// [path](TestEngine::path) of a run, or a history. Gateways are left out, but for those that the
/// list names. Branches of a `parallel` come in the order in which their steps happened.
///
/// ```ignore
/// assert_path!(engine, "start", "reserve", "approve", .., "shipped");
/// assert_path!(engine.path(&run), .., "rejected");
/// ```
///
/// # Panics
///
/// If the instance went another way, showing both.
#[macro_export]
macro_rules! assert_path {
    ($of:expr, $($step:tt),+ $(,)?) => {{
        let path = $crate::path::HasPath::path(&$of);
        let steps = [$($crate::__step!($step)),+];
        if let ::core::result::Result::Err(difference) = path.compare(&steps) {
            ::core::panic!("{difference}");
        }
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __step {
    (..) => {
        $crate::path::Step::Gap
    };
    ($node:expr) => {
        $crate::path::Step::Node($node)
    };
}
