//! Attempts: what effects launch and stop, and how attempts come back as events.

use std::time::Duration;

use bpm_model::kind::Kind;

use crate::clock::Timestamp;
use crate::event::{Event, Failure, FailureKind, TokenId};
use crate::failpoint;
use crate::ids::InstanceId;
use crate::instance::{Attempts, Instance, TokenState};
use crate::planted;
use crate::step::Effect;
use crate::vars::{Current, Values};

use super::super::mailbox::{Failed, Over, Post};
use super::super::registry::Registered;
use super::super::workers::{Dropped, Launch};
use super::Dispatcher;

impl Dispatcher {
    pub(super) fn let_out(&mut self, instance: InstanceId, effect: &Effect) {
        match *effect {
            Effect::Run { token } if self.closing.is_none() => self.launch(instance, token),
            Effect::Run { .. } => {}
            Effect::Stop { token } => self.stop_attempt(instance, token),
            Effect::Drop { token } => self.workers.forget(instance, token),
        }
    }

    pub(super) fn launch(&mut self, instance: InstanceId, token: TokenId) {
        let now = self.shared.clock.now();
        let Some(live) = self.cache.get(instance) else { return };
        if let Some(launch) = launch(&live.instance, &live.registered, token, now) {
            self.workers.launch(launch);
        }
    }

    fn stop_attempt(&mut self, instance: InstanceId, token: TokenId) {
        if let Some(dropped) = self.tell_to_stop(instance, token) {
            self.attempt_dropped(dropped);
        }
    }

    /// Tells an attempt to stop; one that had no place yet is over at once.
    pub(super) fn tell_to_stop(&mut self, instance: InstanceId, token: TokenId) -> Option<Dropped> {
        let drop_at = self.later(self.shared.options.grace);
        self.workers.stop(instance, token, drop_at)
    }

    pub(super) fn attempt_over(&mut self, over: Over) {
        let Some(heartbeat) = self.workers.finish(&over) else { return };
        failpoint!(ResultTaken);
        let Over { instance, token, visit, attempt, node, result } = over;
        let event = match result {
            // It was told to stop because the engine stops: it is lost, and runs again.
            Err(Failed { retryable: true, .. }) if self.closing.is_some() => return,
            Ok(result) => Event::TaskCompleted { token, node, visit, attempt, result },
            Err(Failed { failure, retryable, caught }) => Event::TaskFailed {
                token,
                node,
                visit,
                attempt,
                failure,
                retryable,
                caught,
                heartbeat,
            },
        };
        self.deliver(Post { instance, event, answer: None });
    }

    pub(super) fn attempt_dropped(&mut self, dropped: Dropped) {
        planted!(DroppedNotTold => return);
        let Dropped { instance, token, visit, attempt, node, timed_out, heartbeat } = dropped;
        let (kind, message) = if timed_out {
            (FailureKind::Timeout, "it took longer than its timeout; its outcome is unknown")
        } else {
            let message = "told to stop and dropped after the grace time; its outcome is unknown";
            (FailureKind::Dropped, message)
        };
        let failure = Failure::new(node.as_str(), kind, message);
        let retryable = timed_out;
        let caught = None;
        let event = Event::TaskFailed {
            token,
            node,
            visit,
            attempt,
            failure,
            retryable,
            caught,
            heartbeat,
        };
        self.deliver(Post { instance, event, answer: None });
    }
}

/// The attempt that a token executes, as it stands in the committed state.
fn launch(
    instance: &Instance,
    registered: &Registered,
    token: TokenId,
    now: Timestamp,
) -> Option<Launch> {
    let at = instance.token(token)?;
    let TokenState::Executing(Attempts { visit, attempt, .. }) = at.state else { return None };
    let node = registered.definition.node(&at.node)?;
    Some(Launch {
        registered: registered.clone(),
        current: Current { now, id: instance.id, key: instance.key.clone() },
        token,
        node,
        timeout: registered.definition.policy(node).timeout_ms.map(Duration::from_millis),
        visit,
        attempt,
        heartbeat: instance.heartbeat(token).cloned(),
        values: values(instance, registered, (token, node)).clone(),
    })
}

/// What an attempt sees: the variables, or for an undo those that were kept for it.
fn values<'a>(
    instance: &'a Instance,
    registered: &Registered,
    (token, node): (TokenId, usize),
) -> &'a Values {
    match (&registered.definition.graph().nodes[node].kind, instance.undoing(token)) {
        (Kind::Undo { .. }, Some(done)) if !planted!(UndoSeesLaterValues) => &done.values,
        _ => instance.values(),
    }
}
