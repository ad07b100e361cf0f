//! What every store must do. A store is right when it passes [`all`].
//!
//! A store is tested at *places*: a place is empty when it is made, and whoever opens a store
//! there finds what the last one left. Here the place is a [`Memory`](bpm_core::store::Memory),
//! for a file it is a path:
//!
//! ```
//! use bpm_core::store::Memory;
//! use bpm_testkit::store_conformance;
//!
//! store_conformance::all(&|| {
//!     let memory = Memory::new();
//!     Box::new(move || Ok(memory.clone()))
//! });
//! ```
//!
//! Each topic is a function of its own and panics at the first thing that is not as it must be.

use bpm_core::change::Closing;
use bpm_core::clock::Timestamp;
use bpm_core::event::Actor;
use bpm_core::store::{
    Batch, Closed, DefinitionRow, Error, Started, Status, Store, TurnRows, UserTaskFilter, Verdict,
};

mod histories;
mod incidents;
mod instances;
mod random;
mod rows;
mod timers;

pub use histories::long_histories;
pub use incidents::incidents;
pub use instances::instances;
pub use random::random;
use rows::{incident, incident_id, instance, start, state, task, task_id, timer, turn};
pub use timers::{lasting_timers, timers};

/// Opens a store at one place: empty the first time, then with what was left there. The place may
/// go when this is dropped.
pub type Open<S> = Box<dyn Fn() -> Result<S, Error>>;

/// Makes places.
pub type Places<'a, S> = &'a dyn Fn() -> Open<S>;

/// Every topic.
pub fn all<S: Store>(places: Places<'_, S>) {
    commit(places);
    staleness(places);
    malformed_turns(places);
    batches(places);
    half_way_refusals(places);
    keys(places);
    snapshots(places);
    long_histories(places);
    activity(places);
    endings(places);
    instances(places);
    user_tasks(places);
    user_task_filters(places);
    incidents(places);
    timers(places);
    lasting_timers(places);
    definitions(places);
    history(places);
    time(places);
    reopening(places);
    locking(places);
    closing(places);
    random(places);
}

#[track_caller]
fn ok<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("the store failed: {error}"))
}

#[track_caller]
fn verdicts(store: &impl Store, turns: Vec<TurnRows>) -> Vec<Verdict> {
    let now = turns.iter().map(|turn| turn.at).max().unwrap_or_default();
    let count = turns.len();
    let verdicts = ok(store.commit(&Batch { now, turns }));
    assert_eq!(verdicts.len(), count, "one verdict a turn");
    verdicts
}

#[track_caller]
fn write(store: &impl Store, turns: Vec<TurnRows>) {
    for (index, verdict) in verdicts(store, turns).into_iter().enumerate() {
        assert_eq!(verdict, Verdict::Committed, "turn {index} of the batch");
    }
}

#[track_caller]
fn refused(store: &impl Store, turn: TurnRows, expected: Verdict) {
    assert_eq!(verdicts(store, vec![turn]), [expected]);
}

/// The turns that an instance has.
#[track_caller]
fn seqs(store: &impl Store, n: u8) -> Vec<u64> {
    ok(store.history(instance(n), 0, usize::MAX >> 1)).iter().map(|row| row.seq).collect()
}

/// What is committed is read back as it was handed over.
pub fn commit<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    assert_eq!(ok(store.instance(instance(1))), None);
    assert!(ok(store.load(instance(1))).is_none());
    assert_eq!(verdicts(&store, Vec::new()), []);
    let first = start(1, Some("order-1"));
    write(&store, vec![first.clone()]);
    let row = ok(store.instance(instance(1))).expect("the instance was committed");
    assert_eq!(row.id, instance(1));
    assert_eq!(Some(&row.start), first.start.as_ref());
    assert_eq!(Some(&row.state), first.state.as_ref());
    assert_eq!((row.created, row.ended, row.snapshot_seq), (first.at, None, 0));
    let second = turn(1, 2);
    write(&store, vec![second.clone()]);
    let stored = ok(store.load(instance(1))).expect("the instance was committed");
    assert_eq!(stored.row, row, "history alone leaves the row as it was");
    let bodies: Vec<&str> = stored.turns.iter().map(|turn| turn.body.as_str()).collect();
    assert_eq!(bodies, [first.body.as_str(), second.body.as_str()]);
    assert_eq!(stored.turns[1].at, second.at);
}

