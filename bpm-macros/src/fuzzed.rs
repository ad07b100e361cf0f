//! What is fuzzed here: any text that lexes goes through both macros and comes back as tokens.
//!
//! Run by the tests of this crate, and by a fuzzer that has these sources as modules.

pub(crate) mod seeds;

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

use crate::task::service_task;
use crate::workflow::workflow;

/// How deep brackets may stand in brackets. The compiler itself stops at its `recursion_limit` of
/// 128, before a macro is called with less than that left.
const DEPTH: usize = 64;
/// How long a text may be in bytes, so that an input takes a bounded time.
const LENGTH: usize = 8_192;

/// Compiles a text as a process, and as a service task whose words are in front of the first `;`.
///
/// # Panics
///
/// If a macro does, or if what it gives is no Rust although nothing was reported.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.len() > LENGTH || is_deep(text) {
        return;
    }
    let Ok(tokens) = TokenStream::from_str(text) else { return };
    let facade: TokenStream = quote::quote!((::bpm_engine));
    let process = workflow(facade.into_iter().chain(tokens.clone()).collect());
    assert!(!process.is_empty(), "nothing comes of it");
    let _ = process.to_string();
    let (words, item) = divided(tokens);
    let _ = service_task(words, item).to_string();
}

/// A look at the text alone: a lexer that recurses must not see it either.
fn is_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEPTH
    })
}

fn divided(tokens: TokenStream) -> (TokenStream, TokenStream) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let ends = |token: &TokenTree| matches!(token, TokenTree::Punct(at) if at.as_char() == ';');
    let at = tokens.iter().position(ends);
    let (words, item) = tokens.split_at(at.unwrap_or(0));
    let item = item.iter().skip(usize::from(at.is_some()));
    (words.iter().cloned().collect(), item.cloned().collect())
}
