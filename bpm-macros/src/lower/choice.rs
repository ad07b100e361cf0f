//! Choices: `if`, `match`, `let … else`.

use bpm_model::el::Expression;
use bpm_model::graph::{Condition as When, Text};
use bpm_model::kind::Kind;
use proc_macro2::{Ident, Span, TokenTree};

use super::declare::condition_names;
use super::names::NodeName;
use super::statement::{At, id_of_let};
use super::{Keep, Lowering, Open, Part, Region, Visit, Work};
use crate::mentions::Mentions;
use crate::pattern;
use crate::report::Report;
use crate::spacing;
use crate::syntax::{Arm, Condition, Statement, Target, Tokens};

/// Conditions and their blocks.
type Arms<'a> = &'a [(Condition, Vec<Statement>)];

impl<'a> Lowering<'a> {
    /// Each run of conditions of one sort is a gateway, the next run its default.
    pub(super) fn if_chain(&mut self, at: At, arms: Arms<'a>, otherwise: Option<&'a [Statement]>) {
        let Some((first, _)) = arms.first() else { return };
        let mut name = at.content(format!("if:{}", spacing::short(&first.tokens)));
        let mut split = None;
        let mut ends = Vec::new();
        let runs = arms
            .chunk_by(|one, other| one.0.expression().is_some() == other.0.expression().is_some());
        for run in runs {
            let next = match run[0].0.expression() {
                Some(_) => self.if_expressions(name, at, run, &mut ends),
                None => self.if_code(name, at, run, &mut ends),
            };
            split.get_or_insert(next.from);
            name = NodeName::Within(next.from, "else".into());
            self.open = vec![next];
        }
        self.statements(otherwise.unwrap_or_default());
        ends.append(&mut self.open);
        self.open = ends;
        self.merge(split.unwrap_or_default());
    }

    /// Conditions that the engine evaluates.
    fn if_expressions(
        &mut self,
        name: NodeName,
        at: At,
        arms: Arms<'a>,
        ends: &mut Vec<Open>,
    ) -> Open {
        let node = self.node(Kind::Exclusive, name, at.place(at.span));
        self.expression_reads(node, arms.iter().map(|(condition, _)| condition));
        for (condition, body) in arms {
            self.open = vec![self.expression(node, condition, "if")];
            self.statements(body);
            ends.append(&mut self.open);
        }
        self.choice(node, When::Default, "else".into(), at.span)
    }

    /// Conditions that are Rust.
    fn if_code(&mut self, name: NodeName, at: At, arms: Arms<'a>, ends: &mut Vec<Open>) -> Open {
        let node = self.node(Kind::Exclusive, name, at.place(at.span));
        let mut mentions = Mentions::new();
        arms.iter().for_each(|(condition, _)| mentions.expression(&condition.tokens));
        let prologue = self.reads(node, mentions);
        let source: Vec<&Tokens> = arms.iter().map(|(condition, _)| &condition.tokens).collect();
        self.source(node, &source);
        let at_visit = self.parts.len();
        let mut kept = Vec::new();
        for (condition, body) in arms {
            let way = self.code(node, "if", &condition.tokens, at.span);
            kept.push((condition, self.arm(way, &condition_names(condition), body)));
            ends.append(&mut self.open);
        }
        let visit = Visit { node, prologue, work: Work::If { arms: kept } };
        self.parts.insert(at_visit, Part::Visit(visit));
        self.choice(node, When::Code, "else".into(), at.span)
    }

    pub(super) fn match_arms(
        &mut self,
        at: At,
        word: &'a Ident,
        scrutinee: &'a Tokens,
        braces: Span,
        arms: &'a [Arm],
    ) {
        let name = at.content(format!("match:{}", spacing::short(scrutinee)));
        let node = self.node(Kind::Exclusive, name, at.place(at.span));
        let mut mentions = Mentions::new();
        mentions.expression(scrutinee);
        for arm in arms {
            mentions.guard(&arm.guard, &pattern::names(&arm.pattern));
        }
        let prologue = self.reads(node, mentions);
        let mut source = vec![scrutinee];
        source.extend(arms.iter().flat_map(|arm| [&arm.pattern, &arm.guard]));
        self.source(node, &source);
        let at_visit = self.parts.len();
        let (mut kept, mut ends) = (Vec::new(), Vec::new());
        for arm in arms {
            let way = self.code(node, "", &[&arm.pattern[..], &arm.guard].concat(), arm.span);
            kept.push((arm, self.arm(way, &pattern::names(&arm.pattern), &arm.body)));
            ends.append(&mut self.open);
        }
        let work = Work::Match { word, scrutinee, braces, arms: kept };
        self.parts.insert(at_visit, Part::Visit(Visit { node, prologue, work }));
        self.open = ends;
        self.merge(node);
    }

