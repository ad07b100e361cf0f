//! Suspended instances: what waits for a place among the workers is held, and timers that came due
//! are set again when the instance is resumed.

use crate::ids::InstanceId;

use super::super::turn::Pause;
use super::Dispatcher;

impl Dispatcher {
    /// A turn that suspends its instance, or ends that, is durable.
    pub(super) fn pause(&mut self, instance: InstanceId, paused: Option<Pause>) {
        match paused {
            Some(Pause::Begins) => self.workers.hold(instance),
            Some(Pause::Ends) => self.agree_with_stored(instance),
            None => {}
        }
    }
}
