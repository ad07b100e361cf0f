//! Two things that come at nearly the same time: who is first decides, whichever it is, and stays
//! the winner when the engine is gone between the two.

use std::time::Duration;

use bpm_engine::prelude::*;
use tokio::sync::oneshot;

use crate::diary::*;
use crate::house::*;

const DAY: Duration = Duration::from_secs(24 * 3_600);

workflow! {
    process Decide() -> String {
        let answer: String = user decide {}
            on after 3d => { return "late".to_owned(); };
        return answer;
    }
}

workflow! {
    process Both() -> String {
        'early: let early = service book("early") undo free(&early);
        parallel {
            a: { 'a: service book("a"); }
            b: { 'b: service book("b"); }
        }
        return early;
    }
}

workflow! {
    process Either() -> String {
        'early: let early = service book("early") undo free(&early);
        parallel {
            a: { 'a: let a = service book("a"); return a; }
            b: { 'b: let b = service book("b") undo free(&b); 'c: service book("c"); }
        }
    }
}

workflow! {
    process Late() {
        scope {
            parallel {
                slow: { 'slow: let slow = service book("slow") undo free(&slow); }
                quick: { 'quick: service book("quick"); }
            }
        } on error _ => { 'handler: service book("handler"); }
    }
}

async fn engine(office: &Office) -> Engine {
    let builder = office.patient().process::<Decide>().process::<Both>();
    builder.process::<Either>().process::<Late>().process::<Nothing>().start().await.unwrap()
}

/// The engine is gone, and another one goes on with what is stored; or not.
async fn between(office: &Office, engine: Engine, crash: bool) -> Engine {
    if !crash {
        return engine;
    }
    drop(engine);
    office.house.audit();
    self::engine(office).await
}

/// Every office, with and without a crash between the two.
fn offices() -> impl Iterator<Item = (Office, bool)> {
    [false, true].into_iter().flat_map(|crash| Office::all().map(|office| (office, crash)))
}

fn changes(turn: &Recorded, fits: fn(&Change) -> bool) -> bool {
    turn.changes.iter().any(fits)
}

#[tokio::test]
async fn a_completion_before_the_timer_wins() {
    for (office, crash) in offices() {
        let first = engine(&office).await;
        let id = first.start(Decide).await.unwrap().id();
        let task = the_task(&first).await;
        first.complete(task.id, Decide::DECIDE, "yes".to_owned()).await.unwrap();
        let second = between(&office, first, crash).await;
        office.clock.advance(3 * DAY);
        settle(&second).await;
        let outcome = second.run::<Decide>(id).outcome().await.unwrap();
        assert_eq!(outcome.completed().unwrap(), "yes");
        office.house.finish(second).await;
    }
}

#[tokio::test]
async fn a_timer_before_the_completion_wins() {
    for (office, crash) in offices() {
        let first = engine(&office).await;
        let run = first.start(Decide).await.unwrap();
        let (id, task) = (run.id(), the_task(&first).await);
        office.clock.advance(3 * DAY);
        run.outcome().await.unwrap();
        let second = between(&office, first, crash).await;
        let refused = second.complete(task.id, Decide::DECIDE, "yes".to_owned()).await;
        assert!(refusal(refused).to_string().contains(&task.id.to_string()));
        let outcome = second.run::<Decide>(id).outcome().await.unwrap();
        assert_eq!(outcome.completed().unwrap(), "late");
        office.house.finish(second).await;
    }
}

/// The first undo is held, so that the instance is in the middle of its compensation.
async fn failed_and_undoing(office: &Office) -> (Engine, InstanceId) {
    let engine = engine(office).await;
    office.diary.plan("book a", [Plan::FailForGood("a broke")]);
    office.diary.plan("free the early", [Plan::Hang]);
    let id = engine.start(Both).await.unwrap().id();
    office.diary.begun("free the early", 1).await;
    (engine, id)
}

#[tokio::test]
async fn a_cancel_after_the_failure_and_during_the_undoing_keeps_both_causes() {
    for (office, crash) in offices() {
        let (first, id) = failed_and_undoing(&office).await;
        if crash {
            office.diary.plan("free the early", [Plan::Hang]);
        }
        let second = between(&office, first, crash).await;
        office.diary.begun("free the early", 1 + usize::from(crash)).await;
        second.cancel(id, ann()).await.unwrap();
        // The undo hangs for good: one more engine tries it again.
        drop(second);
        let third = engine(&office).await;
        let outcome = third.run::<Both>(id).outcome().await.unwrap();
        let Outcome::Cancelled(cancelled) = outcome else { panic!("{outcome:?}") };
        assert_eq!(cancelled.failure.unwrap().message, "a broke");
        let freed = office.diary.said();
        assert_eq!(freed.iter().filter(|said| *said == "free the early").count(), 1);
        office.house.finish(third).await;
    }
}

#[tokio::test]
async fn a_failure_after_the_cancel_does_not_change_who_ended_it() {
    for (office, crash) in offices() {
        let first = engine(&office).await;
        let (fail, failed) = oneshot::channel();
        office.diary.plan("book a", [Plan::FailLate(failed)]);
        let held = office.diary.hold("free the early");
        let id = first.start(Both).await.unwrap().id();
        office.diary.begun("book a", 1).await;
        first.cancel(id, ann()).await.unwrap();
        let second = between(&office, first, crash).await;
        drop((fail, held));
        let outcome = second.run::<Both>(id).outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
        office.house.finish(second).await;
    }
}

/// The first cause is the cause, whichever of two branches it comes from.
#[tokio::test]
async fn of_two_failing_branches_the_first_is_the_cause() {
    for winner in ["a", "b"] {
        for (office, crash) in offices() {
            let loser = if winner == "a" { "b" } else { "a" };
            let first = engine(&office).await;
            let mut watch = first.watch();
            let (fail, failed) = oneshot::channel();
            office.diary.plan(&format!("book {winner}"), [Plan::FailForGood("first")]);
            office.diary.plan(&format!("book {loser}"), [Plan::FailLate(failed)]);
            let id = first.start(Both).await.unwrap().id();
            let fails = |change: &Change| matches!(change, Change::ProcessFailing { .. });
            until(&mut watch, |turn| changes(turn, fails)).await;
            let second = between(&office, first, crash).await;
            drop(fail);
            let Outcome::Failed(failure) = second.run::<Both>(id).outcome().await.unwrap() else {
                panic!()
            };
            assert_eq!((failure.node.as_str(), failure.message.as_str()), (winner, "first"));
            // With the engine the late attempt is gone, too: its outcome is unknown.
            assert_eq!(failure.related.len(), usize::from(!crash));
            office.house.finish(second).await;
        }
    }
}

#[tokio::test]
async fn a_return_before_the_failing_sibling_completes_the_process() {
    for (office, crash) in offices() {
        let first = engine(&office).await;
        let mut watch = first.watch();
        let (fail, failed) = oneshot::channel();
        office.diary.plan("book c", [Plan::FailLate(failed)]);
        let a = office.diary.hold("book a");
        let id = first.start(Either).await.unwrap().id();
        office.diary.begun("book c", 1).await;
        drop(a);
        let fixed = |change: &Change| matches!(change, Change::ResultFixed { .. });
        until(&mut watch, |turn| changes(turn, fixed)).await;
        let second = between(&office, first, crash).await;
        drop(fail);
        let outcome = second.run::<Either>(id).outcome().await.unwrap();
        assert_eq!(outcome.completed().unwrap(), "the a");
        assert!(office.diary.said().contains(&"free the b".to_owned()));
        assert!(!office.diary.said().contains(&"free the early".to_owned()));
        office.house.finish(second).await;
    }
}

#[tokio::test]
async fn a_failing_sibling_before_the_return_fails_the_process() {
    for (office, crash) in offices() {
        let first = engine(&office).await;
        let mut watch = first.watch();
        office.diary.plan("book c", [Plan::FailForGood("c broke")]);
        let a = office.diary.hold("book a");
        let id = first.start(Either).await.unwrap().id();
        let fails = |change: &Change| matches!(change, Change::ProcessFailing { .. });
        until(&mut watch, |turn| changes(turn, fails)).await;
        let second = between(&office, first, crash).await;
        drop(a);
        let Outcome::Failed(failure) = second.run::<Either>(id).outcome().await.unwrap() else {
            panic!()
        };
        assert_eq!(failure.message, "c broke");
        let freed = |what: &str| office.diary.said().contains(&format!("free the {what}"));
        assert!(freed("b") && freed("early"));
        office.house.finish(second).await;
    }
}

/// A success that is late is undone; with the engine gone in between, nobody knows of it.
#[tokio::test]
async fn a_success_after_the_failure_of_its_scope_is_undone_if_it_is_known() {
    for (office, crash) in offices() {
        let first = engine(&office).await;
        let mut watch = first.watch();
        office.diary.plan("book quick", [Plan::FailForGood("broken")]);
        let slow = office.diary.hold("book slow");
        let id = first.start(Late).await.unwrap().id();
        let unwinds = |change: &Change| matches!(change, Change::ScopeUnwinding { .. });
        until(&mut watch, |turn| changes(turn, unwinds)).await;
        let second = between(&office, first, crash).await;
        drop(slow);
        second.run::<Late>(id).outcome().await.unwrap().completed().unwrap();
        assert_eq!(undone(&second, id).await.len(), usize::from(!crash));
        assert_eq!(office.diary.attempts("book handler"), 1);
        office.house.finish(second).await;
    }
}

#[tokio::test]
async fn a_success_before_the_failure_of_its_scope_is_undone() {
    for (office, crash) in offices() {
        let first = engine(&office).await;
        let mut watch = first.watch();
        let (fail, failed) = oneshot::channel();
        office.diary.plan("book quick", [Plan::FailLate(failed), Plan::FailForGood("broken")]);
        let id = first.start(Late).await.unwrap().id();
        office.diary.begun("book quick", 1).await;
        until(&mut watch, |turn| matches!(turn.event, Event::TaskCompleted { .. })).await;
        let second = between(&office, first, crash).await;
        drop(fail);
        second.run::<Late>(id).outcome().await.unwrap().completed().unwrap();
        assert_eq!(undone(&second, id).await, ["slow"]);
        office.house.finish(second).await;
    }
}
