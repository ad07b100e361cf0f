//! `scope` and its handlers: a part of a process completes, or it is undone and handled.

use std::time::Duration;

use bpm_engine::FailureKind;
use bpm_engine::prelude::*;

use crate::diary::*;
use crate::house::*;

const DAY: Duration = Duration::from_secs(24 * 3_600);

workflow! {
    /// The trip may fail; the day is saved by the handler.
    process Holiday() -> String {
        'leave: let leave = service book("leave") undo free(&leave);
        let outcome = "travelled".to_owned();
        'trip: scope {
            'flight: let flight = service book("flight") undo free(&flight);
            'hotel: let hotel = service book("hotel") undo free(&hotel);
            'car: service book("car");
        } on error Failure { node, message, .. } => {
            let outcome = format!("{node}: {message}");
            'garden: service book("garden");
        }
        'photos: service book("photos");
        return outcome;
    }
}

#[tokio::test]
async fn a_scope_that_completes_undoes_nothing() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        let run = engine.start(Holiday).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "travelled");
        let said = ["book leave", "book flight", "book hotel", "book car", "book photos"];
        assert_eq!(office.diary.said(), said);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_scope_that_fails_is_undone_then_handled_and_the_flow_goes_on() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let run = engine.start(Holiday).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "car: no car");
        let said = [
            "book leave",
            "book flight",
            "book hotel",
            "free the hotel",
            "free the flight",
            "book garden",
            "book photos",
        ];
        assert_eq!(office.diary.said(), said);
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

/// A handler runs outside of its owner: what fails in it goes further out.
#[tokio::test]
async fn a_failure_in_a_handler_goes_to_the_scope_outside_of_its_owner() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        office.diary.plan("book garden", [Plan::FailForGood("rain")]);
        let run = engine.start(Holiday).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!((failure.node.as_str(), failure.message.as_str()), ("garden", "rain"));
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight", "leave"]);
        office.house.finish(engine).await;
    }
}

/// What a scope has done belongs to the scope around it once it has completed.
#[tokio::test]
async fn what_a_completed_scope_did_is_undone_with_what_is_around_it() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        office.diary.plan("book photos", [Plan::FailForGood("no film")]);
        let run = engine.start(Holiday).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight", "leave"]);
        office.house.finish(engine).await;
    }
}

/// The handler waits for every undo, also for one that rests with an incident.
#[tokio::test]
async fn the_handler_waits_for_every_undo() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        let mut watch = engine.watch();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        office.diary.plan("free the hotel", [Plan::FailForGood("closed")]);
        let run = engine.start(Holiday).await.unwrap();
        let incident = office.incident(&mut watch, &engine).await;
        assert_eq!(incident.node, "hotel/undo");
        assert_eq!(office.diary.attempts("book garden"), 0);
        engine.retry(incident.id, ann()).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "car: no car");
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

/// An engine that is gone in the middle of the undoing goes on there.
#[tokio::test]
async fn the_undoing_of_a_scope_goes_on_after_a_crash() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let _held = office.diary.hold("free the hotel");
        let run = engine.start(Holiday).await.unwrap().id();
        office.diary.begun("free the hotel", 1).await;
        drop(engine);
        office.house.audit();
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        let outcome = engine.run::<Holiday>(run).outcome().await.unwrap();
        assert_eq!(outcome.completed().unwrap(), "car: no car");
        assert_eq!(undone(&engine, run).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_late_success_in_a_failing_scope_is_undone_before_the_handler_runs() {
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
    for office in Office::all() {
        let engine = office.patient().process::<Late>().start().await.unwrap();
        let mut watch = engine.watch();
        let held = office.diary.hold("book slow");
        office.diary.plan("book quick", [Plan::FailForGood("broken")]);
        let run = engine.start(Late).await.unwrap();
        let unwinds = |change: &Change| matches!(change, Change::ScopeUnwinding { .. });
        until(&mut watch, |turn| turn.changes.iter().any(unwinds)).await;
        assert_eq!(run.status().await.unwrap(), Status::Running);
        drop(held);
        run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(office.diary.said(), ["book slow", "free the slow", "book handler"]);
        office.house.finish(engine).await;
    }
}

workflow! {
    process Nested(deep: bool) -> String {
        let by = "nobody".to_owned();
        'outer: scope {
            'first: let first = service book("first") undo free(&first);
            'inner: scope {
                'second: let second = service book("second") undo free(&second);
                if deep {
                    fail "deep";
                }
                'third: let third = service book("third") undo free(&third);
            } on error Failure { message, .. } if message != "deep" => { let by = "inner".to_owned(); }
            'fourth: let fourth = service book("fourth") undo free(&fourth);
            fail "shallow";
        } on error Failure { message, .. } if message == "nonsense" => { let by = message; }
          on error Failure { message, .. } => { let by = format!("outer, {message}"); }
        return by;
    }
}

