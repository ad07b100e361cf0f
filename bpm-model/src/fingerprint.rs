//! The fingerprint of a graph: tells a changed process from the one that an instance was started on.
//!
//! A stored instance goes on only under the graph that it was started with, so the value must not
//! change with the compiler, the platform or a dependency. That is why the algorithm is written
//! out here: FNV-1a with 128 bits over a prefix-free encoding, every text and list behind its
//! length, every number as eight bytes, every variant as one byte. It guards against accidents,
//! not against an adversary.
//!
//! Not covered: the name and the version (they say *which* process, the fingerprint says *what* it
//! does), the origin (it only changes what the checks say), and what an edge shows to people —
//! except where compiled code chooses, because there the text is the code.

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use crate::graph::{Condition, Edge, Graph, Node, Outcome, Scope, ScopeKind, Variable};
use crate::kind::{Kind, Trigger};
use crate::policy::{Exhausted, Policy, Retry};

/// What a graph does, as one number. Prints as 32 lower-case hexadecimal digits and parses from
/// exactly those.
///
/// ```
/// use bpm_model::fingerprint::Fingerprint;
///
/// let text = "00112233445566778899aabbccddeeff";
/// let fingerprint: Fingerprint = text.parse()?;
/// assert_eq!(fingerprint.to_string(), text);
/// # Ok::<(), bpm_model::fingerprint::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

/// The fingerprint of `graph`.
///
/// Two graphs that differ in anything that an instance can notice have different fingerprints.
pub fn fingerprint(graph: &Graph) -> Fingerprint {
    // Taken apart by name here and below, so that a new field does not compile until it is covered.
    let Graph {
        name: _,
        version: _,
        origin: _,
        outcome,
        nodes,
        edges,
        variables,
        parameters,
        scopes,
    } = graph;
    let mut hash = Hash::new();
    hash.outcome(*outcome);
    hash.list(nodes, Hash::node);
    hash.list(edges, Hash::edge);
    hash.list(variables, Hash::variable);
    hash.number(*parameters);
    hash.list(scopes, Hash::scope);
    Fingerprint(hash.state)
}

/// A running FNV-1a hash.
struct Hash {
    state: u128,
}

impl Hash {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    fn new() -> Self {
        Hash { state: Self::BASIS }
    }

    fn outcome(&mut self, outcome: Outcome) {
        self.byte(match outcome {
            Outcome::Unit => 0,
            Outcome::Value => 1,
            Outcome::Never => 2,
            Outcome::Variables => 3,
        });
    }

    fn node(&mut self, node: &Node) {
        let Node { id, kind, scope, reads, sets, source } = node;
        self.text(id);
        self.kind(kind);
        self.number(*scope);
        self.numbers(reads);
        self.numbers(sets);
        self.text(source);
    }

    // The bytes are part of what is stored: a new kind gets a new one, none is ever used again.
    fn kind(&mut self, kind: &Kind) {
        match kind {
            Kind::Start => self.byte(0),
            Kind::End { returns } => {
                self.byte(1);
                self.byte(u8::from(*returns));
            }
            Kind::Service { task, policy } => {
                self.byte(2);
                self.text(task);
                self.policy(policy);
            }
            Kind::User { name } => {
                self.byte(3);
                self.text(name);
            }
            Kind::Script => self.byte(4),
            Kind::Exclusive => self.byte(5),
            Kind::Each => self.byte(6),
            Kind::Parallel => self.byte(7),
            Kind::Wait { after_ms } => {
                self.byte(8);
                self.maybe_millis(*after_ms);
            }
            Kind::Fail => self.byte(9),
            Kind::Undo { task, of } => {
                self.byte(10);
                self.text(task);
                self.number(*of);
            }
            Kind::Scope { copies } => {
                self.byte(11);
                self.list(copies, |hash, (of, copy)| {
                    hash.number(*of);
                    hash.number(*copy);
                });
            }
            Kind::Leave { of } => {
                self.byte(12);
                self.number(*of);
            }
            Kind::Boundary { of, on, interrupts } => {
                self.byte(13);
                self.number(*of);
                self.byte(match on {
                    Trigger::Error => 0,
                    Trigger::After => 1,
                    Trigger::At => 2,
                    Trigger::Every => 3,
                });
                self.byte(u8::from(*interrupts));
            }
            Kind::Race { wins } => {
                self.byte(14);
                self.millis(u64::from(*wins));
            }
            Kind::Won { race } => {
                self.byte(15);
                self.number(*race);
            }
        }
    }

