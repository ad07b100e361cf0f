//! What counts in a fingerprint, and that it never changes.

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

/// Scopes, boundary events and races: one of everything again.
fn scoped() -> Graph {
    let boundary = |of, on, interrupts| Kind::Boundary { of, on, interrupts };
    let limit = Node { source: "3d".into(), ..node("s/after", boundary(1, Trigger::After, true)) };
    let nodes = vec![
        node("start", Kind::Start),
        node("s", Kind::Scope { copies: vec![(0, 1)].into() }),
        node("s/end", Kind::Leave { of: 1 }),
        limit,
        node("s/error", boundary(1, Trigger::Error, true)),
        node("s/at", boundary(1, Trigger::At, true)),
        node("s/every", boundary(1, Trigger::Every, false)),
        node("race:a+b", Kind::Race { wins: 1 }),
        node("race:a+b/end", Kind::Won { race: 7 }),
    ];
    let edges = vec![
        edge(0, 1, Condition::Always, ""),
        edge(1, 3, Condition::Boundary, ""),
        edge(1, 6, Condition::Boundary, ""),
    ];
    let scopes = vec![
        Scope { kind: ScopeKind::Process, parent: 0 },
        Scope { kind: ScopeKind::Body { of: 1 }, parent: 0 },
    ];
    Graph { nodes: nodes.into(), edges: edges.into(), scopes: scopes.into(), ..sample() }
}

#[test]
fn the_algorithm_never_changes_for_scopes() {
    assert_eq!(fingerprint(&scoped()).to_string(), "a537d5ae6f110690993140dc417b8d6e");
}

#[test]
fn a_change_in_any_field_of_scopes_changes_the_fingerprint() {
    type Change = fn(&mut Graph);
    fn kind(graph: &mut Graph, node: usize, kind: Kind) {
        graph.nodes.to_mut()[node].kind = kind;
    }
    fn event(graph: &mut Graph, of: usize, on: Trigger, interrupts: bool) {
        kind(graph, 3, Kind::Boundary { of, on, interrupts });
    }
    let changes: &[(&str, Change)] = &[
        ("no copies", |g| kind(g, 1, Kind::Scope { copies: vec![].into() })),
        ("original", |g| kind(g, 1, Kind::Scope { copies: vec![(1, 1)].into() })),
        ("copy", |g| kind(g, 1, Kind::Scope { copies: vec![(0, 0)].into() })),
        ("swapped", |g| kind(g, 1, Kind::Scope { copies: vec![(1, 0)].into() })),
        ("twice", |g| kind(g, 1, Kind::Scope { copies: vec![(0, 1), (0, 1)].into() })),
        ("leave", |g| kind(g, 2, Kind::Leave { of: 3 })),
        ("event of", |g| event(g, 2, Trigger::After, true)),
        ("error", |g| event(g, 1, Trigger::Error, true)),
        ("at", |g| event(g, 1, Trigger::At, true)),
        ("every", |g| event(g, 1, Trigger::Every, true)),
        ("does not interrupt", |g| event(g, 1, Trigger::After, false)),
        ("duration", |g| g.nodes.to_mut()[3].source = "4d".into()),
        ("wins", |g| kind(g, 7, Kind::Race { wins: 2 })),
        ("many wins", |g| kind(g, 7, Kind::Race { wins: 258 })),
        ("race", |g| kind(g, 8, Kind::Won { race: 1 })),
        ("no race", |g| kind(g, 8, Kind::Leave { of: 7 })),
        ("condition", |g| g.edges.to_mut()[1].condition = Condition::Always),
        ("default", |g| g.edges.to_mut()[1].condition = Condition::Default),
        ("edges swapped", |g| g.edges.to_mut().swap(1, 2)),
        ("body", |g| g.scopes.to_mut()[1].kind = ScopeKind::Body { of: 6 }),
        ("no body", |g| g.scopes.to_mut()[1].kind = ScopeKind::Process),
    ];
    let mut seen = vec![("nothing", fingerprint(&scoped()))];
    for (what, change) in changes {
        let mut graph = scoped();
        change(&mut graph);
        let value = fingerprint(&graph);
        let same = seen.iter().find(|(_, other)| *other == value);
        assert_eq!(same, None, "a change of {what} is not seen");
        seen.push((what, value));
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
