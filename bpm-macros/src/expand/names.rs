//! The names of the emitted code that are ours.

use bpm_model::graph::Graph;
use proc_macro2::{Ident, Span};

/// The names of the variables' handles.
pub(super) struct Handles(Vec<String>);

impl Handles {
    /// One for each variable: made from its name, because rustc may show it.
    pub(super) fn new(graph: &Graph) -> Handles {
        let variables = graph.variables.iter().enumerate();
        let names = variables.map(|(at, variable)| {
            let word = word(&variable.name);
            match variable.key == word {
                true => format!("__v_{word}"),
                false => format!("__v_{word}_{at}"),
            }
        });
        Handles(names.collect())
    }

    /// The handle of a variable. It stands where the user's token stands that it serves, because
    /// type errors land on it.
    pub(super) fn handle(&self, variable: usize, at: Span) -> Ident {
        let name = self.0.get(variable).map_or("__v", String::as_str);
        Ident::new(name, Span::mixed_site().located_at(at))
    }
}

/// The first word of a name; hidden variables have names of several words.
fn word(name: &str) -> &str {
    let end = name.find(|sign: char| !sign.is_alphanumeric() && sign != '_');
    &name[..end.unwrap_or(name.len())]
}

/// A method of ours, at the user's token that its errors are about.
pub(super) fn method(name: &str, at: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(at))
}

/// The handle of the error of a service task.
pub(super) fn error(service: usize) -> Ident {
    Ident::new(&format!("__error_{service}"), Span::mixed_site())
}
