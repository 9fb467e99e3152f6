//! Batches: series whose samples have equal times share them.
//!
//! A selection decodes every series once to learn its times. What it decoded is kept while it is little; beyond that only the times stay,
//! and values are decoded again when they are read.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh64::Xxh64;

use super::{Found, Sources, Texts};
use crate::blocks::error::BlockError;
use crate::blocks::limits::{SELECTION_SAMPLES, SELECTION_TIMES_MAX};
use crate::blocks::samples::Samples;
use crate::model::{TimeRange, TimestampMs};
use crate::storage::{Batch, ColumnValues, LabelPair, SelectError, SeriesId};

/// Series that one thread decodes before it asks for more.
const SHARE: usize = 32;

struct Series {
    found: Found,
    held: Option<Samples>,
}

struct FolderBatch {
    times: Arc<Vec<TimestampMs>>,
    series: Vec<Series>,
    sources: Arc<Sources>,
    texts: Arc<Mutex<Texts>>,
    range: TimeRange,
}

/// Times that several series have.
#[derive(Default)]
struct Columns {
    list: Vec<Arc<Vec<TimestampMs>>>,
    by_hash: HashMap<u64, Vec<usize>>,
    hasher: foldhash::fast::RandomState,
    held: usize,
}

impl Columns {
    /// The number of these times.
    fn number(&mut self, times: &[i64]) -> Result<usize, BlockError> {
        let hash = self.hasher.hash_one(times);
        let same = |at: &&usize| self.list[**at].len() == times.len() && self.list[**at].iter().zip(times).all(|(a, b)| a.0 == *b);
        if let Some(known) = self.by_hash.get(&hash).and_then(|list| list.iter().find(same)) {
            return Ok(*known);
        }
        self.held += times.len();
        if self.held > SELECTION_TIMES_MAX {
            return Err(BlockError::Limit(format!(
                "the query reads more than {SELECTION_TIMES_MAX} times from Prometheus's blocks: ask for a shorter range or fewer series"
            )));
        }
        self.list.push(Arc::new(times.iter().copied().map(TimestampMs).collect()));
        self.by_hash.entry(hash).or_default().push(self.list.len() - 1);
        Ok(self.list.len() - 1)
    }
}

/// What the threads of one selection share.
struct Work<'a> {
    sources: &'a Sources,
    found: &'a [Found],
    range: TimeRange,
    next: AtomicUsize,
    held: AtomicUsize,
    columns: Mutex<Columns>,
}

impl Work<'_> {
    /// Decodes series until none is left: place, column of times, and the samples if they are kept.
    fn run(&self) -> Result<Vec<(usize, usize, Option<Samples>)>, BlockError> {
        let mut done = Vec::new();
        loop {
            let start = self.next.fetch_add(SHARE, Ordering::AcqRel);
            if start >= self.found.len() {
                return Ok(done);
            }
            for place in start..(start + SHARE).min(self.found.len()) {
                let samples = self.sources.decode(&self.found[place], self.range)?;
                if samples.is_empty() {
                    continue;
                }
                let column = self.columns.lock().unwrap_or_else(PoisonError::into_inner).number(&samples.times)?;
                let keep = self.held.fetch_add(samples.len(), Ordering::AcqRel) < SELECTION_SAMPLES;
                done.push((place, column, keep.then_some(samples)));
            }
        }
    }
}

pub(super) fn batches(
    sources: &Arc<Sources>,
    texts: &Arc<Mutex<Texts>>,
    found: Vec<Found>,
    range: TimeRange,
) -> Result<Vec<Box<dyn Batch>>, BlockError> {
    let work = Work { sources, found: &found, range, next: AtomicUsize::new(0), held: AtomicUsize::new(0), columns: Mutex::default() };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(found.len().div_ceil(SHARE)).min(8);
    let mut done = if threads < 2 {
        work.run()?
    } else {
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.run())).collect();
            let mut all = Vec::new();
            for handle in handles {
                let part = handle.join().map_err(|_| BlockError::Limit("internal: a thread that decoded chunks panicked".to_owned()))?;
                all.extend(part?);
            }
            Ok::<_, BlockError>(all)
        })?
    };
    done.sort_by_key(|(place, ..)| *place);
    let columns = work.columns.into_inner().unwrap_or_else(PoisonError::into_inner).list;
    let mut batches: Vec<Option<FolderBatch>> = columns.iter().map(|_| None).collect();
    let mut found: Vec<Option<Found>> = found.into_iter().map(Some).collect();
    for (place, column, mut held) in done {
        let Some(found) = found[place].take() else { continue };
        if let Some(samples) = &mut held {
            // The batch has them.
            samples.times = Vec::new();
        }
        let batch = batches[column].get_or_insert_with(|| FolderBatch {
            times: columns[column].clone(),
            series: Vec::new(),
            sources: sources.clone(),
            texts: texts.clone(),
            range,
        });
        batch.series.push(Series { found, held });
    }
    Ok(batches.into_iter().flatten().map(|batch| Box::new(batch) as Box<dyn Batch>).collect())
}

impl Batch for FolderBatch {
    fn times(&self) -> &[TimestampMs] {
        &self.times
    }

    fn len(&self) -> usize {
        self.series.len()
    }

    /// A hash of the label texts, so that it is the same in every snapshot.
    fn series_id(&self, index: usize) -> SeriesId {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hash = Xxh64::new(0);
        for pair in &self.series[index].found.labels {
            for symbol in [pair.name, pair.value] {
                hash.update(texts.list[symbol.0 as usize].as_bytes());
                hash.update(&[0xff]);
            }
        }
        SeriesId(hash.digest())
    }

    fn labels(&self, index: usize) -> &[LabelPair] {
        &self.series[index].found.labels
    }

    fn read(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        into.clear();
        let again;
        let series = &self.series[index];
        let samples = match &series.held {
            Some(held) => held,
            None => {
                again = self.sources.decode(&series.found, self.range).map_err(BlockError::for_select)?;
                &again
            }
        };
        into.floats.extend_from_slice(&samples.floats[rows.clone()]);
        let first = samples.histograms.partition_point(|(row, _)| (*row as usize) < rows.start);
        let in_rows = samples.histograms[first..].iter().take_while(|(row, _)| (*row as usize) < rows.end);
        into.histograms.extend(in_rows.map(|(row, held)| (row - rows.start as u32, held.clone())));
        Ok(())
    }
}
