//! Incidents: what cannot be decided rests visibly, and touches nobody else.

use bpm_engine::prelude::*;
use serde_json::json;

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
