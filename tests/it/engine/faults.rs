//! A store that fails: callers are told, what the engine owes itself is done later, and nothing
//! happens twice.

use bpm_engine::prelude::*;
use serde_json::json;

use crate::house::*;

#[tokio::test]
async fn a_caller_whose_commit_failed_is_told_and_may_call_again() {
    for all_the_same in [false, true] {
        for house in House::all() {
            let engine = house.engine(line("desk", &["user look"])).await;
            house.fail_commit(1, all_the_same);
            let start = || engine.start_definition("desk", json!({})).key("k");
            assert!(matches!(start().await, Err(Error::Store(_))));
            let run = start().await.unwrap();
            let task = the_task(&engine).await;
            house.fail_commit(1, all_the_same);
            let complete = || engine.complete_json(task.id, json!({}));
            assert!(matches!(complete().await, Err(Error::Store(_))));
            match complete().await {
                Ok(()) => assert!(!all_the_same),
                Err(Error::Refused(Refused::UserTaskClosed { .. })) => assert!(all_the_same),
                Err(error) => panic!("{error}"),
            }
            run.outcome().await.unwrap().completed().unwrap();
            assert_eq!(engine.history(run.id()).await.unwrap().len(), 2);
            house.finish(engine).await;
        }
    }
}

/// Every commit of a small process fails once, and may have happened all the same. What the
/// engine then owes, it does without a restart.
#[tokio::test]
async fn whichever_commit_fails_the_instance_goes_on() {
    for all_the_same in [false, true] {
        for n in 1..=4 {
            for house in House::all() {
                let engine = house.engine(line("two", &["service one", "service two"])).await;
                house.fail_commit(n, all_the_same);
                let start = || engine.start_definition("two", json!({})).key("k");
                let run = match start().await {
                    Ok(run) => run,
                    Err(Error::Store(_)) => start().await.unwrap(),
                    Err(error) => panic!("{error}"),
                };
                run.outcome().await.unwrap().completed().unwrap();
                house.finish(engine).await;
            }
        }
    }
}

/// What waits to be stored is not lost, however often the store fails meanwhile: the task does not
/// run again for it.
#[tokio::test]
async fn a_result_whose_commit_fails_again_and_again_is_kept() {
    for house in House::all() {
        let (handler, mut attempts) = gate();
        let builder = house.builder().definition(line("one", &["service a"]));
        let engine = builder.handler("a", handler).start().await.unwrap();
        let run = engine.start_definition("one", json!({})).await.unwrap();
        (1..=3).for_each(|n| house.fail_commit(n, false));
        attempts.begun().await.end.send(Ok(json!({}))).unwrap();
        tokio::select! {
            outcome = run.outcome() => drop(outcome.unwrap().completed().unwrap()),
            _ = attempts.begun() => panic!("it ran again"),
        }
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_turn_that_was_to_continue_does() {
    for all_the_same in [false, true] {
        for n in 2..=3 {
            for house in House::all() {
                let options = EngineOptions { moves_per_turn: 1, ..Default::default() };
                let builder = house.builder().definition(line("one", &["service task"]));
                let engine = builder.handler("task", done).options(options).start().await.unwrap();
                house.fail_commit(n, all_the_same);
                let run = engine.start_definition("one", json!({})).await.unwrap();
                run.outcome().await.unwrap().completed().unwrap();
                house.finish(engine).await;
            }
        }
    }
}

/// A result whose commit seemed to fail is handed over again. In a loop the token is then at the
/// same node once more, and must not take the old result for its new visit's.
#[tokio::test]
async fn a_result_counts_for_its_own_visit_only() {
    let definition = ProcessDefinition::builder("loop")
        .start("start")
        .exclusive("again")
        .service("count")
        .exclusive("enough")
        .end("end")
        .edge("start", "again")
        .edge("again", "count")
        .edge("count", "enough")
        .edge_if("enough", "end", EdgeCondition::Expression("n >= 3".into()))
        .edge_if("enough", "again", EdgeCondition::Default)
        .build()
        .unwrap();
    for house in House::all() {
        let count = |vars: serde_json::Value| async move {
            Ok::<_, TaskError>(json!({ "n": vars["n"].as_i64().unwrap_or(0) + 1 }))
        };
        let builder = house.builder().definition(definition.clone());
        let engine = builder.handler("count", count).start().await.unwrap();
        house.fail_commit(2, true);
        let run = engine.start_definition("loop", json!({})).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({ "n": 3 }));
        let history = engine.history(run.id()).await.unwrap();
        let results: Vec<_> = history
            .iter()
            .filter_map(|turn| match &turn.event {
                Event::TaskCompleted { result, .. } => Some(result.text()),
                _ => None,
            })
            .collect();
        assert_eq!(results, [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
        house.finish(engine).await;
    }
}