/// A failure goes outwards to the innermost scope whose pattern matches; that whole scope is
/// undone, in one order.
#[tokio::test]
async fn a_failure_goes_to_the_innermost_scope_that_catches_it() {
    for office in Office::all() {
        let engine = office.builder().process::<Nested>().start().await.unwrap();
        let run = engine.start(Nested { deep: true }).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "outer, deep");
        assert_eq!(undone(&engine, run.id()).await, ["second", "first"]);
        let run = engine.start(Nested { deep: false }).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "outer, shallow");
        assert_eq!(undone(&engine, run.id()).await, ["fourth", "third", "second", "first"]);
        office.diary.plan("book third", [Plan::FailForGood("third")]);
        let run = engine.start(Nested { deep: false }).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "outer, shallow");
        assert_eq!(undone(&engine, run.id()).await, ["second", "fourth", "first"]);
        office.house.finish(engine).await;
    }
}

/// Cancelling widens what is undone to the whole process, and no handler runs.
#[tokio::test]
async fn cancel_during_the_undoing_of_a_scope_widens_it_and_keeps_both_causes() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let held = office.diary.hold("free the hotel");
        let run = engine.start(Holiday).await.unwrap();
        office.diary.begun("free the hotel", 1).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        drop(held);
        let Outcome::Cancelled(cancelled) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(cancelled.failure.unwrap().message, "no car");
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight", "leave"]);
        assert_eq!(office.diary.attempts("free the hotel"), 1, "the one in flight is not repeated");
        assert_eq!(office.diary.attempts("book garden"), 0);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn terminate_in_the_undoing_of_a_scope_lists_what_was_not_undone() {
    for office in Office::all() {
        let engine = office.builder().process::<Holiday>().start().await.unwrap();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let _held = office.diary.hold("free the hotel");
        let run = engine.start(Holiday).await.unwrap();
        office.diary.begun("free the hotel", 1).await;
        engine.terminate(run.id(), ann()).await.unwrap();
        let not_undone = ["leave", "flight", "hotel"].map(str::to_owned).to_vec();
        assert_eq!(run.outcome().await.unwrap(), Outcome::Terminated { not_undone });
        office.house.finish(engine).await;
    }
}

workflow! {
    process Rounds(names: Vec<String>) -> u32 {
        let count = 0_u32;
        for name in names {
            scope {
                'round: let got = service book(&name) undo free(&got);
                if name == "stop" {
                    break;
                }
                if name == "skip" {
                    continue;
                }
                'more: service book("more");
            } on error _ => { }
            let count = count + 1;
        }
        if count > 1 {
            fail "{count} rounds";
        }
        return count;
    }
}

/// Leaving a scope by a jump completes it; and each round of a loop has a scope of its own.
#[tokio::test]
async fn break_and_continue_complete_the_scopes_that_they_leave() {
    for office in Office::all() {
        let engine = office.builder().process::<Rounds>().start().await.unwrap();
        let names = ["skip", "a", "stop", "b"].map(str::to_owned).to_vec();
        let run = engine.start(Rounds { names }).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), 1);
        assert_eq!(undone(&engine, run.id()).await.len(), 0);
        office.diary.plan("book more", [Plan::FailForGood("once")]);
        let names = ["a", "b", "c", "stop"].map(str::to_owned).to_vec();
        let run = engine.start(Rounds { names }).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!(undone(&engine, run.id()).await, ["round"; 4]);
        let freed = ["free the a", "free the stop", "free the c", "free the b"];
        let said = office.diary.said();
        let said: Vec<_> = said.iter().filter(|entry| entry.starts_with("free")).collect();
        assert_eq!(said, freed.iter().collect::<Vec<_>>());
        office.house.finish(engine).await;
    }
}

