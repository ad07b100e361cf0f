//! What the engine's handle and its threads share.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, broadcast, oneshot};

use crate::clock::{Clock, Slewed, Timestamp};
use crate::error::Error;
use crate::event::Event;
use crate::history::Recorded;
use crate::ids::InstanceId;
use crate::planted;
use crate::refused::Refused;
use crate::store::{self, Store};

use super::mailbox::{Answer, Mailbox, Message, Post};
use super::options::EngineOptions;
use super::registry::Registry;
use super::statistics::Counters;
use super::turn::PendingTurn;
use super::unreadable::Unreadable;
use super::watch::Observed;

/// The engine, as its handle and its threads see it.
pub(super) struct Shared {
    pub(super) store: Arc<dyn Store>,
    pub(super) registry: Registry,
    pub(super) options: EngineOptions,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) clock: Arc<EngineTime>,
    pub(super) watchers: Watchers,
    pub(super) counters: Counters,
    pub(super) unreadable: Unreadable,
    pub(super) calls: Arc<Semaphore>,
    pub(super) runtime: Handle,
}

impl Shared {
    /// Sends the dispatcher what needs an answer, and awaits that. Waits its turn while the
    /// mailbox is full.
    pub(super) async fn call(
        &self,
        message: impl FnOnce(Answer) -> Message,
    ) -> Result<InstanceId, Error> {
        if self.mailbox.is_closed() {
            return Err(Refused::ShuttingDown.into());
        }
        let permit = Arc::clone(&self.calls).acquire_owned().await.map_err(|_| Error::Stopped)?;
        let (sender, answer) = oneshot::channel();
        self.mailbox.post(message(Answer { sender, permit }));
        answer.await.map_err(|_| Error::Stopped)?
    }

    /// Brings an event to its instance, and awaits that it is durable or refused.
    pub(super) async fn deliver(&self, instance: InstanceId, event: Event) -> Result<(), Error> {
        if let Some(actor) = event.actor() {
            self.options.check_name("the actor's name", actor.name())?;
        }
        let post = |answer| Message::Post(Post { instance, event, answer: Some(answer) });
        self.call(post).await.map(drop)
    }

    /// Asks the store, on a thread that may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Store) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(&self.store);
        let answer = self.runtime.spawn_blocking(move || ask(&*store)).await;
        Ok(answer.map_err(|_| Error::Stopped)??)
    }
}

/// The engine's time: never below what is stored, never backwards, whatever the wall clock does.
pub(super) struct EngineTime {
    clock: Arc<dyn Clock>,
    time: Mutex<Slewed>,
}

/// No sleep is longer than this, so that what the time is corrected by meanwhile
/// makes nobody late by more than 30 ms.
const SLEEP: Duration = Duration::from_secs(60);

/// Two clocks that are read within so short a time are read at once.
const AT_ONCE: Duration = Duration::from_millis(1);

impl EngineTime {
    /// Time that goes on from the wall clock, or from `latest` if that is later.
    pub(super) fn from(clock: Arc<dyn Clock>, latest: Timestamp) -> Self {
        let time = Slewed::from(clock.wall().max(latest), clock.monotonic());
        Self { time: Mutex::new(time), clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        planted!(ClockRaw => return self.clock.wall());
        self.slewed().time()
    }

    /// Reads both clocks, one reader after another.
    fn slewed(&self) -> Slewed {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        let (monotonic, wall) = (self.clock.monotonic(), self.clock.wall());
        let at_once = self.clock.monotonic().saturating_sub(monotonic) < AT_ONCE;
        *time = time.at(monotonic, at_once.then_some(wall));
        *time
    }

    /// The clock's monotonic time, by which the engine's own deadlines are measured.
    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    /// The clock's monotonic time when the engine's time is `at`, if nothing is corrected until
    /// then.
    pub(super) fn monotonic_at(&self, at: Timestamp) -> Duration {
        self.slewed().monotonic_at(at)
    }

    /// The wall clock, by which calendar rules go.
    pub(super) fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    /// The clock's monotonic time when the wall clock shows `at`, if nobody sets it until then.
    pub(super) fn monotonic_at_wall(&self, at: Timestamp) -> Duration {
        self.clock.monotonic().saturating_add(at.since(self.clock.wall()))
    }

    /// How long to sleep until a deadline, or until it is to be looked at again; `None`: until the
    /// clock says so.
    pub(super) fn sleep(&self, deadline: Duration) -> Option<Duration> {
        self.clock.sleep(deadline).map(|sleep| sleep.min(SLEEP))
    }

    /// Has `wake` called whenever the clock is set forward by hand.
    pub(super) fn on_advance(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.clock.on_advance(wake);
    }
}

/// Those who watch what becomes durable, until the engine stops.
pub(super) struct Watchers(Mutex<Option<broadcast::Sender<Arc<Observed>>>>);

impl Watchers {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Some(broadcast::channel(capacity.max(1)).0)))
    }

    /// A stream of what comes; when the engine has stopped, nothing does.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Observed>> {
        match &*self.lock() {
            Some(sender) => sender.subscribe(),
            None => broadcast::channel(1).1,
        }
    }

    /// Tells what a durable turn did, if anyone watches. They get its event and changes.
    pub(super) fn tell(&self, turn: &mut PendingTurn) {
        let process = turn.registered.definition.name();
        self.send(turn.instance, process, || Recorded {
            seq: turn.seq,
            at: turn.at,
            event: mem::replace(&mut turn.event, Event::Continued),
            changes: mem::take(&mut turn.changes),
        });
    }

    /// Tells of a turn, if anyone watches.
    pub(super) fn send(
        &self,
        instance: InstanceId,
        process: &str,
        recorded: impl FnOnce() -> Recorded,
    ) {
        let sender = self.lock();
        if let Some(sender) = sender.as_ref().filter(|sender| sender.receiver_count() > 0) {
            let (process, recorded) = (process.to_owned(), recorded());
            // Nobody watches any more if this fails.
            let _ = sender.send(Arc::new(Observed { instance, process, recorded }));
        }
    }

    /// Ends the streams.
    pub(super) fn close(&self) {
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<broadcast::Sender<Arc<Observed>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