    /// The body of an arm whose pattern binds names: they are in sight in it and nowhere else.
    /// Those that nobody mentions are not kept.
    pub(super) fn arm(
        &mut self,
        way: Open,
        names: &[Ident],
        body: &'a [Statement],
    ) -> Vec<Keep<'a>> {
        let from = self.graph.edges.len();
        let node = way.from;
        let bound = self.bound(way, names, body);
        let variables: Vec<usize> = bound.iter().map(|(_, variable)| *variable).collect();
        self.set_on_way(node, from, &variables);
        self.kept(node, bound)
    }

    /// A body in which names are in sight that a pattern binds; gives those that it mentions.
    pub(super) fn bound(
        &mut self,
        way: Open,
        names: &[Ident],
        body: &'a [Statement],
    ) -> Vec<(Ident, usize)> {
        let to = self.graph.nodes.len();
        let around = std::mem::take(&mut self.parts);
        self.scopes.open_arm(names);
        self.open = vec![way];
        self.statements(body);
        let bound = self.scopes.close_arm();
        let parts = std::mem::replace(&mut self.parts, around);
        let variables: Vec<usize> = bound.iter().map(|(_, variable)| *variable).collect();
        if variables.is_empty() {
            self.parts.extend(parts);
        } else {
            let nodes = (to, self.graph.nodes.len() - 1);
            self.private.extend(&variables);
            self.parts.push(Part::Region(Region { nodes, variables, parts }));
        }
        bound
    }

    /// What keeps the names that a pattern bound at a node.
    pub(super) fn kept(&mut self, node: usize, bound: Vec<(Ident, usize)>) -> Vec<Keep<'a>> {
        let mut keeps = Vec::new();
        for (name, variable) in bound {
            self.places.sets.insert((node, variable), name.span());
            keeps.push(Keep { name, variable, ty: None });
        }
        keeps
    }

    /// The way into an arm sets its variables: it is the first edge that was drawn for its body.
    fn set_on_way(&mut self, node: usize, first: usize, variables: &[usize]) {
        let drawn = self.graph.edges.to_mut().get_mut(first).filter(|edge| edge.from == node);
        if let Some(edge) = drawn {
            edge.sets = variables.to_vec().into();
        }
    }

    pub(super) fn let_else(
        &mut self,
        at: At,
        target: &'a Target,
        value: &'a Tokens,
        word: Span,
        otherwise: &'a [Statement],
    ) {
        let node = self.node(Kind::Exclusive, at.content(id_of_let(target)), at.place(at.span));
        let mut mentions = Mentions::new();
        mentions.expression(value);
        let prologue = self.reads(node, mentions);
        self.source(node, &[&target.pattern, value]);
        let keeps = self.keeps(node, &target.names);
        let mut matched = self.code(node, "", &target.pattern, at.span);
        matched.sets = keeps.iter().map(|keep| keep.variable).collect();
        let work = Work::LetElse { target, value, keeps };
        self.visit(Visit { node, prologue, work });
        self.open = vec![self.choice(node, When::Code, "else".into(), at.span)];
        self.statements(otherwise);
        self.goes_on(word, target);
        self.open = vec![matched];
    }

    /// The block of `let … else` has to leave, as in Rust.
    fn goes_on(&mut self, word: Span, target: &Target) {
        if self.open.is_empty() {
            return;
        }
        if self.open.iter().any(|open| !self.places.broken.contains(&open.from)) {
            let pattern = spacing::short(&target.pattern);
            let report = Report::new(word, "the `else` of a `let` may not go on")
                .follows(&format!("`{pattern}` would have set nothing"))
                .help("end it with `return`, `break` or `continue`");
            self.reports.push(report);
        }
        self.ends_wrongly(word);
    }

    /// The way of a condition of the expression language.
    pub(super) fn expression(&mut self, node: usize, condition: &Condition, word: &str) -> Open {
        let literal = condition.expression();
        let text = literal.as_ref().map(syn::LitStr::value).unwrap_or_default();
        let span = literal.map_or_else(Span::call_site, |literal| literal.span());
        let shown = format!("{word} {}", spacing::shorten(&text));
        self.choice(node, When::Expression(Text::from(text)), shown, span)
    }

    /// What conditions of the expression language read. Their visit only says to rustc that the
    /// variables are used; the engine evaluates the conditions.
    pub(super) fn expression_reads<'c>(
        &mut self,
        node: usize,
        conditions: impl Iterator<Item = &'c Condition>,
    ) {
        let mut mentions = Mentions::new();
        for literal in conditions.filter_map(Condition::expression) {
            let Ok(expression) = Expression::parse(&literal.value()) else { continue };
            for (name, _) in expression.variables() {
                if let Ok(mut name) = syn::parse_str::<Ident>(name) {
                    name.set_span(literal.span());
                    if self.resolve(&name).is_none() {
                        self.unseen.push(name.clone());
                    }
                    mentions.name(&name);
                }
            }
        }
        let prologue = self.reads(node, mentions);
        self.visit(Visit { node, prologue, work: Work::Look });
    }

    /// The way of a condition or pattern that is Rust.
    pub(super) fn code(
        &mut self,
        node: usize,
        word: &str,
        tokens: &[TokenTree],
        otherwise: Span,
    ) -> Open {
        let span = tokens.first().map_or(otherwise, TokenTree::span);
        let text = format!("{word} {}", spacing::short(tokens));
        self.choice(node, When::Code, text.trim_start().to_owned(), span)
    }
}
