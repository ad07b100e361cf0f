//! Walking over token lists.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenTree};

use super::Tokens;
use crate::report::Report;

/// Walks over the tokens of one pair of braces. Reports go to a list that all parsers of a process
/// share.
pub(crate) struct Parser<'a> {
    tokens: Tokens,
    at: usize,
    end: Span,
    pub(super) reports: &'a mut Vec<Report>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(tokens: Tokens, end: Span, reports: &'a mut Vec<Report>) -> Parser<'a> {
        Parser { tokens, at: 0, end, reports }
    }

    /// A parser for what stands between the delimiters of `group`.
    pub(super) fn inside(&mut self, group: &Group) -> Parser<'_> {
        let tokens = group.stream().into_iter().collect();
        Parser { tokens, at: 0, end: group.span_close(), reports: self.reports }
    }

    /// A parser for tokens that were cut out.
    pub(super) fn part(&mut self, tokens: Tokens) -> Parser<'_> {
        let end = tokens.last().map_or(self.end, TokenTree::span);
        Parser { tokens, at: 0, end, reports: self.reports }
    }

    pub(crate) fn report(&mut self, report: Report) {
        self.reports.push(report);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    pub(crate) fn peek(&self, ahead: usize) -> Option<&TokenTree> {
        self.tokens.get(self.at + ahead)
    }

    /// The token before the next one.
    pub(super) fn before(&self) -> Option<&TokenTree> {
        self.back(1)
    }

    /// The token so many before the next one.
    pub(super) fn back(&self, count: usize) -> Option<&TokenTree> {
        self.at.checked_sub(count).and_then(|at| self.tokens.get(at))
    }

    /// Where the next token stands; at the end, where the closing delimiter stands.
    pub(crate) fn span(&self) -> Span {
        self.peek(0).map_or(self.end, TokenTree::span)
    }

    pub(crate) fn skip(&mut self) -> Option<TokenTree> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    pub(crate) fn at_word(&self, ahead: usize, word: &str) -> bool {
        self.peek(ahead).is_some_and(|token| is_ident(token, word))
    }

    pub(crate) fn at_sign(&self, ahead: usize, sign: char) -> bool {
        self.peek(ahead).is_some_and(|token| is_punct(token, sign))
    }

    /// `=>`, `->`, `::`, …
    pub(super) fn at_signs(&self, signs: [char; 2]) -> bool {
        self.at_sign(0, signs[0]) && self.at_sign(1, signs[1])
    }

    pub(super) fn at_group(&self, ahead: usize, delimiter: Delimiter) -> bool {
        matches!(self.peek(ahead), Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
    }

    pub(super) fn at_brace(&self) -> bool {
        self.at_group(0, Delimiter::Brace)
    }

    pub(super) fn eat_word(&mut self, word: &str) -> Option<Ident> {
        if self.at_word(0, word) { self.ident() } else { None }
    }

    pub(crate) fn eat_sign(&mut self, sign: char) -> bool {
        let found = self.at_sign(0, sign);
        self.at += usize::from(found);
        found
    }

    pub(super) fn ident(&mut self) -> Option<Ident> {
        let Some(TokenTree::Ident(ident)) = self.peek(0) else { return None };
        let ident = ident.clone();
        self.at += 1;
        Some(ident)
    }

    pub(super) fn group(&mut self, delimiter: Delimiter) -> Option<Group> {
        match self.peek(0) {
            Some(TokenTree::Group(group)) if group.delimiter() == delimiter => {
                let group = group.clone();
                self.at += 1;
                Some(group)
            }
            _ => None,
        }
    }

    /// Everything up to the first token at which `stop` holds.
    pub(crate) fn until(&mut self, stop: impl Fn(&Parser) -> bool) -> Tokens {
        let from = self.at;
        while !self.is_done() && !stop(self) {
            self.at += 1;
        }
        self.tokens[from..self.at].to_vec()
    }

    /// `,`-separated parts; commas in `<…>` do not count.
    pub(super) fn parts(&mut self) -> Vec<Tokens> {
        let mut parts = vec![Vec::new()];
        let mut depth = 0_i32;
        while let Some(token) = self.skip() {
            let arrow = self.at > 1 && is_punct(&self.tokens[self.at - 2], '-');
            match &token {
                TokenTree::Punct(sign) if sign.as_char() == '<' => depth += 1,
                TokenTree::Punct(sign) if sign.as_char() == '>' && !arrow => depth -= 1,
                TokenTree::Punct(sign) if sign.as_char() == ',' && depth <= 0 => {
                    parts.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            if let Some(part) = parts.last_mut() {
                part.push(token);
            }
        }
        parts.retain(|part| !part.is_empty());
        parts
    }
}

pub(crate) fn is_ident(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

pub(crate) fn is_punct(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}
