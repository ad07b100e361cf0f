//! Doubles of service tasks, typed as the tasks are; and processes of `workflow!` in test engines.

use std::borrow::Cow;
use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_testkit::{Coverage, TestEngine, assert_path, verify};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order {
    item: String,
    total: u64,
}

/// What no test has.
struct Bank;

impl Bank {
    async fn ask(&self) -> Result<u64, String> {
        Err("no bank is asked in a test".to_owned())
    }
}

#[service_task(retry 4 every 1m)]
async fn charge(bank: State<Bank>, order: &Order) -> Result<u64, String> {
    bank.ask().await.map(|rate| rate * order.total)
}

#[service_task]
async fn pack(order: &Order, words: &[String], note: Cow<'_, str>, gift: Option<&u64>) -> String {
    format!("{} {words:?} {note} {gift:?} as it is", order.item)
}

#[service_task(timeout 30s, retry 2 every 1m)]
async fn clock() -> u64 {
    11
}

workflow! {
    process Sale(order: Order, words: Vec<String>) -> String {
        let paid = service charge(&order);
        let hour = service clock();
        let parcel = service pack(&order, &words, Cow::Borrowed("fast"), Some(&paid));
        return format!("{parcel} at {hour}");
    }
}

fn sale() -> Sale {
    let order = Order { item: "chair".to_owned(), total: 20 };
    Sale { order, words: vec!["a".to_owned(), "b".to_owned()] }
}

async fn sold(engine: &TestEngine) -> String {
    let run = engine.start(sale()).await.unwrap();
    engine.outcome(&run).await.unwrap().completed().unwrap()
}

#[tokio::test]
async fn doubles_get_the_arguments_as_the_task_declares_them() {
    let engine = TestEngine::builder()
        .process::<Sale>()
        .mock::<charge>(|order| Ok(order.total + 1))
        .mock::<pack>(|(order, words, note, gift)| {
            format!("{} {} {} {}", order.item, words.len(), note.as_ref(), gift.unwrap_or(&0))
        })
        .mock::<clock>(|()| 12)
        .start()
        .await
        .unwrap();
    assert_eq!(sold(&engine).await, "chair 2 fast 21 at 12");
    assert_path!(engine, "start", "charge", "clock", "pack", "return");
    assert!(Coverage::of::<Sale>().is_complete());
    // Also later, for what comes then.
    engine.mock::<clock>(|()| 13);
    assert_eq!(sold(&engine).await, "chair 2 fast 21 at 13");
}

#[tokio::test]
async fn tasks_without_doubles_are_themselves_and_counted_too() {
    let engine = TestEngine::builder().process::<Sale>().mock::<charge>(|_| Ok(1));
    let engine = engine.start().await.unwrap();
    assert_eq!(sold(&engine).await, "chair [\"a\", \"b\"] fast Some(1) as it is at 11");
    sold(&engine).await;
    let calls = (engine.calls::<charge>(), engine.calls::<clock>(), engine.calls::<pack>());
    assert_eq!(calls, (2, 2, 2));
}

#[tokio::test]
async fn the_first_calls_fail_and_then_the_double_answers() {
    let engine = TestEngine::builder()
        .process::<Sale>()
        .fail_first::<charge>(2, || "busy".to_owned())
        .fail_first::<charge>(1, || "still busy".to_owned())
        .mock::<charge>(|order| Ok(order.total))
        .start()
        .await
        .unwrap();
    assert!(sold(&engine).await.contains("Some(20)"));
    assert_eq!(engine.calls::<charge>(), 4);
    engine.fail_next::<charge>(4, || "closed".to_owned());
    let run = engine.start(sale()).await.unwrap();
    let Outcome::Failed(failure) = engine.outcome(&run).await.unwrap() else { panic!("it fails") };
    assert_eq!((failure.node.as_str(), failure.message.as_str()), ("charge", "closed"));
}

#[tokio::test]
async fn behind_failures_without_a_double_comes_the_task_itself() {
    let builder =
        || TestEngine::builder().process::<Sale>().fail_first::<charge>(2, || "busy".to_owned());
    let missing = builder().start().await.map(drop).unwrap_err().to_string();
    assert!(missing.contains("Bank"), "the task itself needs its state: {missing}");
    let engine = builder().state(Bank).start().await.unwrap();
    let run = engine.start(sale()).await.unwrap();
    let Outcome::Failed(failure) = engine.outcome(&run).await.unwrap() else { panic!("it fails") };
    assert_eq!(
        (failure.message.as_str(), engine.calls::<charge>()),
        ("no bank is asked in a test", 4)
    );
}

