//! Suspending: nothing moves and nothing begins until somebody resumes the instance.

use std::time::Duration;

use bpm_engine::prelude::*;
use serde_json::{Value, json};

use crate::diary::*;
use crate::house::*;

workflow! {
    process Trip(cars: bool) -> String {
        'flight: let flight = service book("flight") undo free(&flight);
        'hotel: let hotel = service book("hotel") undo free(&hotel);
        if !cars {
            fail "there are no cars";
        }
        return format!("{flight}, {hotel}");
    }
}

workflow! {
    process Alarms() {
        parallel {
            a: { 'third: wait 3h; }
            b: { 'first: wait 1h; }
            c: { 'fourth: wait 4h; }
            d: { 'second: wait 2h; }
        }
    }
}

workflow! {
    process Slow() -> String {
        wait 1h;
        user look {};
        let x = service book("x") retry 3 every 1h..1h;
        return x;
    }
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn engine(office: &Office) -> Engine {
    let builder = office.builder().process::<Trip>().process::<Slow>();
    let builder = builder.process::<Alarms>();
    let nothing = ProcessDefinition::builder("nothing").start("start").end("end");
    builder.definition(nothing.edge("start", "end").build().unwrap()).start().await.unwrap()
}

/// Returns when everything that could happen by now is durable.
async fn settle(engine: &Engine) {
    engine.start_definition("nothing", json!({})).await.unwrap().outcome().await.unwrap();
}

async fn listed(engine: &Engine) -> Vec<InstanceId> {
    let suspended = engine.instances().status(Status::Suspended).list().await.unwrap();
    suspended.into_iter().map(|instance| instance.id).collect()
}

fn is(event: &str) -> impl Fn(&Recorded) -> bool {
    move |turn| format!("{:?}", turn.event).starts_with(event)
}

#[tokio::test]
async fn what_is_in_flight_is_recorded_and_nothing_follows_until_the_resumption() {
    soon(async {
        for office in Office::all() {
            let first = engine(&office).await;
            let mut watch = first.watch();
            let held = office.diary.hold("book flight");
            let run = first.start(Trip { cars: true }).await.unwrap();
            let id = run.id();
            office.diary.begun("book flight", 1).await;
            first.suspend(id, ann()).await.unwrap();
            assert_eq!(run.status().await.unwrap(), Status::Suspended);
            assert_eq!(listed(&first).await, [id]);
            drop(held);
            until(&mut watch, is("TaskCompleted")).await;
            settle(&first).await;
            assert_eq!(office.diary.attempts("book hotel"), 0);
            drop((run, first));
            office.house.audit();

            let second = engine(&office).await;
            assert_eq!(second.recovered().resumed, [], "it rests");
            let run = second.run::<Trip>(id);
            settle(&second).await;
            assert_eq!(office.diary.attempts("book hotel"), 0);
            assert_eq!(run.status().await.unwrap(), Status::Suspended);
            second.resume(id, Actor::new("bob")).await.unwrap();
            assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "the flight, the hotel");
            assert_eq!(listed(&second).await, []);
            let words = words(&second.history(id).await.unwrap());
            let paused: Vec<_> =
                words.iter().filter(|line| line.contains("ProcessResumed")).collect();
            assert_eq!(paused.len(), 1, "{words:?}");
            assert!(words.contains(&"SuspendRequested: ProcessSuspended".to_owned()), "{words:?}");
            office.house.finish(second).await;
        }
    })
    .await;
}

/// An attempt that was lost meanwhile is dispatched again, but not before.
#[tokio::test]
async fn an_attempt_that_is_lost_meanwhile_waits_for_the_resumption() {
    soon(async {
        for office in Office::all() {
            let first = engine(&office).await;
            office.diary.plan("book flight", [Plan::Hang]);
            let run = first.start(Trip { cars: true }).await.unwrap();
            let id = run.id();
            office.diary.begun("book flight", 1).await;
            first.suspend(id, ann()).await.unwrap();
            drop((run, first));

            let second = engine(&office).await;
            settle(&second).await;
            assert_eq!(office.diary.attempts("book flight"), 1);
            second.resume(id, ann()).await.unwrap();
            second.run::<Trip>(id).outcome().await.unwrap().completed().unwrap();
            assert_eq!(office.diary.attempts("book flight"), 2);
            office.house.finish(second).await;
        }
    })
    .await;
}

#[tokio::test]
async fn timers_fire_and_people_work_after_the_resumption() {
    soon(async {
        for office in Office::all() {
            let engine = engine(&office).await;
            let mut watch = engine.watch();
            let run = engine.start(Slow).await.unwrap();
            let id = run.id();
            engine.suspend(id, ann()).await.unwrap();
            office.clock.advance(2 * HOUR);
            settle(&engine).await;
            assert_eq!(engine.history(id).await.unwrap().len(), 2, "no timer fired");
            engine.resume(id, ann()).await.unwrap();
            let task = opened(&mut watch, &engine).await;
            engine.suspend(id, Actor::new("bob")).await.unwrap();
            let at = engine.history(id).await.unwrap().pop().unwrap().at;
            let refused = refusal(engine.complete_json(task.id, json!(null)).await);
            assert_eq!(refused, Refused::Suspended { instance: id, by: Actor::new("bob"), at });
            assert_eq!(the_task(&engine).await.id, task.id, "it is still in the list");
            engine.resume(id, ann()).await.unwrap();
            office.diary.plan("book x", [Plan::Fail("busy")]);
            engine.complete_json(task.id, json!(null)).await.unwrap();
            let backs_off = |change: &Change| matches!(change, Change::RetryScheduled { .. });
            until(&mut watch, |turn| turn.changes.iter().any(backs_off)).await;
            engine.suspend(id, ann()).await.unwrap();
            office.clock.advance(HOUR);
            settle(&engine).await;
            assert_eq!(office.diary.attempts("book x"), 1, "no retry while it is suspended");
            engine.resume(id, ann()).await.unwrap();
            assert_eq!(run.outcome().await.unwrap().completed().unwrap(), "the x");
            office.house.finish(engine).await;
        }
    })
    .await;
}

/// Three came due while it was suspended, in another order than they were set; one did not.
#[tokio::test]
async fn timers_that_came_due_meanwhile_fire_oldest_first() {
    soon(async {
        for office in Office::all() {
            let engine = engine(&office).await;
            let mut watch = engine.watch();
            let run = engine.start(Alarms).await.unwrap();
            engine.suspend(run.id(), ann()).await.unwrap();
            office.clock.advance(3 * HOUR);
            settle(&engine).await;
            assert_eq!(engine.history(run.id()).await.unwrap().len(), 2, "no timer fired");
            engine.resume(run.id(), ann()).await.unwrap();
            for _ in 0..3 {
                until(&mut watch, is("TimerFired")).await;
            }
            settle(&engine).await;
            let fired = async || {
                let history = engine.history(run.id()).await.unwrap();
                let node = |turn: &Recorded| match &turn.event {
                    Event::TimerFired { node, .. } => Some(node.clone()),
                    _ => None,
                };
                history.iter().filter_map(node).collect::<Vec<_>>()
            };
            assert_eq!(fired().await, ["first", "second", "third"]);
            office.clock.advance(HOUR);
            run.outcome().await.unwrap().completed().unwrap();
            assert_eq!(fired().await, ["first", "second", "third", "fourth"]);
            office.house.finish(engine).await;
        }
    })
    .await;
}

#[tokio::test]
async fn undoing_pauses_too_and_to_cancel_goes_on_with_it() {
    soon(async {
        for office in Office::all() {
            for cancels in [false, true] {
                let engine = engine(&office).await;
                let mut watch = engine.watch();
                let before = office.diary.attempts("free the flight");
                let held = office.diary.hold("free the hotel");
                let run = engine.start(Trip { cars: false }).await.unwrap();
                let id = run.id();
                let hotels = office.diary.attempts("free the hotel");
                office.diary.begun("free the hotel", hotels.max(usize::from(cancels) + 1)).await;
                engine.suspend(id, ann()).await.unwrap();
                drop(held);
                until(&mut watch, |turn| is("TaskCompleted")(turn) && turn.changes.len() == 2)
                    .await;
                settle(&engine).await;
                assert_eq!(office.diary.attempts("free the flight"), before);
                assert_eq!(run.status().await.unwrap(), Status::Suspended);
                if cancels {
                    engine.cancel(id, ann()).await.unwrap();
                    assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
                } else {
                    engine.resume(id, ann()).await.unwrap();
                    assert!(matches!(run.outcome().await.unwrap(), Outcome::Failed(_)));
                }
                assert_eq!(office.diary.attempts("free the flight"), before + 1);
                engine.shutdown().await.unwrap();
                drop((run, engine));
            }
            office.house.audit();
        }
    })
    .await;
}

#[tokio::test]
async fn a_suspended_instance_is_cancelled_and_terminated() {
    soon(async {
        for office in Office::all() {
            let engine = engine(&office).await;
            let (first, second) =
                (engine.start(Slow).await.unwrap(), engine.start(Slow).await.unwrap());
            engine.suspend(first.id(), ann()).await.unwrap();
            engine.suspend(second.id(), ann()).await.unwrap();
            engine.cancel(first.id(), ann()).await.unwrap();
            engine.terminate(second.id(), ann()).await.unwrap();
            assert!(matches!(first.outcome().await.unwrap(), Outcome::Cancelled(_)));
            assert!(matches!(second.outcome().await.unwrap(), Outcome::Terminated { .. }));
            assert_eq!(second.status().await.unwrap(), Status::Terminated);
            assert_eq!(listed(&engine).await, []);
            office.house.finish(engine).await;
        }
    })
    .await;
}

#[tokio::test]
async fn who_comes_too_late_is_told_by_whom_and_when() {
    soon(async {
        for office in Office::all() {
            let engine = engine(&office).await;
            let run = engine.start(Slow).await.unwrap();
            let instance = run.id();
            let refused = refusal(engine.resume(instance, ann()).await);
            assert_eq!(refused, Refused::NotSuspended { instance, resumed: None });
            let at = async || engine.history(instance).await.unwrap().pop().unwrap().at;
            office.clock.advance(Duration::from_secs(5));
            engine.suspend(instance, ann()).await.unwrap();
            let suspended = at().await;
            office.clock.advance(Duration::from_secs(5));
            let refused = refusal(engine.suspend(instance, Actor::new("bob")).await);
            assert_eq!(refused, Refused::Suspended { instance, by: ann(), at: suspended });
            assert!(refused.to_string().contains("was suspended by ann at 2026-01-01T00:00:05"));
            engine.resume(instance, Actor::new("bob")).await.unwrap();
            let resumed = Some((Actor::new("bob"), at().await));
            let refused = refusal(engine.resume(instance, ann()).await);
            assert_eq!(refused, Refused::NotSuspended { instance, resumed });
            engine.terminate(instance, ann()).await.unwrap();
            let ended = Refused::Ended { instance, status: Status::Terminated };
            assert_eq!(refusal(engine.suspend(instance, ann()).await), ended);
            assert_eq!(refusal(engine.resume(instance, ann()).await), ended);
            office.house.finish(engine).await;
        }
    })
    .await;
}

/// What has no place among the workers yet begins after the resumption, and is not lost.
#[tokio::test]
async fn what_waits_for_a_place_is_held() {
    soon(async {
        for house in House::all() {
            let (task, mut attempts) = gate();
            let options = EngineOptions { workers: 1, ..Default::default() };
            let builder =
                house.builder().definition(line("one", &["service task"])).options(options);
            let engine = builder.handler("task", task).start().await.unwrap();
            let start = async || engine.start_definition("one", json!({})).await.unwrap();
            let (first, second, third) = (start().await, start().await, start().await);
            let attempt = attempts.begun().await;
            engine.suspend(second.id(), ann()).await.unwrap();
            attempt.end.send(Ok(json!({ "n": 1 }))).unwrap();
            attempts.begun().await.end.send(Ok(json!({ "n": 3 }))).unwrap();
            let outcome =
                async |run: &Run<Value>| run.outcome().await.unwrap().completed().unwrap();
            assert_eq!(
                (outcome(&first).await, outcome(&third).await),
                (json!({ "n": 1 }), json!({ "n": 3 }))
            );
            assert!(attempts.is_idle());
            engine.resume(second.id(), ann()).await.unwrap();
            attempts.begun().await.end.send(Ok(json!({ "n": 2 }))).unwrap();
            assert_eq!(outcome(&second).await, json!({ "n": 2 }));
            let history = engine.history(second.id()).await.unwrap();
            assert!(!words(&history).concat().contains("Lost"));
            house.finish(engine).await;
        }
    })
    .await;
}
