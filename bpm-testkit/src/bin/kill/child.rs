//! The victim: an engine under load that says on its standard output what was acknowledged to it,
//! after the call returned `Ok` and never before.
//!
//! ```text
//!   ready                 the engine runs
//!   start <n> <instance>  the start of number n was acknowledged
//!   complete <task>       a clerk completed a user task
//!   cancel <instance>     someone cancelled an instance
//!   skip <incident>       an operator gave a value
//!   waiting               another engine has the file, and it is tried again
//!   locked <message>      another engine has the file
//!   wrong <message>       something that must not happen
//!   drained               everything has ended or waits visibly
//! ```

use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bpm_core::failpoint::{self, Failpoint};
use bpm_engine::prelude::*;
use bpm_engine::store;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::ledger::Ledger;
use crate::load::{self, GIVEN, Sort};

/// Attempts in flight: what one kill can have run again.
pub(crate) const WORKERS: usize = 8;

/// The exit code of a process that was refused the file.
pub(crate) const REFUSED: i32 = 3;

/// The variable by which the same program becomes the victim; its value is the orders.
pub(crate) const ORDERS: &str = "BPM_KILL_CHILD";

/// How long an engine waits for the file when another program writes it, and between two tries of
/// a process that waits to take over.
const BUSY: Duration = Duration::from_millis(100);
const TRY_AGAIN: Duration = Duration::from_millis(1);

/// Who starts instances at the same time, and how long everybody pauses between two calls.
const STARTERS: u64 = 6;
const PAUSE: Duration = Duration::from_millis(1);

/// What the victim does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    /// Starts instances until it is killed, or stops when its standard input ends.
    Load,
    /// The same, but waits until the file is free.
    TakeOver,
    /// Starts what is missing, and ends when everything has ended or waits visibly.
    Drain,
}

/// The orders of a victim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) mode: Mode,
    pub(crate) folder: PathBuf,
    /// Its number, for the ledger.
    pub(crate) process: u32,
    /// The numbers of the instances to start.
    pub(crate) from: u64,
    pub(crate) until: u64,
    /// Where it dies, and at which time that it comes there.
    pub(crate) failpoint: Option<(String, u32)>,
}

/// Runs the victim to its end, if it has one.
pub(crate) fn run(orders: &Orders) -> Result<(), Box<dyn std::error::Error>> {
    if let Some((name, count)) = &orders.failpoint {
        failpoint::arm(Failpoint::named(name).ok_or("no such failpoint")?, *count);
    }
    let store = open(orders)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(live(orders, store))
}

/// Opens the file. Whoever is refused it says so and ends.
fn open(orders: &Orders) -> Result<Sqlite, store::Error> {
    let mut waits = false;
    loop {
        let opened = Sqlite::options(orders.folder.join("kill.db")).busy_timeout(BUSY).open();
        match opened {
            Err(store::Error::Locked { .. }) if orders.mode == Mode::TakeOver => {
                if !waits {
                    say("waiting");
                }
                waits = true;
                std::thread::sleep(TRY_AGAIN);
            }
            Err(error @ store::Error::Locked { .. }) => {
                say(&format!("locked {}", one_line(&error)));
                std::process::exit(REFUSED);
            }
            opened => return opened,
        }
    }
}

async fn live(orders: &Orders, store: Sqlite) -> Result<(), Box<dyn std::error::Error>> {
    let ledger = Ledger::open(&orders.folder, orders.process)?;
    let options = EngineOptions {
        workers: WORKERS,
        task_threads: 2,
        lost_attempts_max: u32::MAX,
        history_turns: load::HISTORY,
        grace: Duration::from_secs(5),
        ..EngineOptions::default()
    };
    let engine = load::builder(ledger).store(store).options(options).start().await?;
    say("ready");
    for clerk in ["ann", "bob"] {
        tokio::spawn(complete_tasks(engine.clone(), clerk));
    }
    tokio::spawn(give_values(engine.clone()));
    match orders.mode {
        Mode::Load | Mode::TakeOver => {
            start_some(&engine, orders);
            input_ends().notified().await;
        }
        Mode::Drain => {
            drain(&engine, orders.until).await?;
            engine.shutdown().await?;
            say("drained");
            return Ok(());
        }
    }
    engine.shutdown().await?;
    Ok(())
}

