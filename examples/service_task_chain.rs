//! Three service tasks in a row, each result durable before the next one starts.

use std::convert::Infallible;

use bpm_engine::prelude::*;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definition = ProcessDefinition::builder("service_task_chain")
        .start("start")
        .service("step1")
        .service("step2")
        .service("step3")
        .end("end")
        .edge("start", "step1")
        .edge("step1", "step2")
        .edge("step2", "step3")
        .edge("step3", "end")
        .build()?;
    let engine = Engine::builder()
        .store(Memory::new())
        .definition(definition)
        .handler("step1", |vars: Value| async move {
            Ok::<_, Infallible>(json!({ "doubled": vars["number"].as_i64().unwrap_or(0) * 2 }))
        })
        .handler("step2", |vars: Value| async move {
            Ok::<_, Infallible>(json!({ "text": format!("twice {}", vars["number"]) }))
        })
        .handler("step3", |vars: Value| async move {
            Ok::<_, Infallible>(
                json!({ "said": format!("{} is {}", vars["text"], vars["doubled"]) }),
            )
        })
        .start()
        .await?;

    let run = engine.start_definition("service_task_chain", json!({ "number": 21 })).await?;
    println!("outcome: {}", run.outcome().await?.completed()?);
    for turn in engine.history(run.id()).await? {
        print_turn(&turn);
    }
    engine.shutdown().await?;
    Ok(())
}

fn print_turn(turn: &Recorded) {
    match &turn.event {
        Event::TaskCompleted { node, result, .. } => println!("{}: {node} gave {result}", turn.seq),
        event => println!("{}: {event:?}", turn.seq),
    }
    for change in &turn.changes {
        if let Change::ProcessCompleted { node, .. } = change {
            println!("reached: {node}");
        }
    }
}
