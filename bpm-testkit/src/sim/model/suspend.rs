//! Suspending: what would go on rests until someone resumes the instance.

use super::{Frame, Model, Sort, Then};

/// What goes on when the instance is resumed.
#[derive(Clone, Debug)]
pub(super) struct Paused<'a> {
    number: usize,
    pub(super) scope: usize,
    then: Then<'a>,
}

/// So many orders are tried at most.
const ORDERS_MAX: usize = 200;

impl<'a> Model<'a> {
    /// Whether someone suspended it.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Someone suspends it.
    pub(super) fn suspend(&mut self) -> bool {
        !std::mem::replace(&mut self.suspended, true)
    }

    /// Someone resumes it: undoing goes on, and what rested does, in an order that no rule names.
    /// All that can follow; nothing if it was not suspended.
    pub fn resumed(mut self, now: u64) -> Vec<Self> {
        if !self.suspended || self.end.is_some() {
            return Vec::new();
        }
        self.now = now;
        self.stopped.clear();
        let closing: Vec<usize> = self.scopes.keys().copied().collect();
        for scope in closing {
            // What follows behind the last undo goes on with the others.
            self.settle_resumed(scope);
        }
        self.suspended = false;
        let numbers: Vec<usize> = self.paused.iter().map(|paused| paused.number).collect();
        let mut orders = Vec::new();
        orders_of(&mut Vec::new(), &numbers, &mut orders);
        orders.into_iter().map(|order| self.clone().in_order(&order)).collect()
    }

    fn in_order(mut self, order: &[usize]) -> Self {
        for number in order {
            // What an earlier one closed does not go on.
            let Some(at) = self.paused.iter().position(|paused| paused.number == *number) else {
                continue;
            };
            let Paused { scope, then, .. } = self.paused.remove(at);
            self.go(scope, then);
        }
        self
    }

    pub(super) fn pause(&mut self, scope: usize, then: Then<'a>) {
        let number = self.number();
        self.paused.push(Paused { number, scope, then });
    }

    /// An activity with boundary events completes with its attempt: its timers are gone at once.
    pub(super) fn completes_activity(&self, frame: &Frame<'a>) -> bool {
        let Frame::Leave(scope) = frame else { return false };
        let open = self.scopes.get(scope);
        open.is_some_and(|open| open.sort == Sort::Owner(None) && !open.clauses.is_empty())
    }
}

fn orders_of(order: &mut Vec<usize>, left: &[usize], orders: &mut Vec<Vec<usize>>) {
    if left.is_empty() {
        orders.push(order.clone());
    }
    for at in 0..left.len() {
        if orders.len() >= ORDERS_MAX {
            return;
        }
        let rest: Vec<usize> = [&left[..at], &left[at + 1..]].concat();
        order.push(left[at]);
        orders_of(order, &rest, orders);
        order.pop();
    }
}
