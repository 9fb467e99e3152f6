//! Decoded samples of one series.

use std::sync::Arc;

use crate::model::Histogram;
use crate::model::histogram::ResetHint;

/// Times strictly increase. A float a row; where there is a histogram, the float means nothing.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    pub times: Vec<i64>,
    pub floats: Vec<f64>,
    /// Row and histogram, ascending.
    pub histograms: Vec<(u32, Arc<Histogram>)>,
}

impl Samples {
    pub fn clear(&mut self) {
        self.times.clear();
        self.floats.clear();
        self.histograms.clear();
    }

    pub fn len(&self) -> usize {
        self.times.len()
    }

    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    pub fn push(&mut self, at: i64, value: f64) {
        self.times.push(at);
        self.floats.push(value);
    }

    pub fn push_histogram(&mut self, at: i64, histogram: Arc<Histogram>) {
        self.histograms.push((self.times.len() as u32, histogram));
        self.times.push(at);
        self.floats.push(0.0);
    }

    /// The histogram of a row.
    pub fn histogram(&self, row: usize) -> Option<&Arc<Histogram>> {
        let at = self.histograms.binary_search_by_key(&(row as u32), |(row, _)| *row).ok()?;
        Some(&self.histograms[at].1)
    }

    fn push_row(&mut self, from: &Self, row: usize, forget_reset: bool) {
        match from.histogram(row) {
            None => self.push(from.times[row], from.floats[row]),
            Some(held) if forget_reset && held.reset_hint != ResetHint::Gauge && held.reset_hint != ResetHint::Unknown => {
                let unknown = Histogram { reset_hint: ResetHint::Unknown, ..Histogram::clone(held) };
                self.push_histogram(from.times[row], Arc::new(unknown));
            }
            Some(held) => self.push_histogram(from.times[row], held.clone()),
        }
    }

    /// Adds what comes after; what overlaps is merged, and of two samples at one time the one that was there stays.
    pub fn add(&mut self, later: &Self) {
        let Some(first) = later.times.first() else { return };
        if self.times.last().is_none_or(|last| last < first) {
            (0..later.len()).for_each(|row| self.push_row(later, row, false));
            return;
        }
        let before = std::mem::take(self);
        let (mut a, mut b) = (0, 0);
        while a < before.len() || b < later.len() {
            match (before.times.get(a), later.times.get(b)) {
                (Some(x), Some(y)) if y < x => {
                    // What is between two samples may be a reset that neither knew of.
                    self.push_row(later, b, true);
                    b += 1;
                }
                (Some(x), y) => {
                    b += usize::from(y == Some(x));
                    self.push_row(&before, a, true);
                    a += 1;
                }
                (None, _) => {
                    self.push_row(later, b, true);
                    b += 1;
                }
            }
        }
    }

    /// Keeps the rows whose times satisfy the condition.
    pub fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        if self.times.iter().all(|at| keep(*at)) {
            return;
        }
        let before = std::mem::take(self);
        (0..before.len()).filter(|row| keep(before.times[*row])).for_each(|row| self.push_row(&before, row, false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_merged_and_the_first_stays() {
        let of = |list: &[(i64, f64)]| {
            let mut samples = Samples::default();
            list.iter().for_each(|(at, value)| samples.push(*at, *value));
            samples
        };
        let mut samples = of(&[(1, 1.0), (3, 3.0), (5, 5.0)]);
        samples.add(&of(&[(2, 20.0), (3, 30.0), (7, 70.0)]));
        samples.add(&of(&[(8, 8.0)]));
        assert_eq!(samples.times, [1, 2, 3, 5, 7, 8]);
        assert_eq!(samples.floats, [1.0, 20.0, 3.0, 5.0, 70.0, 8.0]);
        samples.retain(|at| at % 2 == 1);
        assert_eq!(samples.times, [1, 3, 5, 7]);
    }
}