#[derive(Debug)]
pub(crate) enum Refusal {
    Declined(String),
    Busy(u32),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Refusal {}

/// Charges what the diary lets it.
#[service_task(retry 3 every 1s)]
async fn charge(diary: State<Diary>, times: u32) -> Result<u32, Refusal> {
    match diary.write("charge").await {
        Ok(()) => Ok(times),
        Err(error) if error.to_string() == "declined" => Err(Refusal::Declined("card".into())),
        Err(_) => Err(Refusal::Busy(times)),
    }
}

workflow! {
    process Pay(limit: u32) -> String {
        let paid = service charge(7)
            on error Refusal::Declined(what) => { return format!("declined: {what}"); }
            on error Refusal::Busy(times) if times > limit => { return format!("busy {times}"); };
        return format!("paid {paid}");
    }
}

/// The pattern is matched on the error itself, and what it matches is not retried.
#[tokio::test]
async fn an_activity_catches_its_own_errors_by_their_type() {
    for office in Office::all() {
        let engine = office.builder().process::<Pay>().start().await.unwrap();
        let mut watch = engine.watch();
        let run = engine.start(Pay { limit: 1 }).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "paid 7");
        office.diary.plan("charge", [Plan::Fail("declined")]);
        let run = engine.start(Pay { limit: 1 }).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "declined: card");
        assert_eq!(office.diary.attempts("charge"), 2, "not retried");
        office.diary.plan("charge", [Plan::Fail("busy")]);
        let run = engine.start(Pay { limit: 1 }).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "busy 7");
        // The guard says no: an ordinary failure, which is retried.
        office.diary.plan("charge", [Plan::Fail("busy")]);
        let run = engine.start(Pay { limit: 10 }).await.unwrap();
        let outcome = office.outcome(&run, &mut watch).await;
        assert_eq!(outcome.completed().unwrap(), "paid 7");
        office.diary.plan("charge", [Plan::Fail("busy"), Plan::Fail("busy"), Plan::Fail("busy")]);
        let run = engine.start(Pay { limit: 10 }).await.unwrap();
        let Outcome::Failed(failure) = office.outcome(&run, &mut watch).await else { panic!() };
        assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Error, "Busy(7)"));
        office.house.finish(engine).await;
    }
}

