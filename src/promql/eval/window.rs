//! Range vectors: for each series its samples without gaps and stale markers, and for each step which of them lie in the window.

use std::sync::Arc;

use super::series::Cell;
use crate::model::{Histogram, TimestampMs, is_stale};
use crate::storage::{ColumnValues, LabelPair};

/// Places `lo` (included) to `hi` (not included) of a series' samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    pub lo: u32,
    pub hi: u32,
}

impl Window {
    #[inline]
    pub fn range(self) -> std::ops::Range<usize> {
        self.lo as usize..self.hi as usize
    }

    #[inline]
    pub fn len(self) -> usize {
        (self.hi - self.lo) as usize
    }
}

/// The ends of the windows and their length, in milliseconds: a window is open at its left end.
#[derive(Clone, Debug)]
pub struct Frames {
    pub ends: Vec<i64>,
    pub range: i64,
    /// How much farther windows reach to either side, where the selector is anchored or smoothed.
    pub reach: Option<Reach>,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub before: i64,
    pub after: i64,
    pub smoothed: bool,
}

impl Frames {
    #[inline]
    pub fn start(&self, step: usize) -> i64 {
        self.ends[step].saturating_sub(self.range)
    }

    #[inline]
    pub fn end(&self, step: usize) -> i64 {
        self.ends[step]
    }

    /// Which of ascending times lie in each window. The ends ascend, or are all equal.
    pub fn windows(&self, times: &[i64]) -> Vec<Window> {
        let (before, after) = self.reach.map_or((0, 0), |reach| (reach.before, reach.after));
        let bounds = |i: usize| (self.start(i).saturating_sub(before), self.ends[i].saturating_add(after));
        let (mut lo, mut hi) = match self.ends.is_empty() {
            true => Default::default(),
            false => (Cursor::at(times, bounds(0).0), Cursor::at(times, bounds(0).1)),
        };
        let window = |i| {
            let (start, end) = bounds(i);
            Window { lo: lo.move_to(times, start) as u32, hi: hi.move_to(times, end) as u32 }
        };
        (0..self.ends.len()).map(window).collect()
    }
}

/// A place among ascending times that only moves to the right. What is scraped and asked for regularly makes each move as far as the
/// one before: that is tried first.
#[derive(Default)]
pub struct Cursor {
    place: usize,
    stride: usize,
}

impl Cursor {
    /// Behind all times up to `at`.
    pub fn at(times: &[i64], at: i64) -> Self {
        Self { place: times.partition_point(|time| *time <= at), stride: 0 }
    }

    /// Moves behind all times up to `to`, which must not be less than the last time.
    #[inline]
    pub fn move_to(&mut self, times: &[i64], to: i64) -> usize {
        let guess = (self.place + self.stride).min(times.len());
        let is_behind = guess == 0 || times[guess - 1] <= to;
        if is_behind && times.get(guess).is_none_or(|next| *next > to) {
            self.place = guess;
            return guess;
        }
        let began = self.place;
        while self.place < times.len() && times[self.place] <= to {
            self.place += 1;
        }
        self.stride = self.place - began;
        self.place
    }
}

/// Says "no start timestamp" in a list of them.
pub const NO_START: i64 = 0;

/// One series of a range vector.
pub struct RangeSeries<'a> {
    pub labels: &'a [LabelPair],
    pub drop_name: bool,
    /// Equal for series of one batch whose times and windows are the same.
    pub shape: Option<u64>,
    pub frames: &'a Frames,
    /// Float samples, ascending in time, and one window of them a step.
    pub times: &'a [i64],
    pub floats: &'a [f64],
    pub windows: &'a [Window],
    /// One start timestamp a float sample, or none at all.
    pub starts: &'a [i64],
    /// Histogram samples likewise; no windows when there are none.
    pub histogram_times: &'a [i64],
    pub histograms: &'a [Arc<Histogram>],
    pub histogram_windows: &'a [Window],
    pub histogram_starts: &'a [i64],
}

impl RangeSeries<'_> {
    pub fn steps(&self) -> usize {
        self.windows.len()
    }

    #[inline]
    pub fn histogram_window(&self, step: usize) -> Window {
        self.histogram_windows.get(step).copied().unwrap_or_default()
    }

    /// The samples of both kinds of a window in order of time.
    pub fn points(&self, step: usize) -> Vec<(i64, Cell<'_>)> {
        let mut points: Vec<_> = self.windows[step].range().map(|i| (self.times[i], Cell::Float(self.floats[i]))).collect();
        points.extend(self.histogram_window(step).range().map(|i| (self.histogram_times[i], Cell::Histogram(&self.histograms[i]))));
        points.sort_by_key(|(at, _)| *at);
        points
    }

    /// Whether windows share so many samples that a running computation pays.
    pub fn windows_overlap(&self) -> bool {
        let total: usize = self.windows.iter().map(|w| w.len()).sum();
        total > 2 * self.floats.len()
    }

    /// Number of samples of either kind in a window.
    pub fn count(&self, step: usize) -> usize {
        self.windows[step].len() + self.histogram_window(step).len()
    }
}

