//! An invariant of one instance that does not hold is an incident of that instance, whatever made
//! it so, and no other instance notices.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;
use crate::step::panic_text;
use crate::store;

use super::super::mailbox::Post;
use super::Dispatcher;

/// Takes a turn, or gives the text of what panicked in it.
pub(super) fn guarded<T>(turn: impl FnOnce() -> T) -> Result<T, String> {
    // What the turn has left half done is forgotten with its instance.
    catch_unwind(AssertUnwindSafe(turn)).map_err(|panic| panic_text(&*panic).to_owned())
}

impl Dispatcher {
    /// The instance leaves memory as if it could not be read: what is stored of it is whole, and
    /// every caller is told.
    pub(super) fn set_aside(&mut self, post: Post, broken: &str) {
        let instance = post.instance;
        let what = format!("an invariant of instance {instance} does not hold: {broken}");
        self.note_unreadable(instance, &Error::Store(store::Error::Corrupt(what.clone())));
        let queued = self.cache.remove(instance).map(|live| live.queue).unwrap_or_default();
        for answer in [post].into_iter().chain(queued).filter_map(|post| post.answer) {
            answer.send(Err(Error::Store(store::Error::Corrupt(what.clone()))));
        }
    }
}
