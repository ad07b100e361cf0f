//! What the fixtures' processes are about.

#![allow(dead_code)]

use bpm_engine::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub id: String,
    pub total: u64,
    pub items: Vec<u32>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Payment {
    pub amount: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Parcel {
    pub weight: u32,
}

#[derive(Clone, Serialize, Deserialize)]
pub enum Decision {
    Approved { by: String },
    Rejected(String),
    Later,
}

#[derive(Debug)]
pub struct Declined;

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("declined")
    }
}

impl std::error::Error for Declined {}

#[service_task]
pub async fn charge(order: &Order) -> Result<Payment, Declined> {
    Ok(Payment { amount: order.total })
}

#[service_task]
pub async fn refund(payment: &Payment) -> Result<(), Declined> {
    let _ = payment;
    Ok(())
}

#[service_task]
pub async fn pack(order: &Order) -> Parcel {
    Parcel { weight: order.items.len() as u32 }
}

#[service_task]
pub async fn tell(who: &str) {
    let _ = who;
}

#[service_task]
pub async fn count(from: u32) -> u32 {
    from + 1
}
