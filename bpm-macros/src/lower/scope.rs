//! Scopes, and the boundary events of activities and scopes with what handles them.
//!
//! ```text
//!   ──► scope ──► body ──► scope/end ────────►┐
//!         ├╌╌╌► scope/error ──► handler ─────►├► merge ──►
//!         └╌╌╌► scope/every ──► body of its own ──► scope/every/end
//! ```

use bpm_model::finding::{Fault, Finding, Place};
use bpm_model::graph::{Condition as When, Scope, ScopeKind};
use bpm_model::kind::{Kind, Trigger};
use bpm_model::policy::Part;
use proc_macro2::{Ident, Span};

use super::declare::event_names;
use super::names::{NodeName, plain};
use super::statement::At;
use super::{Caught, Lowering, Open, Visit, Work};
use crate::mentions::Mentions;
use crate::report::Report;
use crate::spacing;
use crate::syntax::{Event, Handled, Statement, Tokens, Until, is_ident};

impl<'a> Lowering<'a> {
    pub(super) fn scope(
        &mut self,
        at: At,
        word: &'a Ident,
        body: &'a [Statement],
        events: &'a [Event],
    ) {
        let kind = Kind::Scope { copies: Vec::new().into() };
        let node = self.node(kind, at.content("scope".to_owned()), at.place(word.span()));
        self.open = vec![self.way(node)];
        self.inside(node, word.span(), |lowering| lowering.statements(body));
        self.events(node, events);
    }

    /// Lowers the body of a node in a scope of its own. The ways out of it are those of its end.
    pub(super) fn inside(&mut self, of: usize, span: Span, body: impl FnOnce(&mut Self)) {
        let scope = self.graph.scopes.len();
        self.graph.scopes.to_mut().push(Scope { kind: ScopeKind::Body { of }, parent: self.scope });
        self.places.scopes.push(span);
        let around = std::mem::replace(&mut self.scope, scope);
        body(self);
        self.merge(of);
        if !self.open.is_empty() {
            self.leave_scope(of, span);
        }
        self.scope = around;
    }

    /// The end of the body of a node.
    fn leave_scope(&mut self, of: usize, span: Span) {
        let end = self.node(Kind::Leave { of }, NodeName::Within(of, "end".to_owned()), span);
        self.open = vec![self.way(end)];
    }

    /// The boundary events of a node that is lowered; the open ends are its normal ways out.
    pub(super) fn events(&mut self, of: usize, events: &'a [Event]) {
        let mut ends = std::mem::take(&mut self.open);
        for event in events {
            self.event(of, event);
            ends.append(&mut self.open);
        }
        self.open = ends;
        if !events.is_empty() {
            self.merge(of);
        }
    }

    fn event(&mut self, of: usize, event: &'a Event) {
        let span = event.first;
        let on = match &event.handled {
            Handled::Error { .. } => Trigger::Error,
            Handled::Timer { trigger, .. } => *trigger,
            Handled::Unknown { .. } => Trigger::After,
        };
        let word = match event.handled {
            Handled::Unknown { .. } => plain(&event.word),
            _ => on.word().to_owned(),
        };
        self.open = vec![self.choice(of, When::Boundary, event_text(event), span)];
        let kind = Kind::Boundary { of, on, interrupts: event.interrupts };
        let node = self.node(kind, NodeName::Within(of, word), span);
        let at_visit = self.parts.len();
        let way = self.way(node);
        if event.interrupts {
            self.handler(node, event, way, at_visit);
            return;
        }
        self.inside(node, span, |lowering| lowering.handler(node, event, way, at_visit));
        // Behind the body of an event that does not interrupt there is nothing.
        self.open.clear();
    }

