//! W1: many short instances, start → three service tasks → end, each of which returns about a
//! hundred bytes of JSON. The price of a turn.

use std::path::Path;

use bpm_engine::Statistics;
use bpm_engine::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Failed;
use crate::measure::{Stopwatch, Took};
use crate::raw;
use crate::report::{Pair, Side};

/// About a hundred bytes as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Receipt {
    order: u32,
    state: String,
    reference: String,
    cents: i64,
}

/// To return a receipt is all the work of a task: what is left is the engine's.
fn receipt(order: u32, state: &str) -> Receipt {
    let reference = "0193a7c5-7e1f-7d2a-b3c4-5d6e7f809a1b".to_owned();
    Receipt { order, state: state.to_owned(), reference, cents: 129_900 }
}

#[service_task]
async fn reserve(order: u32) -> Receipt {
    receipt(order, "reserved")
}

#[service_task]
async fn charge(reserved: &Receipt) -> Receipt {
    receipt(reserved.order, "charged")
}

#[service_task]
async fn ship(charged: &Receipt) -> Receipt {
    receipt(charged.order, "shipped")
}

workflow! {
    process Fulfil(order: u32) -> Receipt {
        let reserved = service reserve(order);
        let charged = service charge(&reserved);
        let shipped = service ship(&charged);
        'end: return shipped;
    }
}

/// The tokens of an instance that has just started, as the engine stores them. The file no longer
/// has them once the instance has ended.
const STARTED: &str = r#"[{"token":0,"node":"reserve","state":"Executing","visit":1,"attempt":1}]"#;

/// Runs the engine, and then the raw program on the rows that it wrote.
pub(crate) fn pair(instances: u32) -> Result<Pair, Failed> {
    let folder = tempfile::tempdir()?;
    let (ours, theirs) = (folder.path().join("ours.db"), folder.path().join("raw.db"));
    let (took, Statistics { commits, turns, .. }) =
        Runtime::new()?.block_on(engine(&ours, instances))?;
    let raw = raw::run(&ours, &theirs, STARTED, turns.div_ceil(commits.max(1)))?;
    Ok(Pair {
        ours: Side::new(&ours, took, commits)?,
        raw: Side::new(&theirs, raw.took, raw.commits)?,
        synchronous: raw.synchronous,
    })
}

/// Starts all instances at once, as the requests of a server would, and awaits every outcome.
async fn engine(file: &Path, instances: u32) -> Result<(Took, Statistics), Failed> {
    let engine = open(file).await?;
    let stopwatch = Stopwatch::start();
    let mut callers = JoinSet::new();
    for order in 0..instances {
        callers.spawn(fulfil(engine.clone(), order));
    }
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let took = stopwatch.stop();
    let statistics = engine.statistics();
    engine.shutdown().await?;
    Ok((took, statistics))
}

async fn open(file: &Path) -> Result<Engine, Error> {
    Engine::builder().store(Sqlite::open(file)?).process::<Fulfil>().start().await
}

async fn fulfil(engine: Engine, order: u32) -> Result<(), Error> {
    engine.start(Fulfil { order }).await?.outcome().await?.completed().map(drop)
}
