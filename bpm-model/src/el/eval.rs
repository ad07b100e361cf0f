//! A tree and its variables to a value. What can be borrowed is: a path into a variable copies
//! nothing. Everything that takes time or memory is paid for from one budget.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Ordering;
use std::ops::Range;

use super::arithmetic::{arithmetic, negate};
use super::tree::{Action, Form, Link, Node, Operator, Parsed, Step};
use super::types::{self, Function};
use super::value::{self, Budget, Exhausted, compare, equal};
use super::{Error, ErrorKind, MAX_COST, Value};
use crate::spell::nearest;

pub(super) fn evaluate(
    parsed: &Parsed,
    variable: &dyn Fn(&str) -> Option<Value>,
) -> Result<Value, Error> {
    let evaluation = Evaluation {
        parsed,
        variable,
        fetched: vec![OnceCell::new(); parsed.names.len()],
        budget: Budget::new(MAX_COST),
    };
    let value = evaluation.node(&parsed.root)?;
    value::own(value, &evaluation.budget).map_err(|spent| exhausted(spent, &parsed.root.at))
}

struct Evaluation<'a> {
    parsed: &'a Parsed,
    variable: &'a dyn Fn(&str) -> Option<Value>,
    /// The variables that were asked for so far, each once.
    fetched: Vec<OnceCell<Value>>,
    budget: Budget,
}