/// A turn whose number is there, or whose predecessor is not, is refused and leaves no trace.
pub fn staleness<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    refused(&store, turn(1, 2), Verdict::Stale);
    write(&store, vec![start(1, None), turn(1, 2)]);
    let before = ok(store.history(instance(1), 0, 10));
    let other = TurnRows { body: "another".into(), ..turn(1, 2) };
    refused(&store, other, Verdict::Stale);
    refused(&store, turn(1, 4), Verdict::Stale);
    refused(&store, start(1, None), Verdict::Stale);
    assert_eq!(ok(store.history(instance(1), 0, 10)), before);
    let mut late = turn(1, 2);
    late.state = Some(state(Status::Completed));
    late.opened = vec![task(1, 1)];
    late.raised = vec![incident(1, 1)];
    refused(&store, late, Verdict::Stale);
    assert_eq!(ok(store.instance(instance(1))).map(|row| row.state.status), Some(Status::Running));
    assert_eq!(ok(store.user_task(task_id(1))), None);
    assert_eq!(ok(store.incidents(10)), []);
    write(&store, vec![turn(1, 3)]);
}

/// Only a first turn starts an instance, and it brings the row; others are stale.
pub fn malformed_turns<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    refused(&store, turn(1, 0), Verdict::Stale);
    refused(&store, turn(1, 1), Verdict::Stale);
    refused(&store, TurnRows { state: None, ..start(1, None) }, Verdict::Stale);
    refused(&store, TurnRows { seq: 2, ..start(1, None) }, Verdict::Stale);
    assert_eq!(ok(store.instance(instance(1))), None);
    write(&store, vec![start(1, None)]);
    refused(&store, TurnRows { seq: 2, ..start(1, None) }, Verdict::Stale);
    assert_eq!(seqs(&store, 1), [1]);
}

/// A refused turn takes the later ones of its instance with it, and no other.
pub fn batches<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    write(&store, vec![start(1, None), start(2, None), turn(1, 2), turn(2, 2), turn(1, 3)]);
    let (stale, good) = (Verdict::Stale, Verdict::Committed);
    // Turn 3 of instance 1 is there already; without it turn 4 must not be written, though it
    // would fit.
    let batch = vec![turn(2, 3), turn(1, 3), turn(1, 4), turn(2, 4), start(3, None), turn(3, 2)];
    let expected = [good.clone(), stale.clone(), stale.clone(), good.clone(), good.clone(), good];
    assert_eq!(verdicts(&store, batch), expected);
    assert_eq!(seqs(&store, 1), [1, 2, 3]);
    assert_eq!(seqs(&store, 2), [1, 2, 3, 4]);
    assert_eq!(seqs(&store, 3), [1, 2]);
    assert_eq!(verdicts(&store, vec![turn(4, 2), start(4, None)]), [stale.clone(), stale]);
    assert_eq!(ok(store.instance(instance(4))), None);
    write(&store, vec![turn(1, 4), turn(2, 5)]);
    large_batch(&store);
}

fn large_batch(store: &impl Store) {
    let turns = (1..=1_000).map(|seq| if seq == 1 { start(9, None) } else { turn(9, seq) });
    write(store, turns.collect());
    assert_eq!(seqs(store, 9).len(), 1_000);
}

/// A turn that is refused because of what it opens or closes leaves no part of it, and the
/// others of its batch count.
pub fn half_way_refusals<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let mut first = start(1, None);
    first.opened = vec![task(1, 1)];
    first.raised = vec![incident(1, 1)];
    let mut second = start(2, None);
    second.timers_set = vec![timer(2, 7, 50)];
    write(&store, vec![first, second]);
    let broken: [fn(&mut TurnRows); 8] = [
        |turn| turn.opened = vec![task(2, 2), task(1, 2)],
        |turn| turn.raised = vec![incident(2, 2), incident(1, 2)],
        |turn| turn.closed = vec![(task_id(9), closed(Closing::Cancelled))],
        |turn| turn.settled = vec![(incident_id(9), closed(Closing::Retried))],
        |turn| turn.closed = vec![(task_id(1), closed(Closing::Cancelled))],
        |turn| turn.settled = vec![(incident_id(1), closed(Closing::Retried))],
        |turn| turn.timers_set = vec![timer(2, 8, 0), timer(2, 7, 0)],
        |turn| turn.timers_closed = vec![9],
    ];
    let mut seq = 2;
    for (index, break_it) in broken.into_iter().enumerate() {
        let mut bad = turn(2, 2);
        bad.state = Some(state(Status::Failed));
        bad.opened = vec![task(3, 2)];
        break_it(&mut bad);
        let batch = vec![turn(1, seq), bad, turn(2, 3), turn(1, seq + 1)];
        let (stale, good) = (Verdict::Stale, Verdict::Committed);
        assert_eq!(verdicts(&store, batch), [good.clone(), stale.clone(), stale, good], "{index}");
        assert_eq!(seqs(&store, 2), [1], "{index}");
        assert_eq!(ok(store.user_task(task_id(3))), None, "{index}");
        assert_eq!(ok(store.incidents(10)).len(), 1, "{index}");
        assert_eq!(ok(store.timers(None, 10)), [timer(2, 7, 50)], "{index}");
        assert_eq!(ok(store.user_tasks(&UserTaskFilter::default())).len(), 1, "{index}");
        let row = ok(store.instance(instance(2))).expect("it was started");
        assert_eq!((row.state.status, row.ended), (Status::Running, None), "{index}");
        seq += 2;
    }
    write(&store, vec![turn(2, 2)]);
}

