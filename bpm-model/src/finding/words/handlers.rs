//! The words about boundary events that never happen.

use super::{Context, Words, words};
use crate::finding::Fault;
use crate::finding::path::node;
use crate::kind::{Kind, Trigger};

impl Context<'_> {
    pub(super) fn handlers(&self) -> Words {
        match self.finding.fault {
            Fault::CannotFail { of } => self.cannot_fail(of),
            Fault::FiresAtOnce { of } => words(
                format!("{} interrupts at once", self.subject),
                format!("{} would be over before it has begun", node(self.graph, of)),
                "write how long it may take, or remove the clause",
            ),
            Fault::ComesLater { first } => self.comes_later(first),
            _ => unreachable!("only faults about events are told here"),
        }
    }

    fn cannot_fail(&self, of: usize) -> Words {
        let owner = node(self.graph, of);
        let what = match self.graph.nodes[of].kind {
            Kind::Scope { .. } => format!("nothing in {owner} can fail"),
            _ => format!("{owner} cannot fail"),
        };
        let help = match self.graph.nodes[of].kind {
            Kind::Scope { .. } => "remove the clause",
            _ => "remove the clause, or limit how long it may take: `on after 3d => { … }`",
        };
        words(what, format!("{} would never happen", self.subject), help)
    }

    fn comes_later(&self, first: usize) -> Words {
        let first_name = node(self.graph, first);
        let what =
            format!("{} can never happen, because {first_name} comes before it", self.subject);
        match self.graph.nodes[first].kind {
            Kind::Boundary { on: Trigger::Error, .. } => words(
                what,
                "the first pattern that matches an error catches it, and nothing is left for this one",
                "write the narrower pattern first, or remove one of them",
            ),
            _ => words(
                what,
                "what they belong to is interrupted by then",
                "write a shorter time, or remove one of them",
            ),
        }
    }
}
