//! What the macros have to say about a program: each report becomes one compiler error.

use bpm_model::finding::{Fault, Finding, Place};
use bpm_model::graph::{Graph, Origin, Outcome};
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;

/// One mistake, at the token that is to blame.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    span: Span,
    text: String,
}

impl Report {
    /// What is wrong, in lower case and with the names involved.
    pub(crate) fn new(span: Span, what: impl Into<String>) -> Report {
        Report { span, text: what.into() }
    }

    /// A finding on a graph.
    pub(crate) fn of(finding: &Finding, graph: &Graph, span: Span) -> Report {
        Report::new(span, finding.message(graph).to_string())
    }

    /// A fault whose words name no element of a graph.
    pub(crate) fn fault(fault: Fault, span: Span) -> Report {
        let graph = Graph {
            name: "".into(),
            version: 1,
            origin: Origin::Workflow,
            outcome: Outcome::Unit,
            nodes: Vec::new().into(),
            edges: Vec::new().into(),
            variables: Vec::new().into(),
            parameters: 0,
            scopes: Vec::new().into(),
        };
        Report::of(&Finding::new(fault, Place::Process), &graph, span)
    }

    /// The same with what would follow.
    pub(crate) fn follows(mut self, follows: &str) -> Report {
        self.add("", follows);
        self
    }

    /// The same with what to write instead.
    pub(crate) fn help(mut self, help: &str) -> Report {
        self.add("help: ", help);
        self
    }

    /// The same with another place that has a part in it. Macros cannot underline a second place,
    /// so it is named by its line.
    pub(crate) fn note(mut self, span: Span, note: &str) -> Report {
        let at = match line(span) {
            Some(line) => format!("note: line {line}: "),
            None => "note: ".to_owned(),
        };
        self.add(&at, note);
        self
    }

    /// The same with an expression and carets below a part of it: macros cannot point into a
    /// literal.
    pub(crate) fn shown(mut self, shown: &str) -> Report {
        shown.lines().for_each(|line| self.add("  ", line));
        self
    }

    fn add(&mut self, word: &str, text: &str) {
        if !text.is_empty() {
            self.text.push_str("\n  ");
            self.text.push_str(word);
            self.text.push_str(text);
        }
    }

    /// The error as an item.
    pub(crate) fn item(&self) -> TokenStream {
        let value = self.value();
        quote_spanned!(self.span=> #value;)
    }

    /// The error in the place of a value: its type is known to be wrong, so that rustc stays
    /// silent about whatever follows from it.
    pub(crate) fn value(&self) -> TokenStream {
        let text = &self.text;
        quote_spanned!(self.span=> ::core::compile_error!(#text))
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// The line of a span, which only the compiler knows.
fn line(span: Span) -> Option<usize> {
    proc_macro::is_available().then(|| span.unwrap().line())
}
