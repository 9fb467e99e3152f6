//! A series with columns in several places, merged by time into a batch of one.

use std::ops::Range;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::{Asked, GroupBatch};
use crate::model::{Histogram, TimestampMs};
use crate::storage::{Batch, ColumnValues, LabelPair, SelectError, SeriesId};

/// One row of a merged series.
#[derive(Clone)]
struct Row {
    at: TimestampMs,
    float: f64,
    histogram: Option<Arc<Histogram>>,
    start: Option<TimestampMs>,
}

pub struct MergedBatch {
    id: u64,
    labels: Vec<LabelPair>,
    times: Vec<TimestampMs>,
    rows: Vec<Row>,
}

/// Takes series that are in several batches out of them; each becomes a batch of its own.
///
/// What is given out whole may answer a question for extremes from what pages say of themselves.
pub fn separate(layers: Vec<Arc<GroupBatch>>, asked: Option<Asked>) -> Result<Vec<Box<dyn Batch>>, SelectError> {
    if layers.len() < 2 {
        let asking = |mut batch: GroupBatch| {
            batch.asked = asked;
            Box::new(batch) as Box<dyn Batch>
        };
        return Ok(layers.into_iter().filter_map(Arc::into_inner).map(asking).collect());
    }
    let mut places: HashMap<u64, (u32, u32)> = HashMap::with_capacity(layers.iter().map(|layer| layer.ids().len()).sum());
    let mut several: HashMap<u64, Vec<(u32, u32)>> = HashMap::new();
    for (number, layer) in layers.iter().enumerate() {
        for at in layer.given_out() {
            let (id, place) = (&layer.ids()[at as usize], (number as u32, at));
            if let Some(first) = places.insert(*id, place) {
                let list = several.entry(*id).or_insert_with(|| vec![first]);
                list.push(place);
            }
        }
    }
    let mut batches: Vec<Box<dyn Batch>> = Vec::new();
    for (id, places) in &several {
        let merged = MergedBatch::new(*id, places, &layers)?;
        if !merged.rows.is_empty() {
            batches.push(Box::new(merged));
        }
    }
    for layer in layers {
        let Some(mut layer) = Arc::into_inner(layer) else { continue };
        if layer.given_out().any(|at| several.contains_key(&layer.ids()[at as usize])) {
            let only: Vec<u32> = layer.given_out().filter(|at| !several.contains_key(&layer.ids()[*at as usize])).collect();
            if only.is_empty() {
                continue;
            }
            layer.only = Some(only);
        }
        layer.asked = asked;
        batches.push(Box::new(layer));
    }
    Ok(batches)
}

impl MergedBatch {
    fn new(id: u64, places: &[(u32, u32)], layers: &[Arc<GroupBatch>]) -> Result<Self, SelectError> {
        let (mut rows, mut values) = (Vec::new(), ColumnValues::default());
        for (number, at) in places {
            let layer = &layers[*number as usize];
            layer.read_own(*at as usize, 0..layer.row_times().len(), &mut values)?;
            let (mut histograms, mut starts) = (values.histograms.iter().peekable(), values.starts.iter().peekable());
            for (row, time) in layer.row_times().iter().enumerate() {
                let histogram = histograms.next_if(|(r, _)| *r as usize == row).map(|(_, h)| h.clone());
                let start = starts.next_if(|(r, _)| *r as usize == row).map(|(_, s)| *s);
                if values.is_present(row) {
                    rows.push(Row { at: *time, float: values.floats[row], histogram, start });
                }
            }
        }
        // Stable: of two samples at one time the one that was taken first stays.
        rows.sort_by_key(|row| row.at);
        rows.dedup_by_key(|row| row.at);
        let labels = places.first().map(|(number, at)| layers[*number as usize].labels_of(*at as usize).to_vec()).unwrap_or_default();
        Ok(Self { id, labels, times: rows.iter().map(|row| row.at).collect(), rows })
    }
}

impl Batch for MergedBatch {
    fn times(&self) -> &[TimestampMs] {
        &self.times
    }

    fn len(&self) -> usize {
        1
    }

    fn series_id(&self, _index: usize) -> SeriesId {
        SeriesId(self.id)
    }

    fn labels(&self, _index: usize) -> &[LabelPair] {
        &self.labels
    }

    fn read(&self, _index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        into.clear();
        for (at, row) in self.rows[rows].iter().enumerate() {
            into.floats.push(row.float);
            into.histograms.extend(row.histogram.clone().map(|h| (at as u32, h)));
            into.starts.extend(row.start.map(|s| (at as u32, s)));
        }
        Ok(())
    }
}
