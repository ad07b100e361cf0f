//! A scope completes, or it is undone.

use super::{Clause, Closing, End, Entry, Frame, Model, On, Open, Rest, Sort, Token, Tries, What};

impl<'a> Model<'a> {
    /// The body of a scope has completed: its timers are gone, the bodies beside it are awaited.
    pub(super) fn leave(&mut self, scope: usize) {
        let Some(open) = self.scopes.get_mut(&scope) else { return };
        open.armed.clear();
        open.completed = true;
        if !self.scopes.values().any(|open| open.parent == scope && is_beside(open.sort)) {
            self.completed_scope(scope);
        }
    }

    /// What completed in it belongs to the scope outside from now on.
    fn completed_scope(&mut self, scope: usize) {
        let Some(open) = self.scopes.remove(&scope) else { return };
        for entry in self.log.iter_mut().filter(|entry| entry.scope == scope) {
            entry.scope = open.parent;
        }
        match open.sort {
            Sort::Beside(_) if self.scopes.get(&open.parent).is_some_and(|of| of.completed) => {
                self.leave(open.parent);
            }
            Sort::Beside(_) | Sort::Process | Sort::Race(_) => {}
            Sort::Owner(_) => self.go(open.parent, open.then),
            Sort::Branch => {
                open.own.iter().for_each(|(name, value)| self.set(open.parent, name, *value));
                self.won(open.parent);
            }
        }
    }

    /// A branch of a race completed. When enough have, what they did stands, and the others are
    /// cancelled and undone.
    fn won(&mut self, race: usize) {
        let Some(Open { sort: Sort::Race(wins), .. }) = self.scopes.get_mut(&race) else { return };
        *wins -= 1;
        if *wins == 0 {
            let won = self.log.iter_mut().filter(|entry| entry.scope == race);
            won.for_each(|entry| entry.stands = true);
            self.close(race, Closing::Race);
        }
    }

    /// `return`: what completed in the scopes around it stands, all else that is not complete is
    /// cancelled and undone.
    pub(super) fn give_back(&mut self, scope: usize, value: Option<i64>) {
        self.returned = Some(value);
        self.log.iter_mut().for_each(|entry| entry.stands = false);
        let mut at = scope;
        loop {
            self.log.iter_mut().filter(|entry| entry.scope == at).for_each(|entry| {
                entry.stands = true;
            });
            if at == 0 {
                break;
            }
            at = self.outside(at);
        }
        self.close(0, Closing::Ends);
    }

    /// What is outside of a scope. What runs beside an activity or scope is outside of that.
    fn outside(&self, scope: usize) -> usize {
        let open = &self.scopes[&scope];
        if is_beside(open.sort) { self.scopes[&open.parent].parent } else { open.parent }
    }

    /// Something failed in a scope: goes outwards to the innermost one that catches it. `typed`:
    /// there is an error value, on which the clauses of an activity are matched.
    pub(super) fn fail(&mut self, scope: usize, node: &str, message: Option<&str>, typed: bool) {
        let mut at = scope;
        loop {
            let open = &self.scopes[&at];
            let is_scope = open.sort != Sort::Owner(None);
            let catches = |clause: &&Clause| match &clause.on {
                On::Error(None) => true,
                On::Error(Some(pattern)) => {
                    (typed || is_scope) && message == Some(pattern.as_str())
                }
                _ => false,
            };
            if let Some(clause) = open.clauses.iter().find(catches) {
                self.interrupt(at, clause);
                if let Some(open) = self.scopes.get_mut(&at) {
                    open.cause = Some((at, node.to_owned()));
                }
                return;
            }
            if at == 0 {
                break;
            }
            at = self.outside(at);
        }
        self.first.get_or_insert_with(|| node.to_owned());
        self.close(0, Closing::Ends);
    }

    pub(super) fn interrupt(&mut self, scope: usize, clause: &'a Clause) {
        self.close(scope, Closing::Handler(clause));
    }

    pub(super) fn cancel(&mut self) -> bool {
        if self.cancelled {
            return false;
        }
        (self.cancelled, self.suspended) = (true, false);
        // What was to be handled is a cause, too.
        let cause = self.scopes.values().filter_map(|open| open.cause.clone()).min();
        self.first = self.first.take().or(cause.map(|(_, node)| node));
        if !self.is_closing() {
            self.close(0, Closing::Ends);
        }
        self.settle(0);
        true
    }

