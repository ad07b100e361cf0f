//! From what is kept of an instance back to its state.

use crate::change::Change;
use crate::history::Recorded;
use crate::ids::InstanceId;
use crate::planted;
use crate::store::{self, Stored};

use super::Instance;
#[cfg(feature = "planted-bugs")]
use super::TokenState;

impl Instance {
    /// The state that a history leads to; `turns` begins with the first one.
    pub fn replay<'a>(
        id: InstanceId,
        key: Option<String>,
        turns: impl IntoIterator<Item = &'a Recorded>,
    ) -> Self {
        let mut instance = Self::new(id, key);
        turns.into_iter().for_each(|turn| instance.again(turn));
        instance
    }

    /// The state that a store holds: the last snapshot and the turns after it.
    pub fn restore(stored: &Stored) -> Result<Self, store::Error> {
        let row = &stored.row;
        let mut instance = match &row.state.snapshot {
            Some(snapshot) => serde_json::from_str(snapshot).map_err(|error| {
                let (id, seq) = (row.id, row.snapshot_seq);
                store::Error::Corrupt(format!(
                    "the snapshot at turn {seq} of instance {id} cannot be read: {error}"
                ))
            })?,
            None => Self::new(row.id, row.start.key.clone()),
        };
        for turn in &stored.turns {
            instance.again(&Recorded::read(row.id, turn)?);
        }
        planted!(JoinCounterInMemory => instance.tokens.retain(|token| token.state != TokenState::Joining));
        planted!(IncidentLostAtRestart => instance.tokens.retain(|token| !matches!(token.state, TokenState::Incident { .. })));
        Ok(instance)
    }

    fn again(&mut self, turn: &Recorded) {
        let kept = |change: &&Change| {
            !(planted!(ReplaySkipsVariables) && matches!(change, Change::VariableSet { .. }))
        };
        turn.changes.iter().filter(kept).for_each(|change| self.apply(change));
        self.seq = turn.seq;
    }
}
