//! `race` and `return` in branches: who comes first decides, and the others are undone.

use bpm_engine::prelude::*;

use crate::diary::*;
use crate::house::*;

workflow! {
    process Quotes() -> String {
        let best = "none".to_owned();
        race {
            fast: {
                'fast: let best = service book("fast") undo free(&best);
                'sure: service book("sure");
            }
            slow: {
                'slow: let best = service book("slow") undo free(&best);
                'slower: service book("slower");
            }
        }
        'after: service book("after");
        return best;
    }
}

#[tokio::test]
async fn the_first_branch_wins_and_the_others_are_undone() {
    for winner in ["fast", "slow"] {
        for office in Office::all() {
            let (loser, last) =
                if winner == "fast" { ("slow", "slower") } else { ("fast", "sure") };
            let engine = office.patient().process::<Quotes>().start().await.unwrap();
            let held = office.diary.hold(&format!("book {last}"));
            let own = if winner == "fast" { "sure" } else { "slower" };
            let own_held = office.diary.hold(&format!("book {own}"));
            let run = engine.start(Quotes).await.unwrap();
            office.diary.begun(&format!("book {last}"), 1).await;
            office.diary.begun(&format!("book {own}"), 1).await;
            let mut watch = engine.watch();
            drop(own_held);
            let won = |change: &Change| matches!(change, Change::ScopeUnwinding { .. });
            until(&mut watch, |turn| turn.changes.iter().any(won)).await;
            drop(held);
            let best = run.outcome().await.unwrap().completed().unwrap();
            assert_eq!(best, format!("the {winner}"), "the winner's values are visible");
            assert_eq!(undone(&engine, run.id()).await, [loser]);
            let said = office.diary.said();
            assert_eq!(said[said.len() - 2..], [format!("free the {loser}"), "book after".into()]);
            office.house.finish(engine).await;
        }
    }
}