/// A key belongs to one instance of a process, whatever the version, for ever.
pub fn keys<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    assert_eq!(ok(store.started("shop", "a")), None);
    let mut first = start(1, Some("a"));
    let hash = u64::MAX - 1;
    first.start.as_mut().expect("a start").input_hash = hash;
    write(&store, vec![first, start(2, None), start(3, None)]);
    let winner = Started { instance: instance(1), input_hash: hash };
    assert_eq!(ok(store.started("shop", "a")), Some(winner.clone()));
    assert_eq!(ok(store.started("shop", "b")), None);
    assert_eq!(ok(store.started("other", "a")), None);
    let mut newer = start(4, Some("a"));
    newer.start.as_mut().expect("a start").version = 2;
    refused(&store, newer, Verdict::KeyTaken(winner.clone()));
    refused(&store, start(1, Some("a")), Verdict::Stale);
    assert_eq!(ok(store.instance(instance(4))), None);
    assert_eq!(seqs(&store, 4), [0; 0]);
    let mut other = start(4, Some("a"));
    other.start.as_mut().expect("a start").process = "other".into();
    write(&store, vec![other]);
    let batch = vec![start(5, Some("b")), start(6, Some("b")), turn(6, 2), turn(5, 2)];
    let taken = Verdict::KeyTaken(Started { instance: instance(5), input_hash: 7 });
    let good = Verdict::Committed;
    assert_eq!(verdicts(&store, batch), [good.clone(), taken, Verdict::Stale, good]);
    let mut end = turn(1, 2);
    end.state = Some(state(Status::Completed));
    write(&store, vec![end]);
    refused(&store, start(7, Some("a")), Verdict::KeyTaken(winner));
}

/// A snapshot stays until the next one; loading gives the turns after it.
pub fn snapshots<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    write(&store, vec![start(1, None), turn(1, 2)]);
    let mut third = turn(1, 3);
    third.state = Some(state(Status::Running));
    third.state.as_mut().expect("a state").snapshot = Some("{\"after\":3}".into());
    write(&store, vec![third, turn(1, 4)]);
    let check = |turns: &[u64], tokens: &str| {
        let stored = ok(store.load(instance(1))).expect("it was started");
        assert_eq!(stored.row.snapshot_seq, 3);
        assert_eq!(stored.row.state.snapshot.as_deref(), Some("{\"after\":3}"));
        assert_eq!(stored.row.state.tokens, tokens);
        let seqs: Vec<u64> = stored.turns.iter().map(|turn| turn.seq).collect();
        assert_eq!(seqs, turns);
    };
    check(&[4], "[]");
    let mut fifth = turn(1, 5);
    fifth.state = Some(state(Status::Running));
    fifth.state.as_mut().expect("a state").tokens = "[{\"token\":1}]".into();
    write(&store, vec![fifth]);
    check(&[4, 5], "[{\"token\":1}]");
    let mut at_once = start(2, None);
    at_once.state.as_mut().expect("a state").snapshot = Some("{}".into());
    write(&store, vec![at_once]);
    let stored = ok(store.load(instance(2))).expect("it was started");
    assert_eq!((stored.row.snapshot_seq, stored.turns.len()), (1, 0));
}

