//! Seeds that failed once, kept with their processes: what a seed draws changes with the
//! generator, and a tree does not.

use bpm_testkit::sim;
use bpm_testkit::sim::tree::{Branch, Clause, On, Process, Stmt, Task, User};

fn task(id: &str) -> Stmt {
    Stmt::Task(Task::undoable(id))
}

fn clause(id: &str, on: On, body: Vec<Stmt>) -> Clause {
    Clause { id: id.to_owned(), on, body }
}

fn scope(id: &str, body: Vec<Stmt>, clauses: Vec<Clause>) -> Stmt {
    Stmt::Scope(id.to_owned(), body, clauses)
}

/// Each seed with the process that is kept.
fn check(process: &Process, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        if let Err(violation) = sim::run_kept(process, seed) {
            panic!("seed {seed}: {}\n{}", violation.what, violation.trace);
        }
    }
}

/// Seed 3029644: something begins every millisecond, with many steps, beside a wait of 36 ms.
#[test]
fn what_comes_again_every_millisecond_beside_a_wait_ends() {
    let branches = ["t17", "t18", "t19"];
    let branch = |id: &str| Branch { body: vec![task(id)], after: Vec::new() };
    let fails = vec![Vec::new(), vec![Stmt::Fail("f21".to_owned())]];
    let inner = scope(
        "s15",
        vec![
            Stmt::Parallel("p16".to_owned(), branches.map(branch).into()),
            Stmt::Choice("c20".to_owned(), "t1".to_owned(), fails),
        ],
        vec![clause("b22", On::Error(Some("e0".to_owned())), Vec::new())],
    );
    let user = Stmt::User(User { id: "u14".to_owned(), clauses: Vec::new() });
    let beside = vec![task("t12"), Stmt::Loop("l13".to_owned(), 2, vec![user, inner])];
    let wait = vec![Stmt::Wait("w6".to_owned(), 36)];
    let turn = vec![task("t4"), scope("s5", wait, Vec::new())];
    let body = vec![Stmt::Loop("l3".to_owned(), 2, turn)];
    let outer = scope("s2", body, vec![clause("b11", On::AlsoEvery(1), beside)]);
    check(&Process::of(vec![task("t1"), outer]), 0..3);
}

/// Two branches of a race complete in the turn that resumes the instance: only one of them wins.
#[test]
fn one_branch_wins_although_two_complete_at_once() {
    let branches = vec![vec![task("t3")], vec![task("t4")]];
    let body = vec![task("t1"), Stmt::Race("x2".to_owned(), 1, branches), task("t8")];
    check(&Process::of(body), 0..2_000);
}
