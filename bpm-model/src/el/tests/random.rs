//! Random texts: nothing panics, and what the check promises, the evaluation keeps.

use super::super::{Error, ErrorKind, Expression, Type};
use super::{type_of, variable};

/// xorshift64*; the seed is printed with every failure.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.next() % words.len()]
    }
}

const PIECES: &[&str] = &[
    "amount",
    "order",
    ".total",
    "[0]",
    "primes",
    "region",
    "missing",
    "1",
    "2u",
    ".5",
    "1e9",
    "0x",
    "'a'",
    "\"",
    "'''",
    "r'",
    "b'",
    "\\u00",
    "true",
    "null",
    "in",
    "==",
    "<",
    "&&",
    "||",
    "!",
    "-",
    "+",
    "/",
    "%",
    "?",
    ":",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "{",
    "size(",
    ".size()",
    "has(",
    ".contains(",
    "//",
    "\n",
    "\t",
    " ",
    "ä",
    "🦀",
    "\0",
    "9223372036854775808",
    "=",
    "`",
    "e",
    "u",
];

const ATOMS: &[&str] = &[
    "amount",
    "most",
    "least",
    "stock",
    "ratio",
    "region",
    "empty",
    "note",
    "yes",
    "primes",
    "mixed",
    "order",
    "order.total",
    "order.lines[0].count",
    "mixed[3]",
    "1",
    "0",
    "2u",
    "0.5",
    "'a'",
    "null",
    "true",
    "[]",
    "['CH', 1]",
    "has(order.note)",
    "size(primes)",
    "primes[7]",
];

const OPERATORS: &[&str] =
    &["==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "&&", "||"];

fn soup(random: &mut Random) -> String {
    (0..random.next() % 24).map(|_| random.pick(PIECES)).collect()
}

fn expression(random: &mut Random, depth: usize) -> String {
    let part = |random: &mut Random| match depth {
        0 => random.pick(ATOMS).to_owned(),
        _ => expression(random, depth - 1),
    };
    match random.next() % 8 {
        0 => format!("!({})", part(random)),
        1 => format!("-({})", part(random)),
        2 => format!("({}) ? ({}) : ({})", part(random), part(random), part(random)),
        3 => format!("[{}, {}]", part(random), part(random)),
        4 => random.pick(ATOMS).to_owned(),
        _ => format!("({}) {} ({})", part(random), random.pick(OPERATORS), part(random)),
    }
}

/// Everything that can be done with a text; the errors point into it.
fn exercise(source: &str) {
    let point = |error: &Error| {
        assert!(source.get(error.at()).is_some(), "{:?} in {source:?}", error.at());
        assert!(!error.to_string().contains('\n'), "{error}");
        error.caret(source);
    };
    let expression = match Expression::parse(source) {
        Ok(expression) => expression,
        Err(error) => return point(&error),
    };
    let checked = expression.check(&type_of);
    let evaluated = expression.evaluate(&variable);
    checked.as_ref().err().into_iter().flatten().for_each(point);
    match (&checked, &evaluated) {
        (Ok(promised), Ok(value)) => {
            assert!(*promised == Type::Any || *promised == value.type_of(), "{promised}, {value}");
        }
        (_, Err(error)) => {
            point(error);
            assert_ne!(error.kind(), &ErrorKind::Syntax, "{error}");
        }
        _ => {}
    }
}

#[track_caller]
fn run(rounds: usize, generate: fn(&mut Random) -> String) {
    for seed in 1..=rounds as u64 {
        let source = generate(&mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let result = std::panic::catch_unwind(|| exercise(&source));
        assert!(result.is_ok(), "seed {seed}: {source:?}");
    }
}

#[test]
fn no_text_panics() {
    run(20_000, soup);
}

#[test]
fn no_expression_breaks_what_the_check_promises() {
    run(10_000, |random| {
        let depth = 1 + random.next() % 4;
        expression(random, depth)
    });
}
