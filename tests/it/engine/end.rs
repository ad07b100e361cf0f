//! Ends: which one was reached, with what, and how often one may ask.

use bpm_engine::prelude::*;
use serde_json::json;

use crate::house::*;

#[tokio::test]
async fn an_outcome_may_be_asked_often_and_later() {
    for house in House::all() {
        let (task, mut attempts) = gate();
        let builder = house.builder().definition(line("one", &["service task"]));
        let engine = builder.handler("task", task).start().await.unwrap();
        let run = engine.start_definition("one", json!({ "n": 1 })).await.unwrap();
        let again = engine.run::<serde_json::Value>(run.id());
        let early = tokio::spawn({
            let run = run.clone();
            async move { run.outcome().await }
        });
        attempts.begun().await.end.send(Ok(json!({}))).unwrap();
        let expected = Outcome::Completed(json!({ "n": 1 }));
        assert_eq!(early.await.unwrap().unwrap(), expected);
        assert_eq!(run.outcome().await.unwrap(), expected);
        assert_eq!(again.outcome().await.unwrap(), expected);
        engine.shutdown().await.unwrap();
        drop((run, again, engine));

        let engine = house.engine(line("one", &["service task"])).await;
        let [instance] = house.instances().into_iter().collect::<Vec<_>>().try_into().unwrap();
        let run = engine.run::<serde_json::Value>(instance);
        assert_eq!(run.outcome().await.unwrap(), expected);
        assert_eq!(run.status().await.unwrap(), Status::Completed);
        assert!(engine.instance(instance).await.unwrap().ended.is_some());
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn nobody_knows_how_an_unknown_instance_ends() {
    for house in House::all() {
        let engine = house.engine(line("one", &["service task"])).await;
        let unknown = InstanceId::from_bytes([7; 16]);
        let run = engine.run::<serde_json::Value>(unknown);
        assert_eq!(refusal(run.outcome().await), Refused::UnknownInstance(unknown));
        assert_eq!(refusal(run.status().await), Refused::UnknownInstance(unknown));
        assert_eq!(refusal(engine.instance(unknown).await), Refused::UnknownInstance(unknown));
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_process_of_nothing_ends_in_its_first_turn() {
    for house in House::all() {
        let engine = house.engine(line("nothing", &[])).await;
        let run = engine.start_definition("nothing", json!(null)).await.unwrap();
        assert_eq!(run.outcome().await.unwrap(), Outcome::Completed(json!({})));
        let history = engine.history(run.id()).await.unwrap();
        assert_eq!(
            words(&history),
            ["ProcessStarted: TokenCreated TokenMoved TokenConsumed ProcessCompleted"]
        );
        house.finish(engine).await;
    }
}