impl Evaluation<'_> {
    fn node<'e>(&'e self, node: &'e Node) -> Result<Cow<'e, Value>, Error> {
        self.spend(1, &node.at)?;
        match &node.form {
            Form::Literal(value) => Ok(Cow::Borrowed(value)),
            Form::List(elements) => self.list(elements),
            Form::Variable(index) => self.variable(*index, &node.at),
            Form::Path { base, steps } => {
                let base = self.node(base)?;
                steps.iter().try_fold(base, |of, step| self.step(of, step))
            }
            Form::Has { of, field } => match self.node(of)?.as_ref() {
                Value::Map(entries) => Ok(owned(entries.contains_key(field))),
                other => Err(unfit(&node.at, types::no_field(other.type_of(), field))),
            },
            Form::Not { times, of } => match *self.node(of)? {
                Value::Bool(bool) => Ok(owned(bool ^ (times % 2 == 1))),
                ref other => Err(unfit(&node.at, types::not_defined("!", other.type_of()))),
            },
            Form::Negate { times, of } => {
                negate(&*self.node(of)?, *times, &node.at).map(Cow::Owned)
            }
            Form::Chain { first, links } => {
                let first = self.node(first)?;
                links.iter().try_fold(first, |left, link| self.link(left, link))
            }
            Form::And(operands) => self.logic("&&", operands),
            Form::Or(operands) => self.logic("||", operands),
            Form::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                match *self.node(condition)? {
                    Value::Bool(true) => self.node(then),
                    Value::Bool(false) => self.node(otherwise),
                    ref other => {
                        let message = types::not_defined("? :", other.type_of());
                        Err(unfit(&condition.at, message))
                    }
                }
            }
            Form::NoFunction { error, .. } => Err(error.clone()),
        }
    }

    fn spend(&self, cost: u64, at: &Range<usize>) -> Result<(), Error> {
        self.budget.spend(cost).map_err(|spent| exhausted(spent, at))
    }

    fn spend_text(&self, bytes: usize, at: &Range<usize>) -> Result<(), Error> {
        self.budget.spend_text(bytes).map_err(|spent| exhausted(spent, at))
    }

    fn equal(&self, left: &Value, right: &Value, at: &Range<usize>) -> Result<bool, Error> {
        equal(left, right, &self.budget).map_err(|spent| exhausted(spent, at))
    }

    fn list<'e>(&'e self, elements: &'e [Node]) -> Result<Cow<'e, Value>, Error> {
        let own = |element: &'e Node| {
            value::own(self.node(element)?, &self.budget)
                .map_err(|spent| exhausted(spent, &element.at))
        };
        let elements: Result<Vec<Value>, Error> = elements.iter().map(own).collect();
        Ok(owned(elements?))
    }

    fn variable(&self, index: usize, at: &Range<usize>) -> Result<Cow<'_, Value>, Error> {
        let (name, slot) = (&self.parsed.names[index], &self.fetched[index]);
        if let Some(value) = slot.get() {
            return Ok(Cow::Borrowed(value));
        }
        let value = (self.variable)(name)
            .ok_or_else(|| types::unknown_variable(name, at, "has no value"))?;
        Ok(Cow::Borrowed(slot.get_or_init(|| value)))
    }

    fn step<'e>(&'e self, of: Cow<'e, Value>, step: &'e Step) -> Result<Cow<'e, Value>, Error> {
        match &step.action {
            Action::Field(name) => field(of, name, &step.at),
            Action::Index(index) => {
                let index = self.node(index)?;
                element(of, &index, &step.at)
            }
            Action::Call { function: Err(error), .. } => Err(error.clone()),
            Action::Call { function: Ok(Function::Size), .. } => self.size(&of, &step.at),
            Action::Call { function: Ok(function), arguments } => {
                let [argument] = arguments.as_slice() else {
                    unreachable!("`resolve` counted the arguments")
                };
                let part = self.node(argument)?;
                self.text_test(*function, &of, &part, &step.at)
            }
        }
    }

    fn size(&self, of: &Value, at: &Range<usize>) -> Result<Cow<'static, Value>, Error> {
        let size = match of {
            Value::String(text) => {
                self.spend_text(text.len(), at)?;
                text.chars().count()
            }
            Value::List(elements) => elements.len(),
            Value::Map(entries) => entries.len(),
            other => return Err(unfit(at, types::not_defined("size", other.type_of()))),
        };
        Ok(owned(i64::try_from(size).unwrap_or(i64::MAX)))
    }

    fn text_test(
        &self,
        function: Function,
        text: &Value,
        part: &Value,
        at: &Range<usize>,
    ) -> Result<Cow<'static, Value>, Error> {
        let Value::String(text) = text else {
            return Err(unfit(at, types::not_defined(function.name(), text.type_of())));
        };
        let Value::String(part) = part else {
            return Err(unfit(at, types::no_part(function, part.type_of())));
        };
        self.spend_text(text.len(), at)?;
        Ok(owned(match function {
            Function::StartsWith => text.starts_with(&**part),
            Function::EndsWith => text.ends_with(&**part),
            Function::Contains => text.contains(&**part),
            Function::Size => unreachable!("`size` has no argument"),
        }))
    }

    /// `&&` and `||`: one operand that decides is enough, whatever the others are, errors
    /// included. Only the budget is not negotiable.
    fn logic(&self, symbol: &str, operands: &[Node]) -> Result<Cow<'static, Value>, Error> {
        let decisive = symbol == "||";
        let mut first_error = None;
        for operand in operands {
            match self.truth(symbol, operand) {
                Ok(truth) if truth == decisive => return Ok(owned(decisive)),
                Ok(_) => {}
                Err(error) if *error.kind() == ErrorKind::Bound => return Err(error),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or_else(|| Ok(owned(!decisive)), Err)
    }

    fn truth(&self, symbol: &str, operand: &Node) -> Result<bool, Error> {
        match *self.node(operand)? {
            Value::Bool(truth) => Ok(truth),
            ref other => Err(unfit(&operand.at, types::not_defined(symbol, other.type_of()))),
        }
    }

    fn link<'e>(&'e self, left: Cow<'e, Value>, link: &'e Link) -> Result<Cow<'e, Value>, Error> {
        let right = self.node(&link.operand)?;
        match link.operator {
            Operator::Equal => Ok(owned(self.equal(&left, &right, &link.at)?)),
            Operator::NotEqual => Ok(owned(!self.equal(&left, &right, &link.at)?)),
            Operator::In => self.is_in(&left, &right, &link.at),
            Operator::Less => self.ordered(&left, &right, link, Ordering::is_lt),
            Operator::LessEqual => self.ordered(&left, &right, link, Ordering::is_le),
            Operator::Greater => self.ordered(&left, &right, link, Ordering::is_gt),
            Operator::GreaterEqual => self.ordered(&left, &right, link, Ordering::is_ge),
            operator => self.calculation(operator, left, right, &link.at),
        }
    }

    fn is_in(
        &self,
        left: &Value,
        right: &Value,
        at: &Range<usize>,
    ) -> Result<Cow<'static, Value>, Error> {
        match (left, right) {
            (_, Value::List(elements)) => {
                for element in elements {
                    if self.equal(left, element, at)? {
                        return Ok(owned(true));
                    }
                }
                Ok(owned(false))
            }
            (Value::String(name), Value::Map(entries)) => Ok(owned(entries.contains_key(&**name))),
            // the keys are strings, so no other value is among them
            (_, Value::Map(_)) => Ok(owned(false)),
            _ => Err(types::mismatch(Operator::In, left.type_of(), right.type_of(), at)),
        }
    }

    fn ordered(
        &self,
        left: &Value,
        right: &Value,
        link: &Link,
        holds: fn(Ordering) -> bool,
    ) -> Result<Cow<'static, Value>, Error> {
        if let (Value::String(left), Value::String(right)) = (left, right) {
            let shared = left.len().min(right.len());
            self.spend_text(shared, &link.at)?;
        }
        match compare(left, right) {
            Some(ordering) => Ok(owned(ordering.is_some_and(holds))),
            None => Err(types::mismatch(link.operator, left.type_of(), right.type_of(), &link.at)),
        }
    }

    fn calculation(
        &self,
        operator: Operator,
        left: Cow<'_, Value>,
        right: Cow<'_, Value>,
        at: &Range<usize>,
    ) -> Result<Cow<'static, Value>, Error> {
        match (&*left, &*right) {
            (Value::String(left), Value::String(right)) if operator == Operator::Add => {
                self.spend_text(left.len() + right.len(), at)?;
                Ok(owned([&**left, &**right].concat()))
            }
            (Value::List(_), Value::List(_)) if operator == Operator::Add => {
                self.concatenation(left, right).map_err(|spent| exhausted(spent, at))
            }
            (left, right) => arithmetic(operator, left, right, at)
                .unwrap_or_else(|| {
                    Err(types::mismatch(operator, left.type_of(), right.type_of(), at))
                })
                .map(Cow::Owned),
        }
    }

    fn concatenation(
        &self,
        left: Cow<'_, Value>,
        right: Cow<'_, Value>,
    ) -> Result<Cow<'static, Value>, Exhausted> {
        let left = value::own(left, &self.budget)?;
        let right = value::own(right, &self.budget)?;
        let (Value::List(mut elements), Value::List(more)) = (left, right) else {
            unreachable!("the caller matched two lists")
        };
        elements.extend(more);
        Ok(owned(elements))
    }
}

