//! What the static check says, and where errors are.

use super::super::{ErrorKind, Expression, Type, Value};
use super::{parse, type_of};

/// An expression and its type, or its errors: the text that is blamed and a part of the message.
type Case = (&'static str, Result<Type, &'static [(&'static str, &'static str)]>);

fn types(name: &str) -> Option<Type> {
    if name == "anything" { Some(Type::Any) } else { type_of(name) }
}

#[track_caller]
fn check(cases: &[Case]) {
    for (source, expected) in cases {
        let result = parse(source).check(&types);
        let found: Result<Type, Vec<(&str, String)>> = result.map_err(|errors| {
            errors.iter().map(|error| (&source[error.at()], error.to_string())).collect()
        });
        let agree = match (&found, expected) {
            (Ok(found), Ok(expected)) => found == expected,
            (Err(found), Err(expected)) => {
                found.len() == expected.len()
                    && found.iter().zip(*expected).all(|(found, expected)| {
                        found.0 == expected.0 && found.1.contains(expected.1)
                    })
            }
            _ => false,
        };
        assert!(agree, "{source}\n  expected {expected:?}\n  got      {found:?}");
    }
}

#[test]
fn types_of_expressions() {
    check(&[
        ("amount > 50 && region in ['EU', 'CH']", Ok(Type::Bool)),
        ("amount + 1", Ok(Type::Int)),
        ("stock * 2u", Ok(Type::Uint)),
        ("-ratio", Ok(Type::Double)),
        ("region + 'x'", Ok(Type::String)),
        ("primes + [1]", Ok(Type::List)),
        ("note", Ok(Type::Null)),
        ("order", Ok(Type::Map)),
        ("order.total", Ok(Type::Any)),
        ("order.total + 1", Ok(Type::Int)),
        ("order.total + order.total", Ok(Type::Any)),
        ("-order.total", Ok(Type::Any)),
        ("order.total > 1", Ok(Type::Bool)),
        ("order.lines[0].sku.startsWith('a')", Ok(Type::Bool)),
        ("primes[0]", Ok(Type::Any)),
        ("primes[anything]", Ok(Type::Any)),
        ("order[anything]", Ok(Type::Any)),
        ("size(region)", Ok(Type::Int)),
        ("region.size()", Ok(Type::Int)),
        ("has(order.note)", Ok(Type::Bool)),
        ("yes ? 1 : 2", Ok(Type::Int)),
        ("yes ? 1 : 'a'", Ok(Type::Any)),
        ("anything", Ok(Type::Any)),
        ("!anything", Ok(Type::Bool)),
        ("anything && anything", Ok(Type::Bool)),
        ("anything < anything", Ok(Type::Bool)),
        ("anything in anything", Ok(Type::Bool)),
        ("1 in anything", Ok(Type::Bool)),
        ("anything.field.size()", Ok(Type::Int)),
        ("stock > amount", Ok(Type::Bool)),
        ("stock == ratio", Ok(Type::Bool)),
        ("amount == null", Ok(Type::Bool)),
        ("null == null", Ok(Type::Bool)),
    ]);
}

#[test]
fn errors_of_the_check() {
    check(&[
        ("amuont > 5", Err(&[("amuont", "the variable `amuont` is not known")])),
        ("a.b > 1 && c", Err(&[("a", "`a` is not known"), ("c", "`c` is not known")])),
        ("region < 5", Err(&[("<", "string < int: `<` is not defined for these types")])),
        ("region == 5", Err(&[("==", "string == int: values of these types are never equal")])),
        ("primes != region", Err(&[("!=", "never equal")])),
        ("region < null", Err(&[("<", "string < null")])),
        ("!amount", Err(&[("!amount", "`!` is not defined for int")])),
        ("-region", Err(&[("-region", "`-` is not defined for string")])),
        ("-stock", Err(&[("-stock", "`-` is not defined for uint")])),
        ("amount && yes", Err(&[("amount", "`&&` is not defined for int")])),
        ("yes || region", Err(&[("region", "`||` is not defined for string")])),
        ("amount ? 1 : 2", Err(&[("amount", "`? :` is not defined for int")])),
        ("stock + 1", Err(&[("+", "uint + int")])),
        ("ratio * 2", Err(&[("*", "number types do not mix")])),
        ("ratio % 2.0", Err(&[("%", "double % double")])),
        ("anything % 2.0", Err(&[("%", "any % double")])),
        ("anything + null", Err(&[("+", "any + null")])),
        ("primes - primes", Err(&[("-", "list - list")])),
        ("amount.cents", Err(&[("cents", "int has no fields")])),
        ("has(amount.cents)", Err(&[("has(amount.cents)", "int has no fields")])),
        ("region[0]", Err(&[("[0]", "string has no elements")])),
        ("primes['a']", Err(&[("['a']", "the index of a list is a whole number")])),
        ("order[0]", Err(&[("[0]", "the key of a map is a string")])),
        ("1 in order", Err(&[("in", "int in map")])),
        ("1 in region", Err(&[("in", "int in string")])),
        ("size(amount)", Err(&[("size", "`size` is not defined for int")])),
        ("amount.contains('a')", Err(&[("contains", "is not defined for int")])),
        ("region.contains(amount)", Err(&[("amount", "is a string, not int")])),
        ("siez(primes)", Err(&[("siez", "did you mean `size`?")])),
        ("launch(a)", Err(&[("launch", "no function `launch`"), ("a", "not known")])),
        ("region.contains()", Err(&[("contains", "takes 1 argument, not 0")])),
        (
            "region < 5 && !amount && b",
            Err(&[("<", "string < int"), ("!amount", "for int"), ("b", "not known")]),
        ),
        // an operand that is wrong already does not make its neighbours wrong as well
        ("(region + 1) * 2 > 3", Err(&[("+", "string + int")])),
    ]);
}

