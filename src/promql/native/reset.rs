//! Whether a counter histogram was reset between two samples.

use super::parts::Parts;
use crate::model::Histogram;
use crate::model::histogram::ResetHint;

/// Any count that fell, any populated bucket that went missing, or a finer form than before means a reset. A hint decides at once.
pub fn detect_reset(current: &Histogram, previous: &Histogram) -> bool {
    match current.reset_hint {
        ResetHint::Reset => return true,
        ResetHint::NotReset => return false,
        // Gauges should not come here; a warning says so, and they are treated as counters.
        ResetHint::Unknown | ResetHint::Gauge => {}
    }
    if current.count < previous.count || current.uses_custom_buckets() != previous.uses_custom_buckets() {
        return true;
    }
    let (mut now, mut before) = (Parts::from(current), Parts::from(previous));
    if current.uses_custom_buckets() {
        if now.bounds() != before.bounds() {
            let shared: Vec<f64> = now.bounds().iter().copied().filter(|b| before.bounds().contains(b)).collect();
            now.rebound(&shared);
            before.rebound(&shared);
        }
    } else {
        if current.schema > previous.schema || current.zero_threshold < previous.zero_threshold {
            return true;
        }
        before.widen_zero(current.zero_threshold);
        if before.zero_threshold() != current.zero_threshold || current.zero_count < before.zero_count() {
            return true;
        }
        before.coarsen(current.schema);
    }
    now.sides().iter().zip(before.sides()).any(|(now, before)| any_fell(now, &before))
}

/// Both ascend by index.
fn any_fell(now: &[(i32, f64)], before: &[(i32, f64)]) -> bool {
    before.iter().any(|(index, count)| {
        let found = now.binary_search_by_key(index, |(i, _)| *i).map_or(0.0, |at| now[at].1);
        found < *count
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::histogram::BucketSpan;

    fn histogram(schema: i32, counts: &[f64]) -> Histogram {
        Histogram {
            schema,
            count: counts.iter().sum(),
            positive_spans: vec![BucketSpan { offset: 1, length: counts.len() as u32 }],
            positive_counts: counts.to_vec(),
            ..Histogram::default()
        }
    }

    #[test]
    fn falling_buckets_and_finer_schemas_are_resets() {
        assert!(!detect_reset(&histogram(0, &[1.0, 3.0]), &histogram(0, &[1.0, 2.0])));
        assert!(detect_reset(&histogram(0, &[0.0, 4.0]), &histogram(0, &[1.0, 2.0])));
        assert!(detect_reset(&histogram(1, &[1.0, 3.0]), &histogram(0, &[1.0, 2.0])));
        // Coarser: indexes 1 and 2 of schema 1 are index 1 of schema 0.
        assert!(!detect_reset(&histogram(0, &[3.0]), &histogram(1, &[1.0, 2.0])));
        // A bucket that reaches into an unchanged zero bucket stays what it is.
        let overlapping = Histogram { zero_threshold: 1.5, ..histogram(0, &[1.0, 2.0]) };
        assert!(!detect_reset(&overlapping, &overlapping));
        let hinted = Histogram { reset_hint: ResetHint::NotReset, ..histogram(0, &[0.0]) };
        assert!(!detect_reset(&hinted, &histogram(0, &[1.0])));
    }
}
