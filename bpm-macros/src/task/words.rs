//! The words of `#[service_task(…)]`.

use proc_macro2::{Span, TokenStream, TokenTree};

use super::facade;
use crate::report::Report;
use crate::syntax::{Parser, PolicyClauses};

/// The words that may stand here, for what is misspelt.
const WORDS: [&str; 5] = ["retry", "timeout", "crate", "every", "then"];

/// What the words say.
pub(super) struct Words {
    /// The path of the facade.
    pub(super) facade: TokenStream,
    pub(super) clauses: PolicyClauses,
}

impl Words {
    /// Reads them, with commas between them or without.
    pub(super) fn parse(words: TokenStream, reports: &mut Vec<Report>) -> Words {
        let (mut facade, mut clauses) = (None, PolicyClauses::default());
        let mut parser = Parser::new(words.into_iter().collect(), Span::call_site(), reports);
        while !parser.is_done() {
            if !parser.eat_sign(',')
                && !parser.facade(&mut facade)
                && !parser.policy_clause(&mut clauses)
            {
                parser.no_word();
            }
        }
        check(&clauses, reports);
        Words { facade: facade.unwrap_or_else(facade::path), clauses }
    }
}

impl Parser<'_> {
    /// `crate = path`
    fn facade(&mut self, facade: &mut Option<TokenStream>) -> bool {
        let found = self.at_word(0, "crate") && self.at_sign(1, '=');
        if found {
            self.skip();
            self.skip();
            let path = self.until(|parser| {
                let word = parser.at_word(0, "retry") || parser.at_word(0, "timeout");
                parser.at_sign(0, ',') || (word && parser.expression_ended())
            });
            *facade = Some(path.into_iter().collect());
        }
        found
    }

    fn no_word(&mut self) {
        let help = "the clauses are `retry`, `timeout` and `crate = path`";
        match self.peek(0) {
            Some(TokenTree::Ident(word)) => {
                let word = word.clone();
                self.unknown_clause_of("a service task", &word, &WORDS, help);
            }
            token => {
                let text = token.map(ToString::to_string).unwrap_or_default();
                let what = format!("[B002] there is no clause `{text}` of a service task");
                self.report(Report::new(self.span(), what).help(help));
                self.skip();
            }
        }
    }
}

/// What makes no sense is said at its value.
fn check(clauses: &PolicyClauses, reports: &mut Vec<Report>) {
    for (part, fault) in clauses.policy.faults() {
        let place = clauses.places.iter().find(|(known, _)| *known == part);
        let span = place.map_or_else(Span::call_site, |(_, span)| *span);
        reports.push(Report::fault(fault, span));
    }
}
