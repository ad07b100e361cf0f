//! EL, the language of conditions that are data: a typed, bounded subset of
//! [CEL](https://cel.dev).
//!
//! What is in has CEL's meaning, so an expression here is an expression there. It has no side
//! effects, cannot loop, and every bound on it is a constant of this module; an expression is
//! parsed once, checked against the types of its variables, and evaluated often:
//!
//! ```
//! use bpm_model::el::{Expression, Type, Value};
//!
//! let condition = Expression::parse(r#"amount > 50 && region in ["EU", "CH"]"#)?;
//! let types = |name: &str| match name {
//!     "amount" => Some(Type::Int),
//!     "region" => Some(Type::String),
//!     _ => None,
//! };
//! assert_eq!(condition.check(&types), Ok(Type::Bool));
//!
//! let values = |name: &str| match name {
//!     "amount" => Some(Value::from(60)),
//!     "region" => Some(Value::from("CH")),
//!     _ => None,
//! };
//! assert!(condition.evaluate_bool(&values)?);
//! # Ok::<(), bpm_model::el::Error>(())
//! ```
//!
//! Deliberately not here: map and bytes literals, macros but `has`, time, regular expressions,
//! conversions, and JSON, which is the business of who owns the variables.

mod arithmetic;
mod error;
mod eval;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod tree;
mod types;
mod value;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub(crate) use error::caret;
pub use error::{Error, ErrorKind};
pub use types::Type;
pub use value::Value;

/// The longest source of an expression, in bytes.
pub const MAX_SOURCE: usize = 4_096;

/// How deep parentheses, lists, indices, arguments and `? :` may nest.
pub const MAX_DEPTH: usize = 64;

/// The most literals, variables, operators and steps of paths in an expression.
pub const MAX_NODES: usize = 1_024;

/// The most that one evaluation may cost.
///
/// Each part of the expression costs 1 when it is evaluated, each element that is compared or
/// copied costs 1, and so do 32 bytes of text. This also bounds the memory an evaluation takes.
pub const MAX_COST: u64 = 1_000_000;

/// An expression that was parsed.
///
/// Two are equal if their sources are. `Display` gives the source.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    parsed: Arc<tree::Parsed>,
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// The first thing that is not CEL, that is not in this subset of it, or that exceeds
    /// [`MAX_SOURCE`], [`MAX_DEPTH`] or [`MAX_NODES`].
    pub fn parse(source: &str) -> Result<Expression, Error> {
        let parsed = parse::parse(source)?;
        Ok(Expression { source: source.into(), parsed: Arc::new(parsed) })
    }

    /// The text that was parsed, unchanged.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Every mention of a variable, with its bytes in the source, from left to right.
    ///
    /// Of a path this is the root: `order.total` mentions `order`.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        let mentions = self.parsed.mentions.iter();
        mentions.map(|(index, at)| (self.parsed.names[*index].as_str(), at.clone()))
    }

    /// The type of the whole, given the types of the variables; `None` is an unknown one.
    ///
    /// That a condition is a bool is left to the caller, as is what [`Type::Any`] may become.
    ///
    /// # Errors
    ///
    /// All errors, from left to right: unknown variables and functions, wrong numbers of
    /// arguments, and operands that can never fit.
    pub fn check(&self, variable: &dyn Fn(&str) -> Option<Type>) -> Result<Type, Vec<Error>> {
        types::check(&self.parsed, variable)
    }

    /// The condition's answer, if it is the same whatever the variables are.
    pub fn constant(&self) -> Option<bool> {
        self.evaluate_bool(&|_| None).ok()
    }

    /// The value of the expression; `variable` is asked at most once for each that is needed.
    ///
    /// # Errors
    ///
    /// CEL's: a variable without a value, a type that does not fit, an overflow, a division by
    /// zero, a key or an index that is not there; and [`MAX_COST`]. An error in one operand of
    /// `&&` or `||` is none if another operand decides.
    pub fn evaluate(&self, variable: &dyn Fn(&str) -> Option<Value>) -> Result<Value, Error> {
        eval::evaluate(&self.parsed, variable)
    }

    /// The answer of a condition.
    ///
    /// # Errors
    ///
    /// Those of [`evaluate`](Expression::evaluate), and a value that is not a bool: nothing is
    /// ever taken for true or false.
    pub fn evaluate_bool(&self, variable: &dyn Fn(&str) -> Option<Value>) -> Result<bool, Error> {
        match self.evaluate(variable)? {
            Value::Bool(bool) => Ok(bool),
            other => {
                let message = format!("a condition is a bool, this is {}", other.type_of());
                Err(Error::new(ErrorKind::Mismatch, self.parsed.root.at.clone(), message))
            }
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}
