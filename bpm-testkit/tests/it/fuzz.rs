//! The targets of the fuzzers, run with random damage to inputs that make sense; and what was
//! found with them.
//!
//! `BPM_ENGINE_FUZZ_RUNS` says how many inputs a target is given, `BPM_ENGINE_SEED` from which
//! seed they are drawn.

use bpm_testkit::fuzz::{BUILDER_GRAPH, EL, HISTORY_ROW, PAYLOAD, Target};

fn smoke(target: Target) {
    let seed = number("BPM_ENGINE_SEED").unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        u64::from(since.unwrap().subsec_nanos())
    });
    println!("seed {seed}: repeat with BPM_ENGINE_SEED={seed}");
    let runs = number("BPM_ENGINE_FUZZ_RUNS").and_then(|runs| usize::try_from(runs).ok());
    target.smoke(seed, runs.unwrap_or(3_000));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn no_expression_panics() {
    smoke(EL);
}

#[test]
fn no_payload_panics() {
    smoke(PAYLOAD);
}

#[test]
fn no_damaged_row_panics() {
    smoke(HISTORY_ROW);
}

#[test]
fn no_drawing_panics() {
    smoke(BUILDER_GRAPH);
}

/// Two nodes of one id, one of them an end that an edge then seemed to leave: the net of the token
/// check did not know where from.
#[test]
fn a_doubled_id_does_not_hide_where_an_edge_begins() {
    let calls = [
        0, 0, 0, 51, 55, 50, 56, 1, 0, 2, 66, 0, 6, 3, 7, 5, 4, 0, 1, 5, 0, 7, 0, 1, 7, 1, 2, 7, 1,
        3, 7, 2, 4, 7, 3, 4, 7, 4, 5,
    ];
    (BUILDER_GRAPH.run)(&calls);
}

/// Read without `float_roundtrip`, this number came back as its neighbour.
#[test]
fn a_float_is_read_as_it_was_written() {
    (PAYLOAD.run)(b"[1,92233720368540758072,3]");
}

/// What was said last was `null`, and read back as if nothing had been said.
#[test]
fn a_heartbeat_of_null_is_one() {
    let text = r#"{"TaskFailed":{"token":0,"node":"a","visit":1,"failure":{"node":"a","kind":"Error","message":""},"heartbeat":null}}"#;
    let event: bpm_core::event::Event = serde_json::from_str(text).unwrap();
    let bpm_core::event::Event::TaskFailed { heartbeat, .. } = event else { panic!("{event:?}") };
    assert!(heartbeat.is_some());
}

/// Numbers at their end: the sums behind them overflowed.
#[test]
fn the_last_number_of_a_damaged_row_is_no_panic() {
    let changes = [
        r#"{"TokenCreated":{"token":18446744073709551615,"node":""}}"#,
        r#"{"TaskStarted":{"token":0,"visit":18446744073709551615,"attempt":1}}"#,
    ];
    for change in changes {
        let row = format!(r#"{{"event":"Continued","changes":[{change}]}}"#);
        (HISTORY_ROW.run)(&[&[0, 0, 1, 1, 0, 0, 0], row.as_bytes()].concat());
    }
    // The number of the row itself.
    (HISTORY_ROW.run)(&[0, 0, 13, 0, 0, 0, 3]);
}

/// A token's visit had a number that was not used yet; the turn behind it left a state that was
/// refused later.
#[test]
fn a_token_does_not_use_numbers_of_the_future() {
    (HISTORY_ROW.run)(&FUTURE);
}

/// What is being undone was said to be in another scope than the token that undoes it: behind it
/// nothing went on.
#[test]
fn an_undo_is_in_the_scope_of_what_it_undoes() {
    (HISTORY_ROW.run)(&ELSEWHERE);
}

const ELSEWHERE: [u8; 177] = [
    29, 8, 0, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245,
    245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 245, 27, 255, 53, 0, 255, 252, 255,
    255, 191, 191, 159, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191,
    191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191,
    191, 191, 103, 191, 191, 245, 245, 245, 1, 0, 27, 255, 53, 0, 255, 252, 255, 255, 191, 191,
    159, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191,
    59, 191, 191, 191, 91, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191,
    191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191,
    191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191, 191,
    191, 191, 191,
];

const FUTURE: [u8; 125] = [
    43, 6, 0, 110, 135, 0, 0, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135,
    135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135,
    135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135,
    135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 33, 135, 135, 135, 135, 135, 135, 135, 135,
    135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 40, 135, 135, 135, 135, 135, 135, 135,
    135, 135, 135, 135, 135, 0, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135, 135,
    135, 135, 135, 135, 135, 135, 135, 135, 0,
];
