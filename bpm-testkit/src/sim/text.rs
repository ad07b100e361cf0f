//! Processes as text, for people who look at a seed that fails.

use std::fmt;

use super::tree::{Block, Clause, Process, Stmt};

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "process {{")?;
        block(f, &self.body, 1)?;
        writeln!(f, "}}")
    }
}

fn block(f: &mut fmt::Formatter<'_>, stmts: &Block, depth: usize) -> fmt::Result {
    stmts.iter().try_for_each(|stmt| statement(f, stmt, depth))
}

fn nested(f: &mut fmt::Formatter<'_>, head: &str, body: &Block, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    if body.is_empty() {
        return writeln!(f, "{indent}{head} {{}}");
    }
    writeln!(f, "{indent}{head} {{")?;
    block(f, body, depth + 1)?;
    writeln!(f, "{indent}}}")
}

fn statement(f: &mut fmt::Formatter<'_>, stmt: &Stmt, depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    match stmt {
        Stmt::Task(task) => {
            let undo = task.undo.as_ref().map_or("", |_| " undo");
            let retry = task.retry.map_or_else(String::new, |(attempts, suspends)| {
                format!(" retry {attempts}{}", if suspends { " then suspend" } else { "" })
            });
            let timeout =
                task.timeout.map_or_else(String::new, |timeout| format!(" timeout {timeout}ms"));
            writeln!(f, "{indent}service {}{undo}{retry}{timeout}", task.id)?;
            clauses(f, &task.clauses, depth + 1)
        }
        Stmt::User(user) => {
            writeln!(f, "{indent}user {}", user.id)?;
            clauses(f, &user.clauses, depth + 1)
        }
        Stmt::Wait(id, ms) => writeln!(f, "{indent}'{id}: wait {ms}ms"),
        Stmt::Until(id, at) => writeln!(f, "{indent}'{id}: wait until {at}ms"),
        Stmt::Fail(id) => writeln!(f, "{indent}'{id}: fail"),
        Stmt::Return(id, of) => writeln!(f, "{indent}'{id}: return {of}"),
        Stmt::Loop(id, turns, body) => {
            nested(f, &format!("'{id}: for _ in 0..{turns}"), body, depth)
        }
        Stmt::Scope(id, body, on) => {
            nested(f, &format!("'{id}: scope"), body, depth)?;
            clauses(f, on, depth + 1)
        }
        Stmt::Choice(id, of, arms) => {
            let arms = arms.iter().enumerate();
            arms.map(|(at, arm)| (format!("'{id}: if {of} % _ == {at}"), arm))
                .try_for_each(|(head, arm)| nested(f, &head, arm, depth))
        }
        Stmt::Parallel(id, branches) => {
            let branches = branches.iter().enumerate();
            branches
                .map(|(at, branch)| {
                    (format!("'{id}: branch {at} after {:?}", branch.after), &branch.body)
                })
                .try_for_each(|(head, body)| nested(f, &head, body, depth))
        }
        Stmt::Race(id, wins, branches) => {
            let branches = branches.iter().enumerate();
            branches
                .map(|(at, body)| (format!("'{id}: branch {at} of race {wins}"), body))
                .try_for_each(|(head, body)| nested(f, &head, body, depth))
        }
    }
}

fn clauses(f: &mut fmt::Formatter<'_>, clauses: &[Clause], depth: usize) -> fmt::Result {
    clauses.iter().try_for_each(|clause| {
        nested(f, &format!("'{}: on {:?}", clause.id, clause.on), &clause.body, depth)
    })
}
