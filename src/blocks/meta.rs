//! A block's `meta.json`: its id, its time range (the end does not belong to it), where it comes from.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::BlockError;
use super::file::read_whole;
use super::limits::META_BYTES_MAX;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub ulid: String,
    /// Milliseconds.
    pub min_time: i64,
    /// Milliseconds; the block's samples are before.
    pub max_time: i64,
    #[serde(default)]
    pub stats: Stats,
    #[serde(default)]
    pub compaction: Compaction,
    pub version: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stats {
    pub num_samples: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_float_samples: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_histogram_samples: u64,
    pub num_series: u64,
    pub num_chunks: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub num_tombstones: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Compaction {
    pub level: u32,
    pub sources: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<Parent>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// A block that was compacted into this one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parent {
    pub ulid: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Blocks of samples that came late do not say how far the head's own samples were written.
const FROM_OUT_OF_ORDER: &str = "from-out-of-order";

impl Meta {
    pub fn read(path: &Path) -> Result<Self, BlockError> {
        let text = read_whole(path, META_BYTES_MAX)?;
        let meta: Self =
            serde_json::from_slice(&text).map_err(|error| BlockError::Unknown { path: path.to_owned(), what: error.to_string() })?;
        if meta.version != 1 {
            let what = format!("block format {} is not known to this promlet, which reads format 1", meta.version);
            return Err(BlockError::Unknown { path: path.to_owned(), what });
        }
        Ok(meta)
    }

    pub fn is_from_out_of_order(&self) -> bool {
        self.compaction.hints.iter().any(|hint| hint == FROM_OUT_OF_ORDER)
    }
}
