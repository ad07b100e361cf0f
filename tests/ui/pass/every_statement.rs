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
