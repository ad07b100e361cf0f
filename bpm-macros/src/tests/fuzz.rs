//! What the fuzzer runs, with random damage to texts that make sense; and what was found with it.

use proc_macro2::{TokenStream, TokenTree};

use crate::fuzzed::run;
use crate::fuzzed::seeds::SEEDS;

/// What stands in the place of a token.
const WORDS: [&str; 40] = [
    "process",
    "service",
    "user",
    "wait",
    "until",
    "parallel",
    "after",
    "scope",
    "race",
    "on",
    "undo",
    "retry",
    "every",
    "then",
    "suspend",
    "timeout",
    "fail",
    "return",
    "break",
    "continue",
    "loop",
    "for",
    "while",
    "if",
    "else",
    "match",
    "let",
    "'a",
    "..",
    "=>",
    ",",
    ";",
    ":",
    "&",
    "3d",
    "0xffffffffffffffffffff",
    "\"{\"",
    "r#type",
    "{}",
    "()",
];

/// A generator of random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }
}

#[test]
fn no_text_that_lexes_panics() {
    let seed = number("BPM_ENGINE_SEED").unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        u64::from(since.unwrap().subsec_nanos())
    });
    println!("seed {seed}: repeat with BPM_ENGINE_SEED={seed}");
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let seeds: Vec<Vec<String>> = SEEDS.iter().map(|text| pieces(text)).collect();
    for seed in SEEDS {
        run(seed.as_bytes());
    }
    for _ in 0..number("BPM_ENGINE_FUZZ_RUNS").unwrap_or(3_000) {
        let mut text = seeds[random.below(seeds.len())].clone();
        for _ in 0..=random.below(4) {
            damage(&mut random, &mut text, &seeds);
        }
        let text = text.join(" ");
        let told = std::panic::catch_unwind(|| run(text.as_bytes()));
        assert!(told.is_ok(), "seed {seed}: {text}");
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The tokens as texts; brackets are two of them.
fn pieces(text: &str) -> Vec<String> {
    fn add(stream: TokenStream, pieces: &mut Vec<String>) {
        for token in stream {
            let TokenTree::Group(group) = token else {
                pieces.push(token.to_string());
                continue;
            };
            let shown =
                TokenTree::Group(proc_macro2::Group::new(group.delimiter(), TokenStream::new()));
            let (open, close) = match shown.to_string() {
                brackets if brackets.is_empty() => (String::new(), String::new()),
                brackets => (brackets[..1].to_owned(), brackets[brackets.len() - 1..].to_owned()),
            };
            pieces.push(open);
            add(group.stream(), pieces);
            pieces.push(close);
        }
    }
    let mut found = Vec::new();
    add(text.parse().unwrap(), &mut found);
    found
}

fn damage(random: &mut Random, text: &mut Vec<String>, seeds: &[Vec<String>]) {
    let from = random.below(text.len());
    let to = (from + random.below(6)).min(text.len());
    match random.below(6) {
        0 => drop(text.drain(from..to)),
        1 => {
            let again = text[from..to].to_vec();
            text.splice(from..from, again);
        }
        2 => drop(text.splice(from..to, [WORDS[random.below(WORDS.len())].to_owned()])),
        3 => text.insert(from, WORDS[random.below(WORDS.len())].to_owned()),
        4 => {
            let other = to.min(text.len() - 1);
            text.swap(from, other);
        }
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let begin = random.below(other.len());
            let end = (begin + random.below(12)).min(other.len());
            text.splice(from..to, other[begin..end].iter().cloned());
        }
    }
    if text.is_empty() {
        text.push("process".to_owned());
    }
}
