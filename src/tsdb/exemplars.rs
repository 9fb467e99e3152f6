//! The newest exemplars, in a ring: they stand beside the samples and are never the reason to grow.

use std::collections::VecDeque;

use super::limits::EXEMPLARS_MAX;
use crate::model::{Exemplar, TimestampMs};

#[derive(Default)]
pub struct Exemplars {
    /// Series of the head, time, exemplar; in order of arrival.
    held: VecDeque<(u32, TimestampMs, Exemplar)>,
}

impl Exemplars {
    /// The same exemplar of the same series again is not kept twice.
    pub fn push(&mut self, series: u32, at: TimestampMs, exemplar: Exemplar) {
        let at = exemplar.at.unwrap_or(at);
        let known = self.held.iter().rev().find(|(s, ..)| *s == series);
        if known
            .is_some_and(|(_, _, e)| e.labels == exemplar.labels && e.value.to_bits() == exemplar.value.to_bits() && e.at == exemplar.at)
        {
            return;
        }
        if self.held.len() >= EXEMPLARS_MAX {
            self.held.pop_front();
        }
        self.held.push_back((series, at, exemplar));
    }

    pub fn renumber(&mut self, number: impl Fn(u32) -> u32) {
        self.held.iter_mut().for_each(|(series, ..)| *series = number(*series));
    }

    pub fn iter(&self) -> impl Iterator<Item = &(u32, TimestampMs, Exemplar)> {
        self.held.iter()
    }
}
