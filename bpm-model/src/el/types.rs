//! The static check: which types operators and functions are defined for, and what a given
//! expression gets. [`Type::Any`] passes everything; the evaluation decides then.

use std::fmt;
use std::ops::Range;

use super::tree::{Action, Form, Link, Node, Operator, Parsed, Step};
use super::{Error, ErrorKind};
use crate::spell::nearest;

/// The type of a value, or what is known of it before there is a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit integer.
    Int,
    /// An unsigned 64-bit integer.
    Uint,
    /// A 64-bit floating-point number.
    Double,
    /// A text.
    String,
    /// A list; the types of its elements are known at run time.
    List,
    /// A map from names to values, whose types are known at run time.
    Map,
    /// The type of `null` alone.
    Null,
    /// Not known until run time.
    Any,
}

impl Type {
    fn is_number(self) -> bool {
        matches!(self, Type::Int | Type::Uint | Type::Double)
    }

    /// Whether a value of this type may be one of `types`.
    fn may_be(self, types: &[Type]) -> bool {
        self == Type::Any || types.contains(&self)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Uint => "uint",
            Type::Double => "double",
            Type::String => "string",
            Type::List => "list",
            Type::Map => "map",
            Type::Null => "null",
            Type::Any => "any",
        })
    }
}

/// The types that `size` measures.
pub(super) const SIZED: &[Type] = &[Type::String, Type::List, Type::Map];
/// The types that can be negated.
pub(super) const SIGNED: &[Type] = &[Type::Int, Type::Double];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
}

impl Function {
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS[self as usize].0
    }
}

/// In the order of their declaration.
const FUNCTIONS: [(&str, Function); 4] = [
    ("size", Function::Size),
    ("startsWith", Function::StartsWith),
    ("endsWith", Function::EndsWith),
    ("contains", Function::Contains),
];

/// The rest of CEL's standard functions and macros.
const OTHER_CEL: [&str; 27] = [
    "all",
    "bool",
    "bytes",
    "double",
    "duration",
    "dyn",
    "exists",
    "existsOne",
    "exists_one",
    "filter",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "int",
    "map",
    "matches",
    "string",
    "timestamp",
    "type",
    "uint",
];

/// The parser asks: macros bind variables, so what follows them could not be understood.
pub(super) fn refuse_other_cel(name: &str, at: &Range<usize>) -> Result<(), Error> {
    if OTHER_CEL.contains(&name) {
        let message = format!("`{name}` is CEL, but not in this subset");
        return Err(Error::new(ErrorKind::NotInSubset, at.clone(), message));
    }
    Ok(())
}

/// The function that a call means.
pub(super) fn resolve(
    name: &str,
    method: bool,
    arguments: usize,
    at: &Range<usize>,
) -> Result<Function, Error> {
    let Some(&(_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
        return Err(unknown_function(name, at));
    };
    let (style, expected) = match (function, method) {
        (Function::Size, false) => ("", 1),
        (Function::Size, true) => ("value.", 0),
        (_, true) => ("text.", 1),
        (_, false) => {
            let message = format!("`{name}` is a method: `text.{name}(part)`");
            return Err(Error::new(ErrorKind::Arguments, at.clone(), message));
        }
    };
    if arguments == expected {
        return Ok(function);
    }
    let noun = if expected == 1 { "argument" } else { "arguments" };
    let message = format!("`{style}{name}` takes {expected} {noun}, not {arguments}");
    Err(Error::new(ErrorKind::Arguments, at.clone(), message))
}

fn unknown_function(name: &str, at: &Range<usize>) -> Error {
    let kind = ErrorKind::UnknownFunction(name.to_owned());
    let error = Error::new(kind, at.clone(), format!("there is no function `{name}`"));
    let known = FUNCTIONS.iter().map(|&(name, _)| name).chain(["has"]);
    match nearest(name, known) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error,
    }
}

pub(super) fn unknown_variable(name: &str, at: &Range<usize>, what: &str) -> Error {
    let kind = ErrorKind::UnknownVariable(name.to_owned());
    Error::new(kind, at.clone(), format!("the variable `{name}` {what}"))
}

