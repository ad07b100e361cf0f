//! How much memory one instance takes that goes on for a million turns: nothing that grows with
//! the turns may stay in memory.
//!
//! ```sh
//! cargo run --release --example memory -- 1000000
//! ```
//!
//! Prints one line of JSON: the resident memory in kB at turn 10,000 and at the end, how much it
//! grew in between, and the size of the file. Reads `/proc`, and so runs on Linux.

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bpm_engine::prelude::*;
use serde_json::{Value, json};

/// The turn at which caches and buffers have their size.
const WARM: u64 = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let turns = std::env::args().nth(1).map_or(Ok(1_000_000), |turns| turns.parse::<u64>())?;
    if turns <= WARM {
        return Err(format!("more than {WARM} turns show something").into());
    }
    println!("{}", tokio::runtime::Runtime::new()?.block_on(measure(turns))?);
    Ok(())
}

async fn measure(turns: u64) -> Result<Value, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("memory.db");
    let warm = Arc::new(AtomicU64::new(0));
    let noted = Arc::clone(&warm);
    let count = move |variables: Value| {
        let noted = Arc::clone(&noted);
        async move {
            let turn = variables["turn"].as_u64().unwrap_or(0) + 1;
            if turn == WARM {
                noted.store(resident(), Ordering::Relaxed);
            }
            Ok::<_, TaskError>(json!({ "turn": turn, "more": turn < turns }))
        }
    };
    let engine = Engine::builder()
        .store(Sqlite::options(&file).durability(Durability::Normal).open()?)
        .definition(counting()?)
        .handler("count", count)
        .start()
        .await?;
    let began = Instant::now();
    let run = engine.start_definition("counting", json!({})).await?;
    run.outcome().await?.completed()?;
    let (warm, end) = (warm.load(Ordering::Relaxed), resident());
    let seconds = began.elapsed().as_secs_f64();
    engine.shutdown().await?;
    Ok(json!({
        "turns": turns,
        "resident_kb_at_turn_10000": warm,
        "resident_kb_at_end": end,
        "grown_kb": end.saturating_sub(warm),
        "file_bytes": fs::metadata(&file)?.len(),
        "seconds": (seconds * 10.0).round() / 10.0,
    }))
}

/// A service task in a loop.
fn counting() -> Result<ProcessDefinition, bpm_engine::Findings> {
    ProcessDefinition::builder("counting")
        .start("start")
        .exclusive("again")
        .service("count")
        .exclusive("enough")
        .end("end")
        .edge("start", "again")
        .edge("again", "count")
        .edge("count", "enough")
        .edge_if("enough", "again", EdgeCondition::Expression("more".to_owned()))
        .edge_if("enough", "end", EdgeCondition::Default)
        .build()
}

/// The resident memory of this process in kB; 0 where it cannot be known.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
