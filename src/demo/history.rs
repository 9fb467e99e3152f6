//! Two hours of history, written into the store before the first scrape, so that no panel is empty.

use std::collections::HashMap;

use super::family::Family;
use super::gpus::Gpus;
use super::script::HISTORY_SECONDS;
use super::trainer::Trainer;
use crate::model::{Labels, STALE_NAN, TimestampMs};
use crate::storage::{Append, AppendError, Column, GroupKey, Row, RowWriter};

/// Seconds between two rows.
pub const STEP_SECONDS: i64 = 5;

/// One simulated target: the group its scrapes go to, and the labels they get.
pub struct Target {
    pub key: GroupKey,
    pub labels: Labels,
}

/// One target's columns while its history is written; a series that leaves the page gets its stale marker.
pub struct Feed<'a> {
    writer: Box<dyn RowWriter>,
    labels: &'a Labels,
    columns: HashMap<Labels, Column>,
    present: Vec<Labels>,
}

impl<'a> Feed<'a> {
    /// Scrapes of `target` are told from others by its key.
    pub fn open(append: &dyn Append, target: &'a Target) -> Result<Self, AppendError> {
        Ok(Self { writer: append.writer(&target.key)?, labels: &target.labels, columns: HashMap::new(), present: Vec::new() })
    }

    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        if let Some(column) = self.columns.get(labels) {
            return Ok(*column);
        }
        let column = self.writer.column(labels)?;
        self.columns.insert(labels.clone(), column);
        Ok(column)
    }

    /// One scrape: what the page shows, `up`, and stale markers for what it no longer shows.
    pub fn row(&mut self, at: TimestampMs, families: &[Family]) -> Result<(), AppendError> {
        let mut up = self.labels.to_builder();
        up.set("__name__", "up");
        let mut series: Vec<(Labels, f64)> = families.iter().flat_map(|family| family.series(self.labels)).collect();
        series.push((up.build(), 1.0));
        let mut row = Row::new(at);
        let mut present = Vec::with_capacity(series.len());
        for (labels, value) in series {
            row.push(self.column(&labels)?, value);
            present.push(labels);
        }
        present.sort();
        for gone in std::mem::take(&mut self.present) {
            if present.binary_search(&gone).is_err() {
                row.push(self.column(&gone)?, STALE_NAN);
            }
        }
        self.present = present;
        self.writer.commit(&row).map(|_| ())
    }
}

/// Writes the history up to, but without, `start`, and leaves both simulations at the start. None where it was stopped.
pub fn write(
    append: &dyn Append,
    trainer_target: &Target,
    gpu_target: &Target,
    start: TimestampMs,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Option<(Trainer, Gpus)>, AppendError> {
    let (mut trainer, mut gpus) = (Trainer::new(), Gpus::new());
    let mut trainer_feed = Feed::open(append, trainer_target)?;
    let mut gpu_feed = Feed::open(append, gpu_target)?;
    let mut second = -HISTORY_SECONDS;
    while second < 0 {
        if is_stopped() {
            return Ok(None);
        }
        trainer.advance(second);
        gpus.advance(STEP_SECONDS, trainer.active_jobs());
        let at = TimestampMs(start.0 + second * 1000);
        trainer_feed.row(at, &trainer.families())?;
        gpu_feed.row(at, &gpus.families())?;
        second += STEP_SECONDS;
    }
    Ok(Some((trainer, gpus)))
}
