//! Samples over the network: the remote-write 1.0 receiver, from a compressed body to committed rows.

mod error;
mod group;
mod histogram;
mod labels;
pub mod limits;
mod place;
mod receiver;
mod sender;
mod series;
mod wire;

pub use error::WriteError;
pub use receiver::{Receiver, Taken};
