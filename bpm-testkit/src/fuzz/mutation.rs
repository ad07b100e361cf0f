//! Small random damage to bytes that made sense.

use crate::arbitrary::Random;

/// What breaks readers more often than chance would find it.
const WORDS: [&str; 24] = [
    "null",
    "true",
    "0",
    "-1",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967295",
    "1e999",
    "-0.0",
    "\"\"",
    "{}",
    "[]",
    "[[[[[[[[[[[[[[[[",
    "{\"a\":",
    "\\ud800",
    "\u{0}",
    "\u{fffd}",
    "((((((((((((((((",
    " && ",
    " in ",
    "? :",
    "//",
];

/// One of the inputs with one to six changes, at most 64 kB.
pub fn mutate(random: &mut Random, inputs: &[Vec<u8>]) -> Vec<u8> {
    let Some(mut bytes) = any(random, inputs).cloned() else { return Vec::new() };
    for _ in 0..=random.below(6) {
        change(random, &mut bytes, inputs);
    }
    bytes.truncate(1 << 16);
    bytes
}

fn any<'a>(random: &mut Random, inputs: &'a [Vec<u8>]) -> Option<&'a Vec<u8>> {
    inputs.get(random.below(inputs.len().max(1)))
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let from = random.below(bytes.len() + 1);
    let to = (from + random.below(12)).min(bytes.len());
    match random.below(8) {
        0 if from < bytes.len() => bytes[from] ^= 1 << random.below(8),
        1 if from < bytes.len() => bytes[from] = random.below(256) as u8,
        2 => drop(bytes.drain(from..to)),
        3 => {
            let again = bytes[from..to].to_vec();
            put(bytes, (from, from), &again);
        }
        4 => put_number(random, bytes),
        5 => {
            let other = any(random, inputs).map(Vec::as_slice).unwrap_or_default();
            let begin = random.below(other.len() + 1);
            let end = (begin + random.below(40)).min(other.len());
            put(bytes, (from, to), &other[begin..end]);
        }
        6 => put(bytes, (from, to), WORDS[random.below(WORDS.len())].as_bytes()),
        _ => put(bytes, (from, from), WORDS[random.below(WORDS.len())].as_bytes()),
    }
}

/// Puts a word in the place of a number: what reads the text still reads it.
fn put_number(random: &mut Random, bytes: &mut Vec<u8>) {
    let digit = |at: &usize| bytes[*at].is_ascii_digit();
    let digits: Vec<usize> = (0..bytes.len()).filter(digit).collect();
    if digits.is_empty() {
        return;
    }
    let mut from = digits[random.below(digits.len())];
    while from > 0 && bytes[from - 1].is_ascii_digit() {
        from -= 1;
    }
    let length = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    put(bytes, (from, from + length), WORDS[random.below(10)].as_bytes());
}

fn put(bytes: &mut Vec<u8>, (from, to): (usize, usize), new: &[u8]) {
    bytes.splice(from..to, new.iter().copied());
}
