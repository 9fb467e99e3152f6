//! Start timestamps: a counter that says when it began tells its resets even where the value did not fall.

use crate::promql::eval::window::NO_START;

/// Whether a counter began anew between two samples, judged by their start timestamps.
///
/// A start at the very time of the sample before means a reset only where that sample has a start, too: a delta series has one
/// everywhere, a cumulative one of unknown start begins with the time of its first sample.
pub fn is_reset(previous_start: i64, previous: i64, start: i64, at: i64) -> bool {
    if start == NO_START || start > at || start < previous {
        return false;
    }
    start > previous || previous_start != NO_START
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
    }
}
