//! Power cuts while a whole engine works: tasks, a user task and a timer, several instances at a
//! time.
//!
//! Noted outside of the disk is what callers and watchers were told. After the cut each turn that
//! somebody saw is looked for, every instance is replayed, and a new engine brings all of them to
//! their end; what was committed must not run again.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bpm_core::definition::ProcessDefinition;
use bpm_core::engine::{Engine, EngineOptions, Watched};
use bpm_core::event::Event;
use bpm_core::ids::InstanceId;
use bpm_core::store::{Status, Store};
use bpm_sqlite::{Durability, Sqlite};
use bpm_testkit::arbitrary::Random;
use bpm_testkit::audit;
use bpm_testkit::clock::TestClock;
use serde_json::{Value, json};

use crate::disk::Image;
use crate::trial::{Found, Trial, integrity, made, open};
use crate::vfs::Mount;

/// Instances of a trial.
const INSTANCES: usize = 4;
const PROCESS: &str = "order";
const TASKS: [&str; 3] = ["check", "charge", "ship"];
const HOUR: Duration = Duration::from_secs(3_600);

/// What was seen before the power was cut, and how often each task ran.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    /// The instances whose start was answered, by their keys.
    started: BTreeMap<String, InstanceId>,
    /// The last turn of each instance that a watcher saw, or that an answer stands for.
    seen: BTreeMap<InstanceId, u64>,
    /// How often each task of each instance ran.
    ran: BTreeMap<(String, String), usize>,
}

