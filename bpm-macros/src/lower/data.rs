//! What nodes read and set.

use proc_macro2::Ident;

use super::names::{Seen, plain};
use super::{Keep, Lowering, Prologue};
use crate::mentions::{Forbidden, Mentions, is_process};
use crate::report::Report;
use crate::syntax::Target;

impl<'a> Lowering<'a> {
    /// The variable that a name means here.
    pub(super) fn resolve(&mut self, name: &Ident) -> Option<usize> {
        let text = plain(name);
        match self.scopes.see(&text) {
            Seen::Variable(variable) => Some(variable),
            Seen::First(binder) => {
                let variable = self.variable(binder);
                self.scopes.mention(&text, variable);
                Some(variable)
            }
            Seen::Nothing => None,
        }
    }

    /// Notes what a node reads.
    pub(super) fn reads(&mut self, node: usize, mentions: Mentions) -> Prologue {
        let mut prologue = Prologue::default();
        for name in mentions.names {
            match self.resolve(&name) {
                Some(variable) => {
                    self.places.reads.insert((node, variable), name.span());
                    self.graph.nodes.to_mut()[node].reads.to_mut().push(variable);
                    prologue.reads.push((name, variable));
                }
                None if is_process(&name) => prologue.process = Some(name),
                None => {}
            }
        }
        if !mentions.exact {
            self.places.inexact.insert(node);
        }
        prologue.forbidden = mentions.forbidden.map(|(what, span)| forbidden(what, span));
        prologue
    }

    /// Notes that a node sets a variable of ours.
    pub(super) fn sets_hidden(&mut self, node: usize, variable: usize) {
        self.graph.nodes.to_mut()[node].sets.to_mut().push(variable);
    }

    /// Notes that a node sets what these names mean.
    pub(super) fn sets(&mut self, node: usize, names: &[Ident]) -> Vec<Keep<'a>> {
        let keeps = self.keeps(node, names);
        for keep in &keeps {
            self.sets_hidden(node, keep.variable);
        }
        keeps
    }

    /// What these names mean, set by a way out of a node.
    pub(super) fn keeps(&mut self, node: usize, names: &[Ident]) -> Vec<Keep<'a>> {
        let mut keeps = Vec::new();
        for name in names {
            if let Some(variable) = self.resolve(name) {
                self.places.sets.insert((node, variable), name.span());
                keeps.push(Keep { name: name.clone(), variable, ty: None });
            }
        }
        keeps
    }

    /// Notes that a node sets the one name of a `let`.
    pub(super) fn sets_target(&mut self, node: usize, target: &'a Target) -> Option<Keep<'a>> {
        let mut keep = self.sets(node, &target.names).pop()?;
        let carried = self.binders[keep.variable].annotation;
        let elsewhere = carried.is_some_and(|other| std::ptr::eq(other, target))
            || self
                .user_tasks
                .iter()
                .any(|task| task.target.is_some_and(|other| std::ptr::eq(other, target)));
        keep.ty = (!target.ty.is_empty() && !elsewhere).then_some(&target.ty);
        Some(keep)
    }
}

fn forbidden(what: Forbidden, span: proc_macro2::Span) -> Report {
    match what {
        Forbidden::Return => Report::new(span, "an expression of a process cannot `return`")
            .help("`return` is a statement: choose with `if` or `match` in front of it"),
        Forbidden::Await => Report::new(span, "an expression of a process cannot wait")
            .follows("it runs inside of a turn, which would stand still meanwhile")
            .help("what takes time is a task: `let x = service task(…);`"),
    }
}
