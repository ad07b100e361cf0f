//! How processes are tested: doubles, thirty days in no time, a crash, paths, coverage, and
//! whether a new build can go on with what is stored.

use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_testkit::{Coverage, TestEngine, assert_path, verify};

#[service_task(retry 5 every 1m)]
async fn charge(bank: State<bank::Bank>, customer: &str, amount: u64) -> Result<u64, String> {
    bank.charge(customer, amount).await
}

#[service_task]
async fn remind(customer: &str) -> Result<(), String> {
    Err(format!("no mail goes to {customer} from a test"))
}

workflow! {
    /// Charges a customer; a large sum is reminded of once, after thirty days.
    process Invoice(customer: String, amount: u64) -> u64 {
        if amount > 1_000 {
            'month: wait 30d;
            service remind(&customer);
        }
        let paid = service charge(&customer, amount);
        'paid: return paid;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The bank is not asked: its task has a double, and so the engine needs no `State<Bank>`.
    let engine = TestEngine::builder()
        .process::<Invoice>()
        .mock::<charge>(|(_customer, amount)| Ok(amount * 101 / 100))
        .fail_first::<charge>(2, || "the line is busy".to_owned())
        .mock::<remind>(|_customer| Ok(()))
        .start()
        .await?;

    let small = engine.start(Invoice { customer: "Ann".to_owned(), amount: 100 }).await?;
    let paid = engine.outcome(&small).await?.completed()?;
    println!("Ann paid {paid} after {} calls", engine.calls::<charge>());
    assert_path!(engine, "start", "charge", "paid");
    print!("{}", Coverage::of::<Invoice>().report());

    // A month in which the engine crashes, and in which a commit fails.
    let large = engine.start(Invoice { customer: "Bob".to_owned(), amount: 2_000 }).await?;
    engine.advance(Duration::from_secs(20 * 24 * 60 * 60)).await;
    let engine = engine.crash_and_restart().await;
    println!("after 20 days and a crash Bob was reminded {} times", engine.calls::<remind>());
    print!("this build: {}", verify(engine.store(), &[Invoice::definition()])?);
    engine.faults().fail_commits(1);
    let passed = engine.fast_forward().await;
    println!("{} days later: {} times", passed.as_secs() / 86_400, engine.calls::<remind>());
    println!("Bob paid {}", engine.outcome(&large).await?.completed()?);
    assert_path!(engine.path(&large), "start", .., "remind", "charge", "paid");

    print!("{}", Coverage::of::<Invoice>().report());
    Ok(())
}

/// Stands for the library of a bank.
mod bank {
    pub(crate) struct Bank;

    impl Bank {
        pub(crate) async fn charge(&self, _: &str, _: u64) -> Result<u64, String> {
            Err("no bank is called from a test".to_owned())
        }
    }
}