fn field<'e>(of: Cow<'e, Value>, name: &str, at: &Range<usize>) -> Result<Cow<'e, Value>, Error> {
    match of {
        Cow::Borrowed(Value::Map(entries)) => {
            entries.get(name).map(Cow::Borrowed).ok_or_else(|| no_key(entries.keys(), name, at))
        }
        Cow::Owned(Value::Map(mut entries)) => {
            let value = entries.remove(name).map(Cow::Owned);
            value.ok_or_else(|| no_key(entries.keys(), name, at))
        }
        other => Err(unfit(at, types::no_field(other.type_of(), name))),
    }
}

fn element<'e>(
    of: Cow<'e, Value>,
    index: &Value,
    at: &Range<usize>,
) -> Result<Cow<'e, Value>, Error> {
    match (&*of, index) {
        (Value::Map(_), Value::String(name)) => field(of, name, at),
        (Value::List(elements), Value::Int(_) | Value::Uint(_) | Value::Double(_)) => {
            let length = elements.len();
            let position = position(index).filter(|position| *position < length);
            let position = position.ok_or_else(|| no_element(length, index, at))?;
            Ok(match of {
                Cow::Borrowed(Value::List(elements)) => Cow::Borrowed(&elements[position]),
                Cow::Owned(Value::List(mut elements)) => Cow::Owned(elements.swap_remove(position)),
                _ => unreachable!("matched a list above"),
            })
        }
        _ => Err(unfit(at, types::no_index(of.type_of(), index.type_of()))),
    }
}

/// A number as an index; a double counts if it is whole.
fn position(index: &Value) -> Option<usize> {
    match *index {
        Value::Int(int) => usize::try_from(int).ok(),
        Value::Uint(uint) => usize::try_from(uint).ok(),
        // beyond 2^53 no list reaches
        Value::Double(double) if double.fract() == 0.0 && (0.0..9e15).contains(&double) => {
            Some(double as usize)
        }
        _ => None,
    }
}

fn owned(value: impl Into<Value>) -> Cow<'static, Value> {
    Cow::Owned(value.into())
}

fn unfit(at: &Range<usize>, message: String) -> Error {
    Error::new(ErrorKind::Mismatch, at.clone(), message)
}

fn no_key<'k>(keys: impl Iterator<Item = &'k String>, name: &str, at: &Range<usize>) -> Error {
    /// Guessing is for maps that a person wrote, not for tables.
    const GUESSES: usize = 100;
    let message = format!("the map has no key {}", quoted(name));
    let error = Error::new(ErrorKind::NoSuchElement, at.clone(), message);
    match nearest(name, keys.take(GUESSES).map(String::as_str)) {
        Some(near) => error.help(format!("did you mean {}?", quoted(near))),
        None => error,
    }
}

/// A text of any length for a message of one line.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn no_element(length: usize, index: &Value, at: &Range<usize>) -> Error {
    let message = format!("the list has no element {index}, its length is {length}");
    Error::new(ErrorKind::NoSuchElement, at.clone(), message)
}

fn exhausted(_: Exhausted, at: &Range<usize>) -> Error {
    let message = format!("the evaluation costs more than MAX_COST = {MAX_COST}");
    Error::new(ErrorKind::Bound, at.clone(), message)
}
