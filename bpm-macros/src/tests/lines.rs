//! Emitted code as lines, so that snapshots can be read.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::spacing;
use crate::syntax::is_punct;

/// One statement or arm a line, blocks indented.
pub(super) fn of(stream: TokenStream) -> String {
    let mut text = String::new();
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    block(&tokens, 0, &mut text);
    text
}

fn block(tokens: &[TokenTree], depth: usize, text: &mut String) {
    let mut line = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if is_long(group) => {
                let head = spacing::text(&line);
                text.push_str(&format!("{}{head} {{\n", "    ".repeat(depth)));
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                block(&inner, depth + 1, text);
                text.push_str(&format!("{}}}\n", "    ".repeat(depth)));
                line.clear();
            }
            token => {
                line.push(token.clone());
                if is_punct(token, ';') || closes_statement(token, tokens.get(at + 1)) {
                    flush(&mut line, depth, text);
                }
            }
        }
    }
    flush(&mut line, depth, text);
}

/// A block with a new statement behind it.
fn closes_statement(token: &TokenTree, next: Option<&TokenTree>) -> bool {
    let block = matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    block && matches!(next, Some(TokenTree::Ident(word)) if word != "else")
}

fn is_long(group: &proc_macro2::Group) -> bool {
    group.delimiter() == Delimiter::Brace && group.stream().to_string().len() > 60
}

fn flush(line: &mut Vec<TokenTree>, depth: usize, text: &mut String) {
    if !line.is_empty() {
        text.push_str(&format!("{}{}\n", "    ".repeat(depth), spacing::text(line)));
        line.clear();
    }
}

/// The text without the picture of the process.
pub(super) fn without_picture(text: &str) -> String {
    let (Some(from), Some(to)) = (text.find("#[cfg_attr"), text.find("</svg>")) else {
        return text.to_owned();
    };
    let rest = text[to..].split_once(")]").map_or("", |(_, rest)| rest);
    format!("{}{}", &text[..from], rest.trim_start())
}
