//! `wait`, and what ends a path with words: `fail`.

use bpm_model::finding::Fault;
use bpm_model::policy::Part;
use proc_macro2::{Delimiter, Ident, TokenTree};

use super::clause::{is_measure, measured};
use super::{Do, Parser, Until};
use crate::pattern;
use crate::report::Report;
use crate::spacing;

impl Parser<'_> {
    /// `wait` or `fail` with a name or a literal behind it: two of them in a row are never Rust.
    pub(super) fn at_shaped(&self, word: &str) -> bool {
        let literal = matches!(self.peek(1), Some(TokenTree::Literal(_)));
        self.at_word(0, word) && (literal || self.at_name(1))
    }

    /// `wait` or `fail` where a statement must begin: nothing behind it makes it a name.
    pub(super) fn at_verb(&self, word: &str) -> bool {
        let assigned = |ahead| self.at_sign(ahead, '=');
        let name = match self.peek(1) {
            Some(TokenTree::Punct(sign)) => {
                let joins = matches!(sign.as_char(), '=' | '.' | ':' | '!');
                joins || (assigned(2) && sign.as_char() != ';')
            }
            _ => false,
        };
        self.at_word(0, word) && !name
    }

    /// `wait 14d;`, `wait duration;`, `wait until time;`
    pub(super) fn wait(&mut self) -> Do {
        let Some(word) = self.ident() else { return self.lost("wait") };
        let until = self.eat_word("until");
        let value = self.tail();
        if value.is_empty() {
            let report = Report::new(word.span(), format!("`{}` says how long", words(&until)))
                .help("`wait 14d;`, `wait duration;` or `wait until time;`");
            return Do::Broken { sets: Vec::new(), report };
        }
        let until = match until {
            Some(_) => Until::Time(value),
            None if is_measure(&value) => match self.millis(&value) {
                Ok(millis) => {
                    Until::Millis { millis, text: spacing::text(&value), span: word.span() }
                }
                Err(report) => return Do::Broken { sets: Vec::new(), report },
            },
            None => Until::After(value),
        };
        Do::Wait { word, until }
    }

    fn millis(&mut self, value: &[TokenTree]) -> Result<u64, Report> {
        let at = value.first().map_or_else(|| self.span(), TokenTree::span);
        let millis = measured(value, at)?;
        if millis == 0 {
            self.report(Report::fault(Fault::Zero { part: Part::Wait }, at));
        }
        Ok(millis)
    }

    /// `fail "text {capture}", arguments;`
    pub(super) fn fail(&mut self) -> Do {
        let Some(word) = self.ident() else { return self.lost("fail") };
        let parenthesised = self.at_group(0, Delimiter::Parenthesis);
        let text = self.tail();
        if !text.is_empty() && !parenthesised {
            return Do::Fail { word, text };
        }
        let what = match parenthesised {
            true => "`fail` takes its text without parentheses",
            false => "`fail` says why the process fails",
        };
        let follows = "the text is the message of the failure, which people read";
        let report = Report::new(word.span(), what).follows(follows);
        Do::Leaves { report: report.help("`fail \"no room for {} guests\", count;`") }
    }

    /// `let x = wait 14d;`, `let x = fail "…";`, `let x = scope { … };`: nothing comes of it.
    pub(super) fn sets_nothing(&mut self, word: &str, mut sets: Vec<Ident>) -> Do {
        let report = Report::new(self.span(), format!("`{word}` gives no value"))
            .help(&format!("write `{word}` as a statement of its own"));
        let rest = self.tail();
        pattern::names_set_in(&rest, &mut sets);
        Do::Broken { sets, report }
    }
}

fn words(until: &Option<Ident>) -> &'static str {
    if until.is_some() { "wait until" } else { "wait" }
}
