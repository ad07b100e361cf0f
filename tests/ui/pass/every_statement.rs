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

pub enum ChargeError {
    Declined(String),
    Limit { limit: u64, at: u32 },
    Down,
}

impl From<ChargeError> for TaskError {
    fn from(_: ChargeError) -> Self {
        TaskError::permanent("not charged")
    }
}

#[service_task]
async fn charge(order: Order) -> Result<u64, ChargeError> {
    match order.total {
        0 => Err(ChargeError::Declined(order.id)),
        1 => Err(ChargeError::Limit { limit: order.total, at: 3 }),
        2 => Err(ChargeError::Down),
        total => Ok(total),
    }
}

#[service_task]
async fn refund(paid: u64) {
    let _ = paid;
}

workflow! {
    process Handlers(order: Order, limit: u64, pause: std::time::Duration) {
        let paid = service charge(order)
            undo refund(paid)
            on error ChargeError::Declined(reason) if reason.len() > 2 && order.total < limit => {
                'declined: service tell(&reason);
                fail "declined: {reason}";
            }
            retry 3
            on error ChargeError::Limit { limit, at } if at > 3 => {
                'limit: service tell(&format!("{limit}"));
                let paid = 0;
            }
            on error ChargeError::Down | ChargeError::Limit { .. } => { let paid = 1; }
            on error _ if limit > 3 => { let paid = 2; }
            on after 3d => { let paid = 3; }
            on at process.now => { return; }
            also every 1d => { 'still: service tell("still"); }
            also after pause * 2 => { 'long: service tell("long"); }
        'paid: service tell(&format!("{paid}"));
        let sure: bool = user confirm { paid }
            for group "managers"
            on after 3d => { fail "nobody"; }
            also every 1d => { 'remind: service tell("them"); };
        user plain { sure } due 3d on after pause => { 'late: service tell("late"); }
        service reserve(&order)
            on error error if error.is_retryable() => { 'reserve_later: service tell("later"); }
        'book: scope {
            let inner = 3u64;
            'first: service tell("in") undo refund(inner);
            scope { wait 3s; }
        }
        on error Failure { node, kind: bpm_engine::FailureKind::Timeout, message, .. } => {
            'told: service tell(&format!("{node} {message}"));
        }
        on error Failure { data, .. } if data.to_string().is_empty() => {}
        on error failure if failure.node == "first" => { 'why: service tell(&failure.message); }
        on error _ => {}
        on after 5m => { wait 1s; }
        also every 3m => { wait 1s; };
    }
}

workflow! {
    process Races(n: u64) -> u64 {
        let price = n;
        race {
            fast: { wait 3s; let price = price + 1; 'fast: service refund(price); let by = "fast".to_owned(); }
            slow: {
                let price = 3u64;
                if price > n { wait 5m; return price; }
                if "price > 5" { wait 1m; }
                let by = "slow".to_owned();
            }
        }
        'winner: service tell(&by);
        race 2 of {
            a: { 'a: service tell("a"); }
            b: { 'b: service tell("b"); }
            c: { let only = price; 'c: service refund(only); }
        }
        'again: loop {
            scope {
                if price > 3 { break; }
                scope { wait 3s; if price > 4 { continue 'again; } }
            }
        }
        parallel {
            a: { if price > 3 { return price; } }
            b: { scope { user look { n } on after 3d => { return n; } } }
        }
        return n;
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
