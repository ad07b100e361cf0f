//! Waits, failures and the clauses of activities.

use bpm_model::kind::Kind;
use bpm_model::policy::{Exhausted, Policy, Retry};

use super::{expanded, ids, reports, tokens};
use crate::lower::lower;
use crate::syntax;

/// The policy of the service task with these clauses.
fn policy(clauses: &str, expected: Policy) {
    let source = format!("process P(n: u32) {{ service f(n) {clauses}; }}");
    let process = syntax::process(tokens(&source), &mut Vec::new()).unwrap();
    let graph = lower(&process).graph;
    let Kind::Service { policy, .. } = &graph.nodes[1].kind else { panic!("{clauses}") };
    assert_eq!(*policy, expected, "{clauses}");
    let attribute = crate::task::service_task(tokens(clauses), tokens("async fn f(n: u32) {}"));
    assert!(!attribute.to_string().contains("compile_error"), "{attribute}");
}

fn retry(attempts: u32, first_ms: u64, max_ms: u64, then: Exhausted) -> Policy {
    Policy { retry: Some(Retry { attempts, first_ms, max_ms, then }), timeout_ms: None }
}

#[test]
fn policies_are_literals() {
    use Exhausted::{Fail, Suspend};
    policy("", Policy::NONE);
    policy("retry 5", retry(5, 1_000, 60_000, Fail));
    policy("retry 1_000 every 500ms", retry(1_000, 500, 60_000, Fail));
    policy("retry 5 every 2m", retry(5, 120_000, 120_000, Fail));
    policy("retry 5 every 1s..1.5h then suspend", retry(5, 1_000, 5_400_000, Suspend));
    policy("retry 5 then suspend every 1s..1m", retry(5, 1_000, 60_000, Suspend));
    policy("timeout 30s", Policy { retry: None, timeout_ms: Some(30_000) });
    let both = Policy { timeout_ms: Some(30_000), ..retry(2, 1_000, 60_000, Fail) };
    policy("timeout 30s retry 2", both);
    policy("retry 2 timeout 30s", both);
}

#[test]
fn policies_that_make_no_sense() {
    let cases = [
        ("retry 0", "[B015] no attempt at all is allowed"),
        ("retry 2.5", "[B015] `2.5` is not a number of attempts"),
        ("retry 5s", "[B015] `5s` is not a number of attempts"),
        ("retry 4294967296", "[B015] `4294967296` is not a number of attempts"),
        ("retry -1", "[B015] `-1` is not a literal"),
        ("retry TRIES", "[B015] `TRIES` is not a literal"),
        ("retry", "`retry` has no value"),
        ("retry 3 every", "`every` has no value"),
        ("retry 3 every 0s", "[B015] there is no time between two attempts"),
        ("retry 3 every 5s..1s", "[B015] the largest delay, 1s, is below the first one, 5s"),
        ("retry 3 every 10..20s", "[B015] `10` is not a duration"),
        ("retry 3 every 1s..", "`every` has no value"),
        ("retry 3 then fail", "[B002] the only word behind `then` is `suspend`"),
        ("retry 3 then", "[B002] the only word behind `then` is `suspend`"),
        ("timeout 0ms", "[B015] an attempt may take no time at all"),
        ("timeout 30", "[B015] `30` is not a duration"),
        ("timeout 30 seconds", "[B015] `30 seconds` is not a duration"),
        ("timeout -30s", "[B015] `-30s` is not a literal"),
        ("timeout limit", "[B015] `limit` is not a literal"),
        ("retry 3 retry 4", "[B002] `retry` stands here a second time"),
        ("timeout 3s retry 3 timeout 3s", "[B002] `timeout` stands here a second time"),
        ("retri 3", "[B002] there is no clause `retri` of a service task"),
        ("retry 3 timout 3s", "[B002] there is no clause `timout` of a service task"),
        ("retry 3 evry 1s..1m", "[B002] there is no clause `evry` of a service task"),
        ("retry three times", "[B015] `three times` is not a literal"),
    ];
    for (clauses, expected) in cases {
        reports(&format!("service f(n) {clauses}; service g(n);"), &[expected]);
        // Without `;` the next statement begins at its word.
        reports(&format!("service f(n) {clauses} service g(n);"), &[expected]);
        let attribute = crate::task::service_task(tokens(clauses), tokens("async fn f() {}"));
        let mut found = Vec::new();
        super::errors(attribute, &mut found);
        let first = found.iter().filter_map(|text| text.lines().next()).collect::<Vec<_>>();
        assert_eq!(first, [expected], "{clauses}");
    }
}