#[tokio::test]
async fn a_call_that_hangs_is_timed_out_in_virtual_time() {
    let engine = TestEngine::builder()
        .process::<Sale>()
        .mock::<charge>(|_| Ok(1))
        .hang_first::<clock>(1)
        .start()
        .await
        .unwrap();
    let run = engine.start(sale()).await.unwrap();
    assert_eq!(engine.settle().await, Some(Duration::from_secs(30)));
    assert!(engine.outcome(&run).await.unwrap().completed().unwrap().ends_with("at 11"));
    assert_eq!(engine.calls::<clock>(), 2);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_task_calls_it_again() {
    let engine = TestEngine::builder()
        .process::<Sale>()
        .mock::<charge>(|_| Ok(1))
        .hang_first::<clock>(1)
        .start()
        .await
        .unwrap();
    let run = engine.start(sale()).await.unwrap();
    engine.settle().await;
    let engine = engine.crash_and_restart().await;
    engine.outcome(&run).await.unwrap().completed().unwrap();
    let calls = (engine.calls::<charge>(), engine.calls::<clock>());
    assert_eq!(calls, (1, 2), "what was recorded is not done again");
}

#[service_task]
async fn price(_bank: State<Bank>, item: String) -> Result<serde_json::Value, String> {
    Err(format!("{item} has no price"))
}

#[tokio::test]
async fn tasks_of_built_definitions_have_doubles_too() {
    let definition = ProcessDefinition::builder("priced")
        .start("start")
        .service("price")
        .end("end")
        .edge("start", "price")
        .edge("price", "end");
    let engine = TestEngine::builder()
        .definition(definition.build().unwrap())
        .task::<price>()
        .mock::<price>(|item| Ok(json!({ "price": item.len() })))
        .start()
        .await
        .unwrap();
    let run = engine.start_definition("priced", json!({ "item": "chair" })).await.unwrap();
    let result = engine.outcome(&run).await.unwrap().completed().unwrap();
    assert_eq!(result, json!({ "item": "chair", "price": 5 }));
}

#[tokio::test]
async fn a_file_is_opened_again_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let engine = TestEngine::builder()
        .store(move || Sqlite::open(&path))
        .process::<Sale>()
        .mock::<charge>(|_| Ok(1))
        .fail_first::<charge>(1, || "busy".to_owned())
        .start()
        .await
        .unwrap();
    let run = engine.start(sale()).key("one").await.unwrap();
    engine.settle().await;
    let engine = engine.crash_and_restart().await;
    engine.outcome(&run).await.unwrap().completed().unwrap();
    let again = engine.start(sale()).key("one").await.unwrap();
    assert_eq!(again.id(), run.id());
}

mod before {
    use bpm_engine::prelude::*;

    #[service_task]
    pub(super) async fn rate() -> u64 {
        7
    }

    workflow! {
        pub process Loan() -> u64 {
            let rate = service rate();
            wait 30d;
            return rate;
        }
    }
}

mod after {
    use bpm_engine::prelude::*;

    #[service_task]
    pub(super) async fn rate() -> String {
        "7 %".to_owned()
    }

    workflow! {
        pub process Loan() -> String {
            let rate = service rate();
            wait 30d;
            return rate;
        }
    }
}

#[tokio::test]
async fn a_value_that_no_longer_reads_as_its_type_is_found_though_the_graph_is_the_same() {
    let engine = TestEngine::builder().process::<before::Loan>().start().await.unwrap();
    engine.start(before::Loan).key("4711").await.unwrap();
    engine.settle().await;
    assert!(verify(engine.store(), &[before::Loan::definition()]).unwrap().is_ok());
    let verified = verify(engine.store(), &[after::Loan::definition()]).unwrap();
    let text = verified.to_string();
    assert!(text.starts_with("0 of 1 instances can go on\n"), "{text}");
    assert!(text.contains("(`4711`) of `Loan`, version 1:\n  what `rate` gave"), "{text}");
}
