//! Opening a data folder for the commands, and reading series out of it.

use std::path::Path;
use std::sync::Arc;

use super::Failed;
use crate::blocks::{Imported, PrometheusFolder, Samples};
use crate::clock::Clock;
use crate::model::{DurationMs, Labels};
use crate::storage::{Batch, ColumnValues, Joined, Select, Snapshot};
use crate::telemetry::Registry;
use crate::tsdb::{RealDisk, Tsdb, TsdbOptions};

/// A hundred years: commands drop nothing because of its age.
const RETENTION: DurationMs = DurationMs(100 * 365 * 86_400_000);

/// Promlet's own store of a folder. Refuses a folder that a server works on.
pub fn store(folder: &Path, clock: &Clock) -> Result<Tsdb, Failed> {
    let options = TsdbOptions { retention_time: RETENTION, ..TsdbOptions::new(folder) };
    Ok(Tsdb::open(options, Arc::new(RealDisk), clock.clone(), &Registry::default())?)
}

/// A folder that exists: reading commands make none.
pub fn existing(folder: &Path) -> Result<(), Failed> {
    match folder.is_dir() {
        true => Ok(()),
        false => Err(Failed(format!("{}: no such data folder; name it with --storage.tsdb.path", folder.display()))),
    }
}

/// What Prometheus left in the folder and was not imported yet.
pub fn prometheus(folder: &Path, clock: &Clock) -> Result<Option<Arc<PrometheusFolder>>, Failed> {
    let imported = Imported::read(&folder.join("promlet"))?;
    Ok(PrometheusFolder::open(folder, &imported, clock.clone())?.map(Arc::new))
}

/// The store and, if wanted, what Prometheus left beside it.
pub fn select(folder: &Path, own_only: bool, clock: &Clock) -> Result<(Arc<Tsdb>, Arc<dyn Select>), Failed> {
    let store = Arc::new(store(folder, clock)?);
    let found = if own_only { None } else { prometheus(folder, clock)? };
    let select: Arc<dyn Select> = match found {
        None => store.clone(),
        Some(found) => {
            for error in found.unreadable() {
                tracing::error!("{error}; this block is left out");
            }
            let covers = found.clone();
            Arc::new(Joined::new(store.clone(), found, Box::new(move |range| covers.overlaps(range))))
        }
    };
    Ok((store, select))
}

/// The series of some batches, in order of their labels: labels, batch, place in it.
pub fn in_order(snapshot: &dyn Snapshot, batches: &[Box<dyn Batch>]) -> Vec<(Labels, usize, usize)> {
    let mut series = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        for index in 0..batch.len() {
            let texts: Vec<_> = batch.labels(index).iter().map(|p| (snapshot.text(p.name), snapshot.text(p.value))).collect();
            series.push((Labels::from_sorted(texts.iter().map(|(n, v)| (n.as_ref(), v.as_ref()))), number, index));
        }
    }
    series.sort_by(|a, b| a.0.cmp(&b.0));
    series
}

/// All samples of one series of a batch.
pub fn samples(batch: &dyn Batch, index: usize, values: &mut ColumnValues) -> Result<Samples, Failed> {
    batch.read(index, 0..batch.times().len(), values)?;
    let mut samples = Samples::default();
    let mut histograms = values.histograms.iter().peekable();
    for (row, at) in batch.times().iter().enumerate() {
        let histogram = histograms.next_if(|(of, _)| *of as usize == row);
        match histogram {
            _ if !values.is_present(row) => {}
            Some((_, held)) => samples.push_histogram(at.0, held.clone()),
            None => samples.push(at.0, values.floats[row]),
        }
    }
    Ok(samples)
}
