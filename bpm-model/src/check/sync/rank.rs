//! The rank of a sparse matrix of small integers.
//!
//! It is taken modulo two primes near 2^60, and the larger is the rank: the one modulo a prime is
//! never too large, and it is too small only if the prime divides every largest minor that is not
//! zero. No matrix of ±1 that fits the bound on gates is known to, or can by accident.

use std::collections::{BTreeMap, BTreeSet};

const PRIMES: [u64; 2] = [(1 << 61) - 1, (1 << 59) - 55];

/// The rank of a matrix given by its rows.
pub(super) fn rank(rows: &[BTreeMap<usize, i64>]) -> usize {
    PRIMES.iter().map(|prime| rank_modulo(rows, *prime)).max().unwrap_or(0)
}

/// Elimination that takes the shortest row and in it the rarest column, so that it stays sparse.
fn rank_modulo(rows: &[BTreeMap<usize, i64>], prime: u64) -> usize {
    let residue = |value: i64| (value.rem_euclid(prime as i64)) as u64;
    let mut rows: Vec<BTreeMap<usize, u64>> = rows
        .iter()
        .map(|row| row.iter().map(|(column, value)| (*column, residue(*value))).collect())
        .collect();
    let mut columns: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        for column in row.keys() {
            columns.entry(*column).or_default().insert(at);
        }
    }
    let mut by_length: BTreeSet<(usize, usize)> =
        rows.iter().enumerate().map(|(at, row)| (row.len(), at)).collect();
    let mut rank = 0;
    while let Some((length, at)) = by_length.pop_first() {
        if length == 0 {
            continue;
        }
        rank += 1;
        let pivot_row = std::mem::take(&mut rows[at]);
        for column in pivot_row.keys() {
            columns.get_mut(column).map(|users| users.remove(&at));
        }
        let users = |column: &usize| columns.get(column).map_or(0, BTreeSet::len);
        let Some(column) = pivot_row.keys().copied().min_by_key(users) else { continue };
        let inverse = power(pivot_row[&column], prime - 2, prime);
        for user in columns.get(&column).cloned().unwrap_or_default() {
            by_length.remove(&(rows[user].len(), user));
            let factor = times(rows[user][&column], inverse, prime);
            subtract(&mut rows[user], &pivot_row, factor, prime);
            for touched in pivot_row.keys() {
                let set = columns.entry(*touched).or_default();
                match rows[user].contains_key(touched) {
                    true => set.insert(user),
                    false => set.remove(&user),
                };
            }
            by_length.insert((rows[user].len(), user));
        }
    }
    rank
}

fn subtract(row: &mut BTreeMap<usize, u64>, other: &BTreeMap<usize, u64>, factor: u64, prime: u64) {
    for (column, value) in other {
        let old = row.get(column).copied().unwrap_or(0);
        let new = (old + prime - times(*value, factor, prime)) % prime;
        match new {
            0 => row.remove(column),
            _ => row.insert(*column, new),
        };
    }
}

fn times(a: u64, b: u64, prime: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(prime)) as u64
}

fn power(mut base: u64, mut exponent: u64, prime: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base, prime);
        }
        base = times(base, base, prime);
        exponent >>= 1;
    }
    result
}
