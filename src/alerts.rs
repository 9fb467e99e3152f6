//! From an alert to "tell this receiver, for this reason, now": route, group, inhibit, silence, time intervals, ledger.

pub mod options;
pub mod view;
