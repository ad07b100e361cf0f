//! The bounds: what is at one passes, what is beyond is an error that names it.

use super::super::{Error, ErrorKind, Expression, MAX_DEPTH, MAX_NODES, MAX_SOURCE, Value};
use super::{parse, variable};

#[track_caller]
fn names(error: Error, bound: &str) {
    assert_eq!(error.kind(), &ErrorKind::Bound, "{error}");
    assert!(error.to_string().contains(bound), "{error}");
}

fn refused(source: &str) -> Error {
    Expression::parse(source).expect_err("beyond the bound")
}

#[test]
fn source() {
    let at_bound = format!("true{}", " ".repeat(MAX_SOURCE - 4));
    parse(&at_bound);
    names(refused(&format!("{at_bound} ")), "MAX_SOURCE");
}

/// Everything that nests, to the bound and beyond, on half of a usual thread's stack.
#[test]
fn depth() {
    let nesting = [
        ("(", ")"),
        ("[", "]"),
        ("!(", ")"),
        ("zeros[", "]"),
        ("true ? 0 : ", ""),
        ("1 == 0 + 1 * (", ")"),
    ];
    let test = move || {
        for (open, close) in nesting {
            let nested = |depth: usize| format!("{}0{}", open.repeat(depth), close.repeat(depth));
            let expression = parse(&nested(MAX_DEPTH - 1));
            let _ = expression.evaluate(&variable);
            let _ = expression.check(&super::type_of);
            names(refused(&nested(MAX_DEPTH)), "MAX_DEPTH");
            names(refused(&open.repeat(MAX_SOURCE / open.len())), "MAX_DEPTH");
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(test);
    thread.expect("a thread").join().expect("no overflow of the stack");
}

/// What CEL asks of every implementation, and far more: repetition is not depth.
#[test]
fn repetition_is_flat() {
    let cases = [
        (format!("0{}", " + 1".repeat(500)), "500"),
        (format!("1{}", "*1".repeat(500)), "1"),
        (format!("false{}", " || false".repeat(400)), "false"),
        (format!("true{}", " && true".repeat(400)), "true"),
        (format!("true{}", " == true".repeat(400)), "true"),
        (format!("{}true", "!".repeat(2_000)), "true"),
        (format!("{}amount", "-".repeat(2_001)), "-60"),
        (format!("[{}][31]", "7, ".repeat(32)), "7"),
        (format!("{}0", "false ? 1 : ".repeat(32)), "0"),
    ];
    for (source, expected) in cases {
        assert_eq!(super::run(&source).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn nodes() {
    let list = |elements: usize| format!("[{}]", "1,".repeat(elements));
    parse(&list(MAX_NODES - 1));
    names(refused(&list(MAX_NODES)), "MAX_NODES");
    names(refused(&format!("a{}", ".b".repeat(MAX_NODES))), "MAX_NODES");
}

#[test]
fn cost() {
    let big = |name: &str| match name {
        "numbers" => Some(Value::List(vec![Value::from(1); 100_000])),
        "text" => Some(Value::from("x".repeat(10_000_000))),
        _ => None,
    };
    let evaluate = |source: &str| parse(source).evaluate(&big);
    assert_eq!(evaluate("2 in numbers || numbers == numbers"), Ok(Value::from(true)));
    assert_eq!(evaluate("size(numbers + numbers)"), Ok(Value::from(200_000)));
    assert_eq!(evaluate("text.contains('y')"), Ok(Value::from(false)));
    for source in [
        format!("numbers{}", " + numbers".repeat(20)),
        format!("[{}]", "numbers, ".repeat(20)),
        format!("2 in numbers{}", " || 2 in numbers".repeat(20)),
        format!("text{}", " + text".repeat(20)),
        format!("text.contains('y'){}", " || text.contains('y')".repeat(20)),
        // the bound is not an error that another operand absorbs
        format!("size(numbers{}) == 0 || true", " + numbers".repeat(20)),
    ] {
        names(evaluate(&source).expect_err("too expensive"), "MAX_COST");
    }
}

#[test]
fn long_texts_stay_out_of_messages() {
    let long = |_: &str| Some(Value::from("k".repeat(1_000_000)));
    let order = variable("order");
    let either = |name: &str| if name == "order" { order.clone() } else { long(name) };
    let error = parse("order[key]").evaluate(&either).expect_err("no such key");
    assert!(error.to_string().len() < 100, "{error}");
}
