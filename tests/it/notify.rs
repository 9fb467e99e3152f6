//! Receivers over real sockets: a firing and a resolved alert at a webhook, a Slack-shaped server and a mail server, all on loopback,
//! and what happens when these are busy, broken, silent or refuse.

mod charts;
mod finality;
pub mod flow;
mod golden;
pub mod mail;
mod oracle;
pub mod peers;
