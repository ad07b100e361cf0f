//! The README is true: its Rust stands here in a program, its picture is drawn from that program,
//! and its compiler messages are those of the fixtures.

mod program {
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Order {
        pub id: String,
        pub total: u64,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Reservation {
        shelf: String,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Decision {
        pub approved: bool,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Parcel {
        weight: u64,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Bill {
        number: String,
    }

    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct Label {
        tracking: String,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub struct Receipt {
        pub tracking: String,
        pub bill: Option<Bill>,
    }

    impl Receipt {
        fn none(why: &str) -> Self {
            Self { tracking: why.to_owned(), bill: None }
        }
    }

    pub type StockError = std::io::Error;

    mod warehouse {
        pub(super) async fn reserve(
            order: &super::Order,
        ) -> Result<super::Reservation, super::StockError> {
            Ok(super::Reservation { shelf: order.id.clone() })
        }
    }

    #[service_task]
    async fn pack(order: &Order, reservation: &Reservation) -> Parcel {
        Parcel { weight: order.total + reservation.shelf.len() as u64 }
    }

    #[service_task]
    async fn write_invoice(order: &Order) -> Bill {
        Bill { number: order.id.clone() }
    }

    #[service_task]
    async fn print_label(parcel: &Parcel) -> Label {
        Label { tracking: format!("{} g", parcel.weight) }
    }

    use bpm_engine::prelude::*;

    #[service_task]
    async fn reserve(order: &Order) -> Result<Reservation, StockError> {
        warehouse::reserve(order).await
    }

    workflow! {
        /// Ships an order; large ones need a manager.
        pub process Fulfilment(order: Order) -> Receipt {
            let reservation = service reserve(&order);
            if order.total > 1_000 {
                let decision: Decision = user approve { order: &order } for group "managers";
                if !decision.approved {
                    'rejected: return Receipt::none("a manager said no");
                }
            }
            parallel {
                pack:    { let parcel = service pack(&order, &reservation); }
                invoice: { let bill = service write_invoice(&order); }
                label after pack: { let label = service print_label(&parcel); }
            }
            'shipped: return Receipt { tracking: label.tracking, bill: Some(bill) };
        }
    }

    /// Only compiled: it would leave its file in whatever folder the tests run in.
    pub async fn drive(order: Order) -> Result<Receipt, Error> {
        let engine = Engine::builder()
            .store(Sqlite::open("shop.db")?)
            .process::<Fulfilment>()
            .start()
            .await?; // what a crash left goes on here

        let run = engine.start(Fulfilment { order }).key("order-4711").await?; // the same key twice: the same instance

        for task in engine.user_tasks().open(Fulfilment::APPROVE).group("managers").list().await? {
            let decision = Decision { approved: true };
            engine.complete(task.id, Fulfilment::APPROVE, decision).by(Actor::new("ann")).await?;
        }

        let receipt: Receipt = run.outcome().await?.completed()?;
        Ok(receipt)
    }
}

use bpm_engine::prelude::*;
use program::{Decision, Fulfilment, Order, drive};

const README: &str = include_str!("../../README.md");
const PROGRAM: &str = include_str!("readme.rs");

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let parts = README.split(fence.as_str()).skip(1);
    parts.filter_map(|part| part.split_once("```").map(|(block, _)| block)).collect()
}

/// A text without indentation and empty lines.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn every_line_of_rust_stands_in_the_program() {
    let program = lines(PROGRAM);
    for block in blocks("rust") {
        for line in lines(block) {
            assert!(program.contains(&line), "the README says `{line}`, which is not compiled");
        }
    }
}

#[test]
fn the_picture_is_drawn_from_the_program() {
    assert_eq!(blocks("mermaid"), [Fulfilment::definition().to_mermaid()]);
}

#[tokio::test]
async fn the_program_runs() {
    let _ = drive;
    let store = Memory::new();
    let engine = Engine::builder().store(store).process::<Fulfilment>().start().await.unwrap();
    let mut watch = engine.watch();
    let order = Order { id: "4711".into(), total: 2_000 };
    let run = engine.start(Fulfilment { order }).key("order-4711").await.unwrap();
    let open = || engine.user_tasks().open(Fulfilment::APPROVE).group("managers").list();
    while open().await.unwrap().is_empty() {
        watch.next().await;
    }
    for task in open().await.unwrap() {
        let decision = Decision { approved: true };
        engine.complete(task.id, Fulfilment::APPROVE, decision).await.unwrap();
    }
    let receipt = run.outcome().await.unwrap().completed().unwrap();
    assert_eq!(receipt.tracking, "2004 g");
    assert!(receipt.bill.is_some());
}

#[test]
fn every_message_is_one_that_a_fixture_holds() {
    for block in blocks("text") {
        let fixture = fixtures().into_iter().find(|(_, text)| text.contains(block.trim_end()));
        assert!(fixture.is_some(), "no fixture of tests/ui holds this message:\n{block}");
    }
}

/// The expected output of every program that does not compile.
fn fixtures() -> Vec<(String, String)> {
    let ui = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let folders = std::fs::read_dir(ui).unwrap().map(|entry| entry.unwrap().path());
    let files = folders
        .filter(|path| path.is_dir())
        .flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()));
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "stderr"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect()
}
