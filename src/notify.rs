//! One file per kind of receiver: a notification in, a delivery or `Retry`/`GiveUp` out.

pub mod options;
