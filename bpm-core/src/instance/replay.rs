//! From what is kept of an instance back to its state.

use crate::change::Change;
use crate::history::Recorded;
use crate::ids::InstanceId;
use crate::planted;
use crate::store::{self, BaseRow, Status, Stored};

#[cfg(feature = "planted-bugs")]
use super::TokenState;
use super::{Instance, Opened, Undoable};

/// No instance lives so long that its numbers come here; more than it will ever use are left.
const LAST: u64 = u64::MAX - (1 << 32);

impl Instance {
    /// The state that a history leads to; `turns` begins with the first one.
    pub fn replay<'a>(
        id: InstanceId,
        key: Option<String>,
        turns: impl IntoIterator<Item = &'a Recorded>,
    ) -> Self {
        Self::new(id, key).replayed(turns)
    }

    /// The state to which these turns lead from this one.
    pub fn replayed<'a>(mut self, turns: impl IntoIterator<Item = &'a Recorded>) -> Self {
        turns.into_iter().for_each(|turn| self.again(turn));
        self
    }

    /// The state with which a history begins whose first turns are forgotten.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is a state that no instance can be in.
    pub fn of_base(id: InstanceId, base: &BaseRow) -> Result<Self, store::Error> {
        Self::from_snapshot(id, base.seq, &base.snapshot)
    }

    /// The state that a store holds: the last snapshot and the turns after it.
    ///
    /// # Errors
    ///
    /// If a row cannot be read, or tells of a state that no instance can be in; the error names
    /// the instance and the row.
    pub fn restore(stored: &Stored) -> Result<Self, store::Error> {
        let row = &stored.row;
        let mut instance = match &row.state.snapshot {
            Some(snapshot) => Self::from_snapshot(row.id, row.snapshot_seq, snapshot)?,
            None => Self::new(row.id, row.start.key.clone()),
        };
        for turn in &stored.turns {
            let (id, before, seq) = (row.id, instance.seq, turn.seq);
            if before.checked_add(1) != Some(seq) {
                let what = format!("turn {seq} of instance {id} stands behind turn {before}");
                return Err(store::Error::Corrupt(what));
            }
            instance.again(&Recorded::read(id, turn)?);
            instance.check().map_err(|what| {
                store::Error::Corrupt(format!("turn {seq} of instance {id} is damaged: {what}"))
            })?;
        }
        if instance.seq == 0 {
            let id = row.id;
            return Err(store::Error::Corrupt(format!("turn 1 of instance {id} is missing")));
        }
        instance.check_undoable().map_err(|what| {
            let (id, seq) = (row.id, instance.seq);
            store::Error::Corrupt(format!("instance {id} is damaged at turn {seq}: {what}"))
        })?;
        planted!(JoinCounterInMemory => instance.tokens.retain(|token| token.state != TokenState::Joining));
        planted!(IncidentLostAtRestart => instance.tokens.retain(|token| !matches!(token.state, TokenState::Incident { .. })));
        Ok(instance)
    }

    fn from_snapshot(id: InstanceId, seq: u64, snapshot: &str) -> Result<Self, store::Error> {
        let corrupt = |what: &str| {
            let snapshot = format!("the snapshot at turn {seq} of instance {id}");
            store::Error::Corrupt(format!("{snapshot} {what}"))
        };
        let instance: Self = serde_json::from_str(snapshot)
            .map_err(|error| corrupt(&format!("cannot be read: {error}")))?;
        if (instance.id, instance.seq) != (id, seq) {
            let (other, at) = (instance.id, instance.seq);
            return Err(corrupt(&format!("is that of instance {other} at turn {at}")));
        }
        instance.check().map_err(|what| corrupt(&format!("is damaged: {what}")))?;
        Ok(instance)
    }

    /// What holds of every state that the engine itself has made, and on which it relies.
    fn check(&self) -> Result<(), &'static str> {
        let ascend = self.tokens.is_sorted_by(|one, other| one.id < other.id);
        let known = self.tokens.last().is_none_or(|token| token.id < self.next_token);
        if !ascend || !known {
            return Err("its tokens are not in order");
        }
        if [self.seq, self.next_token, self.next_number].iter().any(|used| *used > LAST) {
            return Err("its numbers are used up");
        }
        if self.tokens.iter().flat_map(|token| token.state.numbers()).any(|n| n >= self.next_number)
        {
            return Err("a token has a visit or a timer that is still to come");
        }
        if self.status == Status::Suspended {
            return Err("that it is suspended is no status of its own");
        }
        self.check_scopes()?;
        self.check_status()
    }

    /// Each scope is opened after the one around it, and what is inside of one is inside of an
    /// open one.
    fn check_scopes(&self) -> Result<(), &'static str> {
        let around = |opened: &Opened| opened.parent < opened.scope && self.is_open(opened.parent);
        let ascend = self.scopes.is_sorted_by(|one, other| one.scope < other.scope);
        let known = self.scopes.last().is_none_or(|opened| opened.scope < self.next_number);
        if !ascend || !known || !self.scopes.iter().all(around) {
            return Err("its scopes are not in order");
        }
        if !self.tokens.iter().all(|token| self.is_open(token.scope)) {
            return Err("a token is in a scope that is not open");
        }
        Ok(())
    }

    /// It says how it ends, and until it has ended something can go on by itself or by someone.
    fn check_status(&self) -> Result<(), &'static str> {
        let said = match self.status {
            Status::Running | Status::Suspended => true,
            Status::Failing | Status::Failed => self.failure.is_some(),
            Status::Cancelling | Status::Cancelled | Status::Terminated => {
                self.cancelled_by.is_some()
            }
            Status::Completing => self.returned().is_some(),
            Status::Completed => self.result.is_some(),
        };
        if !said {
            return Err("it does not say why or with what it ends");
        }
        let rests = self.status.is_end() || self.suspended().is_some();
        if self.tokens.is_empty() && !rests {
            return Err("it has not ended, and nothing of it can go on");
        }
        Ok(())
    }

    /// Once, not behind each turn: what can be undone may be long.
    fn check_undoable(&self) -> Result<(), &'static str> {
        let goes_on = !self.status.is_end();
        if goes_on && !self.undoable.iter().all(|done| self.is_open(done.scope)) {
            return Err("what can be undone is in a scope that is not open");
        }
        let scope_of = |by| self.token(by).map(|token| token.scope);
        let apart = |done: &Undoable| done.by.is_some_and(|by| scope_of(by) != Some(done.scope));
        if goes_on && self.undoable.iter().any(apart) {
            return Err("what is being undone is not in the scope of what undoes it");
        }
        let mut visits: Vec<u64> = self.undoable.iter().map(|done| done.visit).collect();
        visits.sort_unstable();
        if visits.last().is_some_and(|visit| *visit >= self.next_number) {
            return Err("what can be undone is still to come");
        }
        if !visits.is_sorted_by(|one, other| one < other) {
            return Err("what can be undone is there twice");
        }
        Ok(())
    }

    fn again(&mut self, turn: &Recorded) {
        let kept = |change: &&Change| {
            !(planted!(ReplaySkipsVariables) && matches!(change, Change::VariableSet { .. }))
        };
        turn.changes.iter().filter(kept).for_each(|change| self.apply(change));
        self.seq = turn.seq;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Timestamp;
    use crate::store::{InstanceRow, StartRow, StateRow};

    const ID: InstanceId = InstanceId::from_bytes([7; 16]);

    /// In a scope of its own an activity is being undone, and another one around it can be.
    fn sound() -> Value {
        json!({
            "id": ID, "key": "k", "seq": 8, "status": "Running",
            "next_token": 4, "next_number": 10,
            "tokens": [
                {"token": 2, "node": "wait", "state": "Timing", "timer": 4, "due": 50},
                {"token": 3, "node": "book/undo", "scope": 3, "state": "Executing",
                 "visit": 9, "attempt": 1, "failed": 0, "lost": 0},
            ],
            "values": {}, "failure": null, "cancelled_by": null,
            "undoable": [
                {"node": "ask", "visit": 2, "values": {}},
                {"node": "book", "visit": 7, "values": {}, "scope": 3, "by": 3},
            ],
            "scopes": [
                {"scope": 3, "node": "trip", "unwinding": {"Interrupted": {"boundary": "late"}}},
                {"scope": 5, "node": "also"},
            ],
        })
    }

    fn restored(snapshot: &Value) -> Result<Instance, String> {
        let start = StartRow { process: "p".into(), version: 1, key: None, input_hash: 0 };
        let state = StateRow {
            status: Status::Running,
            active: true,
            tokens: "[]".into(),
            snapshot: Some(snapshot.to_string()),
            outcome: None,
        };
        let created = Timestamp::from_millis(0);
        let row = InstanceRow { id: ID, start, state, snapshot_seq: 8, created, ended: None };
        Instance::restore(&Stored { row, turns: Vec::new() }).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_engine_makes_is_restored() {
        assert_eq!(restored(&sound()).map(|instance| instance.seq), Ok(8));
    }

    #[test]
    fn what_no_instance_can_be_is_refused_and_says_what() {
        let cases = [
            ("/tokens/1/token", json!(4), "its tokens are not in order"),
            ("/tokens/0/token", json!(3), "its tokens are not in order"),
            ("/next_number", json!(u64::MAX), "its numbers are used up"),
            ("/tokens/1/visit", json!(10), "a token has a visit or a timer that is still to come"),
            ("/tokens/0/timer", json!(10), "a token has a visit or a timer that is still to come"),
            ("/status", json!("Suspended"), "that it is suspended is no status of its own"),
            ("/scopes/1/parent", json!(5), "its scopes are not in order"),
            ("/scopes/1/scope", json!(3), "its scopes are not in order"),
            ("/scopes/1/scope", json!(10), "its scopes are not in order"),
            ("/tokens/0/scope", json!(4), "a token is in a scope that is not open"),
            ("/status", json!("Failing"), "it does not say why or with what it ends"),
            ("/status", json!("Cancelling"), "it does not say why or with what it ends"),
            ("/status", json!("Completing"), "it does not say why or with what it ends"),
            ("/tokens", json!([]), "it has not ended, and nothing of it can go on"),
            ("/undoable/0/scope", json!(4), "what can be undone is in a scope that is not open"),
            ("/undoable/1/scope", json!(0), "what is being undone is not in the scope of"),
            ("/undoable/1/by", json!(1), "what is being undone is not in the scope of"),
            ("/undoable/0/visit", json!(10), "what can be undone is still to come"),
            ("/undoable/0/visit", json!(7), "what can be undone is there twice"),
        ];
        for (place, value, what) in cases {
            let mut damaged = sound();
            match damaged.pointer_mut(place) {
                Some(old) => *old = value,
                None => {
                    let (object, key) = place.rsplit_once('/').unwrap();
                    damaged.pointer_mut(object).unwrap()[key] = value;
                }
            }
            let error = restored(&damaged).expect_err(place);
            assert!(error.contains(what) && error.contains(&ID.to_string()), "{place}: {error}");
        }
    }

    #[test]
    fn a_snapshot_of_another_instance_or_turn_is_refused() {
        for (place, value) in [("id", json!(InstanceId::from_bytes([8; 16]))), ("seq", json!(7))] {
            let mut damaged = sound();
            damaged[place] = value;
            let error = restored(&damaged).expect_err(place);
            assert!(error.contains("is that of instance"), "{error}");
        }
    }
}
