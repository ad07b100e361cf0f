//! Where a statement begins, which is also where one ends that lacks its `;`.
//!
//! The words of the language are contextual: a verb counts only with its own shape behind it, so
//! that variables and fields may be called `user` or `process`.

use proc_macro2::{Delimiter, Ident, TokenTree};

use super::Parser;
use super::cursor::is_punct;

/// Words that begin a statement in the language but not yet in this version.
const LATER: [&str; 11] = [
    "receive",
    "send",
    "external",
    "call",
    "spawn",
    "inclusive",
    "select",
    "goto",
    "tag",
    "yield",
    "until",
];

/// Rust's own words that an expression may follow or that may stand inside one.
const JOINING: [&str; 12] =
    ["as", "in", "mut", "ref", "move", "else", "return", "break", "unsafe", "async", "dyn", "if"];

impl Parser<'_> {
    /// A service task: `service` and the first word of a path.
    pub(super) fn at_service(&self) -> bool {
        self.at_word(0, "service") && self.at_name(1)
    }

    /// A user task: `user` and its name.
    pub(super) fn at_user(&self) -> bool {
        self.at_word(0, "user") && self.at_name(1)
    }

    /// A verb of the language that is not there yet, with something behind it that makes it one.
    pub(super) fn at_later(&self) -> Option<&'static str> {
        let word = LATER.into_iter().find(|word| self.at_word(0, word))?;
        let shaped = match self.peek(1) {
            Some(TokenTree::Ident(_)) => self.at_name(1) || self.at_word(1, "until"),
            Some(TokenTree::Literal(_)) => true,
            Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
            Some(TokenTree::Punct(sign)) => sign.as_char() == '\'',
            None => false,
        };
        shaped.then_some(word)
    }

    /// Whether a new statement begins here, seen from inside of an expression.
    pub(super) fn starts_statement(&self) -> bool {
        let Some(TokenTree::Ident(word)) = self.peek(0) else { return self.starts_label() };
        match word.to_string().as_str() {
            "let" => !self.continues_condition(),
            "return" | "break" | "continue" => true,
            "if" | "match" | "loop" | "while" | "for" => {
                self.expression_ended() || self.behind_dot()
            }
            "parallel" => self.expression_ended() && self.at_group(1, Delimiter::Brace),
            "scope" => self.expression_ended() && self.at_scope(),
            "race" => self.expression_ended() && self.at_race(),
            "service" | "user" => self.at_name(1) && !self.joined(),
            _ => self.starts_verb() && self.expression_ended(),
        }
    }

    fn starts_verb(&self) -> bool {
        self.at_shaped("wait")
            || self.at_shaped("fail")
            || self.at_shaped_clause(0)
            || self.at_later().is_some()
    }

    /// `'name:` behind a complete expression.
    fn starts_label(&self) -> bool {
        self.at_sign(0, '\'') && self.at_sign(2, ':') && self.expression_ended()
    }

    /// `if let`, `while let` and `&& let` do not begin a statement.
    fn continues_condition(&self) -> bool {
        self.before().is_some_and(|token| match token {
            TokenTree::Ident(word) => word == "if" || word == "while",
            TokenTree::Punct(sign) => matches!(sign.as_char(), '&' | '|'),
            _ => false,
        })
    }

    /// Whether the token before can be the last one of an expression.
    pub(crate) fn expression_ended(&self) -> bool {
        match self.before() {
            Some(TokenTree::Ident(_)) => !self.joined(),
            Some(TokenTree::Punct(sign)) => sign.as_char() == '?',
            Some(_) => true,
            None => false,
        }
    }

    /// Behind the `.` of a half-typed `order.`
    fn behind_dot(&self) -> bool {
        let dot = |back: usize| self.back(back).is_some_and(|token| is_punct(token, '.'));
        dot(1) && !dot(2)
    }

    fn joined(&self) -> bool {
        matches!(self.before(), Some(TokenTree::Ident(word)) if is_joining(&word.to_string()))
    }

    /// The first of two names in a row that are no statement and no words of Rust.
    pub(super) fn misspelt(&self) -> Option<&Ident> {
        const RUST: [&str; 7] = ["match", "while", "for", "loop", "const", "static", "impl"];
        let Some(TokenTree::Ident(word)) = self.peek(0) else { return None };
        let text = word.to_string();
        let rust = is_joining(&text) || RUST.contains(&text.as_str());
        let names = self.at_name(0) && self.at_name(1) && !self.at_shaped_clause(1);
        (names && !rust).then_some(word)
    }

    /// Whether a name stands there: two names in a row are never Rust.
    pub(super) fn at_name(&self, ahead: usize) -> bool {
        match self.peek(ahead) {
            Some(TokenTree::Ident(word)) => {
                let word = word.to_string();
                !is_joining(&word) && word != "let"
            }
            Some(token) => is_punct(token, ':') && self.at_sign(ahead + 1, ':') && ahead > 1,
            None => false,
        }
    }
}

fn is_joining(word: &str) -> bool {
    JOINING.contains(&word)
}
