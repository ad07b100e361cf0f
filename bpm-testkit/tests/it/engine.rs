//! The test engine: time, crashes, faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bpm_core::definition::{ProcessDefinition, Retry};
use bpm_core::engine::Outcome;
use bpm_core::store::Status;
use bpm_testkit::TestEngine;
use bpm_testkit::faults::{Faults, Faulty};
use bpm_testkit::store_conformance;
use serde_json::json;

use crate::shop::{approve, engine, start};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn thirty_days_pass_at_once_and_not_one_less() {
    let engine = engine("month").start().await.unwrap();
    let run = start(&engine, "month", 60).await;
    engine.settle().await;
    approve(&engine).await;
    assert_eq!(engine.settle().await, Some(30 * DAY));
    engine.advance(29 * DAY).await;
    assert_eq!(run.status().await.unwrap(), Status::Running);
    engine.advance(DAY).await;
    assert_eq!(run.status().await.unwrap(), Status::Completed);
    assert_eq!(engine.settle().await, None);
}

#[tokio::test]
async fn each_thing_happens_at_its_time_within_a_jump() {
    let chain = ProcessDefinition::builder("chain")
        .start("start")
        .wait("one", "1d")
        .wait("two", "1d")
        .end("end")
        .edge("start", "one")
        .edge("one", "two")
        .edge("two", "end");
    let engine = TestEngine::builder().definition(chain.build().unwrap()).start().await.unwrap();
    let run = engine.start_definition("chain", json!({})).await.unwrap();
    engine.advance(2 * DAY).await;
    assert_eq!(run.status().await.unwrap(), Status::Completed);
    let history = engine.history(run.id()).await.unwrap();
    let times: Vec<_> = history.iter().map(|turn| turn.at.since(history[0].at)).collect();
    assert_eq!(times, [Duration::ZERO, DAY, 2 * DAY]);
}

#[tokio::test]
async fn time_goes_on_until_everything_rests() {
    let engine = engine("rest").start().await.unwrap();
    start(&engine, "rest", 60).await;
    assert_eq!(engine.fast_forward().await, Duration::ZERO, "a person is awaited");
    approve(&engine).await;
    assert_eq!(engine.fast_forward().await, 30 * DAY);
}

#[tokio::test]
#[should_panic(expected = "the instance rests: `approve` is Waiting")]
async fn who_awaits_the_end_of_what_rests_is_told() {
    let engine = engine("never").start().await.unwrap();
    let run = start(&engine, "never", 60).await;
    let _ = engine.outcome(&run).await;
}

#[tokio::test]
async fn a_crash_loses_the_attempt_and_nothing_else() {
    let (calls, job) = (Arc::new(AtomicU32::new(0)), crate::world::work().build().unwrap());
    let counted = Arc::clone(&calls);
    let engine = TestEngine::builder().definition(job).handler("work", move |_| {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                std::future::pending::<()>().await;
            }
            Ok::<_, String>(json!({ "done": true }))
        }
    });
    let engine = engine.start().await.unwrap();
    let run = engine.start_definition("job", json!({})).await.unwrap();
    while calls.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let engine = engine.crash_and_restart().await;
    let outcome = engine.outcome(&run).await.unwrap();
    assert_eq!(outcome, Outcome::Completed(json!({ "done": true })));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(engine.started(), [run.id()], "who was started is known over restarts");
}

#[tokio::test]
async fn what_is_waited_for_survives_crash_and_restart() {
    let engine = engine("waits").start().await.unwrap();
    let run = start(&engine, "waits", 60).await;
    engine.settle().await;
    let engine = engine.crash_and_restart().await;
    approve(&engine).await;
    engine.advance(10 * DAY).await;
    let engine = engine.restart().await;
    assert_eq!(engine.settle().await, Some(20 * DAY));
    assert!(matches!(engine.outcome(&run).await.unwrap(), Outcome::Completed(_)));
}

#[tokio::test]
async fn a_commit_that_fails_is_told_to_who_asked_and_repeated_for_the_engine() {
    let engine = engine("fails").start().await.unwrap();
    engine.faults().fail_commits(1);
    engine.start_definition("fails", json!({ "amount": 1 })).await.map(drop).unwrap_err();
    assert_eq!((engine.faults().left(), engine.started().len()), (0, 0));
    let run = start(&engine, "fails", 60).await;
    engine.settle().await;
    approve(&engine).await;
    engine.settle().await;
    engine.faults().fail_commits(2);
    assert!(matches!(engine.outcome(&run).await.unwrap(), Outcome::Completed(_)));
    assert_eq!(engine.faults().left(), 0);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_happens_once() {
    let engine = engine("lost").start().await.unwrap();
    let run = start(&engine, "lost", 60).await;
    engine.settle().await;
    approve(&engine).await;
    engine.settle().await;
    engine.faults().lose_verdicts(1);
    assert!(matches!(engine.outcome(&run).await.unwrap(), Outcome::Completed(_)));
    let history = engine.history(run.id()).await.unwrap();
    assert_eq!(engine.faults().left(), 0);
    assert_eq!(history.len(), 4, "started, priced, approved, waited");
}

#[tokio::test]
async fn attempts_are_retried_in_virtual_time() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let job = crate::world::work().retry("work", Retry::times(3)).build().unwrap();
    let engine = TestEngine::builder().definition(job).handler("work", move |_| {
        let last = counted.fetch_add(1, Ordering::SeqCst) == 2;
        async move { if last { Ok(json!({})) } else { Err("busy") } }
    });
    let engine = engine.start().await.unwrap();
    let run = engine.start_definition("job", json!({})).await.unwrap();
    assert!(matches!(engine.outcome(&run).await.unwrap(), Outcome::Completed(_)));
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

#[test]
fn a_faulty_store_without_faults_is_a_store() {
    store_conformance::all(&|| {
        let memory = bpm_core::store::Memory::new();
        Box::new(move || Ok(Faulty::new(memory.clone(), Faults::new())))
    });
}