/// What the winner did is undone if what is around the race fails later.
#[tokio::test]
async fn the_winner_is_undone_with_what_is_around_the_race() {
    for office in Office::all() {
        let engine = office.builder().process::<Quotes>().start().await.unwrap();
        office.diary.plan("book slower", [Plan::Hang]);
        office.diary.plan("book after", [Plan::FailForGood("broken")]);
        let held = office.diary.hold("book sure");
        let run = engine.start(Quotes).await.unwrap();
        office.diary.begun("book slower", 1).await;
        drop(held);
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!(undone(&engine, run.id()).await, ["slow", "fast"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_branch_that_fails_fails_the_race() {
    for office in Office::all() {
        let engine = office.builder().process::<Quotes>().start().await.unwrap();
        let (fail, failed) = tokio::sync::oneshot::channel();
        office.diary.plan("book slower", [Plan::FailLate(failed)]);
        let _held = office.diary.hold("book sure");
        let run = engine.start(Quotes).await.unwrap();
        office.diary.begun("book sure", 1).await;
        office.diary.begun("book slower", 1).await;
        drop(fail);
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(failure.node, "slower");
        assert_eq!(undone(&engine, run.id()).await.len(), 2);
        office.house.finish(engine).await;
    }
}

/// The undoing of the losers goes on after a crash, and the race is decided once.
#[tokio::test]
async fn a_race_stays_decided_after_a_crash() {
    for office in Office::all() {
        let engine = office.builder().process::<Quotes>().start().await.unwrap();
        let sure = office.diary.hold("book sure");
        office.diary.plan("book slower", [Plan::Hang]);
        let _undo = office.diary.hold("free the slow");
        let id = engine.start(Quotes).await.unwrap().id();
        office.diary.begun("book slower", 1).await;
        office.diary.begun("book sure", 1).await;
        drop(sure);
        office.diary.begun("free the slow", 1).await;
        drop(engine);
        office.house.audit();
        let engine = office.builder().process::<Quotes>().start().await.unwrap();
        let best = engine.run::<Quotes>(id).outcome().await.unwrap().completed().unwrap();
        assert_eq!(best, "the fast");
        assert_eq!(undone(&engine, id).await, ["slow"]);
        assert_eq!(office.diary.attempts("book slower"), 1);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_race_of_two_awaits_two() {
    workflow! {
        process Two() -> u32 {
            let (a, b, c) = (0, 0, 0);
            race 2 of {
                a: { 'a: service book("a") undo free("a"); let a = 1; }
                b: { 'b: service book("b") undo free("b"); let b = 1; }
                c: { 'c: service book("c") undo free("c"); let c = 1; }
            }
            return a + 2 * b + 4 * c;
        }
    }
    for office in Office::all() {
        let engine = office.builder().process::<Two>().start().await.unwrap();
        let mut watch = engine.watch();
        let (a, c) = (office.diary.hold("book a"), office.diary.hold("book c"));
        office.diary.plan("book b", [Plan::Hang]);
        let run = engine.start(Two).await.unwrap();
        for name in ["book a", "book b", "book c"] {
            office.diary.begun(name, 1).await;
        }
        drop(c);
        until(&mut watch, |turn| matches!(turn.event, Event::TaskCompleted { .. })).await;
        assert_eq!(run.status().await.unwrap(), Status::Running);
        drop(a);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), 5);
        assert_eq!(undone(&engine, run.id()).await.len(), 0);
        office.house.finish(engine).await;
    }
}

workflow! {
    process Search() -> String {
        'ticket: let ticket = service book("ticket") undo free(&ticket);
        parallel {
            left: {
                'left: let left = service book("left") undo free(&left);
                if left == "the left" {
                    return format!("found {left}");
                }
            }
            right: {
                'right: let right = service book("right") undo free(&right);
                'more: service book("more");
            }
            done: { 'done: let done = service book("done") undo free(&done); }
        }
        return "nothing".to_owned();
    }
}

fn done(turn: &Recorded) -> bool {
    matches!(&turn.event, Event::TaskCompleted { node, .. } if node == "done")
}

/// Siblings that are not complete are undone; complete ones, what the returning branch did, and
/// what was before stand.
#[tokio::test]
async fn return_in_a_branch_undoes_what_is_not_complete() {
    for office in Office::all() {
        let engine = office.patient().process::<Search>().start().await.unwrap();
        let mut watch = engine.watch();
        let (left, more) = (office.diary.hold("book left"), office.diary.hold("book more"));
        let run = engine.start(Search).await.unwrap();
        office.diary.begun("book more", 1).await;
        until(&mut watch, done).await;
        assert!(engine.user_tasks().list().await.unwrap().is_empty());
        drop(left);
        let fixed = |change: &Change| matches!(change, Change::ResultFixed { .. });
        until(&mut watch, |turn| turn.changes.iter().any(fixed)).await;
        assert_eq!(run.status().await.unwrap(), Status::Completing);
        drop(more);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "found the left");
        assert_eq!(undone(&engine, run.id()).await, ["right"]);
        office.house.finish(engine).await;
    }
}

/// Cancelling while the result waits for the undoing widens it: then everything is undone.
#[tokio::test]
async fn cancel_while_returning_undoes_everything() {
    for office in Office::all() {
        let engine = office.builder().process::<Search>().start().await.unwrap();
        let mut watch = engine.watch();
        let left = office.diary.hold("book left");
        office.diary.plan("book more", [Plan::Hang]);
        let undo = office.diary.hold("free the right");
        let run = engine.start(Search).await.unwrap();
        office.diary.begun("book more", 1).await;
        until(&mut watch, done).await;
        drop(left);
        office.diary.begun("free the right", 1).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        drop(undo);
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
        let mut all = undone(&engine, run.id()).await;
        all.sort();
        assert_eq!(all, ["done", "left", "right", "ticket"]);
        office.house.finish(engine).await;
    }
}