impl Ledger {
    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cuts the power once, or once more while the engine recovers.
pub(crate) fn trial(trial: &Trial) -> Found {
    let mut found = Found::default();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let Ok(runtime) = runtime else {
        found.violation(trial, "no runtime");
        return found;
    };
    if let Err(what) = runtime.block_on(cuts(trial, &mut found)) {
        found.violation(trial, what);
    }
    found
}

async fn cuts(trial: &Trial, found: &mut Found) -> Result<(), String> {
    let mut random = Random::new(trial.seed ^ 0x72_756E);
    let mut image = if random.below(8) == 0 { Image::new() } else { made() };
    let clock = TestClock::new();
    for _ in 0..=random.below(2) {
        // What was lost, under `Normal`, was seen all the same: each life has its own ledger.
        let ledger = Ledger::default();
        let mount = trial.disk(&image, &mut random);
        mount.disk.cut_after(1 + random.below(180) as u64);
        live(trial, &mount, &clock, &ledger).await?;
        image = mount.disk.cut();
        found.cuts += 1;
        let mount = trial.disk(&image, &mut random);
        check(trial, &mount, &ledger, found)?;
        image = mount.disk.files();
    }
    let mount = trial.disk(&image, &mut random);
    let ledger = Ledger::default();
    let done = done(&open(&mount, trial.opened, 8).map_err(text)?)?;
    live(trial, &mount, &clock, &ledger).await?;
    for task in done {
        if ledger.notes().ran.contains_key(&task) {
            return Err(format!("{task:?} ran again after it was committed"));
        }
    }
    ended(&open(&mount, trial.opened, 8).map_err(text)?)
}

/// An engine at work until all its instances have ended or the power is off.
async fn live(
    trial: &Trial,
    mount: &Mount,
    clock: &TestClock,
    ledger: &Ledger,
) -> Result<(), String> {
    let off = |error: String| if mount.disk.is_off() { Ok(()) } else { Err(error) };
    let store = match open(mount, trial.opened, 8) {
        Ok(store) => store,
        Err(error) => return off(error.to_string()),
    };
    let engine = match engine(store, clock, ledger).await {
        Ok(engine) => engine,
        Err(error) => return off(error.to_string()),
    };
    let worked = tokio::select! {
        worked = work(&engine, clock, ledger) => worked,
        () = mount.disk.off() => Ok(()),
    };
    // With the power off there is nothing left to give back.
    let stopped = engine.shutdown().await.map_err(text);
    worked.and(stopped).or_else(off)
}

async fn engine(
    store: Sqlite,
    clock: &TestClock,
    ledger: &Ledger,
) -> Result<Engine, bpm_core::error::Error> {
    let definition = ProcessDefinition::builder(PROCESS)
        .start("start")
        .service("check")
        .user("approve")
        .service("charge")
        .wait("cool_off", "1h")
        .service("ship")
        .end("end")
        .edge("start", "check")
        .edge("check", "approve")
        .edge("approve", "charge")
        .edge("charge", "cool_off")
        .edge("cool_off", "ship")
        .edge("ship", "end")
        .build()
        .unwrap_or_else(|findings| unreachable!("the process is sound: {findings}"));
    let options = EngineOptions {
        task_threads: 1,
        grace: Duration::ZERO,
        lost_attempts_max: u32::MAX,
        ..EngineOptions::default()
    };
    let builder = Engine::builder().store(store).clock(clock.clone()).options(options);
    let builder = TASKS.into_iter().fold(builder.definition(definition), |builder, task| {
        let ledger = ledger.clone();
        builder.handler(task, move |vars: Value| {
            let key = vars["key"].as_str().unwrap_or_default().to_owned();
            *ledger.notes().ran.entry((key, task.to_owned())).or_default() += 1;
            async move { Ok::<_, String>(json!({ task: true })) }
        })
    });
    builder.start().await
}

/// Starts what is not started, and does what people do, until everything has ended.
async fn work(engine: &Engine, clock: &TestClock, ledger: &Ledger) -> Result<(), String> {
    let mut watch = engine.watch();
    let watched = async {
        while let Some(seen) = watch.next().await {
            if let Watched::Turn(turn) = seen {
                let mut notes = ledger.notes();
                let last = notes.seen.entry(turn.instance).or_default();
                *last = (*last).max(turn.recorded.seq);
            }
        }
        Ok(())
    };
    tokio::select! {
        biased;
        done = drive(engine, clock, ledger) => done,
        done = watched => done,
    }
}

async fn drive(engine: &Engine, clock: &TestClock, ledger: &Ledger) -> Result<(), String> {
    let mut runs = Vec::new();
    for n in 0..INSTANCES {
        let key = format!("order-{n}");
        let input = json!({ "key": key.as_str() });
        let run = engine.start_definition(PROCESS, input).key(key.as_str()).await.map_err(text)?;
        ledger.notes().started.insert(key, run.id());
        runs.push(run);
    }
    loop {
        for task in engine.user_tasks().list().await.map_err(text)? {
            engine.complete_json(task.id, json!({ "approved": true })).await.map_err(text)?;
        }
        // Timers, and what is tried again after a while.
        clock.advance(HOUR);
        let mut ended = 0;
        for run in &runs {
            ended += usize::from(run.status().await.map_err(text)?.is_end());
        }
        if ended == runs.len() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

/// Looks for everything that was seen, and replays every instance.
fn check(trial: &Trial, mount: &Mount, ledger: &Ledger, found: &mut Found) -> Result<(), String> {
    match integrity(mount).map_err(text)? {
        sound if sound == "ok" => {}
        damage => return Err(format!("damaged: {damage}")),
    }
    let store = open(mount, trial.opened, 0).map_err(text)?;
    let notes = ledger.notes();
    let mut lost = Vec::new();
    for (key, id) in &notes.started {
        let started = store.started(PROCESS, key).map_err(text)?;
        found.acknowledged += 1;
        if started.is_none_or(|started| started.instance != *id) {
            lost.push(format!("the start of {key}"));
        }
    }
    for (id, seq) in &notes.seen {
        found.acknowledged += seq;
        let there = store.history(*id, 0, usize::MAX).map_err(text)?.len() as u64;
        if there < *seq {
            lost.push(format!("turns {} to {seq} of {id}", there + 1));
        }
    }
    found.lost += lost.len() as u64;
    if !lost.is_empty() && trial.promised == Durability::Full {
        return Err(format!("lost: {}", lost.join(", ")));
    }
    for id in instances(&store)? {
        let replay = catch_unwind(AssertUnwindSafe(|| audit::check_replay(&store, id)));
        replay.map_err(|_| format!("{id} is not what its history says"))?;
    }
    store.close().map_err(text)
}

fn instances(store: &impl Store) -> Result<Vec<InstanceId>, String> {
    let mut found = Vec::new();
    for n in 0..INSTANCES {
        let started = store.started(PROCESS, &format!("order-{n}")).map_err(text)?;
        found.extend(started.map(|started| started.instance));
    }
    Ok(found)
}

/// The tasks of which a result is committed.
fn done(store: &impl Store) -> Result<Vec<(String, String)>, String> {
    let mut done = Vec::new();
    for id in instances(store)? {
        let key = store.instance(id).map_err(text)?.and_then(|row| row.start.key);
        for turn in audit::history(store, id).map_err(text)? {
            if let Event::TaskCompleted { node, .. } = turn.event {
                done.push((key.clone().unwrap_or_default(), node));
            }
        }
    }
    Ok(done)
}

/// Whether every instance has come to its end, each task with one result.
fn ended(store: &impl Store) -> Result<(), String> {
    for id in instances(store)? {
        let row = store.instance(id).map_err(text)?;
        if row.is_none_or(|row| row.state.status != Status::Completed) {
            return Err(format!("{id} has not ended"));
        }
        audit::check_replay(store, id);
    }
    let results = done(store)?.len();
    if results == INSTANCES * TASKS.len() {
        return Ok(());
    }
    Err(format!("{results} tasks have a result"))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
