//! The head of a stopped Prometheus: what its write-ahead logs and head chunks hold that no block has yet.

mod replay;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::chunk::Chunk;
use super::error::BlockError;
use super::head_chunks::{HeadChunks, MappedChunk};
use super::samples::Samples;
use super::tombstones::is_deleted;
use super::wal;
use crate::model::{Exemplar, Labels, METRIC_NAME, MatchOp, Matcher, Metadata, TimeRange, TimestampMs};

/// One series of the head.
#[derive(Debug, Default)]
pub struct HeadSeries {
    pub labels: Labels,
    pub mapped: Vec<MappedChunk>,
    /// What the logs add, in chunks.
    pub held: Vec<Chunk>,
    /// Samples that came late, from the second log.
    pub late: Vec<Chunk>,
    pub deleted: Vec<(i64, i64)>,
}

#[derive(Debug, Default)]
pub struct Head {
    pub series: Vec<HeadSeries>,
    by_name: HashMap<String, Vec<u32>>,
    chunks: HeadChunks,
    /// Samples before are in blocks.
    valid_from: i64,
    pub exemplars: Vec<(u32, TimestampMs, Exemplar)>,
    pub metadata: BTreeMap<String, Metadata>,
    /// What could not be read, one sentence each.
    pub damage: Vec<BlockError>,
    pub samples: u64,
    pub range: Option<TimeRange>,
}

/// Whether the folder has a head at all.
pub fn exists(folder: &Path) -> bool {
    ["wal", "wbl", "chunks_head"].iter().any(|name| wal::segments(&folder.join(name)).is_ok_and(|files| !files.is_empty()))
}

impl Head {
    /// Reads chunks and logs. `valid_from`: where the newest block of samples that came in order ends.
    pub fn load(folder: &Path, valid_from: i64) -> Result<Self, BlockError> {
        replay::load(folder, valid_from)
    }

    /// Numbers of the series that satisfy every matcher, ascending.
    pub fn matching(&self, matchers: &[Matcher]) -> Vec<u32> {
        let fits = |number: &u32| {
            let labels = &self.series[*number as usize].labels;
            matchers.iter().all(|m| m.matches(labels.get(&m.name).unwrap_or("")))
        };
        match matchers.iter().find(|m| m.name == METRIC_NAME && m.op == MatchOp::Equal && !m.value.is_empty()) {
            Some(named) => self.by_name.get(&named.value).into_iter().flatten().copied().filter(fits).collect(),
            None => (0..self.series.len() as u32).filter(fits).collect(),
        }
    }

    /// Whether a series may have samples in the range.
    pub fn overlaps(&self, number: u32, range: TimeRange) -> bool {
        let series = &self.series[number as usize];
        let meets = |min: i64, max: i64| min <= range.max.0 && max >= range.min.0;
        series.mapped.iter().any(|c| meets(c.min_time, c.max_time))
            || series.held.iter().chain(&series.late).any(|c| meets(c.min_time, c.max_time))
    }

    /// Appends a series' samples of the range.
    pub fn decode(&self, number: u32, range: TimeRange, into: &mut Samples) -> Result<(), BlockError> {
        let series = &self.series[number as usize];
        let meets = |min: i64, max: i64| min <= range.max.0 && max >= range.min.0;
        let mut one = Samples::default();
        let mut mapped: Vec<&MappedChunk> = series.mapped.iter().filter(|c| meets(c.min_time, c.max_time)).collect();
        mapped.sort_by_key(|c| (c.is_out_of_order, c.min_time));
        let mut add = |is_late: bool, samples: &mut Samples, decode: &mut dyn FnMut(&mut Samples) -> Result<(), BlockError>| {
            samples.clear();
            decode(samples)?;
            let valid_from = if is_late { i64::MIN } else { self.valid_from };
            samples.retain(|at| at >= valid_from && range.contains(TimestampMs(at)) && !is_deleted(&series.deleted, at));
            into.add(samples);
            Ok::<(), BlockError>(())
        };
        for chunk in mapped {
            add(chunk.is_out_of_order, &mut one, &mut |samples| self.chunks.decode(chunk, samples))?;
        }
        let of_logs = series.held.iter().map(|chunk| (false, chunk)).chain(series.late.iter().map(|chunk| (true, chunk)));
        for (is_late, chunk) in of_logs.filter(|(_, c)| meets(c.min_time, c.max_time)) {
            add(is_late, &mut one, &mut |samples| {
                let failed = |_| BlockError::Limit("internal: a chunk that this process wrote cannot be read".to_owned());
                chunk.encoding.decode(&chunk.data, samples).map_err(failed)
            })?;
        }
        Ok(())
    }

    pub fn size_bytes(&self) -> usize {
        let of = |s: &HeadSeries| {
            let chunks: usize = s.held.iter().chain(&s.late).map(|c| c.data.len() + std::mem::size_of::<Chunk>()).sum();
            s.labels.size_bytes() + std::mem::size_of::<HeadSeries>() + s.mapped.len() * std::mem::size_of::<MappedChunk>() + chunks
        };
        self.series.iter().map(of).sum()
    }
}