    /// Step 1: no new work starts, waits are cancelled, attempts in flight are told to stop.
    /// Whatever was open inside is part of it from now on.
    fn close(&mut self, scope: usize, closing: Closing<'a>) {
        let inside: Vec<usize> =
            self.scopes.keys().copied().filter(|&open| self.is_inside(open, scope)).collect();
        for token in std::mem::take(&mut self.tokens) {
            match inside.contains(&token.scope) {
                true => {
                    let unseen = token.unseen || self.is_in_race(token.scope, scope);
                    self.quiet(Token { scope, unseen, ..token });
                }
                false => self.tokens.push(token),
            }
        }
        self.paused.retain(|paused| !inside.contains(&paused.scope));
        let race = matches!(closing, Closing::Race);
        for entry in self.log.iter_mut().filter(|entry| inside.contains(&entry.scope)) {
            // Who won stays so only until what is around the race is undone.
            entry.stands &= (race && entry.scope == scope) || self.returned.is_some();
            entry.scope = scope;
        }
        let causes = inside.iter().filter_map(|open| self.scopes[open].cause.clone());
        let cause = causes.min();
        self.joins.retain(|_, join| !inside.contains(&join.scope));
        self.scopes.retain(|number, _| *number == scope || !inside.contains(number));
        if let Some(open) = self.scopes.get_mut(&scope) {
            open.armed.clear();
            open.closing = Some(closing);
            open.cause = cause;
        }
        self.settle(scope);
    }

    /// Whether a branch of a race lies between a scope and one around it.
    fn is_in_race(&self, mut scope: usize, outer: usize) -> bool {
        while scope != outer && self.scopes[&scope].sort != Sort::Branch {
            scope = self.scopes[&scope].parent;
        }
        scope != outer
    }

    fn is_inside(&self, mut scope: usize, outer: usize) -> bool {
        while scope != outer && scope != 0 {
            scope = self.scopes[&scope].parent;
        }
        scope == outer
    }

    fn quiet(&mut self, token: Token<'a>) {
        match (token.what, &token.rest) {
            // An undo goes on, whatever it does.
            (What::Undo(_), _) => self.tokens.push(token),
            (_, Rest::Running(_)) => {
                if !token.stopping {
                    self.stopped.push(token.node.to_owned());
                }
                self.tokens.push(Token { stopping: true, ..token });
            }
            _ => {}
        }
    }

    /// Step 2: when nothing is in flight, the latest completed activity is undone; step 3: when
    /// none is left, what follows runs.
    pub(super) fn settle(&mut self, scope: usize) {
        if !self.suspended && self.end.is_none() {
            self.settle_resumed(scope);
        }
    }

    /// The same when someone resumes it.
    pub(super) fn settle_resumed(&mut self, scope: usize) {
        let Some(closing) = self.scopes.get(&scope).and_then(|open| open.closing) else { return };
        if self.tokens.iter().any(|token| token.scope == scope) {
            return;
        }
        let stands = |entry: &Entry| entry.stands && !self.cancelled;
        match self.log.iter().rev().find(|entry| entry.scope == scope && !stands(entry)) {
            Some(entry) => {
                let (number, task) = (entry.number, entry.task);
                let node = task.undo.as_deref().unwrap_or_default();
                let rest = Rest::Running(Tries { attempt: 1, failed: 0, lost: 0 });
                let (what, then) = (What::Undo(number), Vec::new());
                self.tokens.push(Token {
                    node,
                    scope,
                    rest,
                    what,
                    then,
                    stopping: false,
                    unseen: false,
                });
            }
            None => self.undone(scope, closing),
        }
    }

    fn undone(&mut self, scope: usize, closing: Closing<'a>) {
        match closing {
            Closing::Ends => {
                let (first, returned) = (self.first.take(), self.returned.take());
                self.end = Some(match (self.cancelled, returned, first) {
                    (false, Some(value), _) => End::Completed(value),
                    (false, None, Some(node)) => End::Failed(node),
                    (_, _, first) => End::Cancelled(first),
                });
            }
            Closing::Handler(clause) => {
                let Some(open) = self.scopes.remove(&scope) else { return };
                let mut then = open.then;
                then.push(Frame::Block(&clause.body));
                self.go(open.parent, then);
            }
            Closing::Race => {
                let Some(open) = self.scopes.remove(&scope) else { return };
                for entry in self.log.iter_mut().filter(|entry| entry.scope == scope) {
                    (entry.scope, entry.stands) = (open.parent, false);
                }
                self.go(open.parent, open.then);
            }
        }
    }
}

fn is_beside(sort: Sort<'_>) -> bool {
    matches!(sort, Sort::Beside(_))
}
