//! What is said of activities behind them: policies, and how long timers wait.

use std::time::Duration;

use bpm_model::duration;
use bpm_model::finding::{Fault, Finding, Named, Place};
use bpm_model::graph::Node;
use bpm_model::kind::Kind;
use bpm_model::policy::Retry;

use super::calls::{Call, Calls};

/// How long a timer waits: a [`Duration`], or a number with a unit like `14d` or `1.5h`.
#[derive(Clone, Debug)]
pub struct After(Result<u64, String>);

impl From<Duration> for After {
    fn from(duration: Duration) -> Self {
        Self(Ok(millis(duration)))
    }
}

impl From<&str> for After {
    fn from(text: &str) -> Self {
        Self(duration::millis(text).ok_or_else(|| text.to_owned()))
    }
}

impl From<String> for After {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl After {
    /// Milliseconds, or the text that cannot be read.
    pub(super) fn millis(self) -> Result<u64, String> {
        self.0
    }
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What is said of a node behind it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clause {
    Retry(Retry),
    Timeout(u64),
}

/// Clauses, with the nodes that they are of, and durations that cannot be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Clauses {
    said: Vec<(String, Clause, Call)>,
    unread: Vec<(usize, String)>,
}

impl Clauses {
    /// Something is said of a node.
    pub(super) fn say(&mut self, node: String, clause: Clause, call: Call) {
        self.said.push((node, clause, call));
    }

    /// The duration of a node cannot be read.
    pub(super) fn unread(&mut self, node: usize, text: String) {
        self.unread.push((node, text));
    }

    /// Puts every clause to its node. What cannot be is a finding.
    pub(super) fn apply(self, nodes: &mut [Node], calls: &mut Calls) -> Vec<Finding> {
        let unread = |(at, text)| Finding::new(Fault::NotADuration { text }, Place::Node(at));
        let mut findings: Vec<_> = self.unread.into_iter().map(unread).collect();
        for (id, clause, call) in self.said {
            let Some(at) = nodes.iter().position(|node| node.id == id) else {
                calls.unknown(id, Named::Activity, call);
                continue;
            };
            match (&mut nodes[at].kind, clause) {
                (Kind::Service { policy, .. }, Clause::Retry(retry)) => policy.retry = Some(retry),
                (Kind::Service { policy, .. }, Clause::Timeout(ms)) => policy.timeout_ms = Some(ms),
                (_, clause) => findings.push(foreign(clause, &id, at)),
            }
        }
        findings
    }
}

fn foreign(clause: Clause, id: &str, node: usize) -> Finding {
    let word = match clause {
        Clause::Retry(_) => "retry",
        Clause::Timeout(_) => "timeout",
    };
    Finding::new(Fault::ForeignClause { word, of: id.to_owned() }, Place::Node(node))
}