/// The type of the whole, or every error.
pub(super) fn check(
    parsed: &Parsed,
    variable: &dyn Fn(&str) -> Option<Type>,
) -> Result<Type, Vec<Error>> {
    let mut checker = Checker { parsed, variable, errors: Vec::new() };
    let whole = checker.node(&parsed.root);
    match checker.errors.is_empty() {
        true => Ok(whole),
        false => Err(checker.errors),
    }
}

struct Checker<'a> {
    parsed: &'a Parsed,
    variable: &'a dyn Fn(&str) -> Option<Type>,
    errors: Vec<Error>,
}

impl Checker<'_> {
    fn node(&mut self, node: &Node) -> Type {
        match &node.form {
            Form::Literal(value) => value.type_of(),
            Form::List(elements) => {
                self.nodes(elements);
                Type::List
            }
            Form::Variable(index) => self.variable(&self.parsed.names[*index], &node.at),
            Form::Path { base, steps } => {
                let base = self.node(base);
                steps.iter().fold(base, |of, step| self.step(of, step))
            }
            Form::Has { of, field } => {
                let of_type = self.node(of);
                self.demand(of_type, &[Type::Map], &node.at, |of| no_field(of, field));
                Type::Bool
            }
            Form::Not { of, .. } => {
                let of_type = self.node(of);
                self.demand(of_type, &[Type::Bool], &node.at, |of| not_defined("!", of));
                Type::Bool
            }
            Form::Negate { of, .. } => self.negate(of, &node.at),
            Form::Chain { first, links } => {
                let first = self.node(first);
                links.iter().fold(first, |left, link| self.link(left, link))
            }
            Form::And(operands) => self.logic("&&", operands),
            Form::Or(operands) => self.logic("||", operands),
            Form::Choice(parts) => self.choice(parts),
            Form::NoFunction { error, arguments } => {
                self.errors.push(error.clone());
                self.nodes(arguments);
                Type::Any
            }
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    /// Notes an error, unless the type fits or is not known.
    fn demand(
        &mut self,
        found: Type,
        fitting: &[Type],
        at: &Range<usize>,
        message: impl FnOnce(Type) -> String,
    ) {
        if !found.may_be(fitting) {
            self.errors.push(Error::new(ErrorKind::Mismatch, at.clone(), message(found)));
        }
    }

    fn variable(&mut self, name: &str, at: &Range<usize>) -> Type {
        (self.variable)(name).unwrap_or_else(|| {
            self.errors.push(unknown_variable(name, at, "is not known"));
            Type::Any
        })
    }

    fn step(&mut self, of: Type, step: &Step) -> Type {
        match &step.action {
            Action::Field(name) => {
                self.demand(of, &[Type::Map], &step.at, |of| no_field(of, name));
                Type::Any
            }
            Action::Index(index) => {
                let index = self.node(index);
                if !indexable(of, index) {
                    let message = no_index(of, index);
                    self.errors.push(Error::new(ErrorKind::Mismatch, step.at.clone(), message));
                }
                Type::Any
            }
            Action::Call { function, arguments } => self.call(of, function, arguments, &step.at),
        }
    }

    fn call(
        &mut self,
        receiver: Type,
        function: &Result<Function, Error>,
        arguments: &[Node],
        at: &Range<usize>,
    ) -> Type {
        let types: Vec<Type> = arguments.iter().map(|argument| self.node(argument)).collect();
        match function {
            Ok(Function::Size) => {
                self.demand(receiver, SIZED, at, |of| not_defined("size", of));
                Type::Int
            }
            Ok(function) => {
                self.demand(receiver, &[Type::String], at, |of| not_defined(function.name(), of));
                for (found, argument) in types.into_iter().zip(arguments) {
                    let message = |found| no_part(*function, found);
                    self.demand(found, &[Type::String], &argument.at, message);
                }
                Type::Bool
            }
            Err(error) => {
                self.errors.push(error.clone());
                Type::Any
            }
        }
    }

    fn negate(&mut self, of: &Node, at: &Range<usize>) -> Type {
        let found = self.node(of);
        self.demand(found, SIGNED, at, |of| not_defined("-", of));
        if found.may_be(SIGNED) { found } else { Type::Any }
    }

    fn logic(&mut self, symbol: &str, operands: &[Node]) -> Type {
        for operand in operands {
            let found = self.node(operand);
            self.demand(found, &[Type::Bool], &operand.at, |of| not_defined(symbol, of));
        }
        Type::Bool
    }

    fn choice(&mut self, [condition, then, otherwise]: &[Node; 3]) -> Type {
        let found = self.node(condition);
        self.demand(found, &[Type::Bool], &condition.at, |of| not_defined("? :", of));
        let (then, otherwise) = (self.node(then), self.node(otherwise));
        if then == otherwise { then } else { Type::Any }
    }

    fn link(&mut self, left: Type, link: &Link) -> Type {
        let right = self.node(&link.operand);
        result(link.operator, left, right).unwrap_or_else(|| {
            self.errors.push(mismatch(link.operator, left, right, &link.at));
            if is_relation(link.operator) { Type::Bool } else { Type::Any }
        })
    }
}

fn is_relation(operator: Operator) -> bool {
    use Operator::{Add, Divide, Multiply, Remainder, Subtract};
    !matches!(operator, Add | Subtract | Multiply | Divide | Remainder)
}

/// The type that an operator gives, `None` if it can never fit its operands.
fn result(operator: Operator, left: Type, right: Type) -> Option<Type> {
    use Operator::{Add, Equal, In, NotEqual, Remainder};
    let known = |types: &[Type]| left.may_be(types) && right.may_be(types);
    let alike = left == right || left == Type::Any || right == Type::Any;
    let fits = match operator {
        Equal | NotEqual => {
            alike || (left.is_number() && right.is_number()) || [left, right].contains(&Type::Null)
        }
        In => match right {
            Type::Map => left.may_be(&[Type::String]),
            _ => right.may_be(&[Type::List]),
        },
        Add => {
            let types = [Type::Int, Type::Uint, Type::Double, Type::String, Type::List];
            alike && known(&types)
        }
        Remainder => alike && known(&[Type::Int, Type::Uint]),
        _ if !is_relation(operator) => alike && known(&[Type::Int, Type::Uint, Type::Double]),
        _ => {
            let types = [Type::Int, Type::Uint, Type::Double, Type::String, Type::Bool];
            known(&types) && (alike || (left.is_number() && right.is_number()))
        }
    };
    let known_side = if left == Type::Any { right } else { left };
    fits.then_some(if is_relation(operator) { Type::Bool } else { known_side })
}

fn indexable(of: Type, index: Type) -> bool {
    match of {
        Type::List => index.may_be(&[Type::Int, Type::Uint, Type::Double]),
        Type::Map => index.may_be(&[Type::String]),
        of => of == Type::Any,
    }
}

/// The error for operands that an operator is not defined for.
pub(super) fn mismatch(operator: Operator, left: Type, right: Type, at: &Range<usize>) -> Error {
    let symbol = operator.symbol();
    let message = match operator {
        Operator::Equal | Operator::NotEqual => {
            format!("{left} {symbol} {right}: values of these types are never equal")
        }
        Operator::In => format!("{left} in {right}: `in` looks in a list, or for a name in a map"),
        _ => format!("{left} {symbol} {right}: `{symbol}` is not defined for these types"),
    };
    let error = Error::new(ErrorKind::Mismatch, at.clone(), message);
    let converted = left != right && left.is_number() && right.is_number();
    match converted && !is_relation(operator) {
        true => error.help("number types do not mix: `2` is int, `2u` is uint, `2.0` is double"),
        false => error,
    }
}

pub(super) fn not_defined(what: &str, found: Type) -> String {
    format!("`{what}` is not defined for {found}")
}

pub(super) fn no_field(of: Type, field: &str) -> String {
    format!("{of} has no fields, so no `{field}`; only a map has")
}

pub(super) fn no_index(of: Type, index: Type) -> String {
    match of {
        Type::List => format!("the index of a list is a whole number, not {index}"),
        Type::Map => format!("the key of a map is a string, not {index}"),
        of => format!("{of} has no elements; only a list or a map has"),
    }
}

pub(super) fn no_part(function: Function, found: Type) -> String {
    format!("the argument of `{}` is a string, not {found}", function.name())
}