/// One write a line, so that a kill leaves a whole one or none.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // Without a driver nobody listens, and nothing is left to do.
    let _ = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
}

fn one_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().replace('\n', " ")
}

fn input_ends() -> Arc<Notify> {
    let ends = Arc::new(Notify::new());
    let ended = Arc::clone(&ends);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        ended.notify_one();
    });
    ends
}

fn start_some(engine: &Engine, orders: &Orders) {
    let next = Arc::new(AtomicU64::new(orders.from));
    for starter in 0..STARTERS {
        let (engine, next, until) = (engine.clone(), Arc::clone(&next), orders.until);
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= until {
                    return;
                }
                start(&engine, n).await;
                tokio::time::sleep(PAUSE * (1 + (n + starter) % 2) as u32).await;
            }
        });
    }
}

/// Starts an instance, and cancels it if it is of that sort.
async fn start(engine: &Engine, n: u64) -> Option<InstanceId> {
    let sort = Sort::of(n);
    let instance = match sort.start(engine, n).await {
        Ok(instance) => instance,
        Err(error) => {
            complain("start", &error);
            return None;
        }
    };
    say(&format!("start {n} {instance}"));
    if sort == Sort::Order {
        tokio::time::sleep(PAUSE * (n % 7) as u32).await;
        match engine.cancel(instance, Actor::new("caller")).await {
            Ok(()) => say(&format!("cancel {instance}")),
            Err(Error::Refused(Refused::AlreadyCancelling { .. } | Refused::Ended { .. })) => {}
            Err(error) => complain("cancel", &error),
        }
    }
    Some(instance)
}

/// An error that nobody provoked; one because the engine stops was.
fn complain(what: &str, error: &Error) {
    let stops = matches!(
        error,
        Error::Stopped | Error::Refused(Refused::ShuttingDown) | Error::Store(store::Error::Closed)
    );
    if !stops {
        say(&format!("wrong {what}: {}", one_line(error)));
    }
}

/// Two clerks go for the same tasks, so that every completion is a race.
async fn complete_tasks(engine: Engine, clerk: &'static str) {
    loop {
        tokio::time::sleep(PAUSE).await;
        let tasks = match engine.user_tasks().named("approve").list().await {
            Ok(tasks) => tasks,
            Err(error) => {
                complain("list", &error);
                continue;
            }
        };
        for task in tasks {
            match load::complete(&engine, task.id, clerk).await {
                Ok(()) => say(&format!("complete {}", task.id)),
                Err(Error::Refused(Refused::UserTaskClosed { .. })) => {}
                Err(error) => complain("complete", &error),
            }
        }
    }
}

async fn give_values(engine: Engine) {
    loop {
        tokio::time::sleep(PAUSE * 3).await;
        let incidents = match engine.incidents().list().await {
            Ok(incidents) => incidents,
            Err(error) => {
                complain("list", &error);
                continue;
            }
        };
        for incident in incidents {
            if incident.node != "stuck" {
                say(&format!("wrong incident at {}: {}", incident.node, incident.error));
                continue;
            }
            let given = engine.skip_with(incident.id, GIVEN, Actor::new("operator"));
            match given.await {
                Ok(()) => say(&format!("skip {}", incident.id)),
                Err(error) => complain("skip", &error),
            }
        }
    }
}

/// Starts everything again, which finds what was started before, and waits for the ends.
async fn drain(engine: &Engine, until: u64) -> Result<(), Error> {
    let start = |n| {
        let engine = engine.clone();
        tokio::spawn(async move { start(&engine, n).await })
    };
    let starts: Vec<_> = (0..until).map(|n| (n, start(n))).collect();
    for (n, started) in starts {
        let Ok(Some(instance)) = started.await else { continue };
        if Sort::of(n) != Sort::Waiting {
            // How it ended is judged by what is stored.
            let _ = engine.run::<serde_json::Value>(instance).outcome().await?;
            continue;
        }
        while engine.user_tasks().named("read").instance(instance).list().await?.is_empty() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}
