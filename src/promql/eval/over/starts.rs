//! Start timestamps: a counter that says when it began tells its resets even where the value did not fall.

use crate::promql::eval::window::NO_START;

/// Whether a counter began anew between two samples, judged by their start timestamps.
///
/// A start that does not lie before its own sample says nothing. One at the very time of the sample before means a reset only where
/// that sample has a true start, too: a delta series has one everywhere, a cumulative one of unknown start begins with the time of its
/// first sample.
pub fn is_reset(previous_start: i64, previous: i64, start: i64, at: i64) -> bool {
    if start == NO_START || start >= at || start < previous {
        return false;
    }
    start > previous || (previous_start != NO_START && previous_start < previous)
}

/// Whether a counter surely stood at zero at `start`, within the window and before its first sample there.
pub fn is_zero_point(start: i64, range_start: i64, first: i64) -> bool {
    start != NO_START && range_start < start && start < first
}

/// Whether two samples claim to count from times that contradict each other: neither anew after the first, nor from where it began.
pub fn is_overlap(previous_start: i64, previous: i64, start: i64) -> bool {
    start != NO_START && start < previous && start != previous_start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_after_the_sample_before_is_a_reset() {
        assert!(is_reset(0, 1000, 1500, 2000));
        assert!(!is_reset(0, 1000, 500, 2000));
        assert!(!is_reset(0, 1000, 2500, 2000));
        assert!(!is_reset(0, 1000, 1000, 2000));
        assert!(is_reset(500, 1000, 1000, 2000));
        assert!(!is_reset(1000, 1000, 1000, 2000));
        assert!(!is_reset(0, 1000, 2000, 2000));
    }
}
