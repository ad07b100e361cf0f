//! Incidents: an activity rests, and a person decides once.

use bpm_core::change::Closing;
use bpm_core::clock::Timestamp;
use bpm_core::definition::Retry;
use bpm_core::engine::{Engine, Incident, Outcome, Run, Watch};
use bpm_core::error::Error;
use bpm_core::event::{Actor, FailureKind};
use bpm_core::ids::IncidentId;
use bpm_core::refused::Refused;
use bpm_core::store::Store;
use serde_json::{Value, json};

use crate::world::{Does, World, exhaust, secs, settle, start, work};

/// An instance that rests after two attempts.
struct Resting {
    world: World,
    engine: Engine,
    watch: Watch,
    run: Run<Value>,
    incident: Incident,
}

async fn resting(failures: &[&'static str]) -> Resting {
    let world = World::new(failures.iter().copied().map(Does::Fail));
    let engine = world.engine(work().retry("work", Retry::times(2).then_suspend())).await;
    let mut watch = engine.watch();
    let run = start(&engine).await;
    exhaust(&world, &mut watch).await;
    let incident = open(&engine).await;
    Resting { world, engine, watch, run, incident }
}

async fn open(engine: &Engine) -> Incident {
    let mut open = engine.incidents().list().await.unwrap();
    assert_eq!(open.len(), 1);
    open.remove(0)
}

/// What became of it, when, and by whom.
#[track_caller]
fn refused(answer: Result<(), Error>, how: Closing, at: Timestamp, by: &str) {
    let Err(Error::Refused(Refused::IncidentClosed { node, closed, .. })) = answer else {
        panic!("refused as closed, not {answer:?}")
    };
    assert_eq!((node.as_str(), closed.how, closed.at), ("work", how, at));
    assert_eq!(closed.by, Some(Actor::new(by)));
}

fn ann() -> Actor {
    Actor::new("ann")
}

#[tokio::test]
async fn used_up_attempts_suspend_and_say_what_happened() {
    let Resting { world, engine, run, incident, .. } = resting(&["no answer", "still none"]).await;
    assert_eq!((incident.instance, incident.node.as_str()), (run.id(), "work"));
    assert_eq!((incident.attempts, incident.lost), (2, 0));
    assert_eq!((incident.process.as_str(), incident.error.as_str()), ("job", "still none"));
    assert!(incident.hint.contains("retry"), "{}", incident.hint);
    assert_eq!(world.store.active(None, 9).unwrap(), [], "it rests");
    settle(&engine).await;
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn to_retry_gives_as_many_attempts_again() {
    let Resting { world, engine, mut watch, run, incident } = resting(&["1", "2", "3", "4"]).await;
    let at = incident.since;
    engine.retry(incident.id, ann()).await.unwrap();
    exhaust(&world, &mut watch).await;
    let again = open(&engine).await;
    assert_ne!(again.id, incident.id);
    assert_eq!((again.attempts, again.error.as_str(), world.calls()), (2, "4", 4));
    refused(engine.retry(incident.id, Actor::new("bob")).await, Closing::Retried, at, "ann");
    refused(engine.fail(incident.id, Actor::new("bob")).await, Closing::Retried, at, "ann");
    engine.retry(again.id, Actor::new("bob")).await.unwrap();
    assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({ "done": 5 }));
    refused(
        engine.skip_with(again.id, json!({}), ann()).await,
        Closing::Retried,
        again.since,
        "bob",
    );
}

#[tokio::test]
async fn to_skip_gives_the_value_that_was_missing() {
    let Resting { world, engine, run, incident, .. } = resting(&["1", "2"]).await;
    let wrong = engine.skip_with(incident.id, 5, ann()).await.unwrap_err();
    assert!(matches!(wrong, Error::Refused(Refused::CannotSkip { .. })), "{wrong}");
    assert_eq!(open(&engine).await, incident, "a value that does not fit changes nothing");
    world.clock.advance(secs(30));
    engine.skip_with(incident.id, json!({ "paid": true }), ann()).await.unwrap();
    assert_eq!(run.outcome().await.unwrap().completed().unwrap(), json!({ "paid": true }));
    assert_eq!(world.calls(), 2);
    let at = incident.since.after(secs(30));
    refused(engine.retry(incident.id, Actor::new("bob")).await, Closing::Skipped, at, "ann");
}

#[tokio::test]
async fn to_let_it_fail_makes_its_error_the_failure() {
    let Resting { engine, run, incident, .. } = resting(&["1", "2"]).await;
    engine.fail(incident.id, ann()).await.unwrap();
    let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("it fails") };
    assert_eq!((failure.node.as_str(), failure.message.as_str()), ("work", "2"));
    assert_eq!(failure.kind, FailureKind::Incident);
    let again = engine.retry(incident.id, Actor::new("bob")).await;
    refused(again, Closing::Failed, incident.since, "ann");
}

#[tokio::test]
async fn to_cancel_its_instance_closes_it() {
    let Resting { engine, run, incident, .. } = resting(&["1", "2"]).await;
    engine.cancel(run.id(), ann()).await.unwrap();
    assert!(matches!(run.outcome().await.unwrap(), Outcome::Cancelled(_)));
    assert_eq!(engine.incidents().list().await.unwrap(), []);
    let again = engine.retry(incident.id, Actor::new("bob")).await;
    refused(again, Closing::Cancelled, incident.since, "ann");
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_does() {
    let Resting { engine, run, incident, .. } = resting(&["1", "2"]).await;
    let (ann, bob) = tokio::join!(
        engine.skip_with(incident.id, json!({ "by": "ann" }), ann()),
        engine.fail(incident.id, Actor::new("bob")),
    );
    match run.outcome().await.unwrap() {
        Outcome::Completed(value) => {
            assert_eq!(value, json!({ "by": "ann" }));
            ann.unwrap();
            refused(bob, Closing::Skipped, incident.since, "ann");
        }
        _ => {
            bob.unwrap();
            refused(ann, Closing::Failed, incident.since, "bob");
        }
    }
}

#[tokio::test]
async fn what_never_was_is_unknown() {
    let Resting { engine, .. } = resting(&["1", "2"]).await;
    let unknown = IncidentId::from_bytes([9; 16]);
    for answer in [
        engine.retry(unknown, ann()).await,
        engine.fail(unknown, ann()).await,
        engine.skip_with(unknown, json!({}), ann()).await,
    ] {
        let refusal = answer.unwrap_err();
        assert!(matches!(refusal, Error::Refused(Refused::UnknownIncident(id)) if id == unknown));
    }
}
