//! The mended examples in `workflow!` of the pages `docs/errors/*.md`, as a program that compiles.
//! `docs` sees to it that each of them stands here as the page has it.

#![allow(dead_code, unreachable_pub, reason = "the examples need only compile")]

use bpm_engine::prelude::*;
use serde::{Deserialize, Serialize};

macro_rules! data {
    ($($name:ident { $($field:ident: $type:ty),* })*) => {
        $(
            #[derive(Clone, Serialize, Deserialize)]
            pub struct $name {
                $($field: $type),*
            }
        )*
    };
}

data! {
    Order { total: u64, goods: u64, freight: u64, suppliers: Vec<String> }
    User { name: String }
    Account { name: String }
    Site { address: String }
    Health { gone: bool }
    Parcel { weight: u64 }
    Offer { good: bool }
    Receipt { number: u64 }
    Insurance { number: u64 }
}

impl Insurance {
    fn none() -> Self {
        Self { number: 0 }
    }
}

impl Offer {
    fn is_good(&self) -> bool {
        self.good
    }
}

impl Health {
    fn is_gone(&self) -> bool {
        self.gone
    }
}

macro_rules! tasks {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(
            #[service_task]
            pub async fn $name($($argument: $type),*) -> Result<$result, TaskError> {
                $(let _ = $argument;)*
                Err("no example is run".into())
            }
        )*
    };
}

tasks! {
    ask_north(order: &Order) -> Offer;
    ask_south(order: &Order) -> Offer;
    ask_price(supplier: &str) -> Offer;
    charge(order: &Order) -> Receipt;
    create_account(user: &User) -> Account;
    insure(order: &Order) -> Insurance;
    is_paid(order: &Order) -> bool;
    pack(order: &Order) -> Parcel;
    print_bill(order: &Order) -> ();
    print_label(order: &Order) -> ();
    refund(payment: &Receipt) -> ();
    probe(site: &Site) -> Health;
    reject(order: &Order) -> ();
    reserve(order: &Order) -> ();
    send_welcome(user: &User) -> ();
    ship(order: &Order, insurance: &Insurance) -> ();
    tell_customer(order: &Order, why: &str) -> ();
    weigh(goods: &u64) -> u64;
    weigh_box(order: &Order) -> u64;
}

mod b001_a {
    use super::*;

    tasks! {
        charge(amount: &u64) -> Receipt;
    }

    workflow! {
        pub process Billing(order: Order) {
            service charge(&order.goods);
            'freight: service charge(&order.freight);
        }
    }
}

mod b001_b {
    use super::*;

    workflow! {
        pub process Shipping(order: Order) {
            parallel {
                label: { service print_label(&order); }
                bill:  { service print_bill(&order); }
            }
        }
    }
}

mod b002_a {
    use super::*;

    workflow! {
        pub process Shipping(order: Order) {
            parallel {
                pack: { service pack(&order); }
                label after pack: { service print_label(&order); }
            }
        }
    }
}

mod b003_a {
    use super::*;

    workflow! {
        pub process Shipping(order: Order) {
            if order.total > 1_000 {
                let insurance = service insure(&order);
            } else {
                let insurance = Insurance::none();
            }
            service ship(&order, &insurance);
        }
    }
}

mod b004_a {
    use super::*;

    tasks! {
        ship(order: &Order, weight: u64) -> ();
    }

    workflow! {
        pub process Shipping(order: Order) {
            parallel {
                goods:   { let net = service weigh(&order.goods); }
                packing: { let tare = service weigh_box(&order); }
            }
            service ship(&order, net + tare);
        }
    }
}

mod b004_b {
    use super::*;

    tasks! {
        print_label(parcel: &Parcel) -> ();
    }

    workflow! {
        pub process Shipping(order: Order) {
            parallel {
                pack: { let parcel = service pack(&order); }
                label after pack: { service print_label(&parcel); }
            }
        }
    }
}

mod b005_a {
    use super::*;

    workflow! {
        pub process Registration(user: User) -> Account {
            let account = service create_account(&user);
            service send_welcome(&user);
            return account;
        }
    }
}

