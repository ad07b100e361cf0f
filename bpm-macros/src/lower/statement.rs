//! Statements without a body: tasks and scripts.

use bpm_model::kind::Kind;
use proc_macro2::{Group, Ident, Span, TokenTree};

use super::names::{NodeName, plain};
use super::{Lowering, UserTask, Visit, Work};
use crate::mentions::Mentions;
use crate::report::Report;
use crate::syntax::{
    ClauseWord, Do, Field, Label, Statement, Target, Tokens, UserClause, is_punct,
};

impl<'a> Lowering<'a> {
    pub(super) fn statements(&mut self, statements: &'a [Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &'a Statement) {
        let Statement { label, span, does } = statement;
        let at = At { label: label.as_ref(), span: *span };
        match does {
            Do::Service { target, task, arguments } => {
                self.service(at, target.as_ref(), task, arguments.as_ref());
            }
            Do::Script { target, value } => self.script(at, target, value),
            Do::LetElse { target, value, word, otherwise } => {
                self.let_else(at, target, value, *word, otherwise);
            }
            Do::User { target, name, form, clauses } => {
                self.user(at, target.as_ref(), name, form, clauses);
            }
            Do::If { arms, otherwise } => self.if_chain(at, arms, otherwise.as_deref()),
            Do::Match { word, scrutinee, braces, arms } => {
                self.match_arms(at, word, scrutinee, *braces, arms);
            }
            Do::Parallel { branches } => self.parallel(at, branches),
            Do::For { pattern, items, body } => self.for_each(at, pattern, items, body),
            Do::While { condition, body } => self.while_loop(at, condition, body),
            Do::Loop { body } => self.endless_loop(at, body),
            Do::Break { label } => self.jump(at, label.as_ref(), "break"),
            Do::Continue { label } => self.jump(at, label.as_ref(), "continue"),
            Do::Return { value } => self.return_result(at, value),
            Do::Broken { sets, report } => self.broken(at, sets, report),
            Do::Leaves { report } => self.leaves(at, report),
        }
    }

    fn service(
        &mut self,
        at: At,
        target: Option<&'a Target>,
        task: &'a Tokens,
        arguments: Option<&'a Group>,
    ) {
        let last = last_segment(task);
        let name = last.map(plain).unwrap_or_default();
        let span = last.map_or(at.span, Ident::span);
        let kind = Kind::Service { task: name.clone().into() };
        let node = self.node(kind, at.given(name), at.place(span));
        let mut mentions = Mentions::new();
        arguments.iter().for_each(|arguments| mentions.arguments(arguments.stream()));
        let prologue = self.reads(node, mentions);
        let result = target.and_then(|target| self.one_result(node, target));
        let call: Tokens =
            arguments.iter().map(|group| TokenTree::Group((*group).clone())).collect();
        self.source(node, &[task, &call]);
        self.open = vec![self.way(node)];
        self.visit(Visit { node, prologue, work: Work::Service { task, arguments, result } });
    }

