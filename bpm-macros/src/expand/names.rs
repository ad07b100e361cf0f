//! The names of the emitted code that are ours.

use proc_macro2::{Ident, Span};
use quote::format_ident;

/// The handle of a variable. It stands where the user's token stands that it serves, because type
/// errors land on it.
pub(super) fn handle(variable: usize, at: Span) -> Ident {
    format_ident!("__v{variable}", span = Span::mixed_site().located_at(at))
}

/// A method of ours, at the user's token that its errors are about.
pub(super) fn method(name: &str, at: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(at))
}
