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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Origin;

    fn node(id: &'static str, kind: Kind) -> Node {
        Node {
            id: id.into(),
            kind,
            scope: 0,
            reads: vec![].into(),
            sets: vec![].into(),
            source: "".into(),
        }
    }

    fn edge(from: usize, to: usize, condition: Condition, text: &'static str) -> Edge {
        Edge { from, to, condition, text: text.into(), sets: vec![].into() }
    }

    fn branch(name: &'static str, after: Vec<usize>) -> Scope {
        let kind = ScopeKind::Branch { name: name.into(), fork: 5, after: after.into() };
        Scope { kind, parent: 0 }
    }

    const POLICY: Policy = Policy { retry: Some(Retry::ONCE), timeout_ms: Some(5) };

    /// One of everything that a graph can hold.
    fn sample() -> Graph {
        let pay = Node {
            reads: vec![0].into(),
            sets: vec![1].into(),
            source: "pay(&order)".into(),
            ..node("pay", Kind::Service { task: "pay".into(), policy: POLICY })
        };
        let nodes = vec![
            node("start", Kind::Start),
            pay,
            node("approve", Kind::User { name: "approve".into() }),
            node("fee", Kind::Script),
            node("if:fee > 1", Kind::Exclusive),
            node("parallel:a+b", Kind::Parallel),
            node("for:order.lines", Kind::Each),
            node("end", Kind::End { returns: true }),
            node("wait:14d", Kind::Wait { after_ms: None }),
            node("fail", Kind::Fail),
            node("pay/undo", Kind::Undo { task: "refund".into(), of: 1 }),
        ];
        let edges = vec![
            edge(0, 1, Condition::Always, ""),
            edge(4, 5, Condition::Code, "fee > 1"),
            edge(4, 6, Condition::Expression("fee > 2".into()), "large"),
            edge(4, 6, Condition::VariableEq("vip".into(), "true".into()), ""),
            edge(4, 7, Condition::Default, "else"),
        ];
        let variable = |name: &'static str, ty: &'static str| Variable {
            name: name.into(),
            key: name.into(),
            ty: ty.into(),
        };
        Graph {
            name: "Sample".into(),
            version: 1,
            origin: Origin::Workflow,
            outcome: Outcome::Value,
            nodes: nodes.into(),
            edges: edges.into(),
            variables: vec![variable("order", "Order"), variable("fee", "")].into(),
            parameters: 1,
            scopes: vec![
                Scope { kind: ScopeKind::Process, parent: 0 },
                branch("a", vec![]),
                branch("b", vec![1]),
            ]
            .into(),
        }
    }

    #[test]
    fn how_long_a_timer_waits_counts() {
        let graph = |after_ms| {
            let mut graph = sample();
            graph.nodes.to_mut()[3].kind = Kind::Wait { after_ms };
            fingerprint(&graph)
        };
        assert_ne!(graph(None), graph(Some(0)));
        assert_ne!(graph(Some(0)), graph(Some(1)));
        assert_eq!(graph(Some(1)), graph(Some(1)));
    }

    /// If this fails, every running instance of every user will be refused after an upgrade.
    /// Change the code, not the number.
    #[test]
    fn the_algorithm_never_changes() {
        assert_eq!(fingerprint(&sample()).to_string(), "017d5117dab89ef1842e7ef06c5e0106");
    }

    #[test]
    fn an_empty_list_hashes_to_the_published_basis() {
        assert_eq!(Hash::new().state, 144_066_263_297_769_815_596_495_629_667_062_367_629);
        let mut hash = Hash::new();
        b"foobar".iter().for_each(|byte| hash.byte(*byte));
        assert_eq!(hash.state, 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    fn policy(graph: &mut Graph, policy: Policy) {
        graph.nodes.to_mut()[1].kind = Kind::Service { task: "pay".into(), policy };
    }

    fn retry(graph: &mut Graph, retry: Retry) {
        policy(graph, Policy { retry: Some(retry), ..POLICY });
    }

    #[test]
    fn a_change_in_any_field_changes_the_fingerprint() {
        type Change = fn(&mut Graph);
        let changes: &[(&str, Change)] = &[
            ("outcome", |g| g.outcome = Outcome::Unit),
            ("outcome never", |g| g.outcome = Outcome::Never),
            ("outcome variables", |g| g.outcome = Outcome::Variables),
            ("node id", |g| g.nodes.to_mut()[1].id = "pay2".into()),
            ("node kind", |g| g.nodes.to_mut()[3].kind = Kind::Exclusive),
            ("task", |g| {
                let policy = POLICY;
                g.nodes.to_mut()[1].kind = Kind::Service { task: "p".into(), policy };
            }),
            ("no policy", |g| policy(g, Policy::NONE)),
            ("timeout", |g| policy(g, Policy { timeout_ms: Some(6), ..POLICY })),
            ("attempts", |g| retry(g, Retry { attempts: 2, ..Retry::ONCE })),
            ("first delay", |g| retry(g, Retry { first_ms: 2, ..Retry::ONCE })),
            ("longest delay", |g| retry(g, Retry { max_ms: 2, ..Retry::ONCE })),
            ("then", |g| retry(g, Retry { then: Exhausted::Suspend, ..Retry::ONCE })),
            ("undo", |g| {
                g.nodes.to_mut()[10].kind = Kind::Undo { task: "refund".into(), of: 2 };
            }),
            ("undo's task", |g| {
                g.nodes.to_mut()[10].kind = Kind::Undo { task: "pay".into(), of: 1 };
            }),
            ("user task", |g| g.nodes.to_mut()[2].kind = Kind::User { name: "a".into() }),
            ("returns", |g| g.nodes.to_mut()[7].kind = Kind::End { returns: false }),
            ("node scope", |g| g.nodes.to_mut()[1].scope = 1),
            ("reads", |g| g.nodes.to_mut()[1].reads.to_mut().push(1)),
            ("node sets", |g| g.nodes.to_mut()[1].sets.to_mut().clear()),
            ("source", |g| g.nodes.to_mut()[1].source = "pay(order)".into()),
            ("a node less", |g| g.nodes = g.nodes[..7].to_vec().into()),
            ("from", |g| g.edges.to_mut()[0].from = 1),
            ("to", |g| g.edges.to_mut()[0].to = 2),
            ("edge sets", |g| g.edges.to_mut()[1].sets.to_mut().push(1)),
            ("code", |g| g.edges.to_mut()[1].text = "fee > 3".into()),
            ("condition", |g| g.edges.to_mut()[4].condition = Condition::Always),
            ("expression", |g| {
                g.edges.to_mut()[2].condition = Condition::Expression("fee > 3".into());
            }),
            ("name in ==", |g| {
                g.edges.to_mut()[3].condition = Condition::VariableEq("vip2".into(), "true".into());
            }),
            ("value in ==", |g| {
                g.edges.to_mut()[3].condition = Condition::VariableEq("vip".into(), "false".into());
            }),
            ("edges swapped", |g| g.edges.to_mut().swap(2, 3)),
            ("variable name", |g| g.variables.to_mut()[1].name = "x".into()),
            ("variable key", |g| g.variables.to_mut()[1].key = "x".into()),
            ("variable type", |g| g.variables.to_mut()[1].ty = "u64".into()),
            ("parameters", |g| g.parameters = 2),
            ("scope kind", |g| g.scopes.to_mut()[1].kind = ScopeKind::Process),
            ("scope parent", |g| g.scopes.to_mut()[2].parent = 1),
            ("branch name", |g| g.scopes.to_mut()[1] = branch("c", vec![])),
            ("branch after", |g| g.scopes.to_mut()[2] = branch("b", vec![])),
            ("branch fork", |g| {
                let after = vec![].into();
                g.scopes.to_mut()[1].kind = ScopeKind::Branch { name: "a".into(), fork: 4, after };
            }),
        ];
        let mut seen = vec![("nothing", fingerprint(&sample()))];
        for (what, change) in changes {
            let mut graph = sample();
            change(&mut graph);
            let value = fingerprint(&graph);
            let same = seen.iter().find(|(_, other)| *other == value);
            assert_eq!(same, None, "a change of {what} is not seen");
            seen.push((what, value));
        }
    }

    #[test]
    fn what_an_instance_cannot_notice_is_not_covered() {
        let mut graph = sample();
        graph.name = "Other".into();
        graph.version = 2;
        graph.origin = Origin::Built;
        for index in [0, 2, 3, 4] {
            graph.edges.to_mut()[index].text = "shown".into();
        }
        assert_eq!(fingerprint(&graph), fingerprint(&sample()));
    }

    #[test]
    fn a_moved_boundary_between_two_texts_is_seen() {
        let with = |name: &'static str, key: &'static str| {
            let variable = Variable { name: name.into(), key: key.into(), ty: "".into() };
            Graph { variables: vec![variable].into(), ..sample() }
        };
        assert_ne!(fingerprint(&with("ab", "c")), fingerprint(&with("a", "bc")));
        assert_ne!(fingerprint(&with("", "abc")), fingerprint(&with("abc", "")));
    }

    #[test]
    fn only_32_lower_case_hex_digits_parse() {
        let digits = "0123456789abcdef0123456789abcdef";
        assert_eq!(digits.parse::<Fingerprint>().unwrap().to_string(), digits);
        let small = "00000000000000000000000000000001".parse::<Fingerprint>().unwrap();
        assert_eq!(small, Fingerprint(1));
        for bad in [
            "",
            "1",
            "0123456789abcdef0123456789abcdeg",
            "0123456789ABCDEF0123456789ABCDEF",
            "+123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcdef0",
            "0123456789abcdef0123456789abcdé",
        ] {
            let error = bad.parse::<Fingerprint>().unwrap_err();
            assert!(error.to_string().contains("32 lower-case hex digits"), "{error}");
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_sees_the_hex_text() {
        use serde::de::IntoDeserializer;
        use serde::de::value::{Error, StrDeserializer};
        use serde::{Deserialize, Serialize};

        struct Shown(Fingerprint);
        impl fmt::Display for Shown {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.serialize(f)
            }
        }
        let digits = "0123456789abcdef0123456789abcdef";
        let read: StrDeserializer<'_, Error> = digits.into_deserializer();
        assert_eq!(Shown(Fingerprint::deserialize(read).unwrap()).to_string(), digits);
        let bad: StrDeserializer<'_, Error> = "0x1".into_deserializer();
        assert!(Fingerprint::deserialize(bad).is_err());
    }
}
