//! W5: many pending timers, of which a few come due soon. The price of waiting, and how late a
//! timer fires among a million others.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bpm_engine::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Failed;
use crate::measure::resident;

workflow! {
    process Remind(due: Timestamp) {
        wait until due;
    }
}

/// In how long a time the timers of the measurement come due, one after another.
const WINDOW: Duration = Duration::from_secs(10);

/// How long before the first of them the last restart is done, at least.
const AHEAD: Duration = Duration::from_secs(5);

/// Timers that have not fired so long after the last one was due are lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is not due in this measurement is due over a month, from tomorrow on.
const DAY: Duration = Duration::from_secs(86_400);

/// Callers that start instances at the same time.
const CALLERS: u32 = 4_096;

/// The timers of a run.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) pending: u32,
    pub(crate) due: u32,
}

/// Sets the timers, starts the engine again, and awaits those that are due.
pub(crate) fn run(size: Size) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("timers.db");
    let runtime = Runtime::new()?;
    println!("w5: {} timers, {} of them due within {WINDOW:?}", size.pending, size.due);
    let set = runtime.block_on(set(&file, size))?;
    println!("set in {:.1} s", set.took.as_secs_f64());
    let resident_set = resident()?;
    let fired = runtime.block_on(fire(&file, &set.soon))?;
    let due = set.soon.len();
    let bytes = std::fs::metadata(&file)?.len();
    let line = json!({
        "workload": "w5",
        "pending": size.pending,
        "due": due,
        "fired": fired.late_ms.len(),
        "lost": due - fired.late_ms.len(),
        "early": fired.early,
        "late_ms_p50": fired.late(0.5),
        "late_ms_p99": fired.late(0.99),
        "late_ms_max": fired.late(1.0),
        "resident_mb": megabytes(fired.resident),
        "resident_before_mb": megabytes(set.resident),
        "resident_set_mb": megabytes(resident_set),
        "set_s": rounded(set.took.as_secs_f64()),
        "open_ms": rounded(1_000.0 * fired.opened.as_secs_f64()),
        "bytes_per_timer": bytes / u64::from(size.pending.max(1)),
    });
    println!("{line}");
    match due == fired.late_ms.len() && fired.early == 0 {
        true => Ok(()),
        false => Err("a timer was lost or early".into()),
    }
}

/// The timers as they were set.
struct Set {
    /// Those of the measurement, and when each is due.
    soon: HashMap<InstanceId, Timestamp>,
    took: Duration,
    /// Before there was an engine.
    resident: u64,
}

/// Starts all instances. Those that are due in the measurement come last, so that it need not
/// wait for the others.
async fn set(file: &Path, size: Size) -> Result<Set, Failed> {
    let resident = resident()?;
    let engine = open(file).await?;
    let began = Instant::now();
    let due = size.due.min(size.pending);
    let later = size.pending - due;
    let tomorrow = Timestamp::from(SystemTime::now()).after(DAY);
    let spread = 30 * DAY / later.max(1);
    start(&engine, later, move |number| tomorrow.after(spread * number)).await?;
    let took = began.elapsed();
    // As slow as those before, or slower than ten thousand a second: there is time enough.
    let share = f64::from(due) / f64::from(later.max(1));
    let needs = took.mul_f64(2.0 * share.min(1.0)) + Duration::from_millis(u64::from(due) / 10);
    let first = Timestamp::from(SystemTime::now()).after(needs + AHEAD);
    let spread = WINDOW / due.max(1);
    let soon = start(&engine, due, move |number| first.after(spread * number)).await?;
    let took = began.elapsed();
    engine.shutdown().await?;
    Ok(Set { soon, took, resident })
}

/// Starts so many instances, each with the timer of its number.
async fn start(
    engine: &Engine,
    count: u32,
    due: impl Fn(u32) -> Timestamp + Copy + Send + 'static,
) -> Result<HashMap<InstanceId, Timestamp>, Failed> {
    let next = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS.min(count) {
        let (engine, next) = (engine.clone(), Arc::clone(&next));
        callers.spawn(async move {
            let mut started = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, Error>(started);
                }
                let run = engine.start(Remind { due: due(number) }).await?;
                started.push((run.id(), due(number)));
            }
        });
    }
    let mut all = HashMap::new();
    while let Some(started) = callers.join_next().await {
        all.extend(started??);
    }
    Ok(all)
}

/// How the timers fired.
struct Fired {
    /// How late each that fired was durable, in order.
    late_ms: Vec<u64>,
    early: u32,
    opened: Duration,
    resident: u64,
}

impl Fired {
    /// The lateness that this part of the timers does not exceed; `null` if none fired.
    fn late(&self, part: f64) -> Option<u64> {
        let last = self.late_ms.len().checked_sub(1)?;
        self.late_ms.get((part * last as f64).round() as usize).copied()
    }
}

/// Starts the engine on the file, and watches the timers fire.
async fn fire(file: &Path, soon: &HashMap<InstanceId, Timestamp>) -> Result<Fired, Failed> {
    let began = Instant::now();
    let engine = open(file).await?;
    let opened = began.elapsed();
    // Later jumps of the wall clock are not the engine's time.
    let (wall, since) = (Timestamp::from(SystemTime::now()), Instant::now());
    let mut watch = engine.watch();
    let last = soon.values().max().copied().unwrap_or(wall);
    let until = since + last.since(wall) + PATIENCE;
    let (mut fired, mut early) = (HashMap::new(), 0);
    while fired.len() < soon.len() {
        let Ok(Some(watched)) = tokio::time::timeout_at(until.into(), watch.next()).await else {
            break;
        };
        let Watched::Turn(turn) = watched else {
            return Err("the watcher was too slow to see every timer".into());
        };
        let now = wall.after(since.elapsed());
        let Some(due) = soon.get(&turn.instance) else { continue };
        early += u32::from(Timestamp::from(SystemTime::now()) < *due);
        fired.insert(turn.instance, now.since(*due).as_millis() as u64);
    }
    let resident = resident()?;
    engine.shutdown().await?;
    let mut late_ms: Vec<_> = fired.into_values().collect();
    late_ms.sort_unstable();
    Ok(Fired { late_ms, early, opened, resident })
}

async fn open(file: &Path) -> Result<Engine, Error> {
    let options = EngineOptions { watch_turns: 1 << 16, ..EngineOptions::default() };
    let builder = Engine::builder().store(Sqlite::open(file)?).process::<Remind>();
    builder.options(options).start().await
}

fn megabytes(bytes: u64) -> f64 {
    rounded(bytes as f64 / 1e6)
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
