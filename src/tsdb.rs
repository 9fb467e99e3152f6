//! The embedded store.

pub mod options;

pub use options::TsdbOptions;
