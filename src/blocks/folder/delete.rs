//! Deleting of what a Prometheus left: written down beside it, and left out from then on.

use std::sync::atomic::Ordering;

use super::{OWN_FOLDER, PrometheusFolder};
use crate::blocks::error::BlockError;
use crate::model::{Labels, Matcher, TimeRange};
use crate::storage::{ColumnValues, Hints, Select, SelectError};

impl PrometheusFolder {
    /// Hides all samples in the range of series that satisfy the matchers; returns of how many series. Only what is there is deleted.
    pub fn delete(&self, matchers: &[Matcher], range: TimeRange) -> Result<usize, SelectError> {
        if !self.overlaps(range) {
            return Ok(0);
        }
        let snapshot = Select::open(self, range)?;
        let (mut deletions, mut values) = (Vec::new(), ColumnValues::default());
        for batch in snapshot.select(matchers, &Hints { range: Some(range), ..Hints::default() })? {
            let times = batch.times();
            for index in 0..batch.len() {
                batch.read(index, 0..times.len(), &mut values)?;
                let first = (0..times.len()).find(|row| values.is_present(*row));
                let last = (0..times.len()).rev().find(|row| values.is_present(*row));
                if let Some((first, last)) = first.zip(last) {
                    let pairs = batch.labels(index).iter().map(|pair| (snapshot.text(pair.name), snapshot.text(pair.value)));
                    deletions.push((Labels::from_pairs(pairs), (times[first].0, times[last].0)));
                }
            }
        }
        let count = deletions.len();
        if count > 0 {
            let path = self.path.join(OWN_FOLDER).join(crate::blocks::deleted::NAME);
            self.deleted.add(deletions).map_err(|error| BlockError::io(&path, error).for_select())?;
            self.changes.fetch_add(1, Ordering::AcqRel);
        }
        Ok(count)
    }
}
