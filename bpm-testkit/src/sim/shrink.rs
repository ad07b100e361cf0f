//! From a failing run to a short one: what was drawn at random is a list of numbers, of which
//! stretches are left out and numbers are made smaller as long as the run still fails.

/// The shortest draws that were found for which `fails`; at most so many are tried.
pub fn shrink(
    mut draws: Vec<u32>,
    mut tries: usize,
    mut fails: impl FnMut(&[u32]) -> bool,
) -> Vec<u32> {
    loop {
        let before = draws.clone();
        let mut size = draws.len().max(1);
        while size > 0 && tries > 0 {
            leave_out(&mut draws, size, &mut tries, &mut fails);
            size /= 2;
        }
        lower(&mut draws, &mut tries, &mut fails);
        if draws == before || tries == 0 {
            return draws;
        }
    }
}

fn leave_out(
    draws: &mut Vec<u32>,
    size: usize,
    tries: &mut usize,
    fails: &mut impl FnMut(&[u32]) -> bool,
) {
    let mut at = 0;
    while at < draws.len() && *tries > 0 {
        let mut shorter = draws.clone();
        shorter.drain(at..draws.len().min(at + size));
        *tries -= 1;
        if fails(&shorter) {
            *draws = shorter;
        } else {
            at += size;
        }
    }
}

fn lower(draws: &mut [u32], tries: &mut usize, fails: &mut impl FnMut(&[u32]) -> bool) {
    for at in 0..draws.len() {
        for smaller in [0, draws[at] / 2, draws[at].saturating_sub(1)] {
            let was = draws[at];
            if smaller >= was || *tries == 0 {
                continue;
            }
            draws[at] = smaller;
            *tries -= 1;
            if fails(draws) {
                break;
            }
            draws[at] = was;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shrink;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let draws: Vec<u32> = (0..200).map(|at| at * 7 % 31).collect();
        let fails = |draws: &[u32]| draws.iter().filter(|draw| **draw >= 20).count() >= 2;
        assert_eq!(shrink(draws, 10_000, fails), [20, 20]);
    }
}
