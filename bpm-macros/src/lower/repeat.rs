//! Loops: `loop`, `while`, `for`.

use bpm_model::graph::Condition as When;
use bpm_model::kind::Kind;
use proc_macro2::TokenTree;

use super::declare::condition_names;
use super::names::NodeName;
use super::statement::At;
use super::{Lowering, Open, Part, Visit, Work};
use crate::mentions::Mentions;
use crate::pattern;
use crate::report::Report;
use crate::spacing;
use crate::syntax::{Condition, Label, Statement, Tokens, is_ident, is_punct};

/// A loop around the current statement.
pub(super) struct Loop {
    pub(super) label: Option<Label>,
    /// Where it begins again.
    pub(super) head: usize,
    /// The graph scope that it stands in: jumps may not leave another one for it.
    pub(super) scope: usize,
    /// The ends that leave it.
    pub(super) breaks: Vec<Open>,
}

impl<'a> Lowering<'a> {
    pub(super) fn endless_loop(&mut self, at: At, body: &'a [Statement]) {
        let id = at.label.map_or("loop".to_owned(), |label| format!("loop:{}", label.name));
        let head = self.node(Kind::Exclusive, NodeName::Content(id), at.span);
        self.open = vec![self.way(head)];
        self.enter_loop(at, head);
        self.statements(body);
        self.turn_back(head);
        self.leave_loop(head);
    }

    pub(super) fn while_loop(&mut self, at: At, condition: &'a Condition, body: &'a [Statement]) {
        let text =
            at.label.map_or_else(|| spacing::short(&condition.tokens), |label| label.name.clone());
        let head = self.node(Kind::Exclusive, NodeName::Content(format!("while:{text}")), at.span);
        self.open = vec![self.way(head)];
        let name = NodeName::Within(head, "condition".to_owned());
        let node = self.node(Kind::Exclusive, name, at.span);
        self.enter_loop(at, head);
        let exit = match condition.expression() {
            Some(_) => {
                self.expression_reads(node, std::iter::once(condition));
                self.open = vec![self.expression(node, condition, "while")];
                self.statements(body);
                self.choice(node, When::Default, format!("not {text}"), at.span)
            }
            None => self.while_code(at, node, condition, body),
        };
        self.turn_back(head);
        self.open = vec![exit];
        self.leave_loop(head);
    }

    fn while_code(
        &mut self,
        at: At,
        node: usize,
        condition: &'a Condition,
        body: &'a [Statement],
    ) -> Open {
        let mut mentions = Mentions::new();
        mentions.expression(&condition.tokens);
        let prologue = self.reads(node, mentions);
        self.source(node, &[&condition.tokens]);
        let at_visit = self.parts.len();
        let way = self.code(node, "while", &condition.tokens, at.span);
        let keeps = self.arm(way, &condition_names(condition), body);
        let work = Work::If { arms: vec![(condition, keeps)] };
        self.parts.insert(at_visit, Part::Visit(Visit { node, prologue, work }));
        let text = format!("not {}", spacing::short(&condition.tokens));
        self.choice(node, When::Code, text, at.span)
    }

    pub(super) fn for_each(
        &mut self,
        at: At,
        pattern: &'a Tokens,
        items: &'a Tokens,
        body: &'a [Statement],
    ) {
        let text = at.label.map_or_else(|| spacing::short(items), |label| label.name.clone());
        let node = self.node(Kind::Script, NodeName::Content(format!("for:{text}")), at.span);
        let mut mentions = Mentions::new();
        mentions.expression(items);
        let mut prologue = self.reads(node, mentions);
        prologue.forbidden = prologue.forbidden.or_else(|| borrowed(items));
        self.source(node, &[pattern, items]);
        let list = self.hidden(format!("for {text}"), at.span);
        let cursor = self.hidden(format!("for {text} at"), at.span);
        self.sets_hidden(node, list);
        self.sets_hidden(node, cursor);
        self.open = vec![self.way(node)];
        self.visit(Visit { node, prologue, work: Work::Items { items, list, cursor } });
        let head = self.node(Kind::Exclusive, NodeName::Within(node, "again".into()), at.span);
        self.open = vec![self.way(head)];
        self.enter_loop(at, head);
        let exit = self.next_item(at, node, (list, cursor), pattern, body);
        self.turn_back(head);
        self.open = vec![exit];
        self.leave_loop(node);
    }

    /// The head of a `for` and its body; gives the way that leaves the loop.
    fn next_item(
        &mut self,
        at: At,
        outer: usize,
        (list, cursor): (usize, usize),
        pattern: &'a Tokens,
        body: &'a [Statement],
    ) -> Open {
        let each = self.node(Kind::Each, NodeName::Within(outer, "next".into()), at.span);
        let node = &mut self.graph.nodes.to_mut()[each];
        node.reads = vec![list, cursor].into();
        node.sets = vec![cursor].into();
        let at_visit = self.parts.len();
        let span = pattern.first().map_or(at.span, TokenTree::span);
        let text = format!("for {}", spacing::short(pattern));
        let way = self.choice(each, When::Code, text, span);
        let keeps = self.arm(way, &pattern::names(pattern), body);
        let work = Work::Next { pattern, list, cursor, keeps };
        let visit = Visit { node: each, prologue: Default::default(), work };
        self.parts.insert(at_visit, Part::Visit(visit));
        self.choice(each, When::Code, "no more items".into(), at.span)
    }

    fn enter_loop(&mut self, at: At, head: usize) {
        if let Some(label) = at.label {
            self.loop_label(label);
        }
        let label = at.label.cloned();
        self.loops.push(Loop { label, head, scope: self.scope, breaks: Vec::new() });
    }

    /// Loop labels are a namespace of their own.
    fn loop_label(&mut self, label: &Label) {
        match self.loop_labels.iter().find(|known| known.name == label.name) {
            Some(known) => {
                let what = format!("[B001] two loops have the label `'{}`", label.name);
                let report = Report::new(label.span, what)
                    .follows("a jump could not tell which of the two it means")
                    .help("give one of them another label")
                    .note(known.span, "the first one with this label");
                self.reports.push(report);
            }
            None => self.loop_labels.push(label.clone()),
        }
    }

    /// The end of the body leads back to the head.
    fn turn_back(&mut self, head: usize) {
        for open in std::mem::take(&mut self.open) {
            self.connect(open, head);
        }
    }

    fn leave_loop(&mut self, named: usize) {
        let left = self.loops.pop();
        self.open.extend(left.into_iter().flat_map(|left| left.breaks));
        self.merge(named);
    }
}

/// A list that is only borrowed: its items could not be kept.
fn borrowed(items: &Tokens) -> Option<Report> {
    let (span, whole) = match &items[..] {
        [sign, rest @ ..] if is_punct(sign, '&') => (sign.span(), rest),
        [rest @ .., dot, method, TokenTree::Group(_)]
            if is_punct(dot, '.') && is_ident(method, "iter") =>
        {
            (method.span(), rest)
        }
        _ => return None,
    };
    let report = Report::new(span, "a `for` keeps its items, so it cannot borrow them")
        .help(&format!("take the list by value: `for … in {}`", spacing::text(whole)));
    Some(report)
}
