//! An approval: a service task validates, a gateway decides, a person approves.
//!
//! The process is written twice: as Rust with `workflow!`, and as the builder calls that it
//! equals. The first one is typed from end to end and checked by the compiler.

use bpm_engine::prelude::*;
use serde::{Deserialize, Serialize};

/// What the person at the user task enters.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Decision {
    approved: bool,
    comment: String,
}

/// Looks whether the amount makes sense.
#[service_task]
async fn validate(amount: i64) -> Result<bool, std::convert::Infallible> {
    Ok(amount > 0)
}

workflow! {
    /// Asks a person about large amounts.
    process Approval(amount: i64) -> String {
        let valid = service validate(amount);
        if valid && amount > 50 {
            let decision: Decision = user approve { amount: &amount };
            return format!("approved: {}, {}", decision.approved, decision.comment);
        }
        return "rejected: too small to ask".to_owned();
    }
}

/// The same process as data; its variables are JSON.
fn built() -> Result<ProcessDefinition, bpm_engine::Findings> {
    ProcessDefinition::builder("approval")
        .start("start")
        .service("validate")
        .exclusive("gateway")
        .user("approve")
        .end("approved")
        .end("reject")
        .edge("start", "validate")
        .edge("validate", "gateway")
        .edge_if("gateway", "approve", EdgeCondition::Expression("valid && amount > 50".into()))
        .edge_if("gateway", "reject", EdgeCondition::Default)
        .edge("approve", "approved")
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}\n\n{}", Approval::definition().to_mermaid(), built()?.to_mermaid());
    let engine = Engine::builder().store(Memory::new()).process::<Approval>().start().await?;

    for amount in [60, 20] {
        let run = engine.start(Approval { amount }).await?;
        approve_as_a_person_would(&engine, &run).await?;
        println!("{amount}: {}", run.outcome().await?.completed()?);
    }
    engine.shutdown().await?;
    Ok(())
}

/// Completes the user task when it opens; returns when the instance has ended.
async fn approve_as_a_person_would(engine: &Engine, run: &Run<Approval>) -> Result<(), Error> {
    let mut watch = engine.watch();
    loop {
        let open = engine.user_tasks().open(Approval::APPROVE).instance(run.id());
        for task in open.list().await? {
            println!("`{}` waits with {}; ann approves", task.name, task.form);
            let decision = Decision { approved: true, comment: "fine by me".to_owned() };
            engine.complete(task.id, Approval::APPROVE, decision).by(Actor::new("ann")).await?;
        }
        if run.status().await?.is_end() {
            return Ok(());
        }
        watch.next().await;
    }
}
