//! Timers: found in the order of their due times, until they are closed.

use bpm_core::ids::InstanceId;
use bpm_core::store::{Store, TimerRow, TurnRows, Verdict};

use super::rows::{calendar, start, timer, turn};
use super::{Places, ok, refused, write};

/// Timers are read in the order in which they are due, in pages; each is set once and
/// closed once.
pub fn timers<S: Store>(places: Places<'_, S>) {
    order(places);
    pages(places);
    strictness(places);
}

fn sets(turn: TurnRows, timers: &[TimerRow]) -> TurnRows {
    TurnRows { timers_set: timers.to_vec(), ..turn }
}

fn closes(turn: TurnRows, timers: &[u64]) -> TurnRows {
    TurnRows { timers_closed: timers.to_vec(), ..turn }
}

/// By due time, then by instance, then by number; by the wall clock behind the others. Times
/// before 1970 are times.
fn order<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    assert_eq!(ok(store.timers(None, 10)), []);
    let set = [timer(2, 1, 70), timer(2, 2, 50), timer(2, 3, -5)];
    write(&store, vec![start(1, None), sets(start(2, None), &set)]);
    write(
        &store,
        vec![sets(turn(1, 2), &[timer(1, 9, 50), timer(1, 4, 50), timer(1, 8, i64::MAX)])],
    );
    write(&store, vec![sets(turn(1, 3), &[calendar(1, 10, 60), calendar(1, 11, -7)])]);
    let mut expected = vec![
        timer(2, 3, -5),
        timer(1, 4, 50),
        timer(1, 9, 50),
        timer(2, 2, 50),
        timer(2, 1, 70),
        timer(1, 8, i64::MAX),
        calendar(1, 11, -7),
        calendar(1, 10, 60),
    ];
    assert_eq!(ok(store.timers(None, 10)), expected);
    let one_turn = TurnRows { timers_closed: vec![3, 5], ..sets(turn(2, 2), &[timer(2, 5, 1)]) };
    write(&store, vec![closes(turn(1, 4), &[9]), one_turn]);
    expected.retain(|row| {
        ![(1, 9), (2, 3)]
            .map(|(n, of)| timer(n, of, 0))
            .iter()
            .any(|closed| (closed.instance, closed.timer) == (row.instance, row.timer))
    });
    assert_eq!(ok(store.timers(None, 10)), expected, "also one that is set and closed in a turn");
}

/// A page begins behind a timer, whether that one is still set or not.
fn pages<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let mut all: Vec<TimerRow> = Vec::new();
    let turns = (0..50).map(|n| {
        // Many are due at the same time.
        let rows = [
            timer(n, 1, i64::from(n % 7)),
            timer(n, 2, i64::from(n % 5)),
            calendar(n, 3, i64::from(n % 3)),
        ];
        all.extend_from_slice(&rows);
        sets(start(n, None), &rows)
    });
    write(&store, turns.collect());
    all.sort();
    assert_eq!(ok(store.timers(None, 0)), []);
    assert_eq!(ok(store.timers(None, usize::MAX >> 1)), all);
    assert_eq!(walk(&store, 7), all);
    assert_eq!(walk(&store, 1), all);
    let last = all.last().expect("there are timers").clone();
    assert_eq!(ok(store.timers(Some(&last), 9)), []);
    // What fires is closed while the pages are read.
    let gone = all[10].clone();
    write(&store, vec![closes(turn(number(gone.instance), 2), &[gone.timer])]);
    assert_eq!(ok(store.timers(Some(&gone), 3)), all[11..14]);
    assert_eq!(ok(store.timers(Some(&all[9]), 3)), all[11..14]);
}

fn walk(store: &impl Store, page: usize) -> Vec<TimerRow> {
    let mut read: Vec<TimerRow> = Vec::new();
    loop {
        let next = ok(store.timers(read.last(), page));
        assert!(next.len() <= page, "a page has {} rows, not {page}", next.len());
        if next.is_empty() {
            return read;
        }
        read.extend(next);
    }
}

fn number(instance: InstanceId) -> u8 {
    instance.as_bytes()[15]
}

/// To set what is set, or to close what is not, refuses the turn, and nothing of it is kept.
fn strictness<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    write(&store, vec![sets(start(1, None), &[timer(1, 1, 10)]), start(2, None)]);
    let stale = |turn| refused(&store, turn, Verdict::Stale);
    stale(sets(turn(1, 2), &[timer(1, 1, 99)]));
    stale(sets(turn(1, 2), &[timer(1, 2, 20), timer(1, 2, 30)]));
    stale(closes(turn(1, 2), &[2]));
    stale(closes(turn(1, 2), &[1, 1]));
    stale(closes(turn(1, 2), &[1, 2]));
    stale(closes(turn(2, 2), &[1]));
    stale(sets(turn(1, 1), &[timer(1, 2, 20)]));
    assert_eq!(ok(store.timers(None, 9)), [timer(1, 1, 10)], "no trace of what was refused");
    write(&store, vec![sets(turn(2, 2), &[timer(2, 1, 10)]), closes(turn(1, 2), &[1])]);
    stale(closes(turn(1, 3), &[1]));
    assert_eq!(ok(store.timers(None, 9)), [timer(2, 1, 10)], "numbers are the instance's own");
}

/// Everything that is set is there again after closing, and after dropping.
pub fn lasting_timers<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let set = [timer(1, 1, 10), timer(1, 2, 20), calendar(1, 3, 5)];
    write(&store, vec![sets(start(1, None), &set)]);
    ok(store.close());
    drop(store);
    let store = ok(open());
    assert_eq!(ok(store.timers(None, 9)), set);
    write(&store, vec![closes(turn(1, 2), &[1])]);
    drop(store);
    let store = ok(open());
    assert_eq!(ok(store.timers(None, 9)), set[1..]);
    refused(&store, closes(turn(1, 3), &[1]), Verdict::Stale);
    write(&store, vec![closes(turn(1, 3), &[2, 3])]);
    assert_eq!(ok(store.timers(None, 9)), []);
}
