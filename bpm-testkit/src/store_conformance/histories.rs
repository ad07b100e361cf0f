//! Long histories: turns that are forgotten behind a base.

use bpm_core::store::{BaseRow, Status, Store, TurnRows, Verdict};

use super::rows::{instance, start, state, turn};
use super::{Places, ok, refused, seqs, write};

/// A turn whose snapshot is kept, and with which the turns up to the last base that is not behind
/// `until` are forgotten.
fn base(n: u8, seq: u64, until: u64) -> TurnRows {
    let mut turn = turn(n, seq);
    let snapshot = Some(format!("{{\"after\":{seq}}}"));
    turn.state = Some(bpm_core::store::StateRow { snapshot, ..state(Status::Running) });
    turn.forget = Some(until);
    turn
}

/// Turns are forgotten up to a base, and never further; what is left goes on as before.
pub fn long_histories<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let kept = |seq: u64| Some(BaseRow { seq, snapshot: format!("{{\"after\":{seq}}}") });
    let base_of = |store: &S, n| ok(store.base(instance(n)));
    assert_eq!(base_of(&store, 1), None, "there is no such instance");
    write(&store, vec![start(1, Some("long")), start(2, None), turn(1, 2), base(1, 3, 0)]);
    assert_eq!((seqs(&store, 1), base_of(&store, 1)), (vec![1, 2, 3], None));
    write(&store, vec![turn(1, 4), base(1, 5, 2)]);
    assert_eq!((seqs(&store, 1), base_of(&store, 1)), (vec![1, 2, 3, 4, 5], None), "no base at 2");
    write(&store, vec![base(1, 6, 4), turn(1, 7)]);
    assert_eq!((seqs(&store, 1), base_of(&store, 1)), (vec![4, 5, 6, 7], kept(3)));
    assert_eq!(ok(store.history(instance(1), 1, 2)).len(), 2, "pages begin with what is kept");
    let stored = ok(store.load(instance(1))).expect("it was started");
    assert_eq!((stored.row.snapshot_seq, stored.turns.len()), (6, 1));
    // Several of one commit, up to the turn before.
    write(&store, vec![base(1, 8, 5), base(1, 9, 8)]);
    assert_eq!((seqs(&store, 1), base_of(&store, 1)), (vec![9], kept(8)));
    refused(&store, turn(1, 9), Verdict::Stale);
    refused(&store, turn(1, 8), Verdict::Stale);
    refused(&store, turn(1, 11), Verdict::Stale);
    drop(store);
    let store = ok(open());
    assert_eq!((seqs(&store, 1), base_of(&store, 1)), (vec![9], kept(8)));
    write(&store, vec![turn(1, 10)]);
    assert_eq!((seqs(&store, 1), seqs(&store, 2)), (vec![9, 10], vec![1]));
    // A turn that does not count forgets nothing.
    refused(&store, base(1, 12, 9), Verdict::Stale);
    assert_eq!((seqs(&store, 1), base_of(&store, 1)), (vec![9, 10], kept(8)));
}