    /// An activity sets one variable: what it hands over is taken apart afterwards.
    fn one_result(&mut self, node: usize, target: &'a Target) -> Option<super::Keep<'a>> {
        if target.name().is_some() || target.names.is_empty() {
            return self.sets_target(node, target);
        }
        let span = target.names[0].span();
        let help = "`let result = …;` and then `let (a, b) = result;`";
        self.reports.push(Report::new(span, "an activity sets one variable").help(help));
        let keeps = self.sets(node, &target.names);
        keeps.into_iter().next()
    }

    fn script(&mut self, at: At, target: &'a Target, value: &'a Tokens) {
        let node = self.node(Kind::Script, at.content(id_of_let(target)), at.place(at.span));
        let mut mentions = Mentions::new();
        mentions.expression(value);
        let prologue = self.reads(node, mentions);
        let work = if target.name().is_some()
            && let Some(keep) = self.sets_target(node, target)
        {
            Work::Set { keep, value }
        } else {
            let keeps = self.sets(node, &target.names);
            Work::Unpack { target, value, keeps }
        };
        self.source(node, &[&target.pattern, value]);
        self.open = vec![self.way(node)];
        self.visit(Visit { node, prologue, work });
    }

    fn user(
        &mut self,
        at: At,
        target: Option<&'a Target>,
        name: &'a Ident,
        form: &'a [Field],
        clauses: &'a [UserClause],
    ) {
        let text = plain(name);
        let kind = Kind::User { name: text.clone().into() };
        let node = self.node(kind, at.given(text.clone()), at.place(name.span()));
        let prologue = self.reads(node, mentions_of_user(form, clauses));
        let constant = self.user_task(name, text, target);
        let result = target.and_then(|target| self.one_result(node, target));
        let values = form.iter().map(|field| &field.value);
        let source: Vec<&Tokens> =
            values.chain(clauses.iter().map(|clause| &clause.value)).collect();
        self.source(node, &source);
        self.open = vec![self.way(node)];
        self.visit(Visit { node, prologue, work: Work::User { constant, form, clauses, result } });
    }

    /// The constant of a user task; calls of one task share it.
    fn user_task(&mut self, at: &Ident, name: String, target: Option<&'a Target>) -> Ident {
        let upper: String = name.chars().flat_map(char::to_uppercase).collect();
        let constant = Ident::new(&upper, at.span());
        if !self.user_tasks.iter().any(|task| task.name == name) {
            self.user_tasks.push(UserTask { constant: constant.clone(), name, target });
        }
        constant
    }

    /// What was not understood passes on, and sets what it would have set.
    fn broken(&mut self, at: At, sets: &[Ident], report: &Report) {
        let name = NodeName::Content("?".into());
        let node = self.node(Kind::Service { task: "?".into() }, name, at.span);
        self.places.broken.insert(node);
        let keeps = self.sets(node, sets);
        self.open = vec![self.way(node)];
        if keeps.is_empty() {
            self.reports.push(report.clone());
        } else {
            let work = Work::Broken { keeps, report: report.clone() };
            self.visit(Visit { node, prologue: Default::default(), work });
        }
    }

    /// What was not understood and does not go on.
    fn leaves(&mut self, at: At, report: &Report) {
        self.reports.push(report.clone());
        self.ends_wrongly(at.span);
    }

    /// The current path ends in what was reported: nothing else is said about it.
    pub(super) fn ends_wrongly(&mut self, span: Span) {
        let name = NodeName::Content("?".into());
        let node = self.node(Kind::End { returns: true }, name, span);
        self.places.broken.insert(node);
    }
}

/// How a statement is labelled, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) label: Option<&'a Label>,
    pub(super) span: Span,
}

impl At<'_> {
    /// The label, else a name that the user gave.
    pub(super) fn given(self, name: String) -> NodeName {
        NodeName::Given(self.label.map_or(name, |label| label.name.clone()))
    }

    /// The label, else an id made from the content.
    pub(super) fn content(self, id: String) -> NodeName {
        match self.label {
            Some(label) => NodeName::Given(label.name.clone()),
            None => NodeName::Content(id),
        }
    }

    /// Where a node stands: at its label, if it has one.
    pub(super) fn place(self, otherwise: Span) -> Span {
        self.label.map_or(otherwise, |label| label.span)
    }
}

pub(super) fn id_of_let(target: &Target) -> String {
    let names: Vec<String> = target.names.iter().map(plain).collect();
    format!("let:{}", if names.is_empty() { "_".to_owned() } else { names.join("+") })
}

/// The task's own name: the last segment of its path.
fn last_segment(path: &Tokens) -> Option<&Ident> {
    let generics = path.iter().position(|token| is_punct(token, '<')).unwrap_or(path.len());
    path[..generics].iter().rev().find_map(|token| match token {
        TokenTree::Ident(name) => Some(name),
        _ => None,
    })
}

fn mentions_of_user(form: &[Field], clauses: &[UserClause]) -> Mentions {
    let mut mentions = Mentions::new();
    for field in form {
        match field.value.is_empty() {
            true => mentions.name(&field.name),
            false => mentions.expression(&field.value),
        }
    }
    for clause in clauses {
        if !matches!(clause.word, ClauseWord::DueAfter(_)) {
            mentions.expression(&clause.value);
        }
    }
    mentions
}
