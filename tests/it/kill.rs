//! `kill -9`, again and again, with a ledger outside: whatever was committed has happened once,
//! whatever was in flight at most once more for every kill that hit it.
//!
//! The victim is this very binary, started once more to run one ignored test.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bpm_core::store::Store;
use bpm_engine::prelude::*;
use bpm_testkit::arbitrary::Random;
use bpm_testkit::audit;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::house::line;

const FOLDER: &str = "BPM_ENGINE_KILL_FOLDER";
const INSTANCES: usize = 200;
const STEPS: [&str; 4] = ["step1", "step2", "step3", "step4"];
const KILLS: usize = 10;

fn chain() -> ProcessDefinition {
    line("chain", &["service step1", "service step2", "service step3", "service step4"])
}

/// The victim: starts what is not started, goes on with the rest, and ends when all have ended.
#[tokio::test]
#[ignore = "the victim of the other tests, which start it"]
async fn victim() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let builder = Engine::builder()
        .store(Sqlite::open(folder.join("chain.db")).unwrap())
        .definition(chain())
        .options(EngineOptions { workers: 8, lost_attempts_max: u32::MAX, ..Default::default() });
    let ledger = folder.join("ledger");
    let step = |builder: bpm_engine::EngineBuilder, step: &'static str| {
        let ledger = ledger.clone();
        builder.handler(step, move |vars: Value| {
            let record = format!("{} {step}", vars["n"]);
            write_record(&ledger, &record);
            async { Ok::<_, TaskError>(json!({})) }
        })
    };
    let engine = STEPS.into_iter().fold(builder, step).start().await.unwrap();
    let mut runs = Vec::new();
    for n in 0..INSTANCES {
        let run = engine.start_definition("chain", json!({ "n": n })).key(n.to_string());
        runs.push(run.await.unwrap());
    }
    for run in runs {
        run.outcome().await.unwrap().completed().unwrap();
    }
    engine.shutdown().await.unwrap();
}

/// Appends one framed record and tells the parent that it is there.
fn write_record(ledger: &Path, record: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(ledger).unwrap();
    // A kill may have torn the record before: a line break ends it, and empty lines are nothing.
    file.write_all(format!("\n{} {record}\n", record.len()).as_bytes()).unwrap();
    println!("\n{record}");
}

/// How often each step of each instance has had its effect; torn records are none.
fn read_ledger(folder: &Path) -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(folder.join("ledger")).unwrap_or_default();
    let mut effects = BTreeMap::new();
    for line in text.lines() {
        let framed = line.split_once(' ');
        let Some((length, record)) = framed else { continue };
        if length.parse() == Ok(record.len()) {
            *effects.entry(record.to_owned()).or_default() += 1;
        }
    }
    effects
}

fn start_victim(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::victim", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Kills a child once it has printed so many lines, or lets it end before.
fn kill_after(mut child: Child, lines: usize) {
    let output = BufReader::new(child.stdout.take().unwrap());
    let printed = output.lines().map_while(Result::ok).filter(|line| !line.is_empty());
    printed.take(lines).for_each(drop);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What the store says of the steps: how often each was lost, and which are done.
#[derive(Default)]
struct Steps {
    lost: BTreeMap<String, usize>,
    done: Vec<String>,
}

fn read_steps(folder: &Path) -> Steps {
    let store = Sqlite::open(folder.join("chain.db")).unwrap();
    let mut steps = Steps::default();
    for n in 0..INSTANCES {
        let Some(started) = store.started("chain", &n.to_string()).unwrap() else { continue };
        audit::check_replay(&store, started.instance);
        for turn in audit::history(&store, started.instance).unwrap() {
            match turn.event {
                Event::TaskLost { node, .. } => {
                    *steps.lost.entry(format!("{n} {node}")).or_default() += 1;
                }
                Event::TaskCompleted { node, .. } => steps.done.push(format!("{n} {node}")),
                _ => {}
            }
        }
    }
    steps
}

#[test]
fn a_chain_survives_kills_and_committed_work_happens_once() {
    let seed = seed();
    let mut random = Random::new(seed);
    let folder = TempDir::new().unwrap();
    let mut committed: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..KILLS {
        kill_after(start_victim(folder.path()), random.below(120));
        let effects = read_ledger(folder.path());
        for done in read_steps(folder.path()).done {
            let now = effects[&done];
            let before = *committed.entry(done.clone()).or_insert(now);
            assert_eq!(now, before, "seed {seed}: `{done}` ran again after it was committed");
        }
    }
    assert!(start_victim(folder.path()).wait_with_output().unwrap().status.success());
    let (steps, effects) = (read_steps(folder.path()), read_ledger(folder.path()));
    assert_eq!(steps.done.len(), INSTANCES * STEPS.len(), "seed {seed}");
    for (done, count) in &effects {
        let lost = steps.lost.get(done).copied().unwrap_or(0);
        let once = committed.get(done).copied().unwrap_or(*count);
        assert_eq!(*count, once, "seed {seed}: `{done}` ran again after it was committed");
        assert!((1..=1 + lost).contains(count), "seed {seed}: `{done}` {count} times, lost {lost}");
    }
    assert!(steps.done.iter().all(|done| effects.contains_key(done)), "seed {seed}");
}

#[test]
fn the_demo_survives_kills_and_one_whole_run_completes_everything() {
    let seed = seed();
    let mut random = Random::new(seed);
    let folder = TempDir::new().unwrap();
    let db = folder.path().join("demo.db");
    let demo = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bpm-engine"));
        command.arg("--db").arg(&db).stdout(Stdio::piped());
        command
    };
    for _ in 0..KILLS {
        kill_after(demo().spawn().unwrap(), random.below(14));
    }
    assert!(demo().output().unwrap().status.success(), "seed {seed}");
    let connection = rusqlite::Connection::open(&db).unwrap();
    let mut rows = connection.prepare("SELECT status FROM v_instance").unwrap();
    let statuses: Vec<String> =
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(!statuses.is_empty());
    assert!(statuses.iter().all(|status| status == "Completed"), "seed {seed}: {statuses:?}");
}

/// A new seed a run, or the one that `BPM_ENGINE_SEED` says; printed.
fn seed() -> u64 {
    let said = std::env::var("BPM_ENGINE_SEED").ok().and_then(|seed| seed.parse().ok());
    let nanos = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        u64::from(since.unwrap().subsec_nanos())
    };
    let seed = said.unwrap_or_else(nanos);
    println!("seed {seed}: repeat with BPM_ENGINE_SEED={seed}");
    seed
}
