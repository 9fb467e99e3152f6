//! The times at which an expression is evaluated.

use crate::model::TimestampMs;

/// `count` times, `step` milliseconds apart. An instant query has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    pub start: i64,
    pub step: i64,
    pub count: usize,
}

impl Steps {
    pub fn instant(at: TimestampMs) -> Self {
        Self { start: at.0, step: 1, count: 1 }
    }

    pub fn at(&self, index: usize) -> i64 {
        self.start + self.step * index as i64
    }

    pub fn end(&self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }

    pub fn times(&self) -> impl Iterator<Item = i64> + use<> {
        let this = *self;
        (0..this.count).map(move |i| this.at(i))
    }

    /// The first step alone, for what is the same at every step.
    pub fn first(&self) -> Self {
        Self { count: 1, ..*self }
    }
}
