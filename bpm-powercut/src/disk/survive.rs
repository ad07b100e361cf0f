//! What a cut keeps of the changes since the last flush.

use bpm_testkit::arbitrary::Random;

use super::{Change, File, SECTOR, put};

/// How a cut treats what was not flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Survivors {
    Nothing,
    Everything,
    /// What was done up to this call; that one may be torn.
    Until(u64),
    /// Each change by chance, writes torn.
    Some,
    /// Each file in another of these ways.
    Each {
        calls: u64,
    },
}

impl Survivors {
    pub(super) fn draw(random: &mut Random, calls: u64) -> Self {
        match random.below(6) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 | 3 => Self::until(random, calls),
            4 => Self::Some,
            _ => Self::Each { calls },
        }
    }

    fn until(random: &mut Random, calls: u64) -> Self {
        // The last calls are the ones that are not flushed.
        let back = random.below(usize::try_from(calls.min(24)).unwrap_or(0) + 1) as u64;
        Self::Until(if calls == u64::MAX { calls } else { calls - back })
    }

    fn of_one(self, random: &mut Random) -> Self {
        let Self::Each { calls } = self else { return self };
        match random.below(4) {
            0 => Self::Nothing,
            1 => Self::Everything,
            2 => Self::until(random, calls),
            _ => Self::Some,
        }
    }

    pub(super) fn keep_entry(self, random: &mut Random, call: u64) -> bool {
        match self.of_one(random) {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Until(last) => call <= last,
            Self::Some | Self::Each { .. } => random.below(2) == 0,
        }
    }

    /// The content of a file after the cut.
    pub(super) fn of(self, random: &mut Random, file: &File) -> Vec<u8> {
        let survivors = self.of_one(random);
        let mut content = file.durable.clone();
        for (call, change) in &file.changes {
            match survivors {
                Self::Nothing => {}
                Self::Everything => change.apply(&mut content),
                Self::Until(last) if *call < last => change.apply(&mut content),
                Self::Until(last) if *call == last => tear(random, change, &mut content),
                Self::Until(_) => {}
                Self::Some | Self::Each { .. } => tear(random, change, &mut content),
            }
        }
        content
    }
}

/// Applies a change, none of it, or some sectors of it. A sector that is lost may have made the
/// file longer all the same: length and content are written apart.
fn tear(random: &mut Random, change: &Change, content: &mut Vec<u8>) {
    let chance = random.below(4);
    match change {
        _ if chance == 0 => {}
        _ if chance == 1 => change.apply(content),
        Change::Truncate(_) => {}
        Change::Write { at, bytes } => {
            for (at, sector) in sectors(*at, bytes) {
                match random.below(8) {
                    0..4 => put(content, at, sector),
                    4 if content.len() < at + sector.len() => content.resize(at + sector.len(), 0),
                    _ => {}
                }
            }
        }
    }
}

/// A write by the sectors of the disk that it touches.
fn sectors(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let first = (SECTOR - at % SECTOR).min(bytes.len());
    let (head, rest) = bytes.split_at(first);
    let rest =
        rest.chunks(SECTOR).enumerate().map(move |(n, part)| (at + first + n * SECTOR, part));
    std::iter::once((at, head)).chain(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Disk, Image};

    #[test]
    fn a_write_is_torn_at_sectors() {
        let bytes = [7; 1_300];
        let parts: Vec<_> = sectors(500, &bytes).map(|(at, part)| (at, part.len())).collect();
        assert_eq!(parts, [(500, 12), (512, 512), (1_024, 512), (1_536, 264)]);
    }

    /// What is flushed stays; of what is not, every part is lost in some cut and kept in another.
    #[test]
    fn a_cut_keeps_what_was_flushed_and_any_part_of_the_rest() {
        let (mut kept, mut lost, mut torn, mut unnamed) = (0, 0, 0, 0);
        for seed in 0..200 {
            let disk = Disk::new(&Image::new(), seed);
            let file = disk.open("a", true).unwrap();
            disk.write(file, 0, &[1; 1_024]).unwrap();
            disk.sync(file, true).unwrap();
            disk.write(file, 1_024, &[2; 1_024]).unwrap();
            disk.open("b", true).unwrap();
            let left = disk.cut();
            assert_eq!(left["a"][..1_024], [1; 1_024], "seed {seed}");
            let rest: Vec<bool> = left["a"][1_024..].iter().map(|byte| *byte == 2).collect();
            let twos = rest.iter().filter(|two| **two).count();
            kept += usize::from(twos == 1_024);
            lost += usize::from(twos == 0);
            torn += usize::from(twos == 512);
            unnamed += usize::from(!left.contains_key("b"));
            assert!(disk.write(file, 0, &[3]).is_err(), "the power is off");
        }
        let counts = [kept, lost, torn, unnamed];
        assert!(counts.iter().all(|count| *count > 5), "{counts:?}");
    }
}
