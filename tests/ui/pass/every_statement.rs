#![deny(warnings)]

use bpm_engine::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub id: String,
    pub total: u64,
    pub items: Vec<u32>,
}

#[derive(Clone, Serialize, Deserialize)]
pub enum Decision {
    Approved { by: String, note: Option<String> },
    Rejected(u32),
    Later,
}

pub struct Prices;

type Plain<T> = Result<T, std::fmt::Error>;

#[service_task]
pub async fn price(prices: State<Prices>, order: &Order, cx: TaskContext) -> Plain<u64> {
    let _ = (&*prices, cx.attempt());
    Ok(order.total)
}

#[service_task]
async fn tell(who: &str) {
    let _ = who;
}

#[service_task]
#[cfg(any())]
async fn never_there() {}

#[service_task(retry 5 every 1s..1m then suspend, timeout 30s)]
async fn reserve(order: &Order) -> Result<u32, TaskError> {
    Ok(order.items.len() as u32)
}

#[service_task(timeout 1.5h retry 20 crate = bpm_engine)]
async fn release(reserved: u32, why: &str) -> bool {
    reserved > 3 && why.is_empty()
}

mod tasks {
    use bpm_engine::prelude::*;

    #[service_task]
    pub(crate) async fn count<'a>(from: u32, of: &'a [u32]) -> Result<u32, TaskError> {
        Ok(from + of.len() as u32)
    }
}

workflow! {
    /// Asks for the price and for leave.
    #[version = 2]
    #[name = "quotation"]
    #[derive(Clone)]
    pub process Quotation(order: Order, express: bool) -> String {
        let price = service price(&order);
        let (low, high) = (price / 2, price * 2);
        let Some(first) = order.items.first().copied() else {
            return format!("nothing of {}", order.id);
        };
        let decision: Decision = user approve { order, price, twice: price * 2 }
            for group "managers"
            due 3d
            priority 5;
        match decision {
            Decision::Approved { by, note: Some(note) } if note.len() > 3 => {
                let why = format!("{by}: {note}");
            }
            Decision::Approved { by, .. } => {
                let why = by;
            }
            Decision::Rejected(by) if by > 3 && express => {
                let why = format!("{}", by + 1);
            }
            Decision::Rejected(_) | Decision::Later => return process.id.to_string(),
        }
        let tries = 0;
        'again: loop {
            let tries = service tasks::count(tries, &order.items);
            if tries > 3 { break 'again; } else if "tries == 2" { continue; }
        }
        let sum = 0;
        for (position, item) in order.items.iter().copied().enumerate() {
            if position > 3 { continue; }
            let sum = sum + item;
        }
        let mut list = vec![sum, first];
        let list = { list.push(tries); list };
        while let Some(left) = list.first() && *left > tries {
            'next: let tries = service tasks::count(tries, &list);
        }
        parallel {
            last after one, two: { 'third: service tell(&one); }
            one: { let one = "1".to_owned(); 'first: service tell(&why); }
            two: { let tmp = "2".to_owned(); 'second: service tell(&format!("{tmp}")); }
            three: { let tmp = "3".to_owned(); 'fourth: service tell(&tmp); }
        }
        return format!("{low} {high} {why} {}", list.len());
    }
}

workflow! {
    process Reservation(order: Order, pause: std::time::Duration, wait: u32, retry: u32) {
        let reserved = service reserve(&order)
            retry 3 every 500ms..2m then suspend
            timeout 30s
            undo release(reserved, &order.id);
        'again: service reserve(&order) undo release(retry, "again") timeout 1_000ms retry 2;
        let fail = wait + retry;
        let sure: bool = user confirm { reserved }
            undo tell(&format!("{sure} {fail}"))
            due 2h;
        if !sure {
            fail "{reserved} of {} were not wanted", order.items.len();
        }
        let Some(first) = order.items.first().copied() else {
            fail "nothing of {id}", id = order.id;
        };
        wait 14d;
        wait 1.5h
        wait pause * 2;
        'deadline: wait until process.now;
        wait until std::time::SystemTime::UNIX_EPOCH + pause;
        match first {
            0 => fail "zero",
            1 => wait 3s,
            _ => { loop { wait 1m; if first > fail { break; } } }
        }
        parallel {
            a: { 'tell_a: service tell("a") undo tell("not a"); }
            b: { if sure { wait 5m; } else { 'not_sure: fail "{{not}} sure"; } }
        }
    }
}

workflow! {
    process Minimal() {}
}

workflow! {
    process Endless(n: u32) -> ! {
        loop { let n = service tasks::count(n, &[]); }
    }
}

fn main() {
    let _ = (Minimal, Minimal {});
    let _ = Quotation::APPROVE;
    assert_eq!(Quotation::definition().name(), "quotation");
}