    fn policy(&mut self, policy: &Policy) {
        let Policy { retry, timeout_ms } = policy;
        match retry {
            None => self.byte(0),
            Some(Retry { attempts, first_ms, max_ms, then }) => {
                self.byte(1);
                self.millis(u64::from(*attempts));
                self.millis(*first_ms);
                self.millis(*max_ms);
                self.byte(match then {
                    Exhausted::Fail => 0,
                    Exhausted::Suspend => 1,
                });
            }
        }
        self.maybe_millis(*timeout_ms);
    }

    fn edge(&mut self, edge: &Edge) {
        let Edge { from, to, condition, text, sets } = edge;
        self.number(*from);
        self.number(*to);
        self.condition(condition, text);
        self.numbers(sets);
    }

    fn condition(&mut self, condition: &Condition, shown: &str) {
        match condition {
            Condition::Always => self.byte(0),
            Condition::Code => {
                self.byte(1);
                self.text(shown);
            }
            Condition::Expression(expression) => {
                self.byte(2);
                self.text(expression);
            }
            Condition::VariableEq(name, value) => {
                self.byte(3);
                self.text(name);
                self.text(value);
            }
            Condition::Default => self.byte(4),
            Condition::Boundary => self.byte(5),
        }
    }

    fn variable(&mut self, variable: &Variable) {
        let Variable { name, key, ty } = variable;
        self.text(name);
        self.text(key);
        self.text(ty);
    }

    fn scope(&mut self, scope: &Scope) {
        let Scope { kind, parent } = scope;
        match kind {
            ScopeKind::Process => self.byte(0),
            ScopeKind::Branch { name, fork, after } => {
                self.byte(1);
                self.text(name);
                self.number(*fork);
                self.numbers(after);
            }
            ScopeKind::Body { of } => {
                self.byte(2);
                self.number(*of);
            }
        }
        self.number(*parent);
    }

    fn list<T>(&mut self, items: &[T], item: fn(&mut Self, &T)) {
        self.number(items.len());
        items.iter().for_each(|it| item(self, it));
    }

    fn numbers(&mut self, numbers: &[usize]) {
        self.list(numbers, |hash, number| hash.number(*number));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        text.bytes().for_each(|byte| self.byte(byte));
    }

    fn number(&mut self, number: usize) {
        self.millis(number as u64);
    }

    fn maybe_millis(&mut self, number: Option<u64>) {
        self.byte(u8::from(number.is_some()));
        number.into_iter().for_each(|number| self.millis(number));
    }

    fn millis(&mut self, number: u64) {
        number.to_le_bytes().into_iter().for_each(|byte| self.byte(byte));
    }

    fn byte(&mut self, byte: u8) {
        self.state = (self.state ^ u128::from(byte)).wrapping_mul(Self::PRIME);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A text that is not a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    text: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a fingerprint\nhelp: it is 32 lower-case hex digits", self.text)
    }
}

impl std::error::Error for ParseError {}

impl FromStr for Fingerprint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // One fingerprint has one text, so that texts compare like the values in any store.
        let is_canonical =
            text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u128::from_str_radix(text, 16) {
            Ok(value) if is_canonical => Ok(Fingerprint(value)),
            _ => Err(ParseError { text: text.to_owned() }),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
