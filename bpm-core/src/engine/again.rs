//! What could not be done because the store failed, and is tried again a while later.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ids::InstanceId;

use super::mailbox::{Message, Post};

/// How long it waits.
const AFTER: Duration = Duration::from_millis(100);

/// In the order in which it was put here, and so in the order of its time.
#[derive(Default)]
pub(super) struct Again(VecDeque<(Duration, Message)>);

impl Again {
    /// Keeps a message until a while after now.
    pub(super) fn put(&mut self, now: Duration, message: Message) {
        self.0.push_back((now.saturating_add(AFTER), message));
    }

    /// The next message whose time has come.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Message> {
        let (at, _) = self.0.front()?;
        if *at > now {
            return None;
        }
        self.0.pop_front().map(|(_, message)| message)
    }

    /// When the next message is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.front().map(|(at, _)| *at)
    }

    /// Whether something waits to be delivered.
    pub(super) fn has_posts(&self) -> bool {
        self.0.iter().any(|(_, message)| matches!(message, Message::Post(_)))
    }

    /// What waits to be delivered to an instance.
    pub(super) fn posts(&self, instance: InstanceId) -> impl Iterator<Item = &Post> {
        self.0.iter().filter_map(move |(_, message)| match message {
            Message::Post(post) if post.instance == instance => Some(post),
            _ => None,
        })
    }
}
