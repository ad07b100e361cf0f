//! Text of the expression language.

use bpm_model::el::{Error, ErrorKind, Expression, Type, Value};

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let written = [
        r#"amount > 50 && region in ["EU", "CH"]"#,
        r#"order.items[0].price * 2 - 1 >= total / 3 % 7"#,
        "!(a || b) ? size(names) : -7u",
        r#"has(order.note) && order.note.startsWith("x\u00e4\n")"#,
        r#"name.contains('a') || name.endsWith(r"\d") || name.matches("(a+)+$")"#,
        "[1, 2.5e3, 0x1F, 'a', null, true][amount] == 9223372036854775807",
        "amount == amount == amount != (1 < 2)",
        r#"{"a": 1}.a"#,
    ];
    written.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Parses, and of what can be read: checks and evaluates it with variables of several types. The
/// value has the type that the check promised.
pub(super) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let expression = match Expression::parse(&text) {
        Ok(expression) => expression,
        Err(error) => return show(&error, &text),
    };
    assert_eq!(expression.source(), text);
    expression.variables().for_each(|(name, at)| assert_eq!(&text[at], name));
    let _ = expression.constant();
    let Err(unknown) = expression.check(&|_| None) else { return evaluate(&expression, 0) };
    unknown.iter().for_each(|error| show(error, &text));
    (0..VALUES).for_each(|round| evaluate(&expression, round));
}

/// How many values a variable has, one after the other.
const VALUES: usize = 8;

fn evaluate(expression: &Expression, round: usize) {
    let checked = expression.check(&|name| Some(value(name, round).type_of()));
    let evaluated = expression.evaluate(&|name| Some(value(name, round)));
    if let Err(errors) = &checked {
        errors.iter().for_each(|error| show(error, expression.source()));
    }
    match (checked, evaluated) {
        (Ok(promised), Ok(value)) => {
            assert!(promised == Type::Any || promised == value.type_of(), "{promised}, {value}");
        }
        (_, Err(error)) => {
            show(&error, expression.source());
            assert_ne!(error.kind(), &ErrorKind::Syntax, "{error}");
        }
        _ => {}
    }
}

/// A value that depends on the name, so that one expression has variables of several types.
fn value(name: &str, round: usize) -> Value {
    match (name.len() + round) % VALUES {
        0 => Value::Int(60),
        1 => Value::Uint(u64::MAX),
        2 => Value::Double(f64::NAN),
        3 => Value::String("EU".into()),
        4 => Value::Bool(true),
        5 => Value::Null,
        6 => Value::List([Value::Int(i64::MIN), Value::String("CH".into())].into()),
        _ => Value::Map([("note".into(), Value::Null), ("items".into(), Value::Int(1))].into()),
    }
}

/// An error has one line of words, a place in the text, and a picture of that.
fn show(error: &Error, text: &str) {
    assert!(text.get(error.at()).is_some(), "{:?} in {text:?}", error.at());
    assert!(!error.to_string().contains('\n'), "{error}");
    error.caret(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_have_every_type_in_some_round() {
        let mut types: Vec<Type> = Vec::new();
        for round in 0..VALUES {
            let found = value("amount", round).type_of();
            if !types.contains(&found) {
                types.push(found);
            }
        }
        assert_eq!(types.len(), VALUES);
    }
}