/// Buffers that series after series is unpacked into.
#[derive(Default)]
pub struct Unpacked {
    pub values: ColumnValues,
    times: Vec<i64>,
    floats: Vec<f64>,
    starts: Vec<i64>,
    windows: Vec<Window>,
    histogram_times: Vec<i64>,
    histograms: Vec<Arc<Histogram>>,
    histogram_starts: Vec<i64>,
    histogram_windows: Vec<Window>,
    float_rank: Vec<u32>,
    histogram_rank: Vec<u32>,
}

/// What all series of a batch share.
pub struct Shared<'a> {
    /// Tells this batch from the others of a selector.
    pub number: u64,
    pub frames: &'a Frames,
    pub times: &'a [i64],
    pub windows: &'a [Window],
    pub with_starts: bool,
}

impl Unpacked {
    /// The series whose rows are in `self.values`; without copying where every row holds a float.
    pub fn series<'a>(&'a mut self, labels: &'a [LabelPair], drop_name: bool, shared: &Shared<'a>) -> RangeSeries<'a> {
        let values = &self.values;
        // Without an early end the search is a loop over whole registers.
        let any_stale = || values.floats.iter().fold(false, |any, v| any | is_stale(*v));
        let plain = values.present.is_empty() && values.histograms.is_empty() && !any_stale();
        let with_starts = shared.with_starts && !values.starts.is_empty();
        if plain && !with_starts {
            return RangeSeries {
                labels,
                drop_name,
                shape: Some(shared.number),
                frames: shared.frames,
                times: shared.times,
                floats: &self.values.floats,
                windows: shared.windows,
                starts: &[],
                histogram_times: &[],
                histograms: &[],
                histogram_windows: &[],
                histogram_starts: &[],
            };
        }
        self.compact(shared.times, with_starts);
        rerank(shared.windows, &self.float_rank, &mut self.windows);
        self.histogram_windows.clear();
        if !self.histograms.is_empty() {
            rerank(shared.windows, &self.histogram_rank, &mut self.histogram_windows);
        }
        RangeSeries {
            labels,
            drop_name,
            shape: None,
            frames: shared.frames,
            times: &self.times,
            floats: &self.floats,
            windows: &self.windows,
            starts: &self.starts,
            histogram_times: &self.histogram_times,
            histograms: &self.histograms,
            histogram_windows: &self.histogram_windows,
            histogram_starts: &self.histogram_starts,
        }
    }

    /// Parts the rows into floats and histograms; gaps and stale markers fall away.
    fn compact(&mut self, times: &[i64], with_starts: bool) {
        self.times.clear();
        self.floats.clear();
        self.starts.clear();
        self.histogram_times.clear();
        self.histograms.clear();
        self.histogram_starts.clear();
        self.float_rank.clear();
        self.histogram_rank.clear();
        let values = &self.values;
        let (mut next_histogram, mut next_start) = (values.histograms.iter().peekable(), values.starts.iter().peekable());
        for (row, at) in times.iter().enumerate() {
            self.float_rank.push(self.floats.len() as u32);
            self.histogram_rank.push(self.histograms.len() as u32);
            let histogram = next_histogram.next_if(|(r, _)| *r as usize == row).map(|(_, h)| h);
            let start = next_start.next_if(|(r, _)| *r as usize == row).map_or(NO_START, |(_, TimestampMs(s))| *s);
            match histogram {
                Some(histogram) if !is_stale(histogram.sum) => {
                    self.histogram_times.push(*at);
                    self.histograms.push(Arc::clone(histogram));
                    if with_starts {
                        self.histogram_starts.push(start);
                    }
                }
                None if values.is_present(row) && !is_stale(values.floats[row]) => {
                    self.times.push(*at);
                    self.floats.push(values.floats[row]);
                    if with_starts {
                        self.starts.push(start);
                    }
                }
                _ => {}
            }
        }
        self.float_rank.push(self.floats.len() as u32);
        self.histogram_rank.push(self.histograms.len() as u32);
    }
}

/// Windows over rows become windows over what is left of them.
fn rerank(windows: &[Window], rank: &[u32], into: &mut Vec<Window>) {
    into.clear();
    into.extend(windows.iter().map(|w| Window { lo: rank[w.lo as usize], hi: rank[w.hi as usize] }));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn windows_hold_what_lies_in_them(
            gaps in prop::collection::vec(1i64..40, 0..60),
            first in -100i64..300,
            steps in prop::collection::vec(0i64..90, 1..40),
            range in 1i64..200,
        ) {
            let times: Vec<i64> = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).collect();
            let ends: Vec<i64> = steps.iter().scan(first, |at, step| { *at += step; Some(*at) }).collect();
            let frames = Frames { ends: ends.clone(), range, reach: None };
            for (end, window) in ends.iter().zip(frames.windows(&times)) {
                let inside: Vec<usize> = (0..times.len()).filter(|i| times[*i] > end - range && times[*i] <= *end).collect();
                prop_assert_eq!(window.range().collect::<Vec<_>>(), inside);
            }
        }
    }
}