/// The active instances, by id and in pages.
pub fn activity<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    assert_eq!(ok(store.active(None, 10)), []);
    write(&store, (1..=5).rev().map(|n| start(n, None)).collect());
    let ids = |numbers: &[u8]| numbers.iter().map(|n| instance(*n)).collect::<Vec<_>>();
    assert_eq!(ok(store.active(None, 10)), ids(&[1, 2, 3, 4, 5]));
    write(&store, vec![parks(2, 2), parks(4, 2)]);
    assert_eq!(ok(store.active(None, 10)), ids(&[1, 3, 5]));
    assert_eq!(ok(store.active(None, 2)), ids(&[1, 3]));
    assert_eq!(ok(store.active(None, 0)), []);
    assert_eq!(ok(store.active(Some(instance(3)), 2)), ids(&[5]));
    assert_eq!(ok(store.active(Some(instance(2)), 1)), ids(&[3]));
    assert_eq!(ok(store.active(Some(instance(5)), 2)), []);
    let mut wakes = turn(4, 3);
    wakes.state = Some(state(Status::Running));
    write(&store, vec![wakes, turn(3, 2)]);
    assert_eq!(ok(store.active(None, 10)), ids(&[1, 3, 4, 5]));
    write(&store, vec![turn(2, 3)]);
    refused(&store, turn(2, 3), Verdict::Stale);
}

fn parks(n: u8, seq: u64) -> TurnRows {
    let mut parks = turn(n, seq);
    parks.state = Some(state(Status::Running));
    parks.state.as_mut().expect("a state").active = false;
    parks
}

/// Every status is kept; an end has its time and outcome, and the instance no longer lives.
pub fn endings<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    for (n, status) in (1..).zip(Status::ALL) {
        let mut last = turn(n, 2);
        last.state = Some(state(status));
        write(&store, vec![start(n, None), last.clone()]);
        let row = ok(store.instance(instance(n))).expect("it was started");
        assert_eq!(Some(row.state), last.state);
        assert_eq!(row.ended, status.is_end().then_some(last.at), "{status}");
    }
    assert_eq!(ok(store.live("shop", 1)), 5);
    assert_eq!(ok(store.live("shop", 2)), 0);
    assert_eq!(ok(store.live("other", 1)), 0);
    assert_eq!(ok(store.active(None, 10)).len(), 5);
}

fn closed(how: Closing) -> Closed {
    Closed { how, at: Timestamp::from_millis(77_000), by: Some(Actor::new("ann")) }
}

/// User tasks open and close with the turn; closed ones are still found by their id.
pub fn user_tasks<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let list = || ok(store.user_tasks(&UserTaskFilter::default()));
    assert_eq!(list(), []);
    let mut first = start(1, None);
    first.opened = vec![task(3, 1), task(1, 1), task(2, 1)];
    write(&store, vec![first]);
    assert_eq!(list(), [task(1, 1), task(2, 1), task(3, 1)], "oldest first");
    assert_eq!(ok(store.user_task(task_id(2))), Some(task(2, 1)));
    assert_eq!(ok(store.user_task(task_id(9))), None);
    let mut second = turn(1, 2);
    second.opened = vec![task(4, 1), task(5, 1)];
    let unnamed = Closed { by: None, ..closed(Closing::Cancelled) };
    second.closed = vec![
        (task_id(1), closed(Closing::Completed)),
        (task_id(3), unnamed.clone()),
        (task_id(5), closed(Closing::Cancelled)),
    ];
    write(&store, vec![second]);
    assert_eq!(list(), [task(2, 1), task(4, 1)]);
    let how = |n| ok(store.user_task(task_id(n))).and_then(|task| task.closed);
    assert_eq!(how(1), Some(closed(Closing::Completed)));
    assert_eq!(how(3), Some(unnamed));
    assert_eq!(how(5), Some(closed(Closing::Cancelled)), "opened and closed in one turn");
    assert_eq!(how(2), None);
    let mut again = turn(1, 3);
    again.closed = vec![(task_id(1), closed(Closing::Cancelled))];
    refused(&store, again, Verdict::Stale);
    assert_eq!(how(1), Some(closed(Closing::Completed)), "a task closes once");
}

