//! One module a node kind, and one for each thing that engines do beside them.

mod abuse;
mod bounds;
mod cancel;
mod definitions;
mod end;
mod exclusive;
mod faults;
mod history;
mod incident;
mod orders;
mod parallel;
mod race;
mod retry;
mod saga;
mod scope;
mod service;
mod shutdown;
mod start;
mod suspend;
mod timeout;
mod timer;
mod typed;
mod user;
