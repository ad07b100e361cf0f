//! The load: ten processes that between them use every kind of node, and what must have become
//! of an instance of each in the end.

use std::time::Duration;

use bpm_engine::prelude::*;
use bpm_engine::{EngineBuilder, InstanceId};

use crate::ledger::{Effect, Ledger, with_effect};

/// Has its effect: one record of the ledger. Takes up to three milliseconds, so that a kill meets
/// attempts before, in and behind their effect.
#[service_task]
async fn work(ledger: State<Ledger>, value: u64, cx: TaskContext) -> Result<u64, TaskError> {
    let effect = Effect::of(&cx)?;
    let pause = |salt| Duration::from_micros((value * 7 + effect.visit * 3 + salt) % 4 * 400);
    tokio::time::sleep(pause(1)).await;
    with_effect(&ledger, &effect, pause(2)).await?;
    Ok(value + 1)
}

/// Takes back what `work` did: a record of its own.
#[service_task(retry 5 every 1ms..2ms)]
async fn take_back(ledger: State<Ledger>, value: u64, cx: TaskContext) -> Result<(), TaskError> {
    let rest = Duration::from_micros(value % 3 * 400);
    Ok(with_effect(&ledger, &Effect::of(&cx)?, rest).await?)
}

/// Has its effect at once.
#[service_task]
async fn count(ledger: State<Ledger>, value: u64, cx: TaskContext) -> Result<u64, TaskError> {
    with_effect(&ledger, &Effect::of(&cx)?, Duration::ZERO).await?;
    Ok(value + 1)
}

/// Every other attempt fails.
#[service_task]
async fn flaky(ledger: State<Ledger>, value: u64, cx: TaskContext) -> Result<u64, TaskError> {
    with_effect(&ledger, &Effect::of(&cx)?, Duration::ZERO).await?;
    if cx.attempt() % 2 == 1 {
        return Err(TaskError::retryable("the line is busy"));
    }
    Ok(value + 1)
}

/// Every attempt fails.
#[service_task]
async fn refuse(ledger: State<Ledger>, cx: TaskContext) -> Result<u64, TaskError> {
    with_effect(&ledger, &Effect::of(&cx)?, Duration::ZERO).await?;
    Err(TaskError::retryable("sold out"))
}

workflow! {
    process Chain(n: u64) -> u64 {
        'first: let a = service work(n);
        'second: let b = service work(a);
        'third: let c = service work(b);
        return c;
    }
}