/// Each filter alone, all together, and the limit.
pub fn user_task_filters<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let mut first = start(1, Some("order-1"));
    first.opened = (1..=6).map(|n| task(n, 1)).collect();
    first.opened[0].name = "other".into();
    first.opened[1].group = None;
    first.opened[2].user = Some("bob".into());
    first.opened[3].key = None;
    first.opened[4].process = "other".into();
    first.opened[5].instance = instance(2);
    write(&store, vec![start(2, None), first]);
    let list = |filter: UserTaskFilter| -> Vec<u8> {
        ok(store.user_tasks(&filter)).iter().map(|task| task.id.as_bytes()[15]).collect()
    };
    let wanted = |text: &str| Some(text.to_owned());
    let all = UserTaskFilter::default;
    assert_eq!(list(all()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(list(UserTaskFilter { limit: Some(2), ..all() }), [1, 2]);
    assert_eq!(list(UserTaskFilter { limit: Some(0), ..all() }), [0; 0]);
    let by_name = || UserTaskFilter { name: wanted("review"), ..all() };
    assert_eq!(list(by_name()), [2, 3, 4, 5, 6]);
    assert_eq!(list(UserTaskFilter { limit: Some(3), ..by_name() }), [2, 3, 4]);
    let by_group = || UserTaskFilter { group: wanted("managers"), ..all() };
    assert_eq!(list(by_group()), [1, 3, 4, 5, 6]);
    let by_user = || UserTaskFilter { user: wanted("ann"), ..all() };
    assert_eq!(list(by_user()), [1, 2, 4, 5, 6]);
    let by_key = || UserTaskFilter { key: wanted("order-1"), ..all() };
    assert_eq!(list(by_key()), [1, 2, 3, 5, 6]);
    let by_process = || UserTaskFilter { process: wanted("shop"), ..all() };
    assert_eq!(list(by_process()), [1, 2, 3, 4, 6]);
    let by_instance = || UserTaskFilter { instance: Some(instance(1)), ..all() };
    assert_eq!(list(by_instance()), [1, 2, 3, 4, 5]);
    assert_eq!(list(UserTaskFilter { name: wanted("other"), ..by_group() }), [1]);
    assert_eq!(list(UserTaskFilter { key: wanted("order-1"), ..by_instance() }), [1, 2, 3, 5]);
    assert_eq!(list(UserTaskFilter { name: wanted("none"), ..all() }), [0; 0]);
    let every = UserTaskFilter {
        name: wanted("review"),
        group: wanted("managers"),
        user: wanted("ann"),
        key: wanted("order-1"),
        instance: Some(instance(2)),
        ..by_process()
    };
    assert_eq!(list(every), [6]);
    let mut second = turn(1, 2);
    second.closed = vec![(task_id(3), closed(Closing::Completed))];
    write(&store, vec![second]);
    assert_eq!(list(by_name()), [2, 4, 5, 6]);
    assert_eq!(list(by_instance()), [1, 2, 4, 5]);
}

/// A definition is replaced by the next one of its name and version.
pub fn definitions<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    assert_eq!(ok(store.definitions()), []);
    let definition = |name: &str, version, fingerprint: &str| DefinitionRow {
        name: name.into(),
        version,
        fingerprint: fingerprint.into(),
        graph: format!("{{\"of\":\"{fingerprint}\"}}"),
    };
    let (second, first) = (definition("shop", 2, "b"), definition("shop", 1, "a"));
    let other = definition("approval", u32::MAX, "c");
    for row in [&second, &first, &other] {
        ok(store.put_definition(row));
    }
    assert_eq!(ok(store.definitions()), [other.clone(), first, second.clone()], "by name, version");
    let changed = definition("shop", 1, "d");
    ok(store.put_definition(&changed));
    assert_eq!(ok(store.definitions()), [other, changed, second]);
}

/// History is read in pages.
pub fn history<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    assert_eq!(ok(store.history(instance(1), 0, 10)), []);
    let turns = (2..=10).map(|seq| turn(1, seq));
    write(&store, std::iter::once(start(1, None)).chain(turns).collect());
    write(&store, vec![start(2, None)]);
    let page = |after, limit| -> Vec<u64> {
        ok(store.history(instance(1), after, limit)).iter().map(|row| row.seq).collect()
    };
    assert_eq!(page(0, 3), [1, 2, 3]);
    assert_eq!(page(3, 3), [4, 5, 6]);
    assert_eq!(page(9, 3), [10]);
    assert_eq!(page(10, 3), [0; 0]);
    assert_eq!(page(u64::MAX, 3), [0; 0]);
    assert_eq!(page(0, 0), [0; 0]);
    let row = ok(store.history(instance(1), 4, 1)).remove(0);
    let fifth = turn(1, 5);
    assert_eq!((row.seq, row.at, row.body), (5, fifth.at, fifth.body));
}

