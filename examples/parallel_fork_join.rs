use bpm_engine::prelude::*;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let definition = ProcessDefinition::builder("fork_join")
        .start("start")
        .parallel("fork")
        .service("branch_a")
        .service("branch_b")
        .parallel("join")
        .user("look")
        .exclusive("g")
        .end("end")
        .end("other")
        .edge("start", "fork")
        .edge("fork", "branch_a")
        .edge("fork", "branch_b")
        .edge("branch_a", "join")
        .edge("branch_b", "join")
        .edge("join", "look")
        .edge("look", "g")
        .edge_if("g", "end", EdgeCondition::Expression("amount > 50 && vip".into()))
        .edge_if("g", "other", EdgeCondition::Default)
        .build()?;
    let engine = Engine::builder()
        .store(Memory::new())
        .definition(definition)
        .handler("branch_a", |_| async { Ok::<_, std::convert::Infallible>(json!({"a": 1})) })
        .handler("branch_b", |_| async { Ok::<_, std::convert::Infallible>(json!({"b": 2})) })
        .start()
        .await?;
    let run = engine.start_definition("fork_join", json!({"amount": 60})).key("k").await?;
    let again = engine.start_definition("fork_join", json!({"amount": 60})).key("k").await?;
    assert_eq!(run.id(), again.id());
    println!("{}", engine.start_definition("fork_join", json!({"amount": 61})).key("k").await.err().unwrap());
    let mut tries = 0;
    let task = loop {
        if let Some(task) = engine.user_tasks().list().await?.pop() { break task }
        tries += 1;
        tokio::task::yield_now().await;
    };
    println!("{tries} {task:?}");
    println!("{}", engine.complete_json(task.id, json!(3)).await.unwrap_err());
    engine.complete_json(task.id, json!({"vip": true})).by(Actor::new("ann")).await?;
    println!("{}", engine.complete_json(task.id, json!({})).await.unwrap_err());
    println!("{:?}", run.outcome().await?);
    for r in engine.history(run.id()).await? {
        println!("{} {:?}", r.seq, r.event);
        for c in r.changes { println!("    {c:?}"); }
    }
    engine.shutdown().await?;
    Ok(())
}