#[test]
fn clauses_stand_where_they_belong() {
    reports("service f(n) timeout 3s undo g(n) retry 3;", &[]);
    reports(
        "user ask { n } retry 3 timeout 3s;",
        &["[B002] `retry` does not belong to `ask`", "[B002] `timeout` does not belong to `ask`"],
    );
    reports("user ask { n } undo f(n) for group order.id due 3d;", &[]);
    reports(
        "user ask { n } due 3d undo f(n) undo g(n);",
        &["[B002] `undo` stands here a second time"],
    );
    reports("user ask { n } due 3;", &["[B015] `3` is not a duration"]);
    reports("wait 3d retry 3;", &["[B002] `retry` does not belong to `wait`"]);
    let nothing = &["[B010] there is nothing here that could be undone"];
    reports("let a = n undo f(n); service f(a);", nothing);
    reports("let a = { n } undo f(n);", nothing);
    reports("wait 3d undo f(n);", nothing);
    reports("if n > 3 { } undo f(n);", nothing);
    reports("parallel { a: { service f(n); } } undo f(n);", nothing);
    reports("fail \"{n}\" undo f(n);", nothing);
    reports("service f(n) undo;", &["expected a task behind `undo`"]);
    reports("service f(n) undo g;", &["a service task needs its arguments"]);
}

#[test]
fn waits() {
    ids("wait 14d; wait 14d; wait 1.5h;", &["wait:14d", "wait:14d#2", "wait:1.5h"]);
    ids("wait until order . deadline;", &["wait:until order.deadline"]);
    ids("wait order.pause; 'later: wait 3s;", &["wait:order.pause", "later"]);
    ids("wait (n * 2);", &["wait:(n * 2)"]);
    reports("wait 14;", &["[B015] `14` is not a duration"]);
    reports("wait 14 days;", &["[B015] `14 days` is not a duration"]);
    reports("wait 0s;", &["[B015] this timer does not wait"]);
    reports("wait;", &["`wait` says how long"]);
    reports("wait until;", &["`wait until` says how long"]);
    reports("let x = wait 3s; service f(x);", &["`wait` gives no value"]);
    reports("wait 3s service f(n) wait 3s", &[]);
    reports("loop { wait 3s; if n > 3 { break; } }", &[]);
    reports("wait = 3;", &["[B002] `wait = 3` is not a statement of a process"]);
}

#[test]
fn failures() {
    ids("fail \"no {n}\";", &["fail:no {n}"]);
    ids("'broke: fail \"no\";", &["broke"]);
    ids("if n > 3 { fail \"no\"; } fail \"no\";", &["if:n > 3", "fail:no", "fail:no#2"]);
    ids("fail concat!(\"a\", \"b\");", &["fail"]);
    reports("fail;", &["`fail` says why the process fails"]);
    reports("fail (\"no\");", &["`fail` takes its text without parentheses"]);
    reports("fail \"no\"; service f(n);", &["[B005] `f` can never run"]);
    reports("if n > 3 { let x = n; } else { fail \"{n}\"; } service f(x);", &[]);
    reports("let Some(x) = order.a else { fail \"none\"; }; service f(x);", &[]);
    reports("loop { service f(n); fail \"no\"; }", &[]);
    reports("fail \"{x}\"; ", &[]);
    reports(
        "if n > 3 { let x = n; } fail \"{x}\";",
        &["[B003] `x` may be unset where `fail:{x}` reads it"],
    );
    reports("parallel { a: { service f(n); } b: { if n > 3 { fail \"no\"; } } }", &[]);
    reports("let fail = n; let x = fail + 1;", &[]);
    let branches = "parallel { a: { service f(n); } b: { fail \"no\"; } }";
    reports(branches, &[]);
    reports(&format!("{branches} service g(n);"), &["[B005] `g` can never run"]);
}

#[test]
fn an_undo_is_a_node_beside_the_ways() {
    ids("'a: service hold(n) undo free(n); service pay(n);", &["a", "a/undo", "pay"]);
    ids("let x: bool = user ask { n } undo free(x);", &["ask", "ask/undo"]);
    reports("let x = service hold(n) undo free(&x);", &[]);
    let read = "[B010] `y` may be unset when `hold` completes, and its undo reads it";
    reports("service hold(n) undo free(&y); let y = n; service f(y);", &[read]);
    reports(
        "parallel { a: { service hold(n) undo free(&x); } b: { let x = n; service f(x); } }",
        &["[B004] the branch `a` reads `x`, which the branch `b` sets"],
    );
    reports(
        "parallel { a: { let x = service hold(n) undo free(x); } b: { let x = n; service f(x); } }",
        &[],
    );
    let output = expanded("process P(n: u32) { let x = service hold(n) undo free(&x); }");
    assert!(output.contains("2usize => {"), "{output}");
    assert!(
        output.contains("__task.call (&x).await") || output.contains("__task.call(&x).await"),
        "{output}"
    );
}
