//! Scopes, boundary events, races and `return` in branches: the shapes of their graphs, what is
//! refused, what half-typed clauses become.

use bpm_model::graph::{Condition, Graph, ScopeKind};
use bpm_model::kind::{Kind, Trigger};

use super::{expanded, ids, reports, tokens};
use crate::lower::lower;
use crate::syntax;

fn graph(body: &str) -> Graph {
    let source = format!("process P(order: Order, n: u32) {{ {body} }}");
    let process = syntax::process(tokens(&source), &mut Vec::new()).unwrap();
    lower(&process).graph
}

/// The node with this id.
fn node(graph: &Graph, id: &str) -> usize {
    graph.node(id).unwrap_or_else(|| panic!("no node {id} in {graph:#?}"))
}

/// The ids of the nodes that a node leads to, in order; `~` in front of those by boundary edges.
fn ways(graph: &Graph, id: &str) -> Vec<String> {
    let ways = graph.outgoing(node(graph, id)).map(|(_, edge)| {
        let sign = if edge.condition == Condition::Boundary { "~" } else { "" };
        format!("{sign}{}", graph.nodes[edge.to].id)
    });
    ways.collect()
}

/// The names of variables.
fn keys<'a>(graph: &'a Graph, variables: &[usize]) -> Vec<&'a str> {
    variables.iter().map(|at| graph.variables[*at].key.as_ref()).collect()
}

#[test]
fn a_scope_has_a_body_and_an_end() {
    let graph = graph("'all: scope { service f(n); } service g(n);");
    assert_eq!(graph.nodes[1].kind, Kind::Scope { copies: Vec::new().into() });
    assert_eq!(ways(&graph, "all"), ["f"]);
    assert_eq!(ways(&graph, "f"), ["all/end"]);
    assert_eq!(ways(&graph, "all/end"), ["g"]);
    assert_eq!(graph.nodes[3].kind, Kind::Leave { of: 1 });
    assert_eq!(graph.scopes[1].kind, ScopeKind::Body { of: 1 });
    let scopes: Vec<usize> = graph.nodes.iter().map(|node| node.scope).collect();
    assert_eq!(scopes, [0, 0, 1, 1, 0, 0]);
    ids(
        "scope { } scope { scope { } }",
        &["scope", "scope/end", "scope#2", "scope#3", "scope#3/end", "scope#2/end"],
    );
}

#[test]
fn handlers_stand_behind_an_activity_in_any_order() {
    let body = "let x = service f(n)
        on error E::A(why, unused) if why > n => { service g(why); let x = n; }
        retry 3
        also every 1d => { service h(n); }
        undo u(x)
        on after 3d => { return; }
        on at order.end => { }
        service i(x);";
    let clauses =
        graph(&body.replace("return;", "fail \"late\";").replace("on at order.end => { }", ""));
    assert_eq!(ways(&clauses, "f"), ["f/end", "~f/error", "~f/every", "~f/after"]);
    let graph =
        graph(&body.replace("on at order.end => { }", "on at order.end => { let x = n; };"));
    assert_eq!(ways(&graph, "f"), ["f/end", "~f/error", "~f/every", "~f/after", "~f/at"]);
    assert_eq!(ways(&graph, "f/error"), ["g"]);
    assert_eq!(ways(&graph, "f/every"), ["h"]);
    assert_eq!(ways(&graph, "h"), ["f/every/end"]);
    assert_eq!(ways(&graph, "f/every/end"), [""; 0]);
    assert_eq!(ways(&graph, "f/end"), ["i"]);
    let error = &graph.nodes[node(&graph, "f/error")];
    let of = node(&graph, "f");
    assert_eq!(error.kind, Kind::Boundary { of, on: Trigger::Error, interrupts: true });
    assert_eq!(error.source, "E::A(why, unused) | why > n");
    assert_eq!(keys(&graph, &error.reads), ["n"]);
    assert_eq!(keys(&graph, &error.sets), ["why"]);
    let every = &graph.nodes[node(&graph, "f/every")];
    assert_eq!(every.kind, Kind::Boundary { of, on: Trigger::Every, interrupts: false });
    assert_eq!((every.source.as_ref(), every.scope), ("1d", 0));
    let beside = graph.nodes[node(&graph, "h")].scope;
    assert_eq!(graph.scopes[beside].kind, ScopeKind::Body { of: node(&graph, "f/every") });
    let at = &graph.nodes[node(&graph, "f/at")];
    assert_eq!((at.source.as_ref(), keys(&graph, &at.reads)), ("order.end", vec!["order"]));
    let Kind::Service { policy, .. } = &graph.nodes[of].kind else { panic!() };
    assert_eq!(policy.retry.map(|retry| retry.attempts), Some(3));
    assert!(graph.node("f/undo").is_some());
}