    /// The block of a boundary event, and in front of it the visit of its node.
    fn handler(&mut self, node: usize, event: &'a Event, way: Open, at_visit: usize) {
        let bound = self.bound(way, &event_names(event), &event.body);
        for (_, variable) in &bound {
            self.sets_hidden(node, *variable);
        }
        let keeps = self.kept(node, bound);
        let behind = self.parts.split_off(at_visit);
        match &event.handled {
            Handled::Timer { until, .. } => {
                self.timer(node, &event.word, until);
                if let Until::Millis { span, .. } = until {
                    self.places.values.insert((node, Part::Wait), *span);
                }
            }
            Handled::Error { pattern, guard } => {
                let of = self.caught(node, pattern);
                let mut mentions = Mentions::new();
                mentions.guard(guard, &event_names(event));
                let prologue = self.reads(node, mentions);
                let guards: Tokens = guard.iter().skip(1).cloned().collect();
                self.source(node, &[pattern, &guards]);
                let work =
                    Work::Catch { of, word: &event.word, arm: (pattern, guard, event.span), keeps };
                self.visit(Visit { node, prologue, work });
            }
            Handled::Unknown { report, .. } => {
                self.places.broken.insert(node);
                if keeps.is_empty() {
                    self.reports.push(report.clone());
                } else {
                    let work = Work::Broken { keeps, report: report.clone() };
                    self.visit(Visit { node, prologue: Default::default(), work });
                }
            }
        }
        self.parts.extend(behind);
    }

    /// What a pattern is matched against.
    fn caught(&mut self, boundary: usize, pattern: &Tokens) -> Caught {
        let Kind::Boundary { of, .. } = self.graph.nodes[boundary].kind else {
            unreachable!("only boundary events have patterns");
        };
        let all = matches!(&pattern[..], [token] if is_ident(token, "_"));
        match self.graph.nodes[of].kind {
            _ if all => Caught::All,
            Kind::Service { .. } => {
                if !self.thrown.contains(&of) {
                    self.thrown.push(of);
                }
                Caught::Error(of)
            }
            _ => Caught::Failure,
        }
    }

    /// Leaves all scopes between the current place and a scope around it: each counts as
    /// completed.
    pub(super) fn leave_scopes(&mut self, outer: usize, span: Span) {
        let around = self.scope;
        while self.scope != outer && !self.open.is_empty() {
            let Scope { kind, parent } = self.graph.scopes[self.scope].clone();
            if let ScopeKind::Body { of } = kind {
                self.leave_scope(of, span);
            }
            self.scope = parent;
        }
        self.scope = around;
    }

    /// What a jump to a scope may not leave: reported, if it does.
    pub(super) fn may_leave(&mut self, at: At, outer: usize, word: &str) -> bool {
        let mut scope = self.scope;
        while scope != outer {
            let report = match self.graph.scopes[scope].kind {
                ScopeKind::Branch { .. } => Some(self.leaves_branch(at, scope)),
                ScopeKind::Body { of } => self.leaves_beside(at, of, word),
                ScopeKind::Process => None,
            };
            if let Some(report) = report {
                self.reports.push(report);
                return false;
            }
            scope = self.graph.scopes[scope].parent;
        }
        true
    }

    fn leaves_branch(&self, at: At, branch: usize) -> Report {
        let finding = Finding::new(Fault::LeavesBranch { branch }, Place::Scope(branch));
        let report = Report::of(&finding, &self.graph, at.span);
        report.note(self.places.scopes[branch], "the branch")
    }

    fn leaves_beside(&self, at: At, of: usize, word: &str) -> Option<Report> {
        let Kind::Boundary { on, .. } = self.graph.nodes[of].kind else { return None };
        let what = format!("[B007] this `{word}` leaves the block of `also {}`", on.word());
        let report = Report::new(at.span, what)
            .follows("the block runs beside the loop, which goes on without it")
            .help("let the block set a variable, and choose behind the activity");
        Some(report.note(self.places.nodes[of], "the clause"))
    }
}

/// What a person sees on the way to a boundary event.
fn event_text(event: &Event) -> String {
    let word = if event.interrupts { "on" } else { "also" };
    match &event.handled {
        Handled::Error { pattern, guard } => {
            let text = spacing::short(&[&pattern[..], guard].concat());
            format!("{word} error {text}")
        }
        Handled::Timer { trigger, until } => {
            let text = match until {
                Until::Millis { text, .. } => text.clone(),
                Until::After(value) | Until::Time(value) => spacing::short(value),
            };
            format!("{word} {} {text}", trigger.word())
        }
        Handled::Unknown { .. } => format!("{word} {}", plain(&event.word)),
    }
}
