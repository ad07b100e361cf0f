//! Conditions in the expression language: their form and types (B014), and those that never vary.

use std::collections::HashMap;

use crate::el::{Error, ErrorKind, Expression, Type};
use crate::finding::{Fault, Finding, Place};
use crate::graph::{Condition, Graph, Origin};
use crate::spell::nearest;

/// A condition is an expression that can be evaluated and is true or false (B014). A built graph
/// declares no variables, so nothing is said about unknown ones there.
pub(super) fn types(graph: &Graph, findings: &mut Vec<Finding>) {
    let known = known_types(graph);
    let lookup = |name: &str| match graph.origin {
        Origin::Built => Some(Type::Any),
        // The turn's time, the instance's id and its key; a variable of this name hides them.
        Origin::Workflow if name == "process" => {
            Some(known.get(name).copied().unwrap_or(Type::Any))
        }
        Origin::Workflow => known.get(name).copied(),
    };
    for (edge, at) in graph.edges.iter().enumerate() {
        let Condition::Expression(text) = &at.condition else { continue };
        let errors = match Expression::parse(text) {
            Err(error) => vec![error],
            Ok(expression) => match expression.check(&lookup) {
                Err(errors) => errors,
                Ok(Type::Bool | Type::Any) => continue,
                Ok(ty) => {
                    let place = Place::Expression { edge, at: 0..text.len() };
                    findings.push(Finding::new(Fault::NotBool { ty: ty.to_string() }, place));
                    continue;
                }
            },
        };
        findings.extend(errors.iter().map(|error| {
            Finding::new(fault(graph, error), Place::Expression { edge, at: error.at() })
        }));
    }
}

fn fault(graph: &Graph, error: &Error) -> Fault {
    if let ErrorKind::UnknownVariable(name) = error.kind() {
        let names = graph.variables.iter().map(|variable| &*variable.name);
        let nearest = nearest(name, names).map(str::to_owned);
        return Fault::UnknownVariable { name: name.clone(), nearest };
    }
    // An error says its help behind its message, in brackets.
    let text = error.to_string();
    match text.strip_suffix(')').and_then(|text| text.split_once(" (help: ")) {
        Some((what, help)) => Fault::Expression { what: what.to_owned(), help: help.to_owned() },
        None => Fault::Expression { what: text, help: help(error.kind()).to_owned() },
    }
}

/// What to do about an error that does not say it itself.
fn help(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Syntax => "complete the expression, or remove what does not belong in it",
        ErrorKind::NotInSubset | ErrorKind::UnknownFunction(_) => {
            "see docs/expressions.md for the operators and functions that there are"
        }
        ErrorKind::Arguments => "see docs/expressions.md for how the function is called",
        ErrorKind::Bound => "make it shorter, or decide with several gateways",
        ErrorKind::Mismatch => "use an operator of these types, or convert one of the values",
        _ => "write an expression that always has a value",
    }
}

/// The types by name. One name may have several places; where they differ, nothing is known.
fn known_types(graph: &Graph) -> HashMap<&str, Type> {
    let mut known = HashMap::new();
    for variable in graph.variables.iter() {
        let ty = type_of(&variable.ty);
        let entry = known.entry(&*variable.name).or_insert(ty);
        if *entry != ty {
            *entry = Type::Any;
        }
    }
    known
}

/// What a Rust type is to the expression language.
fn type_of(ty: &str) -> Type {
    match ty.trim() {
        "bool" => Type::Bool,
        "i8" | "i16" | "i32" | "i64" | "isize" => Type::Int,
        "u8" | "u16" | "u32" | "u64" | "usize" => Type::Uint,
        "f32" | "f64" => Type::Double,
        "String" => Type::String,
        list if list.starts_with("Vec<") || list.starts_with("Vec <") => Type::List,
        _ => Type::Any,
    }
}

/// The conditions whose answer does not depend on a variable.
pub(super) struct Constants(Vec<Option<bool>>);

impl Constants {
    pub(super) fn new(graph: &Graph) -> Constants {
        let constant = |condition: &Condition| match condition {
            Condition::Expression(text) => Expression::parse(text).ok()?.constant(),
            _ => None,
        };
        Constants(graph.edges.iter().map(|edge| constant(&edge.condition)).collect())
    }

    /// Whether the condition of an edge always has this answer.
    pub(super) fn is(&self, edge: usize, answer: bool) -> bool {
        self.0[edge] == Some(answer)
    }

    /// The edge whose condition is why this one is never taken, and what that condition always is.
    pub(super) fn closing(&self, graph: &Graph, edge: usize) -> Option<(usize, bool)> {
        if self.is(edge, false) {
            return Some((edge, false));
        }
        let from = graph.edges[edge].from;
        let mut beside = (0..graph.edges.len()).filter(|at| graph.edges[*at].from == from);
        beside.find(|at| *at != edge && self.is(*at, true)).map(|at| (at, true))
    }

    /// The edges that can be taken at all: none whose condition is always false, and none that is
    /// tried behind one that is always true. A default comes last wherever it stands.
    pub(super) fn open(&self, graph: &Graph) -> Vec<bool> {
        let mut decided = vec![false; graph.nodes.len()];
        let mut open = vec![true; graph.edges.len()];
        for (at, edge) in graph.edges.iter().enumerate() {
            open[at] = !self.is(at, false) && !decided[edge.from];
            decided[edge.from] |= self.is(at, true);
        }
        for (at, edge) in graph.edges.iter().enumerate() {
            open[at] &= edge.condition != Condition::Default || !decided[edge.from];
        }
        open
    }
}
