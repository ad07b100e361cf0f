//! `break`, `continue`, `return`.

use bpm_model::finding::{Fault, Finding, Named, Place};
use bpm_model::graph::{Condition as When, Outcome};
use bpm_model::kind::Kind;
use bpm_model::spell;

use super::names::NodeName;
use super::repeat::Loop;
use super::statement::At;
use super::{Lowering, Open, Visit, Work};
use crate::mentions::Mentions;
use crate::report::Report;
use crate::syntax::{Label, Tokens};

impl<'a> Lowering<'a> {
    pub(super) fn jump(&mut self, at: At, label: Option<&Label>, word: &str) {
        let found = self.find_loop(at, label, word);
        let Some(target) = found.or_else(|| self.loops.len().checked_sub(1)) else { return };
        if found.is_some() && self.may_leave(at, self.loops[target].scope, word) {
            self.leave_scopes(self.loops[target].scope, at.span);
            let open = std::mem::take(&mut self.open);
            self.leave(open, target, word);
        } else {
            self.maybe_leave(at, target, word);
        }
    }

    fn leave(&mut self, open: Vec<Open>, target: usize, word: &str) {
        if word == "break" {
            self.loops[target].breaks.extend(open);
        } else {
            let head = self.loops[target].head;
            open.into_iter().for_each(|open| self.connect(open, head));
        }
    }

    /// A jump that cannot be is a choice between jumping and going on, so that nothing follows
    /// from it that would be reported too.
    fn maybe_leave(&mut self, at: At, target: usize, word: &str) {
        let node = self.node(Kind::Exclusive, NodeName::Content("?".to_owned()), at.span);
        self.places.broken.extend([node, self.loops[target].head]);
        let leaves = self.choice(node, When::Code, word.to_owned(), at.span);
        self.leave(vec![leaves], target, word);
        self.open = vec![self.choice(node, When::Code, "else".to_owned(), at.span)];
    }

    fn find_loop(&mut self, at: At, label: Option<&Label>, word: &str) -> Option<usize> {
        let Some(label) = label else {
            if self.loops.is_empty() {
                let report = Report::new(at.span, format!("[B007] `{word}` stands in no loop"))
                    .follows("there is nothing that it could leave")
                    .help("remove it, or write `return` to end the process");
                self.reports.push(report);
            }
            return self.loops.len().checked_sub(1);
        };
        let named = |of: &Loop| of.label.as_ref().is_some_and(|known| known.name == label.name);
        let found = self.loops.iter().rposition(named);
        if found.is_none() {
            self.unknown_label(label);
            // Any of them may be the loop that is meant, and have no other way out.
            self.places.broken.extend(self.loops.iter().map(|of| of.head));
        }
        found
    }

    fn unknown_label(&mut self, label: &Label) {
        let known = self.loops.iter().filter_map(|of| of.label.as_ref());
        let nearest = spell::nearest(&label.name, known.map(|label| label.name.as_str()));
        let fault = Fault::Unknown {
            named: Named::Label,
            name: format!("'{}", label.name),
            nearest: nearest.map(|name| format!("'{name}")),
        };
        let finding = Finding::new(fault, Place::Process);
        self.reports.push(Report::of(&finding, &self.graph, label.span));
    }

    pub(super) fn return_result(&mut self, at: At, value: &'a Tokens) {
        let returns = !(value.is_empty() && self.graph.outcome == Outcome::Unit);
        let name = at.content("return".to_owned());
        let node = self.node(Kind::End { returns }, name, at.place(at.span));
        self.open.clear();
        if !returns {
            return;
        }
        let mut mentions = Mentions::new();
        mentions.expression(value);
        let prologue = self.reads(node, mentions);
        self.source(node, &[value]);
        let work = Work::Return { word: at.span, value };
        self.visit(Visit { node, prologue, work });
    }
}
