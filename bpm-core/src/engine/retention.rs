//! How much of a long history is kept.

use crate::store::StateRow;

use super::options::EngineOptions;

/// A history is forgotten in parts of this many: each begins with a base, the state from which the
/// turns behind it can be told again.
const PARTS: u64 = 4;

/// The rule by which turns are forgotten.
///
/// ```text
///   turns   1 ......... step ......... 2·step ....... 3·step ....... 4·step = history_turns
///   bases                 ▲               ▲              ▲              ▲
///                         ╰── at turn 4·step everything up to here is forgotten
/// ```
#[derive(Clone, Copy)]
pub(super) struct Retention {
    /// Turns from one base to the next.
    step: u64,
    /// Turns that are kept at most.
    most: u64,
}

impl Retention {
    pub(super) fn of(options: &EngineOptions) -> Self {
        let step = (options.history_turns / PARTS).max(1);
        Self { step, most: step * PARTS }
    }

    /// Whether the state behind this turn is a base.
    pub(super) fn keeps_base(self, seq: u64) -> bool {
        seq.is_multiple_of(self.step)
    }

    /// Up to which turn the history may be forgotten with this one, if its row has a base: so far
    /// that there is room until the next base. The turn itself stays: by it the next one is known
    /// to be the next.
    pub(super) fn forgets(self, seq: u64, state: Option<&StateRow>) -> Option<u64> {
        let base = self.keeps_base(seq) && state?.snapshot.is_some();
        let next = seq.saturating_add(self.step);
        base.then(|| next.saturating_sub(self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Status;

    /// How many turns are kept at most, and at least once some were forgotten.
    fn kept(turns: u64) -> (u64, u64) {
        let snapshot = Some(String::new());
        let (status, tokens) = (Status::Running, String::new());
        let state = StateRow { status, active: true, tokens, snapshot, outcome: None };
        let options = EngineOptions { history_turns: turns, ..Default::default() };
        let retention = Retention::of(&options);
        let (mut bases, mut forgotten, mut most, mut least) = (Vec::new(), 0, 0, u64::MAX);
        for seq in 1..=100 {
            if let Some(until) = retention.forgets(seq, Some(&state)) {
                bases.push(seq);
                forgotten = bases.iter().copied().rfind(|base| *base <= until).unwrap_or(0);
            }
            most = most.max(seq - forgotten);
            least = if forgotten > 0 { least.min(seq - forgotten) } else { least };
        }
        (most, least)
    }

    #[test]
    fn no_more_turns_are_kept_than_the_option_says_and_not_much_fewer() {
        assert_eq!(kept(0), (3, 3));
        assert_eq!(kept(4), (3, 3));
        assert_eq!(kept(7), (3, 3));
        assert_eq!(kept(40), (39, 30));
        assert_eq!(kept(43), (39, 30));
        assert_eq!(kept(u64::MAX).0, 100);
    }

    #[test]
    fn nothing_is_forgotten_without_a_base() {
        let retention = Retention::of(&EngineOptions { history_turns: 4, ..Default::default() });
        assert_eq!(retention.forgets(8, None), None);
    }
}