mod b006_a {
    use super::*;

    workflow! {
        pub process Watch(site: Site) -> ! {
            loop {
                let state = service probe(&site);
                user acknowledge { state: &state };
            }
        }
    }
}

mod b006_b {
    use super::*;

    workflow! {
        pub process Payment(order: Order) {
            let paid = false;
            while !paid {
                let paid = service is_paid(&order);
            }
        }
    }
}

mod b007_a {
    use super::*;

    workflow! {
        pub process Purchase(order: Order) {
            for supplier in order.suppliers.clone() {
                parallel {
                    price: { let offer = service ask_price(&supplier); }
                    stock: { service reserve(&order); }
                }
                if offer.is_good() {
                    break;
                }
            }
        }
    }
}

mod b008_a {
    use super::*;

    workflow! {
        pub process Shipping(order: Order) {
            parallel {
                pack: { service pack(&order); }
                label after pack: { service print_label(&order); }
            }
        }
    }
}

mod b009_a {
    use super::*;

    workflow! {
        pub process Approval(order: Order) -> Option<Receipt> {
            if order.total > 1_000 {
                let receipt = service charge(&order);
                return Some(receipt);
            }
            service reject(&order);
            return None;
        }
    }
}

mod b009_b {
    use super::*;

    workflow! {
        pub process Watch(site: Site) {
            loop {
                let state = service probe(&site);
                if state.is_gone() {
                    break;
                }
            }
        }
    }
}

mod b010_a {
    use super::*;

    tasks! {
        unpack(parcel: &Parcel) -> ();
    }

    workflow! {
        pub process Shipping(order: Order) {
            let parcel = service pack(&order) undo unpack(&parcel);
            let payment = service charge(&order) undo refund(&payment);
        }
    }
}

mod b010_b {
    use super::*;

    tasks! {
        ship(order: &Order) -> ();
        call_back(order: &Order) -> ();
    }

    workflow! {
        pub process Shipping(order: Order) {
            if order.total > 1_000 {
                let payment = service charge(&order) undo refund(&payment);
            }
            service ship(&order) undo call_back(&order);
        }
    }
}

mod b010_c {
    use super::*;

    tasks! {
        release(order: &Order) -> ();
        ship(order: &Order) -> ();
    }

    workflow! {
        pub process Shipping(order: Order) {
            service reserve(&order) undo release(&order);
            wait 3d;
            service ship(&order);
        }
    }
}

mod b014_a {
    use super::*;

    workflow! {
        pub process Approval(amount: i64) {
            if "amount > 50" {
                user approve { amount };
            }
        }
    }
}

mod b015_a {
    use super::*;

    tasks! {
        ship(order: &Order) -> ();
    }

    workflow! {
        pub process Billing(order: Order) {
            service charge(&order);
            service ship(&order) retry 5 every 1s..1m timeout 30s;
        }
    }
}

mod b015_b {
    use super::*;

    workflow! {
        pub process Billing(order: Order, tries: u32) {
            for _ in 0..tries {
                let paid = service is_paid(&order);
                if paid {
                    break;
                }
                wait 1h;
            }
        }
    }
}

mod b002_b {
    use super::*;

    workflow! {
        pub process Shipping(order: Order) {
            scope { service pack(&order) retry 3; } on after 3d => { fail "late"; }
            wait 3d;
        }
    }
}

mod b003_b {
    use super::*;

    workflow! {
        pub process Shipping(order: Order) {
            scope {
                let insurance = service insure(&order);
                service ship(&order, &insurance);
            } on error Failure { message, .. } => {
                service tell_customer(&order, &message);
            }
        }
    }
}

mod b007_b {
    use super::*;

    workflow! {
        pub process Purchase(order: Order) {
            loop {
                let offer: Offer = user negotiate { order: &order } on after 30d => { break; };
                if offer.is_good() { break; }
            }
        }
    }
}

mod b015_c {
    use super::*;

    workflow! {
        pub process Purchase(order: Order) {
            race {
                north: { service ask_north(&order); }
                south: { service ask_south(&order); }
            }
        }
    }
}
