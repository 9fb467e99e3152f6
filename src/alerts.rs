//! From an alert to "tell this receiver, for this reason, now": route, group, inhibit, silence, time intervals, ledger.

pub mod dedup;
pub mod fingerprint;
pub mod hold;
pub mod ids;
pub mod inbox;
pub mod inhibit;
pub mod intervals;
pub mod limits;
pub mod notification;
pub mod options;
pub mod routing;
pub mod silences;
pub mod view;