#[test]
fn places_of_errors() {
    let cases = [
        ("1 + $", "1 + $\n    ^"),
        ("(1", "(1\n  ^"),
        ("'abc", "'abc\n^^^^"),
        (r"'a\q'", "'a\\q'\n  ^^"),
        ("yes &&\n  für", "  für\n   ^"),
        ("1 < primes.all(p, p > 0)", "1 < primes.all(p, p > 0)\n           ^^^"),
        ("99999999999999999999 > 1", "99999999999999999999 > 1\n^^^^^^^^^^^^^^^^^^^^"),
    ];
    for (source, expected) in cases {
        let error = Expression::parse(source).expect_err(source);
        assert_eq!(error.caret(source), expected, "{error}");
    }
}

#[test]
fn an_unknown_variable_can_be_suggested() {
    let errors = parse("amuont > 5 && q").check(&types).expect_err("unknown variables");
    let known = ["region", "amount"];
    let texts: Vec<String> =
        errors.into_iter().map(|error| error.suggest(known).to_string()).collect();
    assert_eq!(
        texts,
        [
            "the variable `amuont` is not known (help: did you mean `amount`?)",
            "the variable `q` is not known",
        ]
    );
}

#[test]
fn variables_are_listed_with_their_places() {
    let source = "order.total > limit && order.vip in [limit, 'order', has(a.b)]";
    let expression = parse(source);
    let mentions: Vec<(&str, usize)> =
        expression.variables().map(|(name, at)| (name, at.start)).collect();
    assert_eq!(mentions, [("order", 0), ("limit", 14), ("order", 23), ("limit", 37), ("a", 57)]);
    for (name, at) in expression.variables() {
        assert_eq!(name, &source[at]);
    }
}

#[test]
fn constants_are_found() {
    let cases = [
        ("true", Some(true)),
        ("1 > 2", Some(false)),
        ("'a' in ['a']", Some(true)),
        ("yes || true", Some(true)),
        ("amount > 1 && false", Some(false)),
        ("amount > 1", None),
        ("yes || !yes", None),
        ("1", None),
        ("1/0 == 0", None),
    ];
    for (source, expected) in cases {
        assert_eq!(parse(source).constant(), expected, "{source}");
    }
}

#[test]
fn a_condition_is_a_bool() {
    let evaluate = |source: &str| parse(source).evaluate_bool(&super::variable);
    assert_eq!(evaluate("amount > 50"), Ok(true));
    let error = evaluate("amount + 1").expect_err("an int");
    assert_eq!(error.to_string(), "a condition is a bool, this is int");
    assert_eq!((error.kind(), error.at()), (&ErrorKind::Mismatch, 0..10));
}

#[test]
fn a_variable_is_fetched_once_and_only_if_needed() {
    let asked = std::cell::RefCell::new(Vec::new());
    let variable = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        Some(Value::from(1))
    };
    let expression = parse("a == 1 || b == 1 ? a + a : c");
    assert_eq!(expression.evaluate(&variable), Ok(Value::from(2)));
    assert_eq!(*asked.borrow(), ["a"]);
}

#[test]
fn an_expression_is_its_source() {
    let source = "  amount>50 // big ";
    let expression = parse(source);
    assert_eq!(expression.source(), source);
    assert_eq!(expression.to_string(), source);
    assert_eq!(format!("{expression:?}"), format!("Expression({source:?})"));
    assert_eq!(expression, expression.clone());
    assert_ne!(expression, parse("amount>50"));
}
