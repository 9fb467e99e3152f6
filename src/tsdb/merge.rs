//! Merges: neighbouring segments of one level become one of the next, group by group with longer pages.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::limits::{MERGE_BYTES_MAX, MERGE_FAN_IN, MERGE_LEVELS};
use super::segment::seal::{self, Identity};
use super::segment::{Segment, SegmentFile, VERSION, magic};
use super::store::{SegmentSet, Store, lock};
use crate::storage::SelectError;

mod deleted;
pub mod retention;
mod writer;

/// Merges one run of segments, if there is one that is due.
pub fn step(store: &Arc<Store>) -> io::Result<()> {
    let segments = store.segments();
    match due(&segments.sealed, store) {
        Some(run) => merge(store, &run),
        None => Ok(()),
    }
}

/// Merges everything into as few segments as the limits allow.
pub fn all(store: &Arc<Store>) -> io::Result<()> {
    let segments = store.segments();
    for inputs in mergeable(&segments.sealed, store) {
        let is_merged = inputs.len() == 1 && inputs[0].footer.level > 0;
        if !is_merged && inputs.iter().map(|s| s.bytes).sum::<u64>() <= MERGE_BYTES_MAX {
            merge(store, &inputs)?;
        }
    }
    Ok(())
}

/// Runs of segments that no row of the log is compared with any more, in the order in which they were sealed: a footer names the
/// oldest and the newest input, so that a merge must not step over a segment that stays.
fn mergeable(sealed: &[Arc<Segment>], store: &Store) -> Vec<Vec<Arc<Segment>>> {
    let (floor, unmergeable) = (store.log_floor(), lock(&store.unmergeable));
    let mut sealed = sealed.to_vec();
    sealed.sort_by_key(|s| s.footer.oldest_input);
    let is_free = |s: &Arc<Segment>| s.footer.newest_input < floor && !unmergeable.contains(&s.footer.id);
    sealed.chunk_by(|a, b| is_free(a) == is_free(b)).filter(|run| is_free(&run[0])).map(<[_]>::to_vec).collect()
}

/// The oldest run of neighbours of one level that is long enough, short enough in time, and small enough.
fn due(sealed: &[Arc<Segment>], store: &Store) -> Option<Vec<Arc<Segment>>> {
    let free = mergeable(sealed, store);
    let span_max = (store.options.retention_time.0 / 10).max(1);
    for level in 0..MERGE_LEVELS {
        let runs = free.iter().flat_map(|run| run.chunk_by(|a, b| a.footer.level == b.footer.level));
        for run in runs.filter(|run| run[0].footer.level == level) {
            let run = &run[..run.len().min(MERGE_FAN_IN)];
            let span = run.iter().map(|s| s.footer.max_time).max()? - run.iter().map(|s| s.footer.min_time).min()?;
            if run.len() == MERGE_FAN_IN && span <= span_max && run.iter().map(|s| s.bytes).sum::<u64>() <= MERGE_BYTES_MAX {
                return Some(run.to_vec());
            }
        }
    }
    None
}

/// Output, folder, manifest, each durable; only then do the inputs go.
pub fn merge(store: &Arc<Store>, inputs: &[Arc<Segment>]) -> io::Result<()> {
    let id = store.next_segment.fetch_add(1, Ordering::AcqRel);
    let path = seal::merging_path(&store.folder, id);
    let merged = write(store, inputs, id);
    let gone: Vec<u64> = inputs.iter().map(|s| s.footer.id).collect();
    let segment = match merged {
        Ok(segment) => segment,
        Err(error) => {
            store.metrics.merge_failures.inc();
            // A half-written output is of no use; the inputs are all there.
            let _ = store.disk.remove(&path);
            if error.get_ref().is_some_and(|inner| inner.is::<SelectError>()) {
                tracing::error!("segments {gone:?} are left as they are: {error}");
                lock(&store.unmergeable).extend(gone);
                return Ok(());
            }
            return Err(error);
        }
    };
    let added = segment.as_ref().map(|segment| segment.footer.id);
    lock(&store.manifest).edit(added.as_slice(), &gone)?;
    {
        let mut segments = store.segments.write().unwrap_or_else(PoisonError::into_inner);
        let mut sealed: Vec<Arc<Segment>> = segments.sealed.iter().filter(|s| !gone.contains(&s.footer.id)).cloned().collect();
        sealed.extend(segment.map(Arc::new));
        sealed.sort_by_key(|s| (s.footer.min_time, s.footer.id));
        *segments = Arc::new(SegmentSet { sealed, open: segments.open.clone() });
    }
    store.metrics.merges.inc();
    remove(store, &gone)
}

/// Removes the files of segments that the manifest does not name any more. Snapshots that have them open go on reading.
pub fn remove(store: &Store, ids: &[u64]) -> io::Result<()> {
    for id in ids {
        store.indexes.forget(*id);
        match store.disk.remove(&seal::path(&store.folder, *id)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    store.disk.sync_folder(&store.folder)
}

/// None where all samples of the inputs are deleted.
fn write(store: &Arc<Store>, inputs: &[Arc<Segment>], id: u64) -> io::Result<Option<Segment>> {
    let (unfinished, path) = (seal::merging_path(&store.folder, id), seal::path(&store.folder, id));
    let file = store.disk.create(&unfinished)?;
    // Room first: a merge that runs out of space half way would have taken it from the log.
    let _ = file.preallocate(inputs.iter().map(|s| s.bytes).sum());
    file.append(&magic(VERSION))?;
    let output = writer::write(inputs, file.as_ref(), &store.tombstones.current())?;
    if output.index.groups.iter().all(|group| group.stripes.is_empty()) {
        store.disk.remove(&unfinished)?;
        return Ok(None);
    }
    let footers = || inputs.iter().map(|s| &s.footer);
    let about = Identity {
        id,
        // One that is only written anew stays where it is, but is never taken for one that was sealed.
        level: footers().map(|f| f.level).max().map_or(1, |level| if inputs.len() == 1 { level.max(1) } else { level + 1 }),
        oldest_input: footers().map(|f| f.oldest_input).min().unwrap_or(id),
        newest_input: footers().map(|f| f.newest_input).max().unwrap_or(id),
        samples: output.samples,
        seed: store.seed,
        version: VERSION,
    };
    let footer = seal::finish(&file, &output.index, about, output.size)?;
    store.disk.rename(&unfinished, &path)?;
    store.disk.sync_folder(&store.folder)?;
    let bytes = file.size()?;
    store.metrics.segment_bytes.add(bytes);
    Ok(Some(Segment { footer, file: Arc::new(SegmentFile::new(path, file, VERSION)), bytes, held: None }))
}
