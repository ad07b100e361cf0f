//! JSON from callers, as the engine takes it: as a value, as a text, as what a node gives.

use bpm_core::event::{Event, Failure, FailureKind};
use bpm_core::json::Json;
use bpm_core::step::{Limits, step};

use super::rows::replays;
use super::samples::{LIMITS, NOW, definition, events, fresh};

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let written = [
        r#"{"amount":60,"region":"CH","items":[{"price":1.5e300},{"price":-0.0}],"note":null}"#,
        r#"{"amount":18446744073709551615,"a\u00e4\ud83d\ude00":"\u0000\n","":{"":[]}}"#,
        r#"[1,2,3]"#,
        "null",
        r#""text""#,
        r#" { "amount" : 1 , "amount" : 2 } "#,
        r#"{"$serde_json::private::RawValue":"{","$serde_json::private::Number":"x"}"#,
    ];
    let nested = format!("{{\"amount\":{}{}}}", "[".repeat(2_000), "]".repeat(2_000));
    let texts = written.iter().map(|text| text.as_bytes().to_vec());
    texts.chain([nested.into_bytes()]).collect()
}

/// What is JSON stays what it is, through history and back; what is not is an error.
pub(super) fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let value = serde_json::from_str::<serde_json::Value>(&text);
    if let Ok(value) = &value {
        let json = Json::from(value);
        let again = json.decode::<serde_json::Value>();
        assert_eq!(again.as_ref().ok(), Some(value), "a value reads as what was written");
        give(&json);
    }
    match Json::parse(text.into_owned()) {
        Ok(json) => give(&json),
        Err(error) => {
            assert!(value.is_err(), "a value that is no JSON: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Everywhere where a value comes in.
fn give(json: &Json) {
    let definition = definition();
    let accepted = definition.accepts("approve", json).is_ok();
    let input = vec![("amount".to_owned(), json.clone()), ("region".to_owned(), Json::null())];
    let mut instance = fresh();
    let started = Event::ProcessStarted { input };
    turn(&mut instance, &started);
    let (token, node, visit, attempt) = (0, "price".to_owned(), 1, 1);
    let result = json.clone();
    turn(&mut instance, &Event::TaskCompleted { token, node, visit, attempt, result });
    for event in events(&definition, &instance, json) {
        let payload = matches!(event, Event::UserTaskCompleted { .. });
        let taken = replays(&definition, &instance, &event).is_some();
        assert!(!payload || !taken || accepted, "a payload is taken that is not accepted");
    }
    let mut failure = Failure::new("price", FailureKind::Error, "no price");
    failure.data = json.clone();
    let retryable = true;
    let node = "price".to_owned();
    let mut failing = fresh();
    turn(&mut failing, &started);
    turn(
        &mut failing,
        &Event::TaskFailed {
            token,
            node,
            visit,
            attempt,
            failure,
            retryable,
            caught: None,
            heartbeat: None,
        },
    );
}

fn turn(instance: &mut bpm_core::instance::Instance, event: &Event) {
    let limits: Limits = LIMITS;
    // A refusal changes nothing; what was not refused reads back from history.
    if replays(&definition(), instance, event).is_some() {
        let taken = step(&definition(), instance, event, NOW, limits);
        assert!(taken.is_ok(), "what was taken is refused");
    }
}
