//! Failure and compensation: what completed is undone, one by one, in reverse order, once.

use std::time::Duration;

use bpm_engine::FailureKind;
use bpm_engine::prelude::*;
use serde_json::json;

use crate::diary::*;
use crate::house::*;

workflow! {
    process Trip(to: String) -> String {
        'flight: let flight = service book("flight") undo free(&flight);
        'hotel: let hotel = service book("hotel") undo free(&hotel);
        'car: let car = service book("car");
        return format!("{flight}, {hotel} and {car} to {to}");
    }
}

fn trip() -> Trip {
    Trip { to: "Oslo".into() }
}

async fn trips(office: &Office) -> Engine {
    office.builder().process::<Trip>().start().await.unwrap()
}

fn fails(turn: &Recorded) -> bool {
    turn.changes.iter().any(|change| matches!(change, Change::ProcessFailing { .. }))
}

#[tokio::test]
async fn what_completed_is_undone_in_reverse_order() {
    for office in Office::all() {
        let engine = trips(&office).await;
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let run = engine.start(trip()).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!((failure.node.as_str(), failure.message.as_str()), ("car", "no car"));
        let said = ["book flight", "book hotel", "free the hotel", "free the flight"];
        assert_eq!(office.diary.said(), said);
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn what_succeeds_undoes_nothing() {
    for office in Office::all() {
        let engine = trips(&office).await;
        let run = engine.start(trip()).await.unwrap();
        let booked = run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(booked, "the flight, the hotel and the car to Oslo");
        assert_eq!(undone(&engine, run.id()).await.len(), 0);
        office.house.finish(engine).await;
    }
}

/// Turns of one move each, as a long process has them at their borders.
#[tokio::test]
async fn small_turns_undo_the_same() {
    for office in Office::all() {
        let options = EngineOptions { moves_per_turn: 1, ..Default::default() };
        let engine = office.builder().options(options).process::<Trip>().start().await.unwrap();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let run = engine.start(trip()).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

workflow! {
    process Refuse(guests: u32, room: String) {
        if guests > 3 {
            fail "no {room} for {}", guests + 1;
        }
        let Some(first) = room.chars().next() else {
            'nameless: fail "a room without a name";
        };
        parallel {
            ask: { user ask { first: first.to_string() }; }
            refuse: { if guests > 2 { fail "{{{guests}}}"; } }
        }
    }
}

async fn refusing(office: &Office) -> Engine {
    office.builder().process::<Refuse>().start().await.unwrap()
}

#[tokio::test]
async fn a_process_fails_itself_and_says_why() {
    let cases = [
        (4, "suite", "fail:no {room} for {}", "no suite for 5"),
        (1, "", "nameless", "a room without a name"),
        (3, "suite", "fail:{{{guests}}}", "{3}"),
    ];
    for office in Office::all() {
        let engine = refusing(&office).await;
        for (guests, room, node, message) in cases {
            let run = engine.start(Refuse { guests, room: room.into() }).await.unwrap();
            let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
            assert_eq!((failure.node.as_str(), failure.message.as_str()), (node, message));
            assert_eq!(failure.kind, FailureKind::Fail);
        }
        assert!(engine.user_tasks().list().await.unwrap().is_empty());
        office.house.finish(engine).await;
    }
}

workflow! {
    process Branches() {
        parallel {
            a: { 'a: let got = service book("a") undo free(&got); }
            b: { 'b: let got = service book("b") undo free(&got); }
        }
        fail "both done";
    }
}

/// The order is that of completion, not that of the text; and each branch has its own `got`.
#[tokio::test]
async fn branches_are_undone_in_the_reverse_order_of_their_completion() {
    for first in ["a", "b"] {
        for office in Office::all() {
            let later = if first == "a" { "b" } else { "a" };
            let engine = office.builder().process::<Branches>().start().await.unwrap();
            let mut watch = engine.watch();
            let held = office.diary.hold(&format!("book {later}"));
            let run = engine.start(Branches).await.unwrap();
            until(&mut watch, |turn| matches!(turn.event, Event::TaskCompleted { .. })).await;
            drop(held);
            assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
            assert_eq!(undone(&engine, run.id()).await, [later, first]);
            let said = office.diary.said();
            assert_eq!(said[2..], [format!("free the {later}"), format!("free the {first}")]);
            office.house.finish(engine).await;
        }
    }
}

workflow! {
    process Rounds(names: Vec<String>) {
        for name in names {
            'round: let got = service book(&name) undo free(&format!("{got} of {name}"));
        }
        fail "enough";
    }
}

#[tokio::test]
async fn each_visit_of_a_loop_has_an_entry_of_its_own() {
    for office in Office::all() {
        let engine = office.builder().process::<Rounds>().start().await.unwrap();
        let names = ["x", "y", "z"].map(str::to_owned).to_vec();
        let run = engine.start(Rounds { names }).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        let said = ["free the z of z", "free the y of y", "free the x of x"];
        assert_eq!(office.diary.said()[3..], said);
        assert_eq!(undone(&engine, run.id()).await, ["round"; 3]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn an_undo_reads_what_was_so_when_the_activity_completed() {
    workflow! {
        process Renamed() {
            let name = "old".to_owned();
            'one: let got = service book(&name) undo free(&format!("{got}, {name}"));
            let name = "new".to_owned();
            'two: let got = service book(&name) undo free(&format!("{got}, {name}"));
            let name = "newest".to_owned();
            let got = name.clone();
            fail "{got}";
        }
    }
    for office in Office::all() {
        let engine = office.builder().process::<Renamed>().start().await.unwrap();
        let run = engine.start(Renamed).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(failure.message, "newest");
        assert_eq!(office.diary.said()[2..], ["free the new, new", "free the old, old"]);
        office.house.finish(engine).await;
    }
}

workflow! {
    process Race() {
        'early: let early = service book("early") undo free(&early);
        parallel {
            slow: { 'slow: let slow = service book("slow") undo free(&slow); }
            quick: { 'quick: service book("quick"); }
        }
    }
}

#[tokio::test]
async fn a_late_success_is_undone_too() {
    for office in Office::all() {
        let engine = office.patient().process::<Race>().start().await.unwrap();
        let mut watch = engine.watch();
        let held = office.diary.hold("book slow");
        office.diary.plan("book quick", [Plan::FailForGood("broken")]);
        let run = engine.start(Race).await.unwrap();
        until(&mut watch, fails).await;
        assert_eq!(run.status().await.unwrap(), Status::Failing);
        drop(held);
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!(undone(&engine, run.id()).await, ["slow", "early"]);
        assert_eq!(office.diary.said()[2..], ["free the slow", "free the early"]);
        office.house.finish(engine).await;
    }
}

/// Nor do failures that come late hide the first cause.
#[tokio::test]
async fn a_late_failure_is_attached_to_the_first_one() {
    for office in Office::all() {
        let engine = office.patient().process::<Race>().start().await.unwrap();
        let mut watch = engine.watch();
        let held = office.diary.hold("book quick");
        let (fail, failed) = tokio::sync::oneshot::channel();
        office.diary.plan("book slow", [Plan::FailLate(failed)]);
        let run = engine.start(Race).await.unwrap();
        office.diary.begun("book slow", 1).await;
        office.diary.begun("book quick", 1).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        drop(fail);
        until(&mut watch, |turn| matches!(turn.event, Event::TaskFailed { .. })).await;
        drop(held);
        let Outcome::Cancelled(cancelled) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(cancelled.failure.unwrap().message, "late");
        assert_eq!(undone(&engine, run.id()).await, ["early"]);
        office.house.finish(engine).await;
    }
}

/// Its outcome is unknown: it did not complete, and is not undone.
#[tokio::test]
async fn what_is_dropped_is_not_undone() {
    for office in Office::all() {
        let engine = office.builder().process::<Race>().start().await.unwrap();
        office.diary.plan("book slow", [Plan::Hang]);
        let held = office.diary.hold("book quick");
        let run = engine.start(Race).await.unwrap();
        office.diary.begun("book slow", 1).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        drop(held);
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
        assert_eq!(undone(&engine, run.id()).await, ["early"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn cancelling_undoes() {
    for office in Office::all() {
        let engine = trips(&office).await;
        office.diary.plan("book car", [Plan::Hang]);
        let run = engine.start(trip()).await.unwrap();
        office.diary.begun("book car", 1).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        let Outcome::Cancelled(cancelled) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!((cancelled.by, cancelled.failure), (ann(), None));
        assert_eq!(office.diary.said()[2..], ["free the hotel", "free the flight"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn terminating_undoes_nothing_and_lists_it() {
    for office in Office::all() {
        let engine = trips(&office).await;
        office.diary.plan("book car", [Plan::Hang]);
        let run = engine.start(trip()).await.unwrap();
        office.diary.begun("book car", 1).await;
        engine.terminate(run.id(), ann()).await.unwrap();
        let terminated = Outcome::Terminated { not_undone: vec!["flight".into(), "hotel".into()] };
        assert_eq!(run.outcome().await.unwrap(), terminated);
        assert_eq!(office.diary.said().len(), 2);
        let refused = refusal(engine.terminate(run.id(), ann()).await);
        assert!(matches!(refused, Refused::Ended { .. }), "{refused}");
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn terminating_also_ends_the_middle_of_undoing() {
    for office in Office::all() {
        let engine = trips(&office).await;
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let mut held = office.diary.hold("free the flight");
        let run = engine.start(trip()).await.unwrap();
        office.diary.begun("free the flight", 1).await;
        engine.terminate(run.id(), ann()).await.unwrap();
        held.closed().await;
        let terminated = Outcome::Terminated { not_undone: vec!["flight".into()] };
        assert_eq!(run.outcome().await.unwrap(), terminated);
        assert_eq!(undone(&engine, run.id()).await, ["hotel"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn cancelling_in_the_middle_of_undoing_goes_on_and_keeps_both_causes() {
    for office in Office::all() {
        let engine = trips(&office).await;
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        let held = office.diary.hold("free the hotel");
        let run = engine.start(trip()).await.unwrap();
        office.diary.begun("free the hotel", 1).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        drop(held);
        let Outcome::Cancelled(cancelled) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!((cancelled.by, cancelled.failure.unwrap().message), (ann(), "no car".into()));
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        for entry in ["free the hotel", "free the flight"] {
            assert_eq!(office.diary.attempts(entry), 1, "{entry}");
        }
        office.house.finish(engine).await;
    }
}

/// An undo whose task says nothing of it is attempted ten times.
#[tokio::test]
async fn an_undo_is_retried() {
    for office in Office::all() {
        let engine = trips(&office).await;
        let mut watch = engine.watch();
        office.diary.plan("book car", [Plan::FailForGood("no car")]);
        office.diary.plan("free the hotel", (0..9).map(|_| Plan::Fail("not now")));
        let run = engine.start(trip()).await.unwrap();
        assert!(matches!(office.outcome(&run, &mut watch).await, Outcome::Failed(_)));
        assert_eq!(office.diary.attempts("free the hotel"), 10);
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

/// An instance whose undo of the hotel rests as an incident.
async fn stuck(office: &Office, engine: &Engine) -> (Run<Trip>, Incident) {
    let mut watch = engine.watch();
    office.diary.plan("book car", [Plan::FailForGood("no car")]);
    office.diary.plan("free the hotel", [Plan::FailForGood("not ours")]);
    let run = engine.start(trip()).await.unwrap();
    let incident = office.incident(&mut watch, engine).await;
    assert_eq!((incident.node.as_str(), incident.error.as_str()), ("hotel/undo", "not ours"));
    (run, incident)
}

#[tokio::test]
async fn an_undo_that_fails_for_good_rests_until_it_is_retried() {
    for office in Office::all() {
        let engine = trips(&office).await;
        let (run, incident) = stuck(&office, &engine).await;
        assert_eq!(run.status().await.unwrap(), Status::Failing);
        let refused = refusal(engine.fail(incident.id, ann()).await);
        assert!(matches!(refused, Refused::CannotFail { .. }), "{refused}");
        assert_eq!(engine.incidents().list().await.unwrap().len(), 1);
        engine.retry(incident.id, ann()).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!((failure.message.as_str(), failure.related.len()), ("no car", 0));
        assert_eq!(office.diary.said()[2..], ["free the hotel", "free the flight"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_person_may_say_that_it_counts_as_undone() {
    for office in Office::all() {
        let engine = trips(&office).await;
        let (run, incident) = stuck(&office, &engine).await;
        engine.skip_with(incident.id, 3_usize, ann()).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!(office.diary.said()[2..], ["free the flight"]);
        let history = engine.history(run.id()).await.unwrap();
        let by_ann = |turn: &Recorded| matches!(&turn.event, Event::IncidentSkipped { actor, .. } if *actor == ann());
        assert_eq!(history.iter().filter(|turn| by_ann(turn)).count(), 1);
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn cancelling_does_not_close_the_incident_of_an_undo() {
    for office in Office::all() {
        let engine = trips(&office).await;
        let (run, incident) = stuck(&office, &engine).await;
        engine.cancel(run.id(), ann()).await.unwrap();
        engine.retry(incident.id, ann()).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
        assert_eq!(undone(&engine, run.id()).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_restart_in_the_middle_of_undoing_goes_on() {
    for gently in [true, false] {
        for office in Office::all() {
            let mut options = EngineOptions { grace: Duration::ZERO, ..Default::default() };
            // From the history, or from a snapshot.
            options.snapshot_turns = if gently { 1 } else { options.snapshot_turns };
            let builder = office.builder().options(options);
            let first = builder.process::<Trip>().start().await.unwrap();
            office.diary.plan("book car", [Plan::FailForGood("no car")]);
            office.diary.plan("free the flight", [Plan::Hang]);
            let id = first.start(trip()).await.unwrap().id();
            office.diary.begun("free the flight", 1).await;
            if gently {
                first.shutdown().await.unwrap();
            }
            drop(first);

            let engine = trips(&office).await;
            let run = engine.run::<Trip>(id);
            let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
            assert_eq!(failure.message, "no car");
            assert_eq!(undone(&engine, id).await, ["hotel", "flight"]);
            assert_eq!(office.diary.said()[2..], ["free the hotel", "free the flight"]);
            let tries =
                ["hotel", "flight"].map(|at| office.diary.attempts(&format!("free the {at}")));
            assert_eq!(tries, [1, 2]);
            office.house.finish(engine).await;
        }
    }
}

#[tokio::test]
async fn an_incident_of_an_undo_survives_a_restart() {
    for office in Office::all() {
        let first = trips(&office).await;
        let (run, incident) = stuck(&office, &first).await;
        let id = run.id();
        first.shutdown().await.unwrap();
        drop((first, run));

        let engine = trips(&office).await;
        let [open] = engine.incidents().list().await.unwrap().try_into().unwrap();
        assert_eq!(open, incident);
        engine.retry(open.id, ann()).await.unwrap();
        let outcome = engine.run::<Trip>(id).outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        assert_eq!(undone(&engine, id).await, ["hotel", "flight"]);
        office.house.finish(engine).await;
    }
}

workflow! {
    process Sign(what: String) {
        let room: String = user choose { what } undo free(&room);
        service book(&room);
    }
}

#[tokio::test]
async fn what_a_person_did_is_undone() {
    for office in Office::all() {
        let engine = office.builder().process::<Sign>().start().await.unwrap();
        office.diary.plan("book red", [Plan::FailForGood("full")]);
        let run = engine.start(Sign { what: "room".into() }).await.unwrap();
        let task = the_task(&engine).await;
        engine.complete(task.id, Sign::CHOOSE, "red".to_owned()).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
        assert_eq!(office.diary.said(), ["free red"]);
        assert_eq!(undone(&engine, run.id()).await, ["choose"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn what_a_person_said_is_done_is_undone() {
    workflow! {
        process Skipped() {
            let got = service book("x") retry 2 then suspend undo free(&got);
            fail "after {got}";
        }
    }
    for office in Office::all() {
        let engine = office.builder().process::<Skipped>().start().await.unwrap();
        let mut watch = engine.watch();
        office.diary.plan("book x", (0..2).map(|_| Plan::Fail("down")));
        let run = engine.start(Skipped).await.unwrap();
        let incident = office.incident(&mut watch, &engine).await;
        let refused = refusal(engine.skip_with(incident.id, 7, ann()).await);
        assert!(matches!(refused, Refused::CannotSkip { .. }), "{refused}");
        engine.skip_with(incident.id, json!("a booking"), ann()).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(failure.message, "after a booking");
        assert_eq!(office.diary.said(), ["free a booking"]);
        office.house.finish(engine).await;
    }
}

/// The policy of an undo is its task's own.
#[tokio::test]
async fn an_undo_has_the_policy_of_its_task() {
    #[service_task(retry 2 every 1s)]
    async fn free_twice(diary: State<Diary>, what: &str) -> Result<(), TaskError> {
        diary.write(what).await
    }

    workflow! {
        process Twice() {
            service book("x") retry 7 undo free_twice("twice");
            fail "no";
        }
    }
    for office in Office::all() {
        let engine = office.builder().process::<Twice>().start().await.unwrap();
        let mut watch = engine.watch();
        office.diary.plan("twice", (0..3).map(|_| Plan::Fail("not now")));
        let run = engine.start(Twice).await.unwrap();
        let incident = office.incident(&mut watch, &engine).await;
        assert_eq!((incident.node.as_str(), incident.attempts), ("book/undo", 2));
        engine.retry(incident.id, ann()).await.unwrap();
        assert!(matches!(office.outcome(&run, &mut watch).await, Outcome::Failed(_)));
        assert_eq!(office.diary.attempts("twice"), 4);
        office.house.finish(engine).await;
    }
}

/// What an undo needs is asked for at the start, although no way leads to it.
#[tokio::test]
async fn an_undo_without_its_state_keeps_the_engine_from_starting() {
    struct Keys;

    #[service_task]
    async fn lock(keys: State<Keys>) {
        let _ = &*keys;
    }

    workflow! {
        process Lock() {
            service book("x") undo lock();
        }
    }
    let [office, _] = Office::all();
    let Err(Error::Start(error)) = office.builder().process::<Lock>().start().await else {
        panic!("started")
    };
    assert!(error.to_string().contains("task `lock` of `Lock` takes `State<"), "{error}");
}
