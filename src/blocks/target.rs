//! Blocks and heads target by target, as rows: what is needed to import them into a store that keeps time once per target.
//!
//! Series of one job and instance are split into columns that share their times: a series whose times are (nearly) all among those of a
//! set of rows joins it, and has gaps where it has no sample.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::block::Block;
use super::deleted::BySeries;
use super::error::BlockError;
use super::head::Head;
use super::samples::Samples;
use super::snapshot::labels_of;
use super::tombstones::is_deleted;
use crate::model::{Labels, TimeRange, TimestampMs};
use crate::storage::ColumnValues;

/// So much time is decoded at once, in milliseconds.
const WINDOW_MS: i64 = 4 * 3_600_000;
/// Sets of rows of one target.
const SETS_MAX: usize = 256;

/// What is read.
pub enum Origin {
    Block(Arc<Block>),
    Head(Arc<Head>),
}

/// Series of one job and instance; their references or numbers ascend.
pub struct Target {
    pub labels: Labels,
    pub series: Vec<u32>,
}

/// Rows that share their times.
pub struct Rows {
    /// Which set of the target's rows; the same series is not always in the same one.
    pub set: u32,
    pub times: Vec<i64>,
    pub columns: Vec<(Labels, ColumnValues)>,
}

fn target_of(labels: &Labels) -> Labels {
    Labels::from_sorted(labels.iter().filter(|(name, _)| *name == "instance" || *name == "job"))
}

impl Origin {
    pub fn range(&self) -> Option<TimeRange> {
        match self {
            Self::Block(block) => Some(block.range()),
            Self::Head(head) => head.range,
        }
    }

    /// All series, by target.
    pub fn targets(&self) -> Result<Vec<Target>, BlockError> {
        let mut targets: BTreeMap<Labels, Vec<u32>> = BTreeMap::new();
        match self {
            Self::Block(block) => {
                let tables = block.tables(0)?;
                let all = block.matching(&tables, &[])?;
                block.index.series(&all, |reference, entry| {
                    let labels = labels_of(block, &tables, reference, entry)?;
                    targets.entry(target_of(&labels)).or_default().push(reference);
                    Ok(())
                })?;
            }
            Self::Head(head) => {
                for (number, series) in (0..).zip(&head.series) {
                    targets.entry(target_of(&series.labels)).or_default().push(number);
                }
            }
        }
        Ok(targets.into_iter().map(|(labels, series)| Target { labels, series }).collect())
    }

    /// Samples of a target's series in a range.
    fn samples(&self, target: &Target, range: TimeRange, deleted: &BySeries) -> Result<Vec<(Labels, Samples)>, BlockError> {
        let mut found = Vec::with_capacity(target.series.len());
        let mut add = |labels: Labels, mut samples: Samples| {
            if let Some(stretches) = deleted.get(&labels) {
                samples.retain(|at| !is_deleted(stretches, at));
            }
            if !samples.is_empty() {
                found.push((labels, samples));
            }
        };
        match self {
            Self::Block(block) => {
                let tables = block.tables(0)?;
                block.index.series(&target.series, |reference, entry| {
                    let mut samples = Samples::default();
                    for chunk in entry.chunks.iter().filter(|c| c.min_time <= range.max.0 && c.max_time >= range.min.0) {
                        block.decode(reference, chunk, &mut samples)?;
                    }
                    samples.retain(|at| range.contains(TimestampMs(at)));
                    if !samples.is_empty() {
                        add(labels_of(block, &tables, reference, entry)?, samples);
                    }
                    Ok(())
                })?;
            }
            Self::Head(head) => {
                for number in &target.series {
                    let mut samples = Samples::default();
                    head.decode(*number, range, &mut samples)?;
                    if !samples.is_empty() {
                        add(head.series[*number as usize].labels.clone(), samples);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Calls with every row of a target, in order of time within each set, without what was deleted.
    pub fn each_rows<E>(
        &self,
        target: &Target,
        deleted: &BySeries,
        rows_max: usize,
        mut each: impl FnMut(&Rows) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<BlockError>,
    {
        let Some(range) = self.range() else { return Ok(()) };
        let mut start = range.min.0;
        while start <= range.max.0 {
            let end = start.saturating_add(WINDOW_MS - 1).min(range.max.0);
            let samples = self.samples(target, TimeRange::new(TimestampMs(start), TimestampMs(end)), deleted)?;
            for (set, (times, series)) in (0..).zip(sets(samples)) {
                for times in times.chunks(rows_max) {
                    let columns = series.iter().filter_map(|(labels, samples)| Some((labels.clone(), column(samples, times)?))).collect();
                    each(&Rows { set, times: times.to_vec(), columns })?;
                }
            }
            start = match end.checked_add(1) {
                Some(next) => next,
                None => break,
            };
        }
        Ok(())
    }
}

type Members = Vec<(Labels, Samples)>;

/// Puts series together that share their times.
fn sets(mut series: Members) -> Vec<(Vec<i64>, Members)> {
    series.sort_by_key(|(_, samples)| std::cmp::Reverse(samples.len()));
    let mut sets: Vec<(HashSet<i64>, Members)> = Vec::new();
    // Series with the very same times go the same way.
    let mut known: HashMap<Vec<i64>, usize> = HashMap::new();
    for (labels, samples) in series {
        let place = known.get(&samples.times).copied().unwrap_or_else(|| {
            let shared = |times: &HashSet<i64>| samples.times.iter().filter(|at| times.contains(at)).count();
            let fits = |(times, _): &(HashSet<i64>, _)| shared(times) * 4 >= samples.len() * 3;
            let place = sets.iter().position(fits).unwrap_or(sets.len()).min(SETS_MAX - 1);
            known.insert(samples.times.clone(), place);
            place
        });
        if place == sets.len() {
            sets.push((HashSet::new(), Vec::new()));
        }
        let (times, members) = &mut sets[place];
        times.extend(&samples.times);
        members.push((labels, samples));
    }
    let in_order = |(times, mut members): (HashSet<i64>, Members)| {
        let mut times: Vec<i64> = times.into_iter().collect();
        times.sort_unstable();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        (times, members)
    };
    sets.into_iter().map(in_order).collect()
}

/// A series' values at these times; none where it has no sample at any of them.
fn column(samples: &Samples, times: &[i64]) -> Option<ColumnValues> {
    let (first, last) = (*times.first()?, *times.last()?);
    let mut row = samples.times.partition_point(|at| *at < first);
    let end = samples.times.partition_point(|at| *at <= last);
    if row == end {
        return None;
    }
    let mut values = ColumnValues { floats: vec![0.0; times.len()], present: vec![0; times.len().div_ceil(64)], ..ColumnValues::default() };
    for (at, time) in times.iter().enumerate() {
        if row < end && samples.times[row] == *time {
            values.present[at / 64] |= 1 << (at % 64);
            values.floats[at] = samples.floats[row];
            values.histograms.extend(samples.histogram(row).map(|held| (at as u32, held.clone())));
            row += 1;
        }
    }
    Some(values)
}
