//! A clock that goes on only when a test says so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bpm_core::clock::{Clock, Timestamp};

/// A virtual clock for engines: fourteen days pass in the time of a call.
///
/// Clones are the same clock. Give one to `Engine::builder().clock(…)` and keep one to advance.
/// What becomes due by that happens soon after, on the engine's own thread: await it, by `outcome`
/// or `watch`. A wait that began before the clock is advanced counts, and a start has begun the
/// first ones when it returns; but the time of an attempt begins when it is launched, which may be
/// a little later.
///
/// ```
/// use std::time::Duration;
///
/// use bpm_core::definition::ProcessDefinition;
/// use bpm_core::engine::Engine;
/// use bpm_core::store::Memory;
/// use bpm_testkit::clock::TestClock;
/// use serde_json::json;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let reminder = ProcessDefinition::builder("reminder")
///     .start("start").wait("cool_off", "14d").service("remind").end("end")
///     .edge("start", "cool_off").edge("cool_off", "remind").edge("remind", "end")
///     .build()?;
/// let clock = TestClock::new();
/// let engine = Engine::builder()
///     .store(Memory::new())
///     .clock(clock.clone())
///     .definition(reminder)
///     .handler("remind", |_| async { Ok::<_, String>(json!({ "reminded": true })) })
///     .start()
///     .await?;
///
/// let run = engine.start_definition("reminder", json!({})).await?;
/// clock.advance(Duration::from_secs(14 * 24 * 60 * 60));
/// assert_eq!(run.outcome().await?.completed()?, json!({ "reminded": true }));
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().expect("a runtime").block_on(run()).expect("it runs");
/// ```
#[derive(Clone)]
pub struct TestClock(Arc<Inner>);

struct Inner {
    time: Mutex<Time>,
    wakes: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
}

struct Time {
    monotonic: Duration,
    /// The wall clock as it was last set, and the monotonic time of that.
    wall: Timestamp,
    set_at: Duration,
}

impl TestClock {
    /// A clock that shows 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        Self::at(Timestamp::from_millis(1_767_225_600_000))
    }

    /// A clock that shows this time.
    pub fn at(wall: Timestamp) -> Self {
        let time = Time { monotonic: Duration::ZERO, wall, set_at: Duration::ZERO };
        Self(Arc::new(Inner { time: Mutex::new(time), wakes: Mutex::default() }))
    }

    /// Lets time pass, for the wall clock too, and wakes the engines that use the clock.
    pub fn advance(&self, duration: Duration) {
        {
            let mut time = self.time();
            time.monotonic = time.monotonic.saturating_add(duration);
        }
        self.wake();
    }

    /// Sets the wall clock, forwards or backwards, as an administrator does. No time passes.
    pub fn set_wall(&self, wall: Timestamp) {
        {
            let mut time = self.time();
            time.set_at = time.monotonic;
            time.wall = wall;
        }
        self.wake();
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.0.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wakes(&self) -> MutexGuard<'_, Vec<Box<dyn Fn() + Send + Sync>>> {
        self.0.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.wakes().iter().for_each(|wake| wake());
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TestClock {
    fn wall(&self) -> Timestamp {
        let time = self.time();
        time.wall.after(time.monotonic.saturating_sub(time.set_at))
    }

    fn monotonic(&self) -> Duration {
        self.time().monotonic
    }

    /// Not at all if the deadline is past, else until somebody advances the clock.
    fn sleep(&self, deadline: Duration) -> Option<Duration> {
        (deadline <= self.monotonic()).then_some(Duration::ZERO)
    }

    fn on_advance(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.wakes().push(wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_jumps_and_the_monotonic_one_goes_on() {
        let clock = TestClock::at(Timestamp::from_millis(1_000));
        let same = clock.clone();
        clock.advance(Duration::from_millis(500));
        assert_eq!((same.wall().as_millis(), same.monotonic().as_millis()), (1_500, 500));
        clock.set_wall(Timestamp::from_millis(-7));
        assert_eq!((same.wall().as_millis(), same.monotonic().as_millis()), (-7, 500));
        // Parts of a millisecond add up.
        (0..4).for_each(|_| clock.advance(Duration::from_micros(250)));
        assert_eq!((same.wall().as_millis(), same.monotonic().as_millis()), (-6, 501));
    }

    #[test]
    fn whoever_registered_is_woken() {
        let clock = TestClock::new();
        let woken = Arc::new(Mutex::new(0));
        let count = Arc::clone(&woken);
        clock.clone().on_advance(Box::new(move || *count.lock().unwrap() += 1));
        clock.advance(Duration::ZERO);
        clock.set_wall(Timestamp::default());
        assert_eq!(*woken.lock().unwrap(), 2);
        assert_eq!(clock.sleep(Duration::from_millis(1)), None);
        assert_eq!(clock.sleep(Duration::ZERO), Some(Duration::ZERO));
    }
}
