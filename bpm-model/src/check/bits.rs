//! Sets of small numbers.

/// A set of numbers below a bound that is fixed when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// The empty set.
    pub(super) fn none(bound: usize) -> Bits {
        Bits { words: vec![0; bound.div_ceil(64)] }
    }

    /// The set of everything.
    pub(super) fn all(bound: usize) -> Bits {
        Bits { words: vec![u64::MAX; bound.div_ceil(64)] }
    }

    /// Whether `at` is in it.
    pub(super) fn has(&self, at: usize) -> bool {
        self.words[at / 64] & (1 << (at % 64)) != 0
    }

    /// Adds `at`.
    pub(super) fn add(&mut self, at: usize) {
        self.words[at / 64] |= 1 << (at % 64);
    }

    /// Removes `at`.
    pub(super) fn remove(&mut self, at: usize) {
        self.words[at / 64] &= !(1 << (at % 64));
    }

    /// Keeps what is in `other` too.
    pub(super) fn keep(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    /// Removes what is in `other`.
    pub(super) fn drop(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    /// Adds all that is in `other`.
    pub(super) fn merge(&mut self, other: &Bits) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// What is in it, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        let bits = self.words.len() * 64;
        (0..bits).filter(|at| self.words[at / 64] != 0 && self.has(*at))
    }

    /// What is in both.
    pub(super) fn both(&self, other: &Bits) -> Bits {
        let mut both = self.clone();
        both.keep(other);
        both
    }
}