workflow! {
    process Fork(n: u64) -> u64 {
        parallel {
            left: { 'left_1: let a = service work(n); 'left_2: let b = service work(a); }
            middle: { 'middle_1: let c = service work(n); }
            right: { 'right_1: let d = service work(n); }
        }
        'joined: let e = service work(b + c + d);
        return e;
    }
}

workflow! {
    process Timer(n: u64) -> u64 {
        'before: let a = service work(n);
        wait 15ms;
        'after: let b = service work(a);
        return b;
    }
}

workflow! {
    process Approval(n: u64) -> u64 {
        'asked: let a = service work(n);
        let more: u64 = user approve { n } for group "clerks";
        'told: let b = service work(a + more);
        return b;
    }
}

workflow! {
    process Flaky(n: u64) -> u64 {
        'flaky: let a = service flaky(n) retry 50 every 2ms..8ms;
        'then: let b = service work(a);
        return b;
    }
}

workflow! {
    /// Fails at its end, and takes back what it did.
    process Trip(n: u64) -> u64 {
        'flight: let a = service work(n) undo take_back(a);
        parallel {
            sleeps: { 'hotel: let b = service work(n) undo take_back(b); }
            eats: { 'table: let c = service work(n + 1) undo take_back(c); }
        }
        'train: let d = service work(b + c) undo take_back(d);
        'car: let e = service refuse();
        return e + d;
    }
}

workflow! {
    /// Is cancelled, and takes back what it had done by then.
    process Order(n: u64) -> u64 {
        'reserve: let a = service work(n) undo take_back(a);
        'pack: let b = service work(a) undo take_back(b);
        let paid: u64 = user pay { b } for group "nobody";
        return paid;
    }
}

workflow! {
    /// Waits for a person who never comes.
    process Waiting(n: u64) -> u64 {
        'filed: let a = service work(n);
        let seen: u64 = user read { a } for group "nobody";
        return seen;
    }
}

workflow! {
    /// Rests as an incident until an operator gives the value.
    process Suspended(n: u64) -> u64 {
        'stuck: let a = service refuse() retry 2 every 1ms..2ms then suspend;
        'freed: let b = service work(n + a);
        return b;
    }
}

workflow! {
    /// Has more turns than are kept of its history.
    process Long(n: u64) -> u64 {
        let at = n;
        while at < n + ROUNDS {
            'round: let at = service count(at);
        }
        return at;
    }
}

/// Rounds of the long process.
const ROUNDS: u64 = 170;

/// Turns that are kept of a history: more than all but the long ones have.
pub(crate) const HISTORY: u64 = 160;

/// What a clerk enters.
pub(crate) const MORE: u64 = 10;

/// What an operator gives.
pub(crate) const GIVEN: u64 = 100;

/// The sort of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Chain,
    Fork,
    Timer,
    Approval,
    Flaky,
    Trip,
    Order,
    Waiting,
    Suspended,
    Long,
}

const SORTS: [Sort; 10] = [
    Sort::Chain,
    Sort::Fork,
    Sort::Timer,
    Sort::Approval,
    Sort::Flaky,
    Sort::Trip,
    Sort::Order,
    Sort::Waiting,
    Sort::Suspended,
    Sort::Long,
];

/// What must have become of an instance when everything is drained.
pub(crate) struct Expected {
    pub(crate) status: Status,
    pub(crate) result: Option<u64>,
    /// The service tasks that completed, undos left out, in the order of their names; `None` if
    /// that depends on when it was cancelled.
    pub(crate) completed: Option<&'static [&'static str]>,
}

impl Sort {
    /// The sort of the instance with this number.
    pub(crate) fn of(n: u64) -> Self {
        SORTS[(n % SORTS.len() as u64) as usize]
    }

    /// The name of its process.
    pub(crate) fn process(self) -> String {
        format!("{self:?}")
    }

    /// What must have become of the instance with number `n`.
    pub(crate) fn expected(self, n: u64) -> Expected {
        let completed = |result, completed| Expected {
            status: Status::Completed,
            result: Some(result),
            completed: Some(completed),
        };
        let other = |status, completed| Expected { status, result: None, completed };
        match self {
            Sort::Chain => completed(n + 3, &["first", "second", "third"]),
            Sort::Fork => {
                completed(3 * n + 5, &["joined", "left_1", "left_2", "middle_1", "right_1"])
            }
            Sort::Timer => completed(n + 2, &["after", "before"]),
            Sort::Approval => completed(n + MORE + 2, &["asked", "told"]),
            Sort::Flaky => completed(n + 2, &["flaky", "then"]),
            Sort::Trip => other(Status::Failed, Some(&["flight", "hotel", "table", "train"])),
            Sort::Order => other(Status::Cancelled, None),
            Sort::Waiting => other(Status::Running, Some(&["filed"])),
            Sort::Suspended => completed(n + GIVEN + 1, &["freed"]),
            Sort::Long => Expected { completed: None, ..completed(n + ROUNDS, &[]) },
        }
    }

    /// Starts the instance with this number, or finds it.
    pub(crate) async fn start(self, engine: &Engine, n: u64) -> Result<InstanceId, Error> {
        let key = n.to_string();
        Ok(match self {
            Sort::Chain => engine.start(Chain { n }).key(key).await?.id(),
            Sort::Fork => engine.start(Fork { n }).key(key).await?.id(),
            Sort::Timer => engine.start(Timer { n }).key(key).await?.id(),
            Sort::Approval => engine.start(Approval { n }).key(key).await?.id(),
            Sort::Flaky => engine.start(Flaky { n }).key(key).await?.id(),
            Sort::Trip => engine.start(Trip { n }).key(key).await?.id(),
            Sort::Order => engine.start(Order { n }).key(key).await?.id(),
            Sort::Waiting => engine.start(Waiting { n }).key(key).await?.id(),
            Sort::Suspended => engine.start(Suspended { n }).key(key).await?.id(),
            Sort::Long => engine.start(Long { n }).key(key).await?.id(),
        })
    }
}

/// An engine builder with all of it.
pub(crate) fn builder(ledger: Ledger) -> EngineBuilder {
    Engine::builder()
        .process::<Chain>()
        .process::<Fork>()
        .process::<Timer>()
        .process::<Approval>()
        .process::<Flaky>()
        .process::<Trip>()
        .process::<Order>()
        .process::<Waiting>()
        .process::<Suspended>()
        .process::<Long>()
        .state(ledger)
}

/// The open tasks that clerks complete.
pub(crate) async fn complete(engine: &Engine, task: UserTaskId, clerk: &str) -> Result<(), Error> {
    engine.complete(task, Approval::APPROVE, MORE).by(Actor::new(clerk)).await
}
