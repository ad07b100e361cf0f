//! Processes written with `workflow!`: types at every border, and what tasks know of themselves.

use std::sync::Mutex;

use bpm_engine::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::house::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Decision {
    approved: bool,
}

workflow! {
    process Approve(amount: u64) -> Decision {
        let first: Decision = user check { amount: &amount };
        let asked = amount;
        'again: let second: Decision = user check { amount: &asked };
        return Decision { approved: first.approved && second.approved };
    }
}

async fn approving(house: &House) -> Engine {
    house.builder().process::<Approve>().start().await.unwrap()
}

#[tokio::test]
async fn a_typed_payload_completes_its_task() {
    for house in House::all() {
        let engine = approving(&house).await;
        let run = engine.start(Approve { amount: 60 }).key("k").await.unwrap();
        for approved in [true, false] {
            let open = engine.user_tasks().open(Approve::CHECK).for_key("k");
            let [task] = open.list().await.unwrap().try_into().unwrap();
            assert_eq!(task.form, json!({ "amount": 60 }));
            engine.complete(task.id, Approve::CHECK, Decision { approved }).await.unwrap();
        }
        let result = run.outcome().await.unwrap().completed().unwrap();
        assert_eq!(result, Decision { approved: false });
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn json_is_checked_against_the_type_before_anything_changes() {
    let wrong = [
        (json!({}), "missing field `approved`"),
        (json!({ "approved": "yes" }), "invalid type: string"),
        (json!(null), "invalid type: null"),
        (json!([true, false]), "trailing"),
    ];
    for house in House::all() {
        let engine = approving(&house).await;
        let run = engine.start(Approve { amount: 60 }).await.unwrap();
        let task = the_task(&engine).await;
        let before = engine.history(run.id()).await.unwrap();
        for (payload, part) in &wrong {
            let refused = refusal(engine.complete_json(task.id, payload.clone()).await);
            let Refused::WrongPayload { why, .. } = &refused else { panic!("{refused}") };
            assert!(why.contains(part), "{payload}: {why}");
        }
        assert_eq!(engine.history(run.id()).await.unwrap(), before);
        engine.complete_json(task.id, json!({ "approved": true })).await.unwrap();
        house.finish(engine).await;
    }
}

/// However small the turns are, a user task is listed at its own node.
#[tokio::test]
async fn a_user_task_knows_its_node_in_turns_of_any_size() {
    for house in House::all() {
        let options = EngineOptions { moves_per_turn: 1, ..Default::default() };
        let builder = house.builder().process::<Approve>().options(options);
        let engine = builder.start().await.unwrap();
        let mut watch = engine.watch();
        engine.start(Approve { amount: 60 }).await.unwrap();
        let first = opened(&mut watch, &engine).await;
        let yes = Decision { approved: true };
        engine.complete(first.id, Approve::CHECK, yes).await.unwrap();
        let second = opened(&mut watch, &engine).await;
        assert_eq!((first.name.as_str(), second.name.as_str()), ("check", "check"));
        assert_ne!(first.node, second.node);
        house.finish(engine).await;
    }
}

mod other {
    use bpm_engine::prelude::*;

    workflow! {
        pub(super) process Approve(amount: u64) -> bool {
            let done: bool = user look { amount: &amount };
            return done;
        }
    }
}

workflow! {
    process Look(amount: u64) -> bool {
        let done: bool = user look { amount: &amount };
        return done;
    }
}

#[tokio::test]
async fn a_constant_of_another_process_is_refused() {
    for house in House::all() {
        let builder = house.builder().process::<Approve>().process::<Look>();
        let engine = builder.start().await.unwrap();
        engine.start(Look { amount: 1 }).await.unwrap();
        let task = the_task(&engine).await;
        let decision = Decision { approved: true };
        let refused = refusal(engine.complete(task.id, Approve::CHECK, decision).await);
        assert!(matches!(refused, Refused::OtherUserTask { .. }), "{refused}");
        assert!(refused.to_string().contains("`look` of `Look`, not `check` of `Approve`"));
        let refused = refusal(engine.start_definition("Look", json!({ "amount": 1 })).await);
        assert!(matches!(refused, Refused::InvalidInput { .. }), "{refused}");
        assert_eq!(the_task(&engine).await, task);
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn two_processes_of_one_name_do_not_live_in_one_engine() {
    let house = House::memory();
    let builder = house.builder().process::<Approve>().process::<other::Approve>();
    let Err(Error::Start(error)) = builder.start().await else { panic!("started") };
    assert!(error.to_string().contains("two different definitions are called `Approve` version 1"));
}

/// What a task is told and says, as the test hears it.
struct Ear {
    began: mpsc::UnboundedSender<(String, u32, Option<String>)>,
    told: Mutex<Option<oneshot::Sender<()>>>,
}

#[service_task]
async fn obey(ear: State<Ear>, cx: TaskContext) -> Result<(), TaskError> {
    let key = cx.key().map(str::to_owned);
    ear.began.send((cx.idempotency_key().to_string(), cx.attempt(), key)).map_err(|_| "deaf")?;
    cx.cancelled().await;
    if let Some(told) = ear.told.lock().unwrap().take() {
        told.send(()).map_err(|()| "deaf")?;
    }
    Ok(())
}

workflow! {
    process Obey() {
        service obey();
    }
}

#[expect(
    clippy::type_complexity,
    reason = "what an attempt says of itself, and that it was told to stop"
)]
fn ear() -> (Ear, mpsc::UnboundedReceiver<(String, u32, Option<String>)>, oneshot::Receiver<()>) {
    let ((began, begun), (told, heard)) = (mpsc::unbounded_channel(), oneshot::channel());
    (Ear { began, told: Mutex::new(Some(told)) }, begun, heard)
}

#[tokio::test]
async fn a_task_without_its_state_keeps_the_engine_from_starting() {
    let house = House::memory();
    let builder = house.builder().process::<Obey>();
    let Err(Error::Start(error)) = builder.start().await else { panic!("started") };
    let said = error.to_string();
    assert!(said.contains("task `obey` of `Obey` takes `State<"), "{said}");
    assert!(said.contains("Ear>`") && said.contains("`.state(…)`"), "{said}");
}

#[tokio::test]
async fn an_attempt_is_told_to_stop_and_keeps_its_key_in_the_next_one() {
    for house in House::all() {
        let (listener, mut begun, heard) = ear();
        let builder = house.builder().process::<Obey>().state(listener);
        let engine = builder.start().await.unwrap();
        let run = engine.start(Obey).key("k").await.unwrap();
        let (first_key, attempt, key) = begun.recv().await.unwrap();
        assert_eq!((attempt, key.as_deref()), (1, Some("k")));
        assert!(first_key.starts_with(&run.id().to_string()), "{first_key}");
        let id = run.id();
        drop((engine, run, heard));

        let (listener, mut begun, heard) = ear();
        let builder = house.builder().process::<Obey>().state(listener);
        let engine = builder.start().await.unwrap();
        let (key, attempt, _) = begun.recv().await.unwrap();
        assert_eq!((key, attempt), (first_key, 2));
        engine.cancel(id, Actor::new("ann")).await.unwrap();
        heard.await.unwrap();
        let outcome = engine.run::<Obey>(id).outcome().await.unwrap();
        assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
        house.finish(engine).await;
    }
}

#[tokio::test]
async fn a_sibling_that_fails_tells_the_attempt_to_stop() {
    #[service_task]
    async fn fail() -> Result<(), TaskError> {
        Err(TaskError::permanent("broken"))
    }

    workflow! {
        process Both() {
            parallel {
                listens: { service obey(); }
                breaks: { service fail(); }
            }
        }
    }
    for house in House::all() {
        let (listener, _begun, heard) = ear();
        let engine = house.builder().process::<Both>().state(listener).start().await.unwrap();
        let run = engine.start(Both).await.unwrap();
        let Outcome::Failed(failure) = run.outcome().await.unwrap() else { panic!("not failed") };
        assert_eq!((failure.node.as_str(), failure.message.as_str()), ("fail", "broken"));
        heard.await.unwrap();
        house.finish(engine).await;
    }
}

/// What a built process knows: a number and a text.
#[service_task(retry 3)]
async fn shout(ear: State<Mutex<Vec<String>>>, word: &str, times: usize, cx: TaskContext) -> Value {
    let said = word.repeat(times);
    ear.lock().unwrap().push(said.clone());
    assert!(cx.attempt() > 1, "the first attempt is not loud enough");
    json!({ "said": said })
}

#[tokio::test]
async fn a_built_process_calls_a_task_with_its_variables() {
    let house = House::memory();
    let clock = bpm_testkit::clock::TestClock::new();
    let builder = house.builder().clock(clock.clone()).definition(line("line", &["service shout"]));
    let builder = builder.task::<shout>().state(Mutex::new(Vec::<String>::new()));
    let engine = builder.start().await.unwrap();
    let mut watch = engine.watch();
    let run = engine.start_definition("line", json!({ "word": "ho", "times": 2 })).await.unwrap();
    until(&mut watch, |turn| {
        turn.changes.iter().any(|change| matches!(change, Change::RetryScheduled { .. }))
    })
    .await;
    clock.advance(std::time::Duration::from_secs(1));
    let variables = run.outcome().await.unwrap().completed().unwrap();
    assert_eq!(variables["said"], "hoho");

    let missing = engine.start_definition("line", json!({ "word": "ho" })).await.unwrap();
    let Outcome::Failed(failure) = missing.outcome().await.unwrap() else { panic!("it ended") };
    assert!(failure.message.contains("parameter `times` of task `shout`"), "{failure}");
    house.finish(engine).await;
}

#[tokio::test]
async fn a_task_of_a_built_process_needs_its_state() {
    let house = House::memory();
    let builder = house.builder().definition(line("line", &["service shout"])).task::<shout>();
    let Err(error) = builder.start().await else { panic!("started") };
    assert!(error.to_string().contains("task `shout` of `line` takes `State<"), "{error}");
}