#[test]
fn user_tasks_and_scopes_have_handlers_too() {
    let user = graph(
        "let x: bool = user ask { n } for group order.id on after 3d => { let x = true; } due 1d also after n * x => { service g(n); } service h(x);",
    );
    assert_eq!(ways(&user, "ask"), ["ask/end", "~ask/after", "~ask/after#2"]);
    let scope = graph(
        "'a: scope { service f(n); } on error Failure { node, .. } => { service g(node); } also every 1d => { } on after 1d => { service h(n); } service i(n);",
    );
    assert_eq!(ways(&scope, "a"), ["f", "~a/error", "~a/every", "~a/after"]);
    assert_eq!(ways(&scope, "a/every"), ["a/every/end"]);
    assert_eq!(ways(&scope, "h"), ["a/end#2"]);
    assert_eq!(ways(&scope, "a/end#2"), ["i"]);
}

#[test]
fn jumps_leave_scopes_by_their_ends() {
    let body = "'out: loop { 'a: scope { 'b: scope { wait 3s; if n > 3 { break; } if n > 2 { continue 'out; } } } }";
    let graph = graph(body);
    let (a, b) = (node(&graph, "a"), node(&graph, "b"));
    let ends =
        |of: usize| graph.nodes.iter().filter(|node| node.kind == Kind::Leave { of }).count();
    assert_eq!((ends(a), ends(b)), (3, 3));
    assert_eq!(ways(&graph, "b/end"), ["a/end"]);
    assert_eq!(ways(&graph, "a/end"), ["end"]);
    assert_eq!(ways(&graph, "b/end#2"), ["a/end#2"]);
    assert_eq!(ways(&graph, "a/end#2"), ["loop:out"]);
    reports(body, &[]);
    reports(
        "loop { user ask { n } also every 1d => { service f(n); break; } }",
        &["[B007] this `break` leaves the block of `also every`"],
    );
    reports("loop { user ask { n } on after 1d => { break; } }", &[]);
    reports("user ask { n } also every 1d => { loop { service f(n); if n > 3 { break; } } }", &[]);
    reports(
        "loop { race { a: { service f(n); break; } b: { wait 3s; } } }",
        &["[B007] this jump leaves the concurrent branch `a`"],
    );
    reports(
        "loop { race { a: { scope { service f(n); continue; } } b: { wait 3s; } } }",
        &["[B007] this jump leaves the concurrent branch `a`"],
    );
}

