//! `retry`: as a word of the attribute, and as a clause that takes its place.

use bpm_engine::FailureKind;
use bpm_engine::prelude::*;

use crate::diary::*;

#[service_task(retry 5 every 1s..1m then suspend, timeout 1h)]
async fn patient(diary: State<Diary>, what: &str, cx: TaskContext) -> Result<u32, TaskError> {
    diary.write(what).await?;
    Ok(cx.attempt())
}

workflow! {
    process Own(what: String) -> u32 {
        let attempt = service patient(&what);
        return attempt;
    }
}

workflow! {
    process Replaced(what: String) -> u32 {
        let attempt = service patient(&what) retry 2;
        return attempt;
    }
}

workflow! {
    process OnlyTimeout(what: String) -> u32 {
        let attempt = service patient(&what) timeout 2h;
        return attempt;
    }
}

workflow! {
    process Once(what: String) -> String {
        let booked = service book(&what);
        return booked;
    }
}

async fn engine(office: &Office) -> Engine {
    let builder = office.builder().process::<Own>().process::<Replaced>();
    builder.process::<OnlyTimeout>().process::<Once>().start().await.unwrap()
}

fn plans(count: usize) -> impl Iterator<Item = Plan> {
    (0..count).map(|_| Plan::Fail("no answer"))
}

#[tokio::test]
async fn the_words_of_the_attribute_hold() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let mut watch = engine.watch();
        office.diary.plan("x", plans(4));
        let run = engine.start(Own { what: "x".into() }).await.unwrap();
        assert_eq!(office.outcome(&run, &mut watch).await.completed().unwrap(), 5);
        let history = engine.history(run.id()).await.unwrap();
        let started = history.iter().flat_map(|turn| &turn.changes).filter_map(|at| match at {
            Change::TaskStarted { attempt, failed, lost, .. } => Some((*attempt, *failed, *lost)),
            _ => None,
        });
        let expected: Vec<_> = (1..=5).map(|attempt| (attempt, attempt - 1, 0)).collect();
        assert_eq!(started.collect::<Vec<_>>(), expected);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn then_suspend_rests_until_a_person_has_it_retried() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let mut watch = engine.watch();
        office.diary.plan("x", plans(6));
        let run = engine.start(Own { what: "x".into() }).await.unwrap();
        let incident = office.incident(&mut watch, &engine).await;
        assert_eq!((incident.node.as_str(), incident.error.as_str()), ("patient", "no answer"));
        assert_eq!((incident.attempts, incident.lost), (5, 0));
        engine.retry(incident.id, Actor::new("ann")).await.unwrap();
        assert_eq!(office.outcome(&run, &mut watch).await.completed().unwrap(), 7);
        office.house.finish(engine).await;
    }
}

/// The clause has no `then suspend`, and neither has the policy that holds.
#[tokio::test]
async fn a_clause_replaces_the_word_of_the_attribute_as_a_whole() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let mut watch = engine.watch();
        office.diary.plan("x", plans(9));
        let run = engine.start(Replaced { what: "x".into() }).await.unwrap();
        let Outcome::Failed(failure) = office.outcome(&run, &mut watch).await else { panic!() };
        assert_eq!((failure.node.as_str(), failure.kind), ("patient", FailureKind::Error));
        assert_eq!(office.diary.attempts("x"), 2);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_clause_leaves_the_other_words_of_the_attribute() {
    for office in Office::all() {
        let engine = engine(&office).await;
        let mut watch = engine.watch();
        office.diary.plan("x", plans(3));
        let run = engine.start(OnlyTimeout { what: "x".into() }).await.unwrap();
        assert_eq!(office.outcome(&run, &mut watch).await.completed().unwrap(), 4);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn without_a_word_there_is_one_attempt() {
    for office in Office::all() {
        let engine = engine(&office).await;
        office.diary.plan("book x", plans(1));
        let run = engine.start(Once { what: "x".into() }).await.unwrap();
        let error = run.outcome().await.unwrap().completed().unwrap_err();
        assert_eq!(error.to_string(), "the instance failed: `book` failed: no answer");
        assert_eq!(office.diary.attempts("book x"), 1);
        office.house.finish(engine).await;
    }
}

#[tokio::test]
async fn what_fails_for_good_is_not_retried() {
    for office in Office::all() {
        let engine = engine(&office).await;
        office.diary.plan("x", [Plan::FailForGood("no such thing")]);
        let run = engine.start(Own { what: "x".into() }).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!() };
        assert_eq!(failure.message, "no such thing");
        assert_eq!(office.diary.attempts("x"), 1);
        office.house.finish(engine).await;
    }
}

/// The graph, and so the fingerprint, has the clauses of the process; those of the attribute
/// belong to the task.
#[test]
fn a_changed_clause_is_a_changed_definition() {
    mod other {
        use super::patient;
        use bpm_engine::prelude::*;

        workflow! {
            #[name = "Replaced"]
            pub(super) process Other(what: String) -> u32 {
                let attempt = service patient(&what) retry 3;
                return attempt;
            }
        }
    }
    let (one, other) = (Replaced::definition(), other::Other::definition());
    assert_eq!(one.name(), other.name());
    assert_ne!(one.fingerprint(), other.fingerprint());
}
