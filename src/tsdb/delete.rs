//! Deletion: what matches is hidden at once by tombstones; cleaning writes the segments anew that still hold it.

use std::fmt;
use std::sync::Arc;

use super::maintain;
use super::merge;
use super::segment::Segment;
use super::snapshot::TsdbSnapshot;
use super::store::{Store, lock};
use super::tombstones::{self, Deletion, Tombstones};
use crate::model::{Matcher, TimeRange};
use crate::storage::{Batch, ColumnValues, Hints, SelectError, Snapshot};

/// Why nothing was deleted, cleaned or copied.
#[derive(Debug)]
pub enum AdminError {
    /// The store takes no writes at present: the text says why and what helps.
    ReadOnly(String),
    /// What is to be deleted could not be read.
    Read(SelectError),
    Io(String),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly(text) | Self::Io(text) => f.write_str(text),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AdminError {}

impl From<SelectError> for AdminError {
    fn from(error: SelectError) -> Self {
        Self::Read(error)
    }
}

/// Hides all samples in the range of series that satisfy the matchers; returns of how many series.
/// Only what is there is deleted: later samples of the same series are kept.
pub fn delete(store: &Arc<Store>, matchers: &[Matcher], range: TimeRange) -> Result<usize, AdminError> {
    store.check_writable().map_err(|error| AdminError::ReadOnly(error.to_string()))?;
    let snapshot = TsdbSnapshot::open(store.clone(), range);
    let (mut deletions, mut values): (Vec<Deletion>, ColumnValues) = (Vec::new(), ColumnValues::default());
    for batch in snapshot.select(matchers, &Hints { range: Some(range), ..Hints::default() })? {
        for at in 0..batch.len() {
            deletions.extend(stretch(batch.as_ref(), at, &mut values)?);
        }
    }
    drop(snapshot);
    if deletions.is_empty() {
        return Ok(0);
    }
    let failed = |error: std::io::Error| AdminError::Io(format!("writing the tombstones in {}: {error}", store.folder.display()));
    store.tombstones.add(&deletions).and_then(|bytes| lock(&store.manifest).edit_tombstones(bytes)).map_err(failed)?;
    store.versions.touch_all(store.sequence());
    Ok(deletions.len())
}

/// From the first to the last sample of a series.
fn stretch(batch: &dyn Batch, at: usize, values: &mut ColumnValues) -> Result<Option<Deletion>, SelectError> {
    let times = batch.times();
    batch.read(at, 0..times.len(), values)?;
    let first = (0..times.len()).find(|row| values.is_present(*row));
    let last = (0..times.len()).rev().find(|row| values.is_present(*row));
    Ok(first.zip(last).map(|(first, last)| (batch.series_id(at).0, times[first].0, times[last].0)))
}

/// Writes every segment anew that has deleted samples, then forgets the tombstones.
pub fn clean(store: &Arc<Store>) -> Result<(), AdminError> {
    let _schedule = lock(&store.maintaining);
    store.check_writable().map_err(|error| AdminError::ReadOnly(error.to_string()))?;
    let deleted = store.tombstones.current();
    if deleted.is_empty() {
        return Ok(());
    }
    let failed = |error| AdminError::Io(store.stop_writing("removing deleted samples", &error, true).to_string());
    maintain::into_segments(store).map_err(failed)?;
    let mut is_clean = true;
    for segment in store.segments().sealed.iter().filter(|segment| holds(store, segment, &deleted)) {
        if segment.footer.newest_input < store.log_floor() {
            merge::merge(store, std::slice::from_ref(segment)).map_err(failed)?;
        }
        // What could not be written anew needs its tombstones still.
        is_clean = is_clean && !store.segments().sealed.iter().any(|left| left.footer.id == segment.footer.id);
    }
    if is_clean {
        // A shorter file must not look cut while it takes the place of the other.
        let shortened = lock(&store.manifest).edit_tombstones(tombstones::HEADER_BYTES).and_then(|()| store.tombstones.remove(&deleted));
        shortened.and_then(|bytes| lock(&store.manifest).edit_tombstones(bytes)).map_err(failed)?;
    }
    maintain::publish(store);
    Ok(())
}

/// Whether a segment knows a series that has tombstones within its time.
fn holds(store: &Store, segment: &Segment, tombstones: &Tombstones) -> bool {
    let Ok(index) = store.indexes.get(segment) else { return true };
    let within = |(from, until): &(i64, i64)| *from <= segment.footer.max_time && *until >= segment.footer.min_time;
    tombstones.series().any(|id| index.series.find_id(id).is_some() && tombstones.of(id).unwrap_or_default().iter().any(within))
}