#[test]
fn branches_of_a_race_set_copies() {
    let graph = graph(
        "let x = n; race {
            a: { service f(x); let x = n; let y = x; for z in order.items { 'g: service g(z, y); } }
            b: { wait 3s; let y = n; service h(x); if \"y > 3\" { } }
        } service i(x);",
    );
    let race = node(&graph, "race:a+b");
    assert_eq!(graph.nodes[race].kind, Kind::Race { wins: 1 });
    assert_eq!(ways(&graph, "race:a+b"), ["race:a+b/a", "race:a+b/b"]);
    assert_eq!(ways(&graph, "race:a+b/a/end"), ["race:a+b/end"]);
    assert_eq!(graph.nodes[node(&graph, "race:a+b/end")].kind, Kind::Won { race });
    let copies = |id: &str| {
        let Kind::Scope { copies } = &graph.nodes[node(&graph, id)].kind else { panic!() };
        let pairs = copies.iter();
        pairs.flat_map(|(of, copy)| keys(&graph, &[*of, *copy])).collect::<Vec<&str>>()
    };
    assert_eq!(copies("race:a+b/a"), ["x", "x#2", "y", "y#2"]);
    assert_eq!(copies("race:a+b/b"), ["y", "y#3"]);
    let reads = |id: &str| keys(&graph, &graph.nodes[node(&graph, id)].reads);
    assert_eq!(reads("f"), ["x#2"]);
    assert_eq!(reads("g"), ["z", "y#2"]);
    assert_eq!(reads("h"), ["x"]);
    assert_eq!(reads("if:\"y > 3\""), ["y#3"]);
    assert_eq!(reads("i"), ["x"]);
    let scope = graph.nodes[node(&graph, "race:a+b/a")].scope;
    let ScopeKind::Branch { fork, .. } = &graph.scopes[scope].kind else { panic!() };
    assert_eq!(*fork, race);
}

#[test]
fn a_race_in_a_race_copies_the_copies() {
    let graph = graph(
        "let x = n; race { a: { race { c: { service f(n); let x = n; } d: { wait 1s; } } } b: { wait 3s; } } service g(x);",
    );
    let copies = |id: &str| match &graph.nodes[node(&graph, id)].kind {
        Kind::Scope { copies } => copies.to_vec(),
        _ => panic!(),
    };
    let [(x, outer)] = copies("race:a+b/a")[..] else { panic!() };
    let [(of, inner)] = copies("race:c+d/c")[..] else { panic!() };
    assert_eq!((keys(&graph, &[x]), of), (vec!["x"], outer));
    assert_eq!(graph.nodes[node(&graph, "let:x#2")].sets.to_vec(), [inner]);
    let output = expanded(
        "process P(n: u32) { race { a: { service f(n); let x = n; } b: { let x = n; service h(x); } } service g(x); }",
    );
    assert!(!output.contains("compile_error"), "{output}");
    assert!(output.contains("__v_x.at(2usize)") && output.contains("__v_x.at(3usize)"), "{output}");
}

#[test]
fn branches_with_return_are_scopes() {
    let returns = graph("parallel { a: { if n > 3 { return; } } b after a: { service f(n); } }");
    assert_eq!(ways(&returns, "parallel:a+b"), ["parallel:a+b/a"]);
    let fork = node(&returns, "parallel:a+b");
    let scopes = returns.nodes.iter().filter(|node| matches!(node.kind, Kind::Scope { .. }));
    assert_eq!(scopes.count(), 2);
    assert!(matches!(returns.nodes[fork].kind, Kind::Parallel));
    let none = graph("parallel { a: { if n > 3 { fail \"no\"; } } b: { service f(n); } }");
    assert!(!none.nodes.iter().any(|node| matches!(node.kind, Kind::Scope { .. })));
    reports("parallel { a: { if n > 3 { return; } } b: { service f(n); } } service g(n);", &[]);
    reports(
        "parallel { a: { scope { user ask { n } on after 1d => { return; } } } b: { service f(n); } }",
        &[],
    );
    reports("race { a: { service f(n); return; } b: { wait 3s; } } service g(n);", &[]);
}

#[test]
fn clauses_that_do_not_belong() {
    reports("scope { service f(n); } retry 3;", &["[B002] `retry` does not belong to `scope`"]);
    reports("scope { service f(n); } undo g(n);", &["[B002] `undo` does not belong to `scope`"]);
    reports(
        "wait 3d on error E(x) => { let y = n; } service f(y);",
        &["[B002] `on error` does not belong to `wait`"],
    );
    reports(
        "let y = n also every 3d => { } service f(y);",
        &["[B002] `also every` does not belong to `let`"],
    );
    reports("if n > 3 { } on after 3d => { }", &["[B002] `on after` does not belong to `if`"]);
    reports(
        "race { a: { wait 1s; } b: { wait 2s; } } on after 3d => { }",
        &["[B002] `on after` does not belong to `race`"],
    );
    for of in ["service f(n)", "user ask { n }", "scope { service f(n); }"] {
        let check = |clause: &str, expected: &str| {
            reports(&format!("{of} {clause}; service g(n);"), &[expected]);
            reports(&format!("{of} {clause} service g(n);"), &[expected]);
        };
        // What a person does cannot fail, which is said too.
        if !of.starts_with("user") {
            check("on eror _ => { }", "[B002] there is no clause `on eror`");
            check("on error _", "expected `=>` and a block behind `on error …`");
        }
        check("on affter 3d => { }", "[B002] there is no clause `on affter`");
        check("on foo x => { }", "[B002] there is no clause `on foo`");
        check("on every 3d => { }", "[B002] there is no clause `on every`");
        check("also at order.end => { }", "[B002] there is no clause `also at`");
        check("also evry 3d => { }", "[B002] there is no clause `also evry`");
        check(
            "on receive m[n] as x: T => { 'h: service h(x); }",
            "`on receive` is a word of the language that is not there yet",
        );
        check(
            "also receive m => { }",
            "`also receive` is a word of the language that is not there yet",
        );
        check("on after => { }", "`after` does not say how long");
        check("on error => { }", "`on error` does not say which errors");
        check("on after 3d => ", "expected a block in braces behind `=>`");
        check("on", "`on` does not say when");
        check("on after 3 => { }", "[B015] `3` is not a duration");
        check("also every 0s => { }", "[B015] this timer does not wait");
    }
    reports(
        "service f(n) onn error _ => { } service g(n);",
        &["[B002] there is no clause `onn` of a service task"],
    );
    reports("let x = scope { let y = n; }; service f(x, y);", &["`scope` gives no value"]);
}

#[test]
fn races_that_make_no_sense() {
    reports("race { }", &["a race needs branches"]);
    let race = |count: &str| format!("race {count} {{ a: {{ wait 1s; }} b: {{ wait 2s; }} }}");
    reports(&race("2 of"), &[]);
    reports(&race("0 of"), &["[B015] no branch has to complete"]);
    reports(&race("3 of"), &["[B015] 3 branches have to complete, and there are 2"]);
    reports(&race("k of"), &["[B015] `k` is not a number of branches"]);
    reports(&race("1.5 of"), &["[B015] `1.5` is not a number of branches"]);
    reports(&race("2"), &["expected `of` behind `race 2`"]);
    reports(
        "race { a: { wait 1s; } b after a: { wait 2s; } }",
        &["[B002] the branches of a race begin together"],
    );
    reports(
        "race { a: { wait 1s; } a: { wait 2s; } }",
        &["[B001] two branches of one block are called `a`"],
    );
}

#[test]
fn words_of_scopes_are_contextual() {
    reports(
        "let on = n; let also = on; let scope = also; let race = scope + on; service f(race);",
        &[],
    );
    reports("let race = n; service f(race); let scope = race let x = scope let y = race", &[]);
    reports("let error = n; let after = error; service f(after) on after 3d => { };", &[]);
    reports("service f(n) on error E { error, at } if error > at => { service g(error); }", &[]);
}

#[test]
fn a_handler_is_a_visit_of_its_own() {
    let output = expanded(
        "process P(n: u32) { service f(n) on error E::A(x) if x > n => { service g(x); } on error _ => { } on after 3d => { } also every n => { } }",
    );
    assert!(!output.contains("compile_error"), "{output}");
    assert!(output.contains("__key.fails(__error_1)"), "{output}");
    assert!(output.contains("__vars.thrown(__error_1)"), "{output}");
    let once = |text: &str| assert_eq!(output.matches(text).count(), 1, "{text} in {output}");
    once("E::A(x) if x > n => { __vars.keep(x, __v_x)?; __vars.caught(true) }");
    once("match () {");
    once("__vars.wait(::bpm::__private::Duration::from_millis(259200000u64))");
    once("__vars.wait(n)");
}
