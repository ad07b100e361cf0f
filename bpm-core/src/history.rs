//! History: the turns of an instance, as they are kept.

use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::clock::Timestamp;
use crate::event::Event;
use crate::ids::InstanceId;
use crate::store::{self, HistoryRow};

/// A recorded turn: what happened to an instance, and what that led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The number of the turn in its instance, from 1.
    pub seq: u64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
    /// What it led to.
    pub changes: Vec<Change>,
}

/// The body of a history row, as it is read.
#[derive(Deserialize)]
struct Body {
    event: Event,
    changes: Vec<Change>,
}

/// The same as it is written.
#[derive(Serialize)]
struct BodyRef<'a> {
    event: &'a Event,
    changes: &'a [Change],
}

impl Recorded {
    /// Reads a row of an instance's history.
    pub fn read(instance: InstanceId, row: &HistoryRow) -> Result<Self, store::Error> {
        let Body { event, changes } = serde_json::from_str(&row.body).map_err(|error| {
            let seq = row.seq;
            store::Error::Corrupt(format!(
                "turn {seq} of instance {instance} cannot be read: {error}"
            ))
        })?;
        Ok(Self { seq: row.seq, at: row.at, event, changes })
    }
}

/// Room for the body of a common turn, in bytes: one that grows is copied each time.
const BODY: usize = 512;

/// The body of a turn's row.
pub(crate) fn body(event: &Event, changes: &[Change]) -> String {
    let mut body = Vec::with_capacity(BODY);
    serde_json::to_writer(&mut body, &BodyRef { event, changes })
        .unwrap_or_else(|error| unreachable!("events and changes print as JSON: {error}"));
    String::from_utf8(body).unwrap_or_else(|error| unreachable!("JSON is UTF-8: {error}"))
}
