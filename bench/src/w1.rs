//! W1: many short instances, start → three service tasks → end, each of which returns about a
//! hundred bytes of JSON. The price of a turn.

use std::convert::Infallible;
use std::path::Path;

use bpm_engine::Statistics;
use bpm_engine::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::Failed;
use crate::measure::{Stopwatch, Took};
use crate::raw;
use crate::report::{Pair, Side};

const NAME: &str = "fulfil";
const TASKS: [&str; 3] = ["reserve", "charge", "ship"];

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

async fn open(file: &Path) -> Result<Engine, Failed> {
    let mut engine = Engine::builder().store(Sqlite::open(file)?).definition(definition()?);
    for task in TASKS {
        engine = engine.handler(task, move |input| work(task, input));
    }
    Ok(engine.start().await?)
}

fn definition() -> Result<ProcessDefinition, Failed> {
    let [reserve, charge, ship] = TASKS;
    let definition = ProcessDefinition::builder(NAME)
        .start("start")
        .service(reserve)
        .service(charge)
        .service(ship)
        .end("end")
        .edge("start", reserve)
        .edge(reserve, charge)
        .edge(charge, ship)
        .edge(ship, "end")
        .build()?;
    Ok(definition)
}

/// The work of a task is to return a hundred bytes: what is left is the engine's.
async fn work(task: &'static str, input: Value) -> Result<Value, Infallible> {
    let order = &input["order"];
    Ok(json!({ task: {
        "order": order,
        "state": "accepted",
        "reference": "0193a7c5-7e1f-7d2a-b3c4-5d6e7f809a1b",
        "cents": 129_900,
    }}))
}

async fn fulfil(engine: Engine, order: u32) -> Result<(), Error> {
    let run = engine.start_definition(NAME, json!({ "order": order })).await?;
    run.outcome().await?.completed().map(drop)
}
