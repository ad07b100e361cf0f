//! Parallel blocks.

use proc_macro2::{Delimiter, Ident, Span};

use super::{Branch, Do, Parser};
use crate::report::Report;

impl Parser<'_> {
    pub(super) fn parallel(&mut self) -> Do {
        let word = self.span();
        self.skip();
        let branches = self.branches();
        if branches.is_empty() {
            self.report(
                Report::new(word, "a parallel block needs branches")
                    .help("`parallel { name: { … } other: { … } }`"),
            );
        }
        Do::Parallel { branches }
    }

    /// The branches in braces, and a `;` behind them.
    pub(super) fn branches(&mut self) -> Vec<Branch> {
        let mut branches = Vec::new();
        if let Some(group) = self.group(Delimiter::Brace) {
            let mut parser = self.inside(&group);
            while !parser.is_done() {
                if !parser.eat_sign(',') && !parser.eat_sign(';') {
                    branches.extend(parser.branch());
                }
            }
        }
        self.eat_sign(';');
        branches
    }

    fn branch(&mut self) -> Option<Branch> {
        let start = self.span();
        let Some(name) = self.ident() else {
            self.report(
                Report::new(start, "expected a branch")
                    .help("`name: { … }`, `name after other: { … }`"),
            );
            self.until(|parser| parser.at_brace());
            self.skip();
            return None;
        };
        let after = self.after(&name);
        if !self.eat_sign(':') {
            let what = format!("expected `:` behind the branch `{name}`");
            self.report(Report::new(name.span(), what).help(&format!("`{name}: {{ … }}`")));
            self.until(|parser| parser.at_brace());
        }
        let body = self.block("of the branch");
        Some(Branch { name, after, body })
    }

    fn after(&mut self, branch: &Ident) -> Vec<Ident> {
        let mut after = Vec::new();
        let start = self.span();
        let Some(word) = self.ident() else { return after };
        if word != "after" {
            self.unknown_clause(start, &word, branch);
        }
        while let Some(name) = self.ident() {
            after.push(name);
            self.eat_sign(',');
        }
        after
    }

    fn unknown_clause(&mut self, at: Span, word: &Ident, branch: &Ident) {
        let what = format!("[B002] there is no clause `{word}` of a branch");
        let help = match bpm_model::spell::nearest(&word.to_string(), ["after"]) {
            Some(_) => "did you mean `after`?".to_owned(),
            None => format!("`{branch} after other: {{ … }}`"),
        };
        self.report(Report::new(at, what).help(&help));
    }
}
