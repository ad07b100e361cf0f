//! Incidents: what cannot be decided rests visibly, and touches nobody else.

use bpm_engine::prelude::*;
use serde_json::json;

use crate::diary::*;
use crate::house::*;

fn choice() -> ProcessDefinition {
    ProcessDefinition::builder("choice")
        .start("start")
        .exclusive("gateway")
        .end("much")
        .end("little")
        .edge("start", "gateway")
        .edge_if("gateway", "much", EdgeCondition::Expression("order.amount > 50".into()))
        .edge_if("gateway", "little", EdgeCondition::Default)
        .build()
        .unwrap()
}

#[tokio::test]
async fn it_names_the_expression_and_its_place() {
    for house in House::all() {
        let engine = house.engine(choice()).await;
        let input = json!({ "order": { "amount": "much" } });
        let run = engine.start_definition("choice", input).await.unwrap();
        let [incident] = engine.incidents().list().await.unwrap().try_into().unwrap();
        assert_eq!((incident.instance, incident.node.as_str()), (run.id(), "gateway"));
        assert_eq!(incident.process, "choice");
        let error = &incident.error;
        assert!(
            error.starts_with("the expression `order.amount > 50` cannot be decided"),
            "{error}"
        );
        assert!(error.contains('^'), "no caret: {error}");
        assert!(!incident.hint.is_empty());
        assert_eq!(run.status().await.unwrap(), Status::Running);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn others_go_on_and_a_restart_finds_it() {
    for house in House::all() {
        let engine = house.engine(choice()).await;
        let broken = engine.start_definition("choice", json!({})).await.unwrap();
        let good = json!({ "order": { "amount": 60 } });
        let well = engine.start_definition("choice", good).await.unwrap();
        well.outcome().await.unwrap().completed().unwrap();
        let before = engine.incidents().list().await.unwrap();
        engine.shutdown().await.unwrap();
        let broken = broken.id();
        drop((engine, well));

        let engine = house.engine(choice()).await;
        assert_eq!(engine.recovered().resumed, []);
        assert_eq!(engine.incidents().list().await.unwrap(), before);
        assert_eq!(before[0].instance, broken);
        house.finish(engine).await;
    }
}

/// A value that reads back only while the test lets it.
#[derive(Clone, Debug, serde::Serialize)]
struct Picky(u32);

static READS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(true);

impl<'de> serde::Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = u32::deserialize(from)?;
        match READS.load(std::sync::atomic::Ordering::SeqCst) {
            true => Ok(Self(number)),
            false => Err(serde::de::Error::custom("the field `total` is missing")),
        }
    }
}

/// Doubles a number.
#[service_task]
async fn twice(picky: Picky) -> Result<u32, TaskError> {
    Ok(picky.0 * 2)
}

workflow! {
    process Reads(start: u32) -> u32 {
        let picky = Picky(start);
        user go {};
        let half = picky.0;
        user go_on {};
        let twice = service twice(picky);
        return half + twice;
    }
}

/// A payload that no longer deserialises is nobody's failure: nothing is undone, and once the type
/// reads it again the step is retried.
#[tokio::test]
async fn what_no_longer_reads_as_its_type_rests_as_an_incident() {
    for office in Office::all() {
        let engine = office.builder().process::<Reads>().start().await.unwrap();
        let mut watch = engine.watch();
        let run = engine.start(Reads { start: 3 }).await.unwrap();
        for node in ["let:half", "twice"] {
            READS.store(false, std::sync::atomic::Ordering::SeqCst);
            let task = the_task(&engine).await;
            engine.complete_json(task.id, serde_json::Value::Null).await.unwrap();
            let incident = office.incident(&mut watch, &engine).await;
            assert_eq!(incident.node, node);
            assert!(incident.error.contains("`picky` no longer reads as its type"), "{incident:?}");
            assert_eq!(run.status().await.unwrap(), Status::Running);
            READS.store(true, std::sync::atomic::Ordering::SeqCst);
            engine.retry(incident.id, Actor::new("ann")).await.unwrap();
        }
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), 9);
        office.house.finish(engine).await;
    }
}
