//! Those who wait for the end of an instance.

use tokio::sync::oneshot;

use crate::error::Error;
use crate::ids::InstanceId;
use crate::instance::Ending;

use super::super::queries;
use super::Dispatcher;

impl Dispatcher {
    pub(super) fn await_end(
        &mut self,
        instance: InstanceId,
        sender: oneshot::Sender<Result<Ending, Error>>,
    ) {
        let in_memory = self
            .cache
            .get(instance)
            .is_some_and(|live| live.uncommitted || !live.instance.status.is_end());
        if in_memory {
            return self.waiting.entry(instance).or_default().push(sender);
        }
        match queries::ending(&*self.shared.store, instance) {
            Ok(None) => self.waiting.entry(instance).or_default().push(sender),
            Ok(Some(ending)) => drop(sender.send(Ok(ending))),
            Err(error) => drop(sender.send(Err(error))),
        }
    }

    /// A commit that seemed to fail may have ended the instance all the same.
    pub(super) fn tell_if_ended(&mut self, instance: InstanceId) {
        let live = self.cache.get(instance).filter(|live| !live.uncommitted);
        if let Some(ending) = live.and_then(|live| live.instance.ending()) {
            self.tell_waiting(instance, &ending);
        }
    }

    pub(super) fn tell_waiting(&mut self, instance: InstanceId, ending: &Ending) {
        for sender in self.waiting.remove(&instance).unwrap_or_default() {
            // Someone who no longer waits is not told.
            let _ = sender.send(Ok(ending.clone()));
        }
    }
}
