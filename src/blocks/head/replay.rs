//! Reading a head: chunks first, then the logs for what the chunks do not have yet.

use std::collections::HashMap;
use std::path::Path;

use super::{Head, HeadSeries};
use crate::blocks::chunk::ChunkWriter;
use crate::blocks::error::BlockError;
use crate::blocks::head_chunks::{HeadChunks, MappedChunk};
use crate::blocks::limits::EXEMPLARS_MAX;
use crate::blocks::wal::record::{self, Entry};
use crate::blocks::wal::{self, Ending};
use crate::model::{Histogram, Labels, TimeRange, TimestampMs};

/// A series while the logs are read.
struct Open {
    writer: ChunkWriter,
    /// Samples up to here are in chunks already.
    until: i64,
    late: Vec<(i64, Late)>,
}

enum Late {
    Float(f64),
    Histogram(Histogram),
}

struct Replay {
    head: Head,
    open: Vec<Open>,
    numbers: foldhash::HashMap<u64, u32>,
    by_labels: HashMap<Labels, u32>,
    mapped: HashMap<u64, Vec<MappedChunk>>,
    /// Samples of series that no record defined.
    unknown: u64,
    /// Records of kinds that are not known.
    skipped: u64,
    /// The log of late samples is read.
    is_late: bool,
}

pub fn load(folder: &Path, valid_from: i64) -> Result<Head, BlockError> {
    let (mut mapped, mut damage) = (HashMap::<u64, Vec<MappedChunk>>::new(), Vec::new());
    let is_wanted = |c: &MappedChunk| c.is_out_of_order || c.max_time >= valid_from;
    let keep = |chunk: MappedChunk| {
        if is_wanted(&chunk) {
            mapped.entry(chunk.series).or_default().push(chunk);
        }
    };
    let chunks = HeadChunks::open(&folder.join("chunks_head"), keep, |error| damage.push(error))?;
    let head = Head { chunks, valid_from, damage, ..Head::default() };
    let mut replay = Replay {
        head,
        open: Vec::new(),
        numbers: foldhash::HashMap::default(),
        by_labels: HashMap::new(),
        mapped,
        unknown: 0,
        skipped: 0,
        is_late: false,
    };
    let log = folder.join("wal");
    let checkpoint = wal::checkpoint(&log);
    if let Some((_, path)) = &checkpoint {
        replay.folder(path, None)?;
    }
    replay.folder(&log, checkpoint.map(|(number, _)| number))?;
    replay.is_late = true;
    replay.folder(&folder.join("wbl"), None)?;
    Ok(replay.finish())
}

