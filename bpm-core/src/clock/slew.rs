//! The engine's time as a function of the machine's two clocks: it goes on with the monotonic one
//! and is drawn to the wall clock so slowly that it never goes backwards.

use std::time::Duration;

use super::Timestamp;

/// How far the engine's time is corrected at most: this part of the time that has passed, 0.05 %.
/// An hour that the wall clock is ahead is caught up in twelve weeks, a second in 34 minutes.
const PART: i128 = 2_000;

/// The wall clock is read in milliseconds: a difference that small is none.
const SLACK: i128 = NANOS_PER_MILLI;

const NANOS_PER_MILLI: i128 = 1_000_000;

/// The engine's time, and the monotonic time at which it was that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slewed {
    monotonic: Duration,
    /// Since 1970.
    nanos: i128,
}

impl Slewed {
    /// Time that begins.
    pub(crate) fn from(time: Timestamp, monotonic: Duration) -> Self {
        Self { monotonic, nanos: nanos(time) }
    }

    /// The time when the clocks show this. An earlier monotonic time changes nothing; without a
    /// wall clock nothing is corrected.
    pub(crate) fn at(self, monotonic: Duration, wall: Option<Timestamp>) -> Self {
        let Some(passed) = monotonic.checked_sub(self.monotonic) else { return self };
        let passed = i128::try_from(passed.as_nanos()).unwrap_or(i128::MAX / 4);
        let nanos = self.nanos.saturating_add(passed);
        let ahead = wall.map_or(0, |wall| self::nanos(wall).saturating_sub(nanos));
        let most = passed / PART;
        let correction = if ahead.abs() < SLACK { 0 } else { ahead.clamp(-most, most) };
        Self { monotonic, nanos: nanos.saturating_add(correction) }
    }

    /// The time in whole milliseconds.
    pub(crate) fn time(self) -> Timestamp {
        let millis = self.nanos.div_euclid(NANOS_PER_MILLI);
        let end = if millis < 0 { i64::MIN } else { i64::MAX };
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(end))
    }

    /// The monotonic time when it is `time`, if nothing is corrected until then.
    pub(crate) fn monotonic_at(self, time: Timestamp) -> Duration {
        let wait = nanos(time).saturating_sub(self.nanos).max(0);
        let wait = Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX));
        self.monotonic.saturating_add(wait)
    }
}

fn nanos(time: Timestamp) -> i128 {
    i128::from(time.as_millis()) * NANOS_PER_MILLI
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::mix;

    const SECOND: Duration = Duration::from_secs(1);
    const YEAR_MS: i64 = 365 * 86_400_000;
    const BEGIN: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    /// Numbers that a seed leads to.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = mix(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15));
            self.0 % bound
        }

        /// From a second to a year, forwards or backwards: every size as often as the others.
        fn jump(&mut self) -> i64 {
            let size = (1_000 << self.below(26)).min(YEAR_MS);
            if self.below(2) == 0 { size } else { -size }
        }
    }

    /// Time goes on in steps, and the wall clock jumps now and then.
    fn follow(seed: u64, mut check: impl FnMut(Slewed, Slewed, Timestamp)) {
        let mut dice = Dice(seed);
        let (mut time, mut monotonic, mut offset) = (Slewed::from(BEGIN, SECOND), SECOND, 0);
        for _ in 0..300 {
            if dice.below(10) == 0 {
                offset += dice.jump();
            }
            let most = 1 << dice.below(44);
            monotonic += Duration::from_nanos(dice.below(most));
            let passed = i64::try_from((monotonic - SECOND).as_millis()).unwrap();
            let wall = Timestamp::from_millis(BEGIN.as_millis() + passed + offset);
            let next = time.at(monotonic, (dice.below(8) > 0).then_some(wall));
            check(time, next, wall);
            time = next;
        }
    }

    #[test]
    fn it_never_goes_backwards_and_never_much_faster_or_slower_than_time_passes() {
        for seed in 0..300 {
            follow(seed, |before, after, _| {
                let passed = (after.monotonic - before.monotonic).as_nanos().cast_signed();
                let went = after.nanos - before.nanos;
                assert!(went >= 0 && after.time() >= before.time(), "seed {seed}");
                assert!((went - passed).abs() <= passed / PART, "seed {seed}");
            });
        }
    }

    #[test]
    fn it_never_moves_away_from_the_wall_clock_nor_past_it() {
        for seed in 0..300 {
            follow(seed, |before, after, wall| {
                let passed = (after.monotonic - before.monotonic).as_nanos().cast_signed();
                let without = nanos(wall) - before.nanos - passed;
                let with = nanos(wall) - after.nanos;
                assert!(with.abs() <= without.abs(), "seed {seed}");
                assert!(with == 0 || with.signum() == without.signum(), "seed {seed}");
            });
        }
    }

    /// A timer fires when the time is there: not before `monotonic_at`, by more than the
    /// correction, and when the time is asked then again, at the latest after a few times.
    #[test]
    fn a_sleeper_who_asks_again_wakes_when_it_is_time() {
        for seed in 0..300 {
            follow(seed, |_, time, wall| {
                let mut dice = Dice(seed);
                let due = time.time().after(Duration::from_millis(dice.below(1 << 36)));
                let (mut now, mut wakes) = (time, 0);
                while now.time() < due {
                    let deadline = now.monotonic_at(due);
                    assert!(deadline > now.monotonic, "seed {seed}: nobody sleeps in vain");
                    let wall = wall.after(deadline - time.monotonic);
                    now = now.at(deadline, Some(wall));
                    wakes += 1;
                }
                assert!(wakes <= 6, "seed {seed}: {wakes}");
                let late = now.time().since(due).as_millis() as i128;
                let slept = (now.monotonic - time.monotonic).as_millis() as i128;
                assert!(late <= slept / PART + 1, "seed {seed}: {late} of {slept}");
            });
        }
    }

    #[test]
    fn it_comes_to_the_wall_clock() {
        for (jump, hours) in [(1_000, 1), (-1_000, 1), (60_000, 34), (-60_000, 34)] {
            let mut time = Slewed::from(BEGIN, Duration::ZERO);
            for second in 1..=hours * 3_600 {
                let wall = Timestamp::from_millis(BEGIN.as_millis() + jump + second * 1_000);
                time = time.at(SECOND * u32::try_from(second).unwrap(), Some(wall));
                let off = wall.as_millis() - time.time().as_millis();
                assert!(second < hours * 3_600 || off.abs() <= 1, "{jump}: {off} ms");
            }
        }
    }

    /// Without jumps it is the monotonic time, to the nanosecond.
    #[test]
    fn clocks_that_agree_correct_nothing() {
        let mut time = Slewed::from(BEGIN, SECOND);
        for step in 1..100_000_u32 {
            let passed = Duration::from_nanos(777_777) * step;
            time = time.at(SECOND + passed, Some(BEGIN.after(passed)));
        }
        assert_eq!(time.nanos - nanos(BEGIN), 777_777 * 99_999);
    }
}
