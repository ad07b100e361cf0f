//! The approval demo: `cargo run`, state in `bpm.db` in the working directory.
//!
//! Kill it whenever you like and run it again: it says what it found and finishes that too.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bpm_engine::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const USAGE: &str = "usage: bpm-engine [--reject] [--leave-open] [--db PATH]

  --reject      start with an amount that is too small to need an approval
  --leave-open  stop at the user task and leave it open; the next run finishes it
  --db PATH     keep the state there instead of in bpm.db";

/// How long the demo lets `approve` wait, so that you see it wait, and can kill it there.
const PAUSE: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match demo(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line says.
struct Options {
    db: PathBuf,
    amount: i64,
    leave_open: bool,
}

impl Options {
    /// The options, or `None` if only help was asked for.
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self { db: PathBuf::from("bpm.db"), amount: 60, leave_open: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--reject" => options.amount = 20,
                "--leave-open" => options.leave_open = true,
                "--db" => options.db = words.next().ok_or("`--db` needs a path")?.into(),
                "--help" | "-h" => return Ok(None),
                unknown => return Err(format!("unknown argument `{unknown}`")),
            }
        }
        Ok(Some(options))
    }
}

async fn demo(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::builder()
        .store(Sqlite::open(&options.db)?)
        .process::<Approval>()
        // You are meant to kill it, and as often as you like.
        .options(EngineOptions { lost_attempts_max: u32::MAX, ..Default::default() })
        .start()
        .await?;
    let printer = tokio::spawn(print_turns(engine.watch()));

    let mut unfinished = say_what_was_left(&engine, options).await?;
    let run = engine.start(Approval { amount: options.amount }).await?;
    unfinished.insert(run.id());
    finish(&engine, unfinished, options.leave_open.then_some(run.id())).await?;

    engine.shutdown().await?;
    drop((engine, run));
    printer.await?;
    println!(
        "The state is in {}; run again, or look: sqlite3 {0} 'select * from v_instance'",
        options.db.display()
    );
    Ok(())
}

/// What the person at `approve` enters.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Decision {
    approved: bool,
}

/// Looks whether the amount makes sense.
#[service_task]
async fn validate(amount: i64) -> bool {
    amount > 0
}

workflow! {
    /// Start → validate → gateway → approve or reject → end.
    process Approval(amount: i64) -> String {
        let valid = service validate(amount);
        'gateway: if valid && amount > 50 {
            let decision: Decision = user approve { amount: &amount };
            'approved: return format!("{amount} approved: {}", decision.approved);
        }
        'reject: return format!("{amount} rejected: nobody needs to be asked");
    }
}

/// Says what earlier runs left, and which instances that are.
async fn say_what_was_left(
    engine: &Engine,
    options: &Options,
) -> Result<BTreeSet<InstanceId>, Error> {
    let resumed = &engine.recovered().resumed;
    let waiting = engine.user_tasks().open(Approval::APPROVE).list().await?;
    println!(
        "{}: {} instances had work in flight and go on, {} wait for an approval",
        options.db.display(),
        resumed.len(),
        waiting.len()
    );
    Ok(resumed.iter().copied().chain(waiting.iter().map(|task| task.instance)).collect())
}

/// Approves as a person would until every instance has ended, but for one that is left open.
async fn finish(
    engine: &Engine,
    mut unfinished: BTreeSet<InstanceId>,
    leave_open: Option<InstanceId>,
) -> Result<(), Error> {
    let mut watch = engine.watch();
    loop {
        for task in engine.user_tasks().open(Approval::APPROVE).list().await? {
            if leave_open == Some(task.instance) {
                println!("‖ approve waits for a person, and is left open");
                unfinished.remove(&task.instance);
            } else {
                approve(engine, &task).await?;
            }
        }
        let mut left = BTreeSet::new();
        for instance in unfinished {
            if !engine.run::<Approval>(instance).status().await?.is_end() {
                left.insert(instance);
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        unfinished = left;
        watch.next().await;
    }
}

async fn approve(engine: &Engine, task: &UserTask) -> Result<(), Error> {
    println!("‖ approve waits for a person … (instance {})", task.instance);
    tokio::time::sleep(PAUSE).await;
    println!("▶ ann approves");
    engine
        .complete(task.id, Approval::APPROVE, Decision { approved: true })
        .by(Actor::new("ann"))
        .await
}

/// Prints every event and change as it becomes durable.
async fn print_turns(mut watch: bpm_engine::Watch) {
    while let Some(watched) = watch.next().await {
        match watched {
            Watched::Turn(turn) => {
                println!("event   {}", words(&turn.recorded.event));
                turn.recorded
                    .changes
                    .iter()
                    .for_each(|change| println!("  change {}", words(change)));
            }
            Watched::Missed(turns) => println!("… {turns} more turns"),
        }
    }
}

/// An event or change as its name and its fields in JSON.
fn words(of: &impl serde::Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(Value::Object(variant)) => {
            let parts = variant.iter().map(|(name, fields)| format!("{name} {fields}"));
            parts.collect()
        }
        Ok(Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}
