//! Statements without a body: tasks and scripts.

use bpm_model::kind::Kind;
use bpm_model::policy::Policy;
use proc_macro2::{Group, Ident, Span, TokenTree};

use super::names::{NodeName, plain};
use super::{Lowering, Prologue, UserTask, Visit, Work};
use crate::mentions::Mentions;
use crate::report::Report;
use crate::spacing;
use crate::syntax::{
    ClauseWord, Clauses, Do, Field, Label, Statement, Target, Tokens, Undo, Until, UserClause,
    is_punct,
};

/// A task and its arguments.
type Call<'a> = (&'a Tokens, Option<&'a Group>);

impl<'a> Lowering<'a> {
    pub(super) fn statements(&mut self, statements: &'a [Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn statement(&mut self, statement: &'a Statement) {
        let Statement { label, span, does } = statement;
        let at = At { label: label.as_ref(), span: *span };
        match does {
            Do::Service { target, task, arguments, clauses } => {
                self.service(at, target.as_ref(), (task, arguments.as_ref()), clauses);
            }
            Do::Script { target, value } => self.script(at, target, value),
            Do::LetElse { target, value, word, otherwise } => {
                self.let_else(at, target, value, *word, otherwise);
            }
            Do::User { target, name, form, clauses, undo, events } => {
                let node = self.user(at, target.as_ref(), name, form, clauses);
                self.undo(node, undo.as_ref());
                self.events(node, events);
            }
            Do::Wait { word, until } => self.wait(at, word, until),
            Do::Fail { word, text } => self.fail(at, word, text),
            Do::If { arms, otherwise } => self.if_chain(at, arms, otherwise.as_deref()),
            Do::Match { word, scrutinee, braces, arms } => {
                self.match_arms(at, word, scrutinee, *braces, arms);
            }
            Do::Parallel { branches } => self.parallel(at, branches),
            Do::Race { wins, branches } => self.race(at, *wins, branches),
            Do::Scope { word, body, events } => self.scope(at, word, body, events),
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
        call: Call<'a>,
        clauses: &'a Clauses,
    ) {
        let (name, span) = task_name(call.0, at.span);
        let policy = clauses.policy.policy;
        let kind = Kind::Service { task: name.clone().into(), policy };
        let node = self.node(kind, at.given(name), at.place(span));
        for (part, span) in &clauses.policy.places {
            self.places.values.insert((node, *part), *span);
        }
        let prologue = self.reads_of_call(node, call);
        let result = target.and_then(|target| self.one_result(node, target));
        self.open = vec![self.way(node)];
        let (task, arguments) = call;
        self.visit(Visit { node, prologue, work: Work::Service { task, arguments, result } });
        self.undo(node, clauses.undo.as_ref());
        self.events(node, &clauses.events);
    }

    /// What undoes an activity is a node beside the ways: nothing leads there.
    fn undo(&mut self, of: usize, undo: Option<&'a Undo>) {
        let Some(Undo { task, arguments }) = undo else { return };
        let arguments = arguments.as_ref();
        let (name, span) = task_name(task, self.places.nodes[of]);
        let open = std::mem::take(&mut self.open);
        let kind = Kind::Undo { task: name.into(), of };
        let node = self.node(kind, NodeName::Within(of, "undo".into()), span);
        self.open = open;
        let prologue = self.reads_of_call(node, (task, arguments));
        let work = Work::Service { task, arguments, result: None };
        self.visit(Visit { node, prologue, work });
    }

    fn reads_of_call(&mut self, node: usize, (task, arguments): Call<'a>) -> Prologue {
        let mut mentions = Mentions::new();
        arguments.iter().for_each(|arguments| mentions.arguments(arguments.stream()));
        let call: Tokens =
            arguments.iter().map(|group| TokenTree::Group((*group).clone())).collect();
        self.source(node, &[task, &call]);
        self.reads(node, mentions)
    }

    fn wait(&mut self, at: At, word: &'a Ident, until: &'a Until) {
        let id = match until {
            Until::Millis { text, .. } => format!("wait:{text}"),
            Until::After(value) => format!("wait:{}", spacing::short(value)),
            Until::Time(value) => format!("wait:until {}", spacing::short(value)),
        };
        let kind = Kind::Wait { after_ms: None };
        let node = self.node(kind, at.content(id), at.place(at.span));
        self.open = vec![self.way(node)];
        self.timer(node, word, until);
    }

    /// The visit of a node that waits.
    pub(super) fn timer(&mut self, node: usize, word: &'a Ident, until: &'a Until) {
        let value = match until {
            Until::Millis { text, .. } => {
                self.graph.nodes.to_mut()[node].source = text.clone().into();
                None
            }
            Until::After(value) | Until::Time(value) => Some(value),
        };
        let mut mentions = Mentions::new();
        value.iter().for_each(|value| mentions.expression(value));
        let prologue = self.reads(node, mentions);
        value.iter().for_each(|value| self.source(node, &[value]));
        self.visit(Visit { node, prologue, work: Work::Wait { word, until } });
    }

    fn fail(&mut self, at: At, word: &'a Ident, text: &'a Tokens) {
        let id = at.content(id_of_fail(text));
        let node = self.node(Kind::Fail, id, at.place(at.span));
        let mut mentions = Mentions::new();
        mentions.format(text);
        let prologue = self.reads(node, mentions);
        self.source(node, &[text]);
        self.visit(Visit { node, prologue, work: Work::Fail { word, text } });
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
    ) -> usize {
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
        node
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
        let node =
            self.node(Kind::Service { task: "?".into(), policy: Policy::NONE }, name, at.span);
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

/// A failure is called after its text.
fn id_of_fail(text: &Tokens) -> String {
    let said = match text.first() {
        Some(TokenTree::Literal(literal)) => match syn::Lit::new(literal.clone()) {
            syn::Lit::Str(said) => Some(said.value()),
            _ => None,
        },
        _ => None,
    };
    said.map_or("fail".to_owned(), |said| format!("fail:{}", spacing::shorten(&said)))
}

/// The task's own name, and where it stands.
fn task_name(task: &Tokens, otherwise: Span) -> (String, Span) {
    let last = last_segment(task);
    (last.map(plain).unwrap_or_default(), last.map_or(otherwise, Ident::span))
}

/// The last segment of a path.
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
