//! What nobody should do: values as large as they may be, and tasks that end their process.

use std::path::Path;
use std::process::{Command, Stdio};

use bpm_engine::prelude::*;
use serde_json::{Value, json};

use crate::house::*;

/// The default of `EngineOptions::payload_bytes`.
const MOST: usize = 10 << 20;
const FOLDER: &str = "BPM_ENGINE_ABORT_FOLDER";
const LOST_MAX: u32 = 2;

/// An object that is so many bytes of JSON.
fn large(bytes: usize) -> Value {
    let text = json!({ "text": "x".repeat(bytes - r#"{"text":""}"#.len()) });
    assert_eq!(text.to_string().len(), bytes);
    text
}

/// The largest values that may be go in, through and out again.
#[tokio::test]
async fn ten_megabytes_are_taken_wherever_a_value_comes_in() {
    for house in House::all() {
        let definition = line("desk", &["user look", "service task"]);
        let result = |_| async { Ok::<_, TaskError>(large(MOST)) };
        let builder = house.builder().definition(definition);
        let engine = builder.handler("task", result).start().await.unwrap();
        // Of an input the values count: what stands around this one is 11 bytes, its quotes two.
        let run = engine.start_definition("desk", large(MOST + 9)).await.unwrap();
        let refused = refusal(engine.start_definition("desk", large(MOST + 10)).await);
        assert!(matches!(refused, Refused::TooLarge { .. }), "{refused}");
        let task = the_task(&engine).await;
        let refused = refusal(engine.complete_json(task.id, large(MOST + 1)).await);
        assert!(matches!(refused, Refused::TooLarge { .. }), "{refused}");
        engine.complete_json(task.id, large(MOST)).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), large(MOST));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_value_that_is_too_large_skips_no_incident() {
    for house in House::all() {
        let options =
            EngineOptions { payload_bytes: 100, tokens_per_instance: 1, ..Default::default() };
        let engine = house.builder().definition(fork("two", &["user a", "user b"]));
        let engine = engine.options(options).start().await.unwrap();
        engine.start_definition("two", json!({})).await.unwrap();
        let [incident] = engine.incidents().list().await.unwrap().try_into().unwrap();
        let skip = |bytes| engine.skip_with(incident.id, large(bytes), Actor::new("ann"));
        let refused = refusal(skip(101).await);
        assert!(matches!(refused, Refused::TooLarge { bytes: 101, limit: 100, .. }), "{refused}");
        // At the bound it is looked at, and no value is one for a gateway.
        let refused = refusal(skip(100).await);
        assert!(matches!(refused, Refused::CannotSkip { .. }), "{refused}");
        house.finish(engine).await;
    }
}

/// JSON in JSON in JSON: kept as text, and read where it can be.
#[tokio::test]
async fn values_that_nest_deeper_than_can_be_read_harm_nobody() {
    for house in House::all() {
        let definition = line("desk", &["user look", "service task"]);
        let builder = house.builder().definition(definition);
        let engine = builder.handler("task", done).start().await.unwrap();
        let nested = (0..1_000).fold(json!(1), |inner, _| json!([inner]));
        let run = engine.start_definition("desk", json!({ "nested": nested })).await.unwrap();
        let task = the_task(&engine).await;
        engine.complete_json(task.id, json!({})).await.unwrap();
        // The handler takes values, and this one cannot be made.
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert!(failure.message.contains("recursion limit"), "{failure}");
        house.finish(engine).await;
    }
}

/// The victim: its task ends the whole process, whenever it is attempted.
#[tokio::test]
#[ignore = "the victim of the other test, which starts it"]
async fn aborting_victim() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Sqlite::open(Path::new(&folder).join("abort.db")).unwrap();
    let options = EngineOptions { lost_attempts_max: LOST_MAX, ..Default::default() };
    let abort = |_: Value| async { std::process::abort() as Given };
    let builder = Engine::builder().store(store).options(options);
    let builder = builder.definition(line("deadly", &["service abort"]));
    let builder = builder.definition(line("good", &["service task"]));
    let builder = builder.handler("abort", abort).handler("task", done);
    let engine = builder.start().await.unwrap();
    let mut watch = engine.watch();
    engine.start_definition("deadly", json!({})).key("d").await.unwrap();
    if engine.incidents().list().await.unwrap().is_empty() {
        let raised = |change: &Change| matches!(change, Change::IncidentRaised { .. });
        until(&mut watch, |turn| turn.changes.iter().any(raised)).await;
    }
    let good = engine.start_definition("good", json!({})).key("g").await.unwrap();
    good.outcome().await.unwrap().completed().unwrap();
    engine.shutdown().await.unwrap();
}

/// A task that aborts its process cannot be caught. Its attempts are lost, and there is a bound on
/// those: the instance rests, and the program lives.
#[test]
fn a_task_that_aborts_the_process_on_every_attempt_ends_as_an_incident() {
    let folder = tempfile::tempdir().unwrap();
    let live = || {
        let victim = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "engine::abuse::aborting_victim", "--ignored"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        victim.unwrap().success()
    };
    let deaths = (0..=LOST_MAX).filter(|_| !live()).count();
    assert_eq!(deaths, 1 + LOST_MAX as usize);
    assert!(live(), "the instance rests after the bound");
    assert!(live(), "and stays so");
    let connection = rusqlite::Connection::open(folder.path().join("abort.db")).unwrap();
    let count = "SELECT count(*), max(lost) FROM bpm_incident";
    let incidents: (i64, i64) =
        connection.query_row(count, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(incidents, (1, i64::from(LOST_MAX) + 1));
}
