//! The names that patterns bind.

use proc_macro2::{Ident, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::visit::{self, Visit};

use crate::syntax::{is_ident, is_punct};

/// The names that a pattern binds, each once, in order. What does not parse is judged by its
/// identifiers.
pub(crate) fn names(pattern: &[TokenTree]) -> Vec<Ident> {
    let stream = pattern.iter().cloned().collect();
    let parse = |input: ParseStream| syn::Pat::parse_multi_with_leading_vert(input);
    let mut names = Vec::new();
    match parse.parse2(stream) {
        Ok(pattern) => names_of(&pattern, &mut names),
        Err(_) => names_by_tokens(pattern, &mut names),
    }
    names
}

/// Adds the names that a parsed pattern binds.
pub(crate) fn names_of(pattern: &syn::Pat, names: &mut Vec<Ident>) {
    Names(names).visit_pat(pattern);
}

struct Names<'a>(&'a mut Vec<Ident>);

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        add(&pattern.ident, self.0);
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}

/// A name in a pattern that begins with a capital is a constant or a variant.
fn add(name: &Ident, names: &mut Vec<Ident>) {
    let text = name.to_string();
    let binds = !text.starts_with(char::is_uppercase) && text != "_";
    if binds && !names.contains(name) {
        names.push(name.clone());
    }
}

fn names_by_tokens(pattern: &[TokenTree], names: &mut Vec<Ident>) {
    for (at, token) in pattern.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                names_by_tokens(&inner, names);
            }
            TokenTree::Ident(name) => {
                let word = ["ref", "mut", "true", "false", "if", "box", "const"];
                let path = pattern.get(at + 1).is_some_and(|next| {
                    is_punct(next, ':')
                        || is_punct(next, '!')
                        || matches!(next, TokenTree::Group(_))
                });
                let segment = at > 0 && is_punct(&pattern[at - 1], ':');
                if !path && !segment && !word.iter().any(|word| name == word) {
                    add(name, names);
                }
            }
            _ => {}
        }
    }
}

/// Adds the names that statements set which are not parsed: behind `let`, `as` and in blocks.
pub(crate) fn names_set_in(tokens: &[TokenTree], names: &mut Vec<Ident>) {
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                names_set_in(&inner, names);
            }
            token if is_ident(token, "let") => {
                let rest = &tokens[at + 1..];
                let ends = |token: &TokenTree| is_punct(token, ':') || is_punct(token, '=');
                let end = rest.iter().position(ends).unwrap_or(rest.len());
                names_by_tokens(&rest[..end], names);
            }
            token if is_ident(token, "as") => {
                if let [TokenTree::Ident(name), colon, ..] = &tokens[at + 1..]
                    && is_punct(colon, ':')
                {
                    add(name, names);
                }
            }
            _ => {}
        }
    }
}
