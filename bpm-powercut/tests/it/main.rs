//! Power cuts and failing disks; and that they are noticed if something is wrong.

#![allow(clippy::unwrap_used, reason = "a test says by a panic what is wrong")]

mod cuts;
mod engine;
mod faults;
