//! Races.

use proc_macro2::{Delimiter, Span, TokenTree};

use super::{Do, Parser, Tokens};
use crate::report::Report;
use crate::spacing;

impl Parser<'_> {
    /// `race {` or `race 2 of`, also half-typed.
    pub(super) fn at_race(&self) -> bool {
        let shaped = match self.peek(1) {
            Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
            Some(TokenTree::Literal(_)) | None => true,
            _ => self.at_word(1, "of") || self.at_word(2, "of"),
        };
        self.at_word(0, "race") && shaped
    }

    /// `race { … }`, `race 2 of { … }`
    pub(super) fn race(&mut self) -> Do {
        let word = self.span();
        self.skip();
        let count = self
            .until(|parser| parser.at_word(0, "of") || parser.at_brace() || parser.at_sign(0, ';'));
        let of = self.eat_word("of");
        let at = count.first().map_or(word, TokenTree::span);
        if of.is_none() && !count.is_empty() {
            let what = format!("expected `of` behind `race {}`", spacing::short(&count));
            self.report(Report::new(at, what).help("`race 2 of { name: { … } other: { … } }`"));
        }
        let branches = self.branches();
        for name in branches.iter().flat_map(|branch| branch.after.first()) {
            let report = Report::new(name.span(), "[B002] the branches of a race begin together")
                .help("remove `after`, or write the steps into one branch");
            self.report(report);
        }
        if branches.is_empty() {
            let report = Report::new(word, "a race needs branches");
            self.report(report.help("`race { name: { … } other: { … } }`"));
            return Do::Race { wins: 1, branches };
        }
        let wins = match count.is_empty() && of.is_none() {
            true => Some(1),
            false => self.wins(&count, of.map_or(at, |of| of.span()), branches.len()),
        };
        Do::Race { wins: wins.unwrap_or(1), branches }
    }

    /// How many branches must complete.
    fn wins(&mut self, count: &Tokens, otherwise: Span, branches: usize) -> Option<u32> {
        let at = count.first().map_or(otherwise, TokenTree::span);
        let text = spacing::short(count);
        let number = match &count[..] {
            [TokenTree::Literal(literal)] => literal.to_string().replace('_', "").parse().ok(),
            _ => None,
        };
        let help = format!("write a number from 1 to {branches}");
        let report = match number {
            None => Report::new(at, format!("[B015] `{text}` is not a number of branches"))
                .follows("how many branches of a race must complete is a literal"),
            Some(0) => Report::new(at, "[B015] no branch has to complete")
                .follows("the race would be over before it begins"),
            Some(wins) if wins as usize > branches => {
                let what =
                    format!("[B015] {wins} branches have to complete, and there are {branches}");
                Report::new(at, what).follows("the race could never be over")
            }
            Some(wins) => return Some(wins),
        };
        self.report(report.help(&help));
        None
    }
}
