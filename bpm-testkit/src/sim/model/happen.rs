//! What happens to an instance from outside.

use super::{Clause, End, Entry, Frame, Model, On, Rest, Sort, Token, Tries, What};
use crate::sim::lower::UNDO_ATTEMPTS;

/// What happened, by the node that it happened at.
#[derive(Clone, Debug)]
pub enum Happened<'e> {
    /// The instance began.
    Started,
    /// An attempt succeeded, a user task was completed, or a person gave the value.
    Completed(&'e str, i64),
    /// An attempt failed.
    Failed(&'e str, Fault<'e>),
    /// An attempt was lost.
    Lost(&'e str),
    /// A timer fired.
    Fired(&'e str),
    /// A person had the step of an incident run again.
    Retried(&'e str),
    /// A person let an incident fail.
    Given(&'e str),
    /// Someone cancelled the instance.
    Cancelled,
    /// Someone ended the instance.
    Terminated,
    /// Someone suspended the instance.
    Suspended,
}

impl Happened<'_> {
    /// Whether it can happen to an instance that is suspended: only what is in flight ends, and
    /// who ends the instance or the suspension is heard.
    fn reaches_suspended(&self, model: &Model<'_>) -> bool {
        match self {
            Self::Completed(node, _) | Self::Failed(node, _) => model.runs(node),
            Self::Cancelled | Self::Terminated => true,
            _ => false,
        }
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug)]
pub struct Fault<'e> {
    /// The error's text.
    pub message: &'e str,
    /// Whether another attempt may mend it.
    pub retryable: bool,
    /// Whether there is an error value: not after a panic, a timeout, or when it was dropped.
    pub typed: bool,
    /// Whether it was told to stop and did not: nothing failed by that.
    pub dropped: bool,
}

impl<'a> Model<'a> {
    /// Takes in what happened at a time, in milliseconds. False if it cannot have happened.
    pub fn take(&mut self, happened: &Happened<'_>, now: u64) -> bool {
        self.now = now;
        self.stopped.clear();
        if self.end.is_some() || (self.suspended && !happened.reaches_suspended(self)) {
            return false;
        }
        match happened {
            Happened::Started => {
                let body = &self.process.body;
                self.go(0, vec![Frame::Block(body)]);
                true
            }
            Happened::Cancelled => self.cancel(),
            Happened::Terminated => self.terminate(),
            Happened::Suspended => self.suspend(),
            Happened::Fired(node) => self.fired(node),
            Happened::Completed(node, value) => {
                self.at(node, |this, at| this.completed(at, *value))
            }
            Happened::Failed(node, fault) => self.at(node, |this, at| this.failed(at, *fault)),
            Happened::Lost(node) => self.at(node, Self::lost),
            Happened::Retried(node) => self.at(node, Self::retried),
            Happened::Given(node) => self.at(node, Self::given),
        }
    }

    fn runs(&self, node: &str) -> bool {
        let runs = |rest: &Rest| matches!(rest, Rest::Running(_));
        self.tokens.iter().any(|token| token.node == node && runs(&token.rest))
    }

    /// Takes the token at a node out, to do something with it.
    fn at(&mut self, node: &str, does: impl FnOnce(&mut Self, Token<'a>) -> bool) -> bool {
        let Some(at) = self.tokens.iter().position(|token| token.node == node) else {
            return false;
        };
        let token = self.tokens.remove(at);
        does(self, token)
    }

    fn completed(&mut self, token: Token<'a>, value: i64) -> bool {
        if matches!(token.rest, Rest::BackingOff(_) | Rest::Timing(_)) {
            return false;
        }
        match token.what {
            What::Undo(number) => {
                self.log.retain(|entry| entry.number != number);
                self.settle(token.scope);
            }
            What::Task(task) => {
                // A late success counts only as something that must be undone.
                if (task.undo.is_some() && !token.unseen) || !token.stopping {
                    self.set(token.scope, &task.id, value);
                }
                if task.undo.is_some() {
                    let (number, scope) = (self.number(), token.scope);
                    self.log.push(Entry { number, task, scope, value, stands: false });
                }
                self.go_on(token);
            }
            What::User => {
                self.set(token.scope, token.node, value);
                self.go_on(token);
            }
            What::Wait | What::Until => return false,
        }
        true
    }

    /// What rested goes on, unless it was told to stop.
    fn go_on(&mut self, token: Token<'a>) {
        match token.stopping {
            true => self.settle(token.scope),
            false => self.go(token.scope, token.then),
        }
    }

    fn failed(&mut self, mut token: Token<'a>, fault: Fault<'_>) -> bool {
        let Rest::Running(tries) = token.rest else { return false };
        if token.stopping {
            if token.scope == 0 && !fault.dropped {
                self.first.get_or_insert_with(|| token.node.to_owned());
            }
            self.settle(token.scope);
            return true;
        }
        let task = match token.what {
            What::Task(task) => Some(task),
            _ => None,
        };
        if fault.typed && task.is_some_and(|task| task.clauses.iter().any(|on| matches(on, fault)))
        {
            self.fail(token.scope, token.node, Some(fault.message), true);
            return true;
        }
        let (attempts, suspends) = match task {
            Some(task) => task.retry.unwrap_or((1, false)),
            None => (UNDO_ATTEMPTS, true),
        };
        let failed = tries.failed + 1;
        if fault.retryable && failed < attempts {
            token.rest = Rest::BackingOff(Tries { failed, ..tries });
        } else if task.is_none() || (fault.retryable && suspends) {
            token.rest = Rest::Incident(tries, Some(fault.message.to_owned()));
        } else {
            self.fail(token.scope, token.node, Some(fault.message), fault.typed);
            return true;
        }
        self.tokens.push(token);
        true
    }

    fn lost(&mut self, mut token: Token<'a>) -> bool {
        let Rest::Running(tries) = token.rest else { return false };
        if token.stopping {
            self.settle(token.scope);
            return true;
        }
        let lost = tries.lost + 1;
        token.rest = match lost <= self.lost_max {
            true => Rest::Running(Tries { lost, attempt: tries.attempt + 1, ..tries }),
            false => Rest::Incident(tries, None),
        };
        self.tokens.push(token);
        true
    }

    fn retried(&mut self, mut token: Token<'a>) -> bool {
        let Rest::Incident(tries, _) = token.rest else { return false };
        token.rest = Rest::Running(Tries { attempt: tries.attempt + 1, failed: 0, lost: 0 });
        self.tokens.push(token);
        true
    }

    /// A person let an incident fail: there is no error value.
    fn given(&mut self, token: Token<'a>) -> bool {
        let Rest::Incident(_, message) = token.rest else { return false };
        self.fail(token.scope, token.node, message.as_deref(), false);
        true
    }

    fn fired(&mut self, node: &str) -> bool {
        let armed = self.scopes.iter().find_map(|(scope, open)| {
            let timer = open.armed.iter().find(|(clause, _)| clause.id == node);
            timer.map(|(clause, due)| (*scope, *clause, *due))
        });
        match armed {
            Some((scope, clause, due)) => self.boundary(scope, clause, due),
            None => self.at(node, Self::timed),
        }
    }

    fn timed(&mut self, mut token: Token<'a>) -> bool {
        match token.rest {
            Rest::BackingOff(tries) => {
                token.rest = Rest::Running(Tries { attempt: tries.attempt + 1, ..tries });
                self.tokens.push(token);
            }
            Rest::Timing(due) if due <= self.now || matches!(token.what, What::Until) => {
                self.go_on(token);
            }
            _ => return false,
        }
        true
    }

    fn boundary(&mut self, scope: usize, clause: &'a Clause, due: u64) -> bool {
        // `at` is by the wall clock, which the model does not see.
        if due > self.now && !matches!(clause.on, On::At(_)) {
            return false;
        }
        let Some(open) = self.scopes.get_mut(&scope) else { return false };
        open.armed.retain(|(armed, _)| armed.id != clause.id);
        if let On::AlsoEvery(ms) = clause.on {
            let next = due + ms * ((self.now - due) / ms + 1);
            open.armed.push((clause, next));
        }
        if clause.on.interrupts() {
            self.interrupt(scope, clause);
            return true;
        }
        let beside = Sort::Beside(clause.id.as_str());
        if !self.scopes.values().any(|open| open.sort == beside) {
            let body = self.open(scope, beside, &[], Vec::new());
            self.go(body, vec![Frame::Leave(body), Frame::Block(&clause.body)]);
        }
        true
    }

    /// Ends at once, whatever is left.
    fn terminate(&mut self) -> bool {
        let left = self.log.iter().map(|entry| entry.task.id.clone()).collect();
        self.end = Some(End::Terminated(left));
        self.tokens.clear();
        self.paused.clear();
        self.scopes.values_mut().for_each(|open| open.armed.clear());
        true
    }
}

/// Whether a clause of an activity matches the error value of its attempt.
fn matches(clause: &Clause, fault: Fault<'_>) -> bool {
    match &clause.on {
        On::Error(Some(pattern)) => pattern == fault.message,
        on => *on == On::Error(None),
    }
}
