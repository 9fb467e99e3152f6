//! Rule groups in virtual time: the alert-generator compliance suite's timelines as data, then what it leaves out.

mod backtest;
mod bench;
mod compliance;
mod promtool;
mod restart;
mod running;
mod shipped;
mod store;
mod timelines;
