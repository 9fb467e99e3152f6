//! The series of one group's selection: ids and labels, which all batches of the group share.

use crate::storage::LabelPair;

#[derive(Default)]
pub struct BatchSeries {
    pub ids: Vec<u64>,
    labels: Vec<LabelPair>,
    /// Where the labels of each series end.
    label_ends: Vec<u32>,
}

impl BatchSeries {
    /// Adds a series, whose labels `labels` puts at the end of what it is given.
    pub fn push(&mut self, id: u64, labels: impl FnOnce(&mut Vec<LabelPair>)) {
        self.ids.push(id);
        labels(&mut self.labels);
        self.label_ends.push(self.labels.len() as u32);
    }

    pub fn labels_of(&self, at: usize) -> &[LabelPair] {
        let start = if at == 0 { 0 } else { self.label_ends[at - 1] as usize };
        &self.labels[start..self.label_ends[at] as usize]
    }

    /// Gives back what growing has taken in advance.
    pub fn shrink_to_fit(&mut self) {
        self.ids.shrink_to_fit();
        self.labels.shrink_to_fit();
        self.label_ends.shrink_to_fit();
    }
}
