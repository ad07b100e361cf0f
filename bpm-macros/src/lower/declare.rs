//! The process's own variables: parameters, and everything that `let` sets outside of the arms
//! that bind the name themselves.

use proc_macro2::Ident;

use super::Lowering;
use super::names::plain;
use crate::pattern;
use crate::report::Report;
use crate::spacing;
use crate::syntax::{Arm, Condition, Do, Event, Handled, Statement, Target, Tokens};

impl<'a> Lowering<'a> {
    pub(super) fn declare(&mut self) {
        let process = self.process;
        for parameter in &process.parameters {
            if self.scopes.of_process(&plain(&parameter.name)).is_some() {
                let what = format!("two parameters are called `{}`", parameter.name);
                self.reports.push(Report::new(parameter.name.span(), what));
            }
            self.declare_name(&parameter.name);
            if let Some(entry) = self.graph.variables.to_mut().last_mut() {
                entry.ty = spacing::text(&parameter.ty).into();
            }
        }
        self.declare_all(&process.body);
    }

    fn declare_all(&mut self, statements: &'a [Statement]) {
        statements.iter().for_each(|statement| self.declare_in(statement));
    }

    fn declare_in(&mut self, statement: &'a Statement) {
        match &statement.does {
            Do::Service { target, clauses, .. } => {
                target.iter().for_each(|target| self.declare_target(target, true));
                self.declare_events(&clauses.events);
            }
            Do::Script { target, .. } => self.declare_target(target, true),
            Do::User { target, events, .. } => {
                target.iter().for_each(|target| self.declare_target(target, false));
                self.declare_events(events);
            }
            Do::Scope { body, events, .. } => {
                self.declare_all(body);
                self.declare_events(events);
            }
            Do::LetElse { target, otherwise, .. } => {
                self.declare_target(target, false);
                self.declare_all(otherwise);
            }
            Do::If { arms, otherwise } => {
                for (condition, body) in arms {
                    self.declare_arm(&condition_names(condition), body);
                }
                otherwise.iter().for_each(|body| self.declare_all(body));
            }
            Do::Match { arms, .. } => {
                for Arm { pattern, body, .. } in arms {
                    self.declare_arm(&pattern::names(pattern), body);
                }
            }
            Do::Parallel { branches } | Do::Race { branches, .. } => {
                branches.iter().for_each(|branch| self.declare_all(&branch.body));
            }
            Do::For { pattern, body, .. } => self.declare_arm(&pattern::names(pattern), body),
            Do::While { condition, body } => self.declare_arm(&condition_names(condition), body),
            Do::Loop { body } => self.declare_all(body),
            Do::Broken { sets, .. } => self.declare_names(sets),
            Do::Wait { .. }
            | Do::Fail { .. }
            | Do::Break { .. }
            | Do::Continue { .. }
            | Do::Return { .. }
            | Do::Leaves { .. } => {}
        }
    }

    fn declare_events(&mut self, events: &'a [Event]) {
        for event in events {
            self.declare_arm(&event_names(event), &event.body);
        }
    }

    fn declare_arm(&mut self, names: &[Ident], body: &'a [Statement]) {
        self.scopes.open_arm(names);
        self.declare_all(body);
        self.scopes.close_arm();
    }

    fn declare_target(&mut self, target: &'a Target, annotates: bool) {
        self.declare_names(&target.names);
        let variable = target.name().and_then(|name| self.scopes.of_process(&plain(name)));
        let Some(variable) = variable else { return };
        if let Some(word) = target.mutable() {
            self.binders[variable].mutable = Some(word.clone());
        }
        let entry = &mut self.graph.variables.to_mut()[variable];
        if entry.ty.is_empty() && !target.ty.is_empty() {
            entry.ty = spacing::text(&target.ty).into();
            // The type of a user task stands at its constant: user tokens are emitted once.
            if annotates {
                self.binders[variable].annotation = Some(target);
            }
        }
    }

    fn declare_names(&mut self, names: &[Ident]) {
        for name in names {
            self.declare_name(name);
        }
    }

    fn declare_name(&mut self, name: &Ident) {
        let text = plain(name);
        if !self.scopes.is_of_arm(&text) && self.scopes.of_process(&text).is_none() {
            let variable = self.variable(name.clone());
            self.scopes.declare(text, variable);
        }
    }
}

/// The names that the pattern of a boundary event binds.
pub(super) fn event_names(event: &Event) -> Vec<Ident> {
    match &event.handled {
        Handled::Error { pattern, .. } => pattern::names(pattern),
        Handled::Timer { .. } => Vec::new(),
        Handled::Unknown { names, .. } => names.clone(),
    }
}

/// The names that the `let`s of a condition bind.
pub(super) fn condition_names(condition: &Condition) -> Vec<Ident> {
    let mut names = Vec::new();
    for pattern in patterns(&condition.tokens) {
        for name in pattern::names(&pattern) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// What stands between `let` and `=` at the top of a condition.
fn patterns(tokens: &Tokens) -> Vec<Tokens> {
    use crate::syntax::{is_ident, is_punct};
    let mut patterns = Vec::new();
    let mut rest = &tokens[..];
    while let Some(at) = rest.iter().position(|token| is_ident(token, "let")) {
        rest = &rest[at + 1..];
        let end = (0..rest.len())
            .find(|at| is_punct(&rest[*at], '=') && !(*at > 0 && is_punct(&rest[*at - 1], '.')));
        let end = end.unwrap_or(rest.len());
        patterns.push(rest[..end].to_vec());
        rest = &rest[end..];
    }
    patterns
}