impl Replay {
    /// Reads the log's files after a number. Damage ends a file; the next one begins with a whole record again.
    fn folder(&mut self, folder: &Path, after: Option<u64>) -> Result<(), BlockError> {
        let segments = wal::segments(folder)?;
        let newest = segments.last().map(|(number, _)| *number);
        for (number, path) in segments.into_iter().filter(|(number, _)| after.is_none_or(|after| *number > after)) {
            let read = wal::each_record(&path, |bytes, offset| {
                let known = record::decode(bytes, |entry| self.entry(entry));
                self.skipped += u64::from(!known.map_err(|damaged| damaged.in_file(&path, offset))?);
                Ok(())
            });
            match read {
                Ok(Ending::Torn(offset)) if Some(number) != newest => {
                    self.head.damage.push(BlockError::damaged(&path, offset, "a record is not whole, and another file follows"));
                }
                Ok(Ending::Whole | Ending::Torn(_)) => {}
                Err(error @ BlockError::Damaged { .. }) => self.head.damage.push(error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: Entry) {
        match entry {
            Entry::Series { series, labels } => self.define(series, labels),
            Entry::Float { series, at, value } => self.sample(series, at, Late::Float(value)),
            Entry::Histogram { series, at, histogram } => self.sample(series, at, Late::Histogram(histogram)),
            Entry::Tombstone { series, first, last } => {
                if let Some(number) = self.numbers.get(&series) {
                    self.head.series[*number as usize].deleted.push((first, last));
                }
            }
            Entry::Exemplar { series, at, exemplar } => {
                if let Some(number) = self.numbers.get(&series) {
                    self.head.exemplars.push((*number, TimestampMs(at), exemplar));
                }
                if self.head.exemplars.len() >= 2 * EXEMPLARS_MAX {
                    self.head.exemplars.drain(..EXEMPLARS_MAX);
                }
            }
            Entry::Metadata { series, metadata } => {
                if let Some(number) = self.numbers.get(&series) {
                    let name = self.head.series[*number as usize].labels.metric_name().to_owned();
                    self.head.metadata.insert(name, metadata);
                }
            }
        }
    }

    fn define(&mut self, series: u64, labels: Labels) {
        let number = match self.by_labels.get(&labels) {
            Some(known) => *known,
            None => {
                let number = self.head.series.len() as u32;
                self.by_labels.insert(labels.clone(), number);
                self.head.series.push(HeadSeries { labels, ..HeadSeries::default() });
                self.open.push(Open { writer: ChunkWriter::default(), until: self.head.valid_from.saturating_sub(1), late: Vec::new() });
                number
            }
        };
        self.numbers.insert(series, number);
        if let Some(mapped) = self.mapped.remove(&series) {
            let open = &mut self.open[number as usize];
            for chunk in &mapped {
                if !chunk.is_out_of_order {
                    open.until = open.until.max(chunk.max_time);
                }
            }
            self.head.series[number as usize].mapped.extend(mapped);
        }
    }

    fn sample(&mut self, series: u64, at: i64, value: Late) {
        let Some(number) = self.numbers.get(&series).copied() else {
            self.unknown += 1;
            return;
        };
        let open = &mut self.open[number as usize];
        if self.is_late {
            open.late.push((at, value));
            return;
        }
        // What came late stands in both logs and counts in the second one only.
        if at <= open.until {
            return;
        }
        open.until = at;
        let into = &mut self.head.series[number as usize].held;
        match value {
            Late::Float(value) => open.writer.float(at, value, into),
            Late::Histogram(histogram) => open.writer.histogram(at, &histogram, into),
        }
    }

    fn finish(mut self) -> Head {
        let mut range: Option<TimeRange> = None;
        let mut cover = |min: i64, max: i64| {
            let before = range.unwrap_or(TimeRange::new(TimestampMs(min), TimestampMs(max)));
            range = Some(TimeRange::new(before.min.min(TimestampMs(min)), before.max.max(TimestampMs(max))));
        };
        for (series, mut open) in self.head.series.iter_mut().zip(self.open) {
            open.writer.finish(&mut series.held);
            // Of two samples at one time the first stays.
            open.late.sort_by_key(|(at, _)| *at);
            open.late.dedup_by_key(|(at, _)| *at);
            let mut writer = ChunkWriter::default();
            for (at, value) in &open.late {
                match value {
                    Late::Float(value) => writer.float(*at, *value, &mut series.late),
                    Late::Histogram(histogram) => writer.histogram(*at, histogram, &mut series.late),
                }
            }
            writer.finish(&mut series.late);
            series.mapped.iter().for_each(|c| cover(c.min_time, c.max_time));
            series.held.iter().chain(&series.late).for_each(|c| cover(c.min_time, c.max_time));
            self.head.samples += series.held.iter().chain(&series.late).map(|c| u64::from(c.samples)).sum::<u64>();
        }
        for (number, series) in self.head.series.iter().enumerate() {
            self.head.by_name.entry(series.labels.metric_name().to_owned()).or_default().push(number as u32);
        }
        let keep_from = self.head.exemplars.len().saturating_sub(EXEMPLARS_MAX);
        self.head.exemplars.drain(..keep_from);
        self.head.range = range;
        if self.unknown > 0 || self.skipped > 0 {
            tracing::warn!(
                "the write-ahead log has {} samples of series that it does not define, and {} records of unknown kinds: they are left out",
                self.unknown,
                self.skipped
            );
        }
        self.head
    }
}
