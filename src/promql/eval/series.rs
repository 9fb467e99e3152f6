//! One series over all steps, as the operators hand it to each other.

use std::sync::Arc;

use crate::model::{Histogram, STALE_NAN};
use crate::storage::LabelPair;

/// Stands where a series has no float at a step. Stale markers never are values of a vector, so their bits are free for this.
pub const ABSENT: f64 = STALE_NAN;

#[inline]
pub fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// Values of one series, one place a step: a float, a native histogram or nothing.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// [`ABSENT`] where there is no float.
    pub floats: Vec<f64>,
    /// Empty when no step has a histogram; otherwise one place a step.
    pub histograms: Vec<Option<Arc<Histogram>>>,
}

/// What a column holds at one step.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'c> {
    Nothing,
    Float(f64),
    Histogram(&'c Arc<Histogram>),
}

impl Column {
    /// Nothing at any step; keeps the buffers.
    pub fn reset(&mut self, steps: usize) {
        self.floats.clear();
        self.floats.resize(steps, ABSENT);
        self.histograms.clear();
    }

    pub fn of(steps: usize) -> Self {
        Self { floats: vec![ABSENT; steps], histograms: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.floats.len()
    }

    pub fn cell(&self, step: usize) -> Cell<'_> {
        let float = self.floats[step];
        if !is_absent(float) {
            return Cell::Float(float);
        }
        match self.histograms.get(step) {
            Some(Some(histogram)) => Cell::Histogram(histogram),
            _ => Cell::Nothing,
        }
    }

    pub fn is_present(&self, step: usize) -> bool {
        !matches!(self.cell(step), Cell::Nothing)
    }

    pub fn set(&mut self, step: usize, cell: Cell<'_>) {
        match cell {
            Cell::Nothing => self.remove(step),
            Cell::Float(value) => {
                self.floats[step] = value;
                if let Some(place) = self.histograms.get_mut(step) {
                    *place = None;
                }
            }
            Cell::Histogram(histogram) => self.set_histogram(step, Arc::clone(histogram)),
        }
    }

    pub fn set_histogram(&mut self, step: usize, histogram: Arc<Histogram>) {
        if self.histograms.is_empty() {
            self.histograms.resize(self.floats.len(), None);
        }
        self.floats[step] = ABSENT;
        self.histograms[step] = Some(histogram);
    }

    pub fn remove(&mut self, step: usize) {
        self.floats[step] = ABSENT;
        if let Some(place) = self.histograms.get_mut(step) {
            *place = None;
        }
    }

    /// Keeps floats only.
    pub fn drop_histograms(&mut self) {
        self.histograms.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.floats.iter().all(|v| is_absent(*v)) && self.histograms.iter().all(Option::is_none)
    }

    /// Number of steps that have a value.
    pub fn count(&self) -> usize {
        self.floats.iter().filter(|v| !is_absent(**v)).count() + self.histograms.iter().filter(|h| h.is_some()).count()
    }

    /// The first step's value at `count` steps.
    pub fn broadcast(&mut self, count: usize) {
        if self.floats.len() == 1 {
            self.floats.resize(count, self.floats[0]);
            if let Some(first) = self.histograms.first().cloned() {
                self.histograms.resize(count, first);
            }
        }
    }

    /// Puts the other's values where this has none; false when both have one at some step.
    pub fn merge(&mut self, other: &Self) -> bool {
        if (0..self.len()).any(|i| self.is_present(i) && other.is_present(i)) {
            return false;
        }
        for i in 0..self.len() {
            if other.is_present(i) {
                self.set(i, other.cell(i));
            }
        }
        true
    }
}

/// A series on its way from one operator to the next. The receiver may take its parts.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Sorted by name text.
    pub labels: Vec<LabelPair>,
    /// The metric name is still among the labels but to be dropped at the end.
    pub drop_name: bool,
    pub column: Column,
}
