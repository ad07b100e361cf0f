//! `break`, `continue`, `return`.

use bpm_model::finding::{Fault, Finding, Named, Place};
use bpm_model::graph::{Outcome, ScopeKind};
use bpm_model::kind::Kind;
use bpm_model::spell;

use super::statement::At;
use super::{Lowering, Visit, Work};
use crate::mentions::Mentions;
use crate::report::Report;
use crate::syntax::{Label, Tokens};

impl<'a> Lowering<'a> {
    /// A jump that cannot be is left out, so that the flow goes on and nothing else is reported.
    pub(super) fn jump(&mut self, at: At, label: Option<&Label>, word: &str) {
        let Some(index) = self.find_loop(at, label, word) else { return };
        if let Some(branch) = self.branch_between(self.loops[index].scope) {
            self.leaves_branch(at, branch);
            return;
        }
        let open = std::mem::take(&mut self.open);
        if word == "break" {
            self.loops[index].breaks.extend(open);
        } else {
            let head = self.loops[index].head;
            open.into_iter().for_each(|open| self.connect(open, head));
        }
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
        let named = |of: &super::repeat::Loop| {
            of.label.as_ref().is_some_and(|known| known.name == label.name)
        };
        let found = self.loops.iter().rposition(named);
        if found.is_none() {
            self.unknown_label(label);
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

    /// The innermost branch that a jump to a loop in `scope` would leave.
    fn branch_between(&self, scope: usize) -> Option<usize> {
        let is_branch = matches!(self.graph.scopes[self.scope].kind, ScopeKind::Branch { .. });
        (self.scope != scope && is_branch).then_some(self.scope)
    }

    fn leaves_branch(&mut self, at: At, branch: usize) {
        let finding = Finding::new(Fault::LeavesBranch { branch }, Place::Scope(branch));
        let report = Report::of(&finding, &self.graph, at.span);
        self.reports.push(report.note(self.places.scopes[branch], "the branch"));
    }

    pub(super) fn return_result(&mut self, at: At, value: &'a Tokens) {
        if self.scope != 0 {
            let what = "`return` in a branch is a word of the language that is not there yet";
            let help = "let the branch set a variable, and return behind the parallel block";
            self.reports.push(Report::new(at.span, what).help(help));
        }
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
