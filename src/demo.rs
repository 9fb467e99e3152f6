//! `promlet demo`: a simulated trainer and two GPUs behind real HTTP, three receivers on loopback, and a script of troubles.

pub mod exporters;
pub mod family;
pub mod gpus;
pub mod history;
mod inbox_page;
pub mod random;
pub mod receivers;
pub mod script;
pub mod smtp_sink;
pub mod trainer;

pub use receivers::Receivers;
pub use trainer::Trainer;
