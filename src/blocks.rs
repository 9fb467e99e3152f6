//! Prometheus's own data folder, read and written: blocks, head chunks, write-ahead logs. Its files are never altered.
//!
//! `folder` puts everything together under [`crate::storage::Select`]; `write` makes blocks that Prometheus serves. Formats after
//! Prometheus's documents (`tsdb/docs/format`) and what Prometheus 3.5.3 writes; every decoder is bounded, and damage names file and offset.

mod bits;
pub mod block;
mod bytes;
pub mod chunk;
pub mod chunk_files;
pub mod deleted;
pub mod error;
mod file;
pub mod folder;
pub mod head;
mod head_chunks;
mod histogram;
pub mod imported;
pub mod index;
pub mod limits;
pub mod meta;
pub mod samples;
mod snapshot;
pub mod target;
mod tombstones;
pub mod ulid;
pub mod verify;
pub mod wal;
pub mod write;
mod xor;

pub use error::BlockError;
pub use folder::PrometheusFolder;
pub use imported::Imported;
pub use samples::Samples;
pub use write::BlockWriter;
