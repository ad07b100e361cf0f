//! Instances that cannot go on because a stored row cannot be read: the engine's own incidents.
//!
//! They are found anew whenever such an instance is loaded, and nothing is written about them:
//! whoever mends the row mends the incident.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Timestamp;
use crate::ids::{IncidentId, InstanceId};
use crate::store::Store;

use super::queries::Incident;

const HINT: &str = "stop the engine, restore the row from a backup, and start again";

/// The unreadable instances that were met.
#[derive(Default)]
pub(super) struct Unreadable(Mutex<BTreeMap<InstanceId, Incident>>);

impl Unreadable {
    /// Notes that an instance cannot be read.
    pub(super) fn note(
        &self,
        store: &dyn Store,
        instance: InstanceId,
        error: String,
        now: Timestamp,
    ) {
        let row = store.instance(instance).ok().flatten();
        let incident = Incident {
            id: IncidentId::derive(instance, 0, 0, now),
            instance,
            process: row.map(|row| row.start.process).unwrap_or_default(),
            node: String::new(),
            error,
            attempts: 0,
            lost: 0,
            hint: HINT.to_owned(),
            since: now,
        };
        self.lock().entry(instance).or_insert(incident);
    }

    /// The incidents, in the order of their instances.
    pub(super) fn list(&self) -> Vec<Incident> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Incident>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
