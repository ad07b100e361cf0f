//! One table for what expressions mean, one for what the check says, one for the places of
//! errors; then the bounds, and random texts.

mod bounds;
mod check;
mod document;
mod meaning;
mod random;

use super::{Expression, Type, Value};

/// The variables of all tests here.
fn variable(name: &str) -> Option<Value> {
    let list = |values: &[Value]| Value::List(values.to_vec());
    let map = |entries: &[(&str, Value)]| {
        Value::Map(entries.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
    };
    Some(match name {
        "yes" => true.into(),
        "amount" => 60.into(),
        "most" => i64::MAX.into(),
        "least" => i64::MIN.into(),
        "stock" => 7u32.into(),
        "ratio" => 0.5.into(),
        "region" => "CH".into(),
        "empty" => "".into(),
        "note" => Value::Null,
        "primes" => list(&[2.into(), 3.into(), 5.into()]),
        "zeros" => list(&[0.into()]),
        "mixed" => list(&[1.into(), 2u32.into(), 3.0.into(), "four".into(), Value::Null]),
        "order" => map(&[
            ("total", 120.into()),
            ("vip", false.into()),
            ("note", Value::Null),
            ("ship-to", "Zürich".into()),
            ("if", 1.into()),
            ("lines", list(&[map(&[("sku", "a1".into()), ("count", 2u32.into())])])),
            ("customer", map(&[("name", "Zoë".into())])),
        ]),
        _ => return None,
    })
}

fn type_of(name: &str) -> Option<Type> {
    variable(name).map(|value| value.type_of())
}

fn parse(source: &str) -> Expression {
    match Expression::parse(source) {
        Ok(expression) => expression,
        Err(error) => panic!("{error}\n{}", error.caret(source)),
    }
}

/// The value as text, or the error.
fn run(source: &str) -> Result<String, super::Error> {
    let value = Expression::parse(source)?.evaluate(&variable)?;
    Ok(value.to_string())
}
