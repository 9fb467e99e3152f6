//! shim
pub mod options;
use crate::model::*;
use crate::storage::memory::MemoryStore;
use crate::storage::*;
pub use options::TsdbOptions;
pub struct Tsdb(MemoryStore, TsdbOptions);
pub struct Head {
    pub chunks: u64,
    pub range: TimeRange,
}
impl Tsdb {
    pub fn open_folder(o: TsdbOptions, _c: crate::clock::Clock, _r: &crate::telemetry::Registry) -> Result<Self, String> {
        std::fs::create_dir_all(o.folder.join("promlet")).map_err(|e| e.to_string())?;
        Ok(Self(MemoryStore::default(), o))
    }
    pub fn maintain(&self, _n: TimestampMs) {}
    pub fn close(&self) -> Result<(), String> {
        Ok(())
    }
    pub fn head(&self) -> Head {
        Head { chunks: 0, range: TimeRange::ALL }
    }
    pub fn options(&self) -> &TsdbOptions {
        &self.1
    }
    pub fn corruptions(&self) -> u64 {
        0
    }
}
impl Append for Tsdb {
    fn writer(&self, key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        self.0.writer(key)
    }
}
impl Select for Tsdb {
    fn open(&self, r: TimeRange) -> Result<std::sync::Arc<dyn Snapshot>, SelectError> {
        self.0.open(r)
    }
}