workflow! {
    process Approval() -> String {
        let answer = "late".to_owned();
        let answer: String = user approve {}
            for group "managers"
            also every 1d => { 'remind: let sent = service book("reminder") undo free(&sent); }
            also after 36h => { 'escalate: service book("escalation"); }
            on after 3d => { 'nobody: service book("nobody"); return "nobody".to_owned(); };
        return answer;
    }
}

async fn approvals(office: &Office) -> Engine {
    office.builder().process::<Approval>().process::<Nothing>().start().await.unwrap()
}

fn reminded(turn: &Recorded) -> bool {
    matches!(&turn.event, Event::TaskCompleted { node, .. } if node == "remind")
}

#[tokio::test]
async fn reminders_come_beside_and_the_deadline_interrupts() {
    for office in Office::all() {
        let engine = approvals(&office).await;
        let mut watch = engine.watch();
        let run = engine.start(Approval).await.unwrap();
        for reminders in [1, 2] {
            office.clock.advance(DAY);
            office.diary.begun("book reminder", reminders).await;
            until(&mut watch, reminded).await;
        }
        office.diary.begun("book escalation", 1).await;
        assert_eq!(office.diary.attempts("book escalation"), 1);
        let task = the_task(&engine).await;
        office.clock.advance(DAY);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "nobody");
        assert!(engine.user_tasks().list().await.unwrap().is_empty());
        let refused = refusal(engine.complete_json(task.id, "yes".into()).await);
        assert!(refused.to_string().contains(&task.id.to_string()), "{refused}");
        // What the reminders did belongs to the activity that was interrupted.
        assert_eq!(
            office.diary.said().iter().filter(|said| *said == "free the reminder").count(),
            2
        );
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn who_completes_an_activity_in_time_stops_its_timers() {
    for office in Office::all() {
        let engine = approvals(&office).await;
        let run = engine.start(Approval).await.unwrap();
        office.clock.advance(DAY);
        office.diary.begun("book reminder", 1).await;
        let task = the_task(&engine).await;
        engine.complete(task.id, Approval::APPROVE, "yes".to_owned()).await.unwrap();
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "yes");
        office.clock.advance(10 * DAY);
        settle(&engine).await;
        assert_eq!(office.diary.attempts("book nobody"), 0);
        assert_eq!(undone(&engine, run.id()).await.len(), 0);
        office.house.finish(engine).await;
    }
}

/// An `also` body that still runs when its owner completes is awaited.
#[tokio::test]
async fn what_runs_beside_is_awaited_when_its_owner_completes() {
    for office in Office::all() {
        let engine = approvals(&office).await;
        let held = office.diary.hold("book reminder");
        let run = engine.start(Approval).await.unwrap();
        office.clock.advance(DAY);
        office.diary.begun("book reminder", 1).await;
        let task = the_task(&engine).await;
        engine.complete(task.id, Approval::APPROVE, "yes".to_owned()).await.unwrap();
        settle(&engine).await;
        assert_eq!(run.status().await.unwrap(), Status::Running);
        // No deadline interrupts it any more.
        office.clock.advance(10 * DAY);
        settle(&engine).await;
        assert_eq!(run.status().await.unwrap(), Status::Running);
        drop(held);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "yes");
        office.house.finish(engine).await;
    }
}

/// `every` never overlaps itself, and what was missed counts as one.
#[tokio::test]
async fn a_reminder_never_overlaps_itself() {
    for office in Office::all() {
        let engine = approvals(&office).await;
        let held = office.diary.hold("book reminder");
        engine.start(Approval).await.unwrap();
        office.clock.advance(DAY);
        office.diary.begun("book reminder", 1).await;
        office.clock.advance(DAY);
        settle(&engine).await;
        assert_eq!(office.diary.attempts("book reminder"), 1);
        drop(held);
        office.clock.advance(DAY - Duration::from_millis(1));
        settle(&engine).await;
        assert_eq!(office.diary.attempts("book reminder"), 1);
        office.house.finish(engine).await;
    }
}

/// A failing `also` body fails the scope that it runs in: the one around its owner.
#[tokio::test]
async fn what_fails_beside_fails_what_is_around_the_owner() {
    workflow! {
        process Beside() -> String {
            scope {
                scope {
                    'owner: user look {}
                        also after 1d => { 'beside: service book("beside"); };
                } on error _ => { return "inside".to_owned(); }
            } on error Failure { node, .. } => { return node; }
            return "nothing".to_owned();
        }
    }
    for office in Office::all() {
        let engine = office.builder().process::<Beside>().start().await.unwrap();
        office.diary.plan("book beside", [Plan::FailForGood("broken")]);
        let run = engine.start(Beside).await.unwrap();
        settle_started(&engine, &run).await;
        office.clock.advance(DAY);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "inside");
        office.house.finish(engine).await;
    }
}

async fn settle_started<P: Process>(engine: &Engine, run: &Run<P>) {
    assert_eq!(run.status().await.unwrap(), Status::Running);
    assert_eq!(engine.user_tasks().instance(run.id()).list().await.unwrap().len(), 1);
}

/// What times out has no error value: only `_` catches it, once its attempts are used up.
#[tokio::test]
async fn the_wildcard_catches_what_has_no_error_value() {
    workflow! {
        process Hangs() -> String {
            let got = service book("hangs") timeout 1m
                on error _ => { return "caught".to_owned(); };
            return got;
        }
    }
    for office in Office::all() {
        let engine = office.builder().process::<Hangs>().start().await.unwrap();
        office.diary.plan("book hangs", [Plan::Hang]);
        let run = engine.start(Hangs).await.unwrap();
        office.diary.begun("book hangs", 1).await;
        office.clock.advance(Duration::from_secs(61));
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "caught");
        office.house.finish(engine).await;
    }
}
