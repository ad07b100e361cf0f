//! Calls of the builder.

use std::time::Duration;

use bpm_core::clock::Timestamp;
use bpm_core::definition::{DefinitionBuilder, EdgeCondition, ProcessDefinition, Retry};
use bpm_core::event::Event;
use bpm_core::ids::InstanceId;
use bpm_core::instance::Instance;
use bpm_core::json::Json;
use bpm_core::step::step;
use bpm_model::render;

use super::samples::{LIMITS, NOW, REQUESTS, events};

/// How many calls are made at most, so that an input takes a bounded time.
const CALLS: usize = 120;
/// How many turns of an instance are taken.
const TURNS: usize = 40;

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let line = [0, 0, 0, 2, 1, 0, 1, 2, 0, 7, 0, 1, 7, 1, 2];
    let choice = [
        0, 0, 0, 4, 1, 0, 2, 2, 0, 3, 3, 0, 4, 4, 0, 1, 5, 0, 7, 0, 1, 8, 1, 2, 9, 1, 3, 7, 2, 4,
        7, 3, 4, 7, 4, 5,
    ];
    let fork = [
        0, 0, 0, 5, 1, 0, 2, 2, 0, 6, 3, 7, 5, 4, 0, 1, 5, 0, 7, 0, 1, 7, 1, 2, 7, 1, 3, 7, 2, 4,
        7, 3, 4, 7, 4, 5, 10, 2, 3, 11, 2, 9,
    ];
    let again =
        [0, 0, 0, 4, 1, 0, 2, 2, 0, 4, 3, 0, 1, 4, 0, 7, 0, 1, 7, 1, 2, 7, 2, 3, 9, 3, 1, 8, 3, 4];
    vec![line.to_vec(), choice.to_vec(), fork.to_vec(), again.to_vec()]
}

/// Builds what the bytes draw. A definition can be drawn, told apart and run; findings print.
pub(super) fn run(data: &[u8]) {
    let calls = data.chunks_exact(3).take(CALLS);
    let builder = ProcessDefinition::builder(name(data.len() as u8)).version(data.len() as u32);
    let builder = calls.fold(builder, |builder, call| apply(builder, call[0], call[1], call[2]));
    match builder.build() {
        Ok(definition) => drawn(&definition),
        Err(findings) => {
            assert!(findings.iter().next().is_some(), "refused for no reason");
            assert!(!findings.to_string().is_empty() && !format!("{findings:?}").is_empty());
        }
    }
}

/// One call; what the bytes name may be there or not.
fn apply(builder: DefinitionBuilder, call: u8, a: u8, b: u8) -> DefinitionBuilder {
    match call % 13 {
        0 => builder.start(name(a)),
        1 => builder.end(name(a)),
        2 => builder.service(name(a)),
        3 => builder.user(name(a)),
        4 => builder.exclusive(name(a)),
        5 => builder.parallel(name(a)),
        6 => builder.wait(name(a), DURATIONS[usize::from(b) % DURATIONS.len()]),
        7 => builder.edge(name(a), name(b)),
        8 => builder.edge_if(name(a), name(b), condition(a.wrapping_add(b))),
        9 => builder.edge_if(name(a), name(b), EdgeCondition::Default),
        10 => {
            let (first, max) = (Duration::from_millis(b.into()), Duration::from_secs(b.into()));
            builder.retry(name(a), Retry::times(u32::from(b) % 4).every(first, max).then_suspend())
        }
        11 => builder.timeout(name(a), Duration::from_millis(b.into())),
        _ => kind(builder, a, b),
    }
}

/// Nodes by their number, so that small inputs draw whole processes.
fn kind(builder: DefinitionBuilder, a: u8, b: u8) -> DefinitionBuilder {
    match a % 6 {
        0 => builder.start(name(b)),
        1 => builder.end(name(b)),
        2 => builder.service(name(b)),
        3 => builder.user(name(b)),
        4 => builder.exclusive(name(b)),
        _ => builder.parallel(name(b)),
    }
}

const DURATIONS: [&str; 7] = ["3d", "1.5h", "0ms", "", "-1s", "99999999999999999999d", "3\u{e4}"];

/// Sixteen plain names, and some that are hard to write.
fn name(byte: u8) -> String {
    const HARD: [&str; 8] =
        ["", " ", "\"", "a\nb", "`\u{0}`", "\u{202e}\u{1f980}", "end", "<b>&amp;]]>"];
    match byte {
        0..=239 => format!("n{}", byte % 16),
        _ => HARD[usize::from(byte) % HARD.len()].to_owned(),
    }
}

fn condition(byte: u8) -> EdgeCondition {
    const SOURCES: [&str; 8] = [
        "true",
        "x > 3",
        "x >",
        "unknown(1)",
        "1 / 0 == 1",
        "has(x.y) && x.y in [1, 'a']",
        "'\u{e4}\u{0}' == x",
        "",
    ];
    match byte % 3 {
        0 => EdgeCondition::VariableEq("x".to_owned(), serde_json::json!([byte, null, "\u{e4}"])),
        _ => EdgeCondition::Expression(SOURCES[usize::from(byte) % SOURCES.len()].to_owned()),
    }
}

fn drawn(definition: &ProcessDefinition) {
    let graph = definition.graph();
    for picture in [definition.to_mermaid(), definition.to_dot(), render::svg(graph)] {
        assert!(!picture.is_empty());
    }
    render::text(graph);
    let stored = serde_json::to_string(definition)
        .unwrap_or_else(|error| panic!("a graph prints as JSON: {error}"));
    let read: bpm_model::graph::Graph = serde_json::from_str(&stored)
        .unwrap_or_else(|error| panic!("a graph reads as it was printed: {error}"));
    let again = bpm_model::fingerprint::fingerprint(&read);
    assert_eq!(again, definition.fingerprint(), "a graph is told apart from itself");
    goes(definition);
}

/// Runs an instance for some turns, whatever happens next being chosen by its number.
fn goes(definition: &ProcessDefinition) {
    let mut instance = Instance::new(InstanceId::from_bytes([9; 16]), None);
    let value = Json::from(&serde_json::json!({ "x": 7 }));
    let mut event = Event::ProcessStarted { input: vec![("x".to_owned(), value.clone())] };
    let mut now: Timestamp = NOW;
    for turn in 0..TURNS {
        // A refusal leaves the instance as it was, and the next event comes.
        let _ = step(definition, &mut instance, &event, now, LIMITS);
        now = now.after(Duration::from_secs(365 * 86_400));
        let mut possible = events(definition, &instance, &value);
        let inward = possible.split_off(REQUESTS - 1);
        event = inward[turn % inward.len()].clone();
        if instance.status.is_end() {
            return;
        }
    }
}
