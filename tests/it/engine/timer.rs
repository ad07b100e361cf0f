//! `wait`: an instance goes on when the time has come, not before, in whatever engine.

use std::time::Duration;

use bpm_engine::Clock;
use bpm_engine::prelude::*;

use crate::diary::*;
use crate::house::*;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const MILLI: Duration = Duration::from_millis(1);

workflow! {
    process Reminder(what: String) -> String {
        wait 14d;
        let booked = service book(&what);
        return booked;
    }
}

workflow! {
    process Pause(pause: Duration) {
        wait pause * 2;
    }
}

workflow! {
    process Deadline(deadline: Timestamp) {
        wait until deadline;
    }
}

async fn engine(office: &Office) -> Engine {
    let builder = office.builder().process::<Reminder>().process::<Pause>();
    builder.process::<Deadline>().process::<Nothing>().start().await.unwrap()
}

#[tokio::test]
async fn a_wait_is_over_when_its_time_has_come_and_not_before() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let run = engine.start(Reminder { what: "room".into() }).await.unwrap();
        office.clock.advance(14 * DAY - MILLI);
        settle(&engine).await;
        assert_eq!((run.status().await.unwrap(), office.diary.said().len()), (Status::Running, 0));
        office.clock.advance(MILLI);
        assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "the room");
        let entered = entered(&engine.history(run.id()).await.unwrap());
        assert_eq!(entered, ["start", "wait:14d", "book", "return"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_duration_may_be_computed() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let run = engine.start(Pause { pause: DAY }).await.unwrap();
        office.clock.advance(2 * DAY - MILLI);
        settle(&engine).await;
        assert_eq!(run.status().await.unwrap(), Status::Running);
        office.clock.advance(MILLI);
        run.outcome().await.unwrap().completed().unwrap();
        // No time at all is over at once, and the longest one does not overflow.
        let short = engine.start(Pause { pause: Duration::ZERO }).await.unwrap();
        short.outcome().await.unwrap().completed().unwrap();
        let long = engine.start(Pause { pause: Duration::MAX / 2 }).await.unwrap();
        office.clock.advance(365 * DAY);
        settle(&engine).await;
        assert_eq!(long.status().await.unwrap(), Status::Running);
        engine.cancel(long.id(), Actor::new("ann")).await.unwrap();
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_point_in_time_may_be_past() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let soon = office.clock.wall().after(Duration::from_secs(1));
        let past = engine.start(Deadline { deadline: Timestamp::from_millis(7) }).await.unwrap();
        past.outcome().await.unwrap().completed().unwrap();
        let run = engine.start(Deadline { deadline: soon }).await.unwrap();
        office.clock.advance(Duration::from_millis(999));
        settle(&engine).await;
        assert_eq!(run.status().await.unwrap(), Status::Running);
        office.clock.advance(MILLI);
        run.outcome().await.unwrap().completed().unwrap();
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_timer_that_is_due_while_no_engine_runs_fires_at_the_next_start() {
    for office in Office::all() {
        let first = engine(&office).await;
        let id = first.start(Reminder { what: "room".into() }).await.unwrap().id();
        first.shutdown().await.unwrap();
        drop(first);
        office.clock.advance(15 * DAY);
        let engine = engine(&office).await;
        let outcome = engine.run::<Reminder>(id).outcome().await.unwrap();
        assert_eq!(outcome.completed().unwrap(), "the room");
        assert_eq!(office.diary.said(), ["book room"]);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn cancelling_ends_a_wait() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let run = engine.start(Reminder { what: "room".into() }).await.unwrap();
        engine.cancel(run.id(), Actor::new("ann")).await.unwrap();
        assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
        office.clock.advance(15 * DAY);
        settle(&engine).await;
        assert_eq!(office.diary.said().len(), 0);
        office.house.finish(engine).await;
    }
}

/// Three waits at once, and a loop that waits in every turn.
#[tokio::test]
async fn waits_of_branches_and_loops_are_their_own() {
    workflow! {
        process Many() -> u32 {
            parallel {
                short: { wait 1d; 'a: service book("short"); }
                long: { wait 3d; 'b: service book("long"); }
                middle: { wait 2d; 'c: service book("middle"); }
            }
            let turns = 0;
            while turns < 3 {
                wait 1h;
                let turns = turns + 1;
            }
            return turns;
        }
    }
    for office in Office::all() {
        let engine = office.builder().process::<Many>().start().await.unwrap();
        let mut watch = engine.watch();
        let run = engine.start(Many).await.unwrap();
        for what in ["short", "middle", "long"] {
            office.clock.advance(DAY);
            office.diary.begun(&format!("book {what}"), 1).await;
        }
        let outcome = office.outcome(&run, &mut watch).await;
        assert_eq!(outcome.completed().unwrap(), 3);
        assert_eq!(office.diary.said(), ["book short", "book middle", "book long"]);
        office.house.finish(engine).await;
    }
}

/// `wait until` goes by the wall clock, however far that is from the engine's time.
#[tokio::test]
async fn a_deadline_comes_when_the_wall_clock_shows_it() {
    for office in Office::all() {
        soon(async {
            let hour = Duration::from_secs(3_600);
            let first = engine(&office).await;
            let begin = office.clock.wall();
            let deadline = begin.after(2 * hour);
            let early = first.start(Deadline { deadline }).await.unwrap();
            let pause = first.start(Pause { pause: hour }).await.unwrap();
            // The engine's time is not there, and a `wait 2h` goes by that.
            office.clock.set_wall(deadline.after(hour));
            early.outcome().await.unwrap().completed().unwrap();
            settle(&first).await;
            assert_eq!(pause.status().await.unwrap(), Status::Running);

            let deadline = begin.after(4 * hour);
            let late = first.start(Deadline { deadline }).await.unwrap();
            office.clock.set_wall(begin);
            office.clock.advance(3 * hour);
            pause.outcome().await.unwrap().completed().unwrap();
            office.clock.advance(hour - Duration::from_millis(1));
            settle(&first).await;
            assert_eq!(late.status().await.unwrap(), Status::Running);
            let id = late.id();
            drop((early, pause, late, first));

            let second = engine(&office).await;
            let late = second.run::<Deadline>(id);
            settle(&second).await;
            assert_eq!(late.status().await.unwrap(), Status::Running);
            office.clock.advance(Duration::from_millis(1));
            late.outcome().await.unwrap().completed().unwrap();
            office.house.finish(second).await;
        })
        .await;
    }
}