/// The stored time never goes back and is less than a second behind the last commit.
pub fn time<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    assert_eq!(ok(store.latest()), Timestamp::default());
    let mut seq = 0;
    let mut commit_at = |ms: i64| {
        seq += 1;
        let turns = vec![if seq == 1 { start(1, None) } else { turn(1, seq) }];
        ok(store.commit(&Batch { now: Timestamp::from_millis(ms), turns }));
        ok(store.latest()).as_millis()
    };
    for ms in [5_000, 5_400, 5_999, 6_100, 8_000, 8_001] {
        let latest = commit_at(ms);
        assert!((ms - 999..=ms).contains(&latest), "{latest} is stored at {ms}");
    }
    assert!(commit_at(100) >= 8_000, "a time before the stored one changes nothing");
    ok(store.close());
    assert_eq!(ok(ok(open()).latest()).as_millis(), 8_001, "closing stores the exact time");
}

/// Everything is there again after closing, and after dropping.
pub fn reopening<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    let mut first = start(1, Some("a"));
    first.opened = vec![task(1, 1)];
    first.raised = vec![incident(1, 1), incident(2, 1)];
    let mut second = turn(1, 2);
    second.settled = vec![(incident_id(2), closed(Closing::Completed))];
    write(&store, vec![first, start(2, None), second, parks(2, 2)]);
    ok(store.close());
    drop(store);
    let check = |store: &S, last: u64| {
        let stored = ok(store.load(instance(1))).expect("it was committed");
        assert_eq!(stored.turns.len() as u64, last);
        assert_eq!(ok(store.active(None, 9)), [instance(1)]);
        assert_eq!(ok(store.user_tasks(&UserTaskFilter::default())), [task(1, 1)]);
        assert_eq!(ok(store.incidents(9)), [incident(1, 1)]);
        let settled = ok(store.incident(incident_id(2))).and_then(|incident| incident.closed);
        assert_eq!(settled, Some(closed(Closing::Completed)));
        assert_eq!(ok(store.started("shop", "a")).map(|run| run.instance), Some(instance(1)));
    };
    let store = ok(open());
    check(&store, 2);
    refused(&store, turn(1, 2), Verdict::Stale);
    refused(&store, turn(1, 4), Verdict::Stale);
    write(&store, vec![turn(1, 3), turn(2, 3)]);
    drop(store);
    check(&ok(open()), 3);
}

/// One at a time has a store open, until it closes or drops it.
pub fn locking<S: Store>(places: Places<'_, S>) {
    let open = places();
    let other = || open().and_then(|store| store.latest().map(|_| store));
    let first = ok(other());
    match other().err() {
        Some(error @ Error::Locked { .. }) => {
            let text = error.to_string();
            assert!(text.contains(&format!("pid {}", std::process::id())), "names who: {text}");
        }
        error => panic!("the second must be refused as locked, got {error:?}"),
    }
    write(&first, vec![start(1, None)]);
    ok(first.close());
    let second = ok(other());
    write(&second, vec![turn(1, 2)]);
    drop(first);
    assert!(matches!(other().err(), Some(Error::Locked { .. })), "dropping it releases its own");
    drop(second);
    ok(other());
}

/// What is closed stays closed; closing again is fine.
pub fn closing<S: Store>(places: Places<'_, S>) {
    let open = places();
    let store = ok(open());
    write(&store, vec![start(1, None)]);
    ok(store.close());
    ok(store.close());
    let calls: [Result<(), Error>; 10] = [
        store.commit(&Batch { turns: vec![turn(1, 2)], ..Batch::default() }).map(|_| ()),
        store.load(instance(1)).map(|_| ()),
        store.active(None, 1).map(|_| ()),
        store.history(instance(1), 0, 1).map(|_| ()),
        store.user_tasks(&UserTaskFilter::default()).map(|_| ()),
        store.incidents(1).map(|_| ()),
        store.incident(incident_id(1)).map(|_| ()),
        store.timers(None, 1).map(|_| ()),
        store.definitions().map(|_| ()),
        store.latest().map(|_| ()),
    ];
    for (index, call) in calls.into_iter().enumerate() {
        assert!(matches!(call, Err(Error::Closed)), "call {index} gave {call:?}");
    }
}
