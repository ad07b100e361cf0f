//! Policies: what happens when an attempt of an activity fails or takes too long.

use std::time::Duration;

use crate::finding::Fault;

/// The policy of an activity. What is not given is the task's own policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Policy {
    /// `retry N [every D[..MAX]] [then suspend]`.
    pub retry: Option<Retry>,
    /// `timeout D`: how long one attempt may take, in milliseconds.
    pub timeout_ms: Option<u64>,
}

/// How often an activity is attempted, and what follows then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Retry {
    /// Attempts in all, from 1. Lost ones do not count.
    pub attempts: u32,
    /// The bound of the first delay, in milliseconds; every further one is twice as long.
    pub first_ms: u64,
    /// The bound that no delay exceeds, in milliseconds.
    pub max_ms: u64,
    /// What follows when the attempts are used up.
    pub then: Exhausted,
}

/// A value that a policy, or a timer, is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The number of attempts.
    Attempts,
    /// The bound of the first delay.
    First,
    /// The bound that no delay exceeds.
    Max,
    /// How long an attempt may take.
    Timeout,
    /// How long a timer waits.
    Wait,
}

/// What follows when the attempts of an activity are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Exhausted {
    /// The activity fails.
    Fail,
    /// It rests as an incident until a person decides (`then suspend`).
    Suspend,
}

impl Policy {
    /// No clause at all.
    pub const NONE: Policy = Policy { retry: None, timeout_ms: None };

    /// This policy where it says something, else `own`.
    pub fn or(self, own: Policy) -> Policy {
        Policy { retry: self.retry.or(own.retry), timeout_ms: self.timeout_ms.or(own.timeout_ms) }
    }

    /// What makes no sense in it (B015), each with the value of which that is said.
    pub fn faults(&self) -> Vec<(Part, Fault)> {
        let mut faults = self.retry.map(|retry| retry.faults()).unwrap_or_default();
        if self.timeout_ms == Some(0) {
            faults.push((Part::Timeout, Fault::Zero { part: Part::Timeout }));
        }
        faults
    }
}

impl Retry {
    /// One attempt: what holds without a clause.
    pub const ONCE: Retry =
        Retry { attempts: 1, first_ms: 1_000, max_ms: 60_000, then: Exhausted::Fail };

    /// What holds for an undo whose task says nothing: an undo is worth many attempts.
    pub const UNDO: Retry =
        Retry { attempts: 10, first_ms: 1_000, max_ms: 3_600_000, then: Exhausted::Suspend };

    /// So many attempts, with the delays of [`ONCE`](Self::ONCE): up to 1 s after the first
    /// failure, doubled after each further one, at most 1 min.
    pub const fn times(attempts: u32) -> Self {
        Self { attempts, ..Self::ONCE }
    }

    /// The same with the bound of the first delay, and the one that no delay exceeds.
    pub const fn every(self, first: Duration, max: Duration) -> Self {
        Self { first_ms: millis(first), max_ms: millis(max), ..self }
    }

    /// The same with an incident for a person when the attempts are used up (`then suspend`).
    pub const fn then_suspend(self) -> Self {
        Self { then: Exhausted::Suspend, ..self }
    }

    fn faults(&self) -> Vec<(Part, Fault)> {
        let Retry { attempts, first_ms, max_ms, .. } = *self;
        let mut faults = Vec::new();
        if attempts == 0 {
            faults.push((Part::Attempts, Fault::Zero { part: Part::Attempts }));
        }
        if first_ms == 0 {
            faults.push((Part::First, Fault::Zero { part: Part::First }));
        }
        if max_ms < first_ms {
            faults.push((Part::Max, Fault::MaxBelowFirst { first_ms, max_ms }));
        }
        faults
    }

    /// The bound of the delay after so many failed attempts, in milliseconds.
    pub fn delay_ms(&self, failed: u32) -> u64 {
        let doublings = failed.saturating_sub(1).min(63);
        let delay = u128::from(self.first_ms) << doublings;
        u64::try_from(delay).unwrap_or(u64::MAX).min(self.max_ms.max(self.first_ms))
    }
}

const fn millis(duration: Duration) -> u64 {
    let millis = duration.as_millis();
    if millis > u64::MAX as u128 { u64::MAX } else { millis as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_bound_and_never_overflow() {
        let retry = Retry { attempts: 9, first_ms: 500, max_ms: 3_000, then: Exhausted::Fail };
        let delays: Vec<_> = (1..=5).map(|failed| retry.delay_ms(failed)).collect();
        assert_eq!(delays, [500, 1_000, 2_000, 3_000, 3_000]);
        let forever = Retry { first_ms: u64::MAX, max_ms: u64::MAX, ..retry };
        assert_eq!(forever.delay_ms(u32::MAX), u64::MAX);
    }

    #[test]
    fn a_clause_replaces_the_clause_of_the_same_word_as_a_whole() {
        let once = Policy { retry: Some(Retry::ONCE), timeout_ms: None };
        let own = Policy { retry: Some(Retry { attempts: 5, ..Retry::ONCE }), timeout_ms: Some(9) };
        assert_eq!(once.or(own), Policy { retry: Some(Retry::ONCE), timeout_ms: Some(9) });
    }
}
