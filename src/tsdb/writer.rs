//! The writer that a source's owner holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::source::Source;
use super::store::Store;
use crate::model::{Labels, Metadata};
use crate::storage::{AppendError, Column, Row, RowReport, RowWriter};

pub struct GroupWriter {
    store: Arc<Store>,
    source: Arc<Source>,
}

impl GroupWriter {
    /// The source was counted one writer more when it was asked for.
    pub fn new(store: Arc<Store>, source: Arc<Source>) -> Self {
        Self { store, source }
    }
}

impl Drop for GroupWriter {
    fn drop(&mut self) {
        self.source.writers.fetch_sub(1, Ordering::AcqRel);
    }
}

impl RowWriter for GroupWriter {
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        self.source.column(&self.store, labels)
    }

    fn retire(&mut self, columns: &[Column]) {
        self.source.retire(columns);
    }

    fn describe(&mut self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        self.store.describe(family, metadata)
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        self.source.commit(&self.store, row)
    }
}
