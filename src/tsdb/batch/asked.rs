//! What a reader wants of whole pages: their extreme in place of their samples, where no window begins or ends among their rows.

use crate::storage::Hints;
use crate::tsdb::page::extreme::Extreme;

#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub extreme: Extreme,
    /// None where there is one window, which is all that is read.
    windows: Option<Windows>,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug)]
struct Windows {
    /// Where the last one ends.
    end: i64,
    length: i64,
    step: i64,
}

impl Asked {
    pub fn of(hints: &Hints) -> Option<Self> {
        let extreme = match hints.function {
            Some("max_over_time") => Extreme::Greatest,
            Some("min_over_time") => Extreme::Least,
            _ => return None,
        };
        let length = hints.window?.0;
        let windows = match hints.step {
            Some(step) => Some(Windows { end: hints.range?.max.0, length, step: step.0.max(1) }),
            None => None,
        };
        Some(Self { extreme, windows })
    }

    /// Whether every window holds all or none of the samples between two times, these included.
    pub fn takes_whole(&self, first: i64, last: i64) -> bool {
        let Some(Windows { end, length, step }) = self.windows else { return true };
        // A sample at an edge lies before it: windows are open on the left.
        let edges_before = |edge: i64, at: i64| edge.saturating_sub(at).div_euclid(step);
        [end, end.saturating_sub(length)].into_iter().all(|edge| edges_before(edge, first) == edges_before(edge, last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DurationMs, TimeRange, TimestampMs};

    proptest::proptest! {
        #[test]
        fn pages_are_whole_where_no_window_parts_them(first in -50i64..50, length in 1i64..40, end in -20i64..60, window in 1i64..50, step in 1i64..50) {
            let range = Some(TimeRange::new(TimestampMs(-1000), TimestampMs(end)));
            let (window_hint, step_hint) = (Some(DurationMs(window)), Some(DurationMs(step)));
            let hints = Hints { range, function: Some("max_over_time"), window: window_hint, step: step_hint, ..Hints::default() };
            let asked = Asked::of(&hints).unwrap();
            let is_parted = (0..200).map(|k| end - k * step).any(|end| {
                let inside = (first..=first + length).filter(|at| end - window < *at && *at <= end).count() as i64;
                inside != 0 && inside != length + 1
            });
            if asked.takes_whole(first, first + length) {
                proptest::prop_assert!(!is_parted);
            } else if first + length < end - window {
                proptest::prop_assert!(is_parted);
            }
        }
    }
}
