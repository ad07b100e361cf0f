//! Suspending: no token moves and no attempt begins until someone resumes the instance. What is in
//! flight may end, and its result is kept; the token rests behind it.

use std::collections::BTreeSet;

use crate::change::Change;
use crate::event::{Actor, Event, ScopeId};
use crate::instance::PROCESS;
use crate::planted;
use crate::refused::Refused;

use super::Turn;

impl Turn<'_> {
    /// Nobody moves a token of a suspended instance. Attempts in flight may end; one that was lost
    /// is judged at the resumption, when it can be dispatched again.
    pub(super) fn admit_while_suspended(&self, event: &Event) -> Result<(), Refused> {
        match event {
            Event::UserTaskCompleted { .. }
            | Event::TimerFired { .. }
            | Event::TaskLost { .. }
            | Event::IncidentRetried { .. }
            | Event::IncidentSkipped { .. }
            | Event::IncidentFailed { .. }
            | Event::Continued => self.admit_awake(),
            _ => Ok(()),
        }
    }

    pub(super) fn admit_awake(&self) -> Result<(), Refused> {
        let instance = self.instance.id;
        match self.instance.suspended() {
            Some(by) => Err(Refused::Suspended { instance, by: by.by.clone(), at: by.at }),
            None => Ok(()),
        }
    }

    pub(super) fn admit_resume(&self) -> Result<(), Refused> {
        let instance = self.instance.id;
        match self.instance.suspended() {
            Some(_) => Ok(()),
            None => {
                let resumed = self.instance.resumed().cloned();
                Err(Refused::NotSuspended { instance, resumed })
            }
        }
    }

    pub(super) fn suspend(&mut self, actor: &Actor) {
        let (actor, at) = (actor.clone(), self.current.now);
        self.record(Change::ProcessSuspended { actor, at });
    }

    /// What could not go on goes on: tokens move, or the undoing does.
    pub(super) fn resume(&mut self, actor: &Actor) {
        self.lift_suspension(actor);
        let scopes = self.instance.scopes().iter().map(|opened| opened.scope);
        let unwinders = scopes.chain([PROCESS]).filter_map(|scope| self.instance.unwinder(scope));
        let unwinders: BTreeSet<ScopeId> = unwinders.collect();
        planted!(ResumedRests => return);
        unwinders.into_iter().for_each(|scope| self.settle(scope));
    }

    pub(super) fn lift_suspension(&mut self, actor: &Actor) {
        if self.instance.suspended().is_some() {
            let (actor, at) = (actor.clone(), self.current.now);
            self.record(Change::ProcessResumed { actor, at });
        }
    }
}
