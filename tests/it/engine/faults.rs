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
            engine.shutdown().await.unwrap();
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
                engine.shutdown().await.unwrap();
            }
        }
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
