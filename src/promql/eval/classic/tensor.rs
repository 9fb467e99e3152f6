//! Quantiles of a group's buckets over all steps, where nothing is odd about them: bounds that rise to infinity, a count in each bucket,
//! counts that rise. Some steps at a time are turned so that a step's counts stand side by side. Any other step is left to the
//! general way, whose answers these are to the bit.

use super::SMALL_DELTA;
use crate::promql::eval::Column;

/// Steps that are turned at a time.
const STEPS: usize = 64;

/// Calls with the value of each step that could be answered; the others are in the list that comes back.
pub(super) fn quantiles(buckets: &[(f64, Column)], phis: &[f64], mut each: impl FnMut(usize, f64)) -> Vec<usize> {
    let width = buckets.len();
    let rises = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if width < 2 || !rises || buckets[width - 1].0 != f64::INFINITY {
        return (0..phis.len()).collect();
    }
    let bounds: Vec<f64> = buckets.iter().map(|(bound, _)| *bound).collect();
    let (mut counts, mut left) = (vec![0.0; STEPS * width], Vec::new());
    for (first, phis) in (0..).step_by(STEPS).zip(phis.chunks(STEPS)) {
        for (at, (_, column)) in buckets.iter().enumerate() {
            for (row, count) in counts.chunks_exact_mut(width).zip(&column.floats[first..first + phis.len()]) {
                row[at] = *count;
            }
        }
        for ((step, phi), row) in (first..).zip(phis).zip(counts.chunks_exact_mut(width)) {
            match quantile(*phi, &bounds, row) {
                Some(value) => each(step, value),
                None => left.push(step),
            }
        }
    }
    left
}

/// None where counts are missing, fall by more than rounding, or are no numbers, or the quantile is none.
fn quantile(phi: f64, bounds: &[f64], counts: &mut [f64]) -> Option<f64> {
    if !(0.0..=1.0).contains(&phi) {
        return None;
    }
    let mut previous = *counts.first()?;
    // Where there is no count stands a NaN, too.
    if previous.is_nan() {
        return None;
    }
    for count in &mut counts[1..] {
        let (now, by) = (*count, *count - previous);
        // Also where one of both is no number, nothing of this holds.
        if now == previous || by.abs() <= SMALL_DELTA * (now.abs() + previous.abs()) {
            *count = previous;
        } else if by > 0.0 {
            previous = now;
        } else {
            return None;
        }
    }
    let last = counts.len() - 1;
    let observations = counts[last];
    if observations == 0.0 {
        return Some(f64::NAN);
    }
    let rank = phi * observations;
    if rank.is_nan() {
        return None;
    }
    let place = counts[..last].partition_point(|count| *count < rank);
    if place == last {
        return Some(bounds[last - 1]);
    }
    if place == 0 {
        let upper = bounds[0];
        return Some(if upper <= 0.0 { upper } else { upper * (rank / counts[0]) });
    }
    let (start, before) = (bounds[place - 1], counts[place - 1]);
    Some(start + (bounds[place] - start) * ((rank - before) / (counts[place] - before)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Bucket, quantile as general};
    use super::*;
    use crate::promql::eval::is_absent;

    proptest! {
        #[test]
        fn the_same_bits_as_one_by_one(
            rows in prop::collection::vec(prop::collection::vec((0u8..12, 0u8..4), 6), 1..150),
            first_bound in -2.0..2.0f64,
            phi in prop_oneof![Just(0.0), Just(1.0), Just(0.5), 0.0..1.0f64, Just(f64::NAN), Just(-1.0)],
        ) {
            let mut buckets: Vec<(f64, Column)> = (0..6).map(|at| (first_bound + f64::from(at), Column::of(rows.len()))).collect();
            buckets[5].0 = f64::INFINITY;
            for (step, row) in rows.iter().enumerate() {
                let mut total = 0.0;
                for (bucket, (kind, more)) in buckets.iter_mut().zip(row) {
                    total += f64::from(*more) / 3.0;
                    bucket.1.floats[step] = match kind {
                        0 => continue,
                        1 => f64::NAN,
                        2 => total - 0.5,
                        3 => total * (1.0 + 1e-15),
                        4 => f64::INFINITY,
                        _ => total,
                    };
                }
            }
            let mut got: Vec<Option<f64>> = vec![None; rows.len()];
            let left = quantiles(&buckets, &vec![phi; rows.len()], |step, value| got[step] = Some(value));
            for (step, got) in got.into_iter().enumerate() {
                prop_assert_eq!(got.is_none(), left.contains(&step));
                let held = buckets.iter().filter(|(_, column)| !is_absent(column.floats[step]));
                let mut one: Vec<Bucket> = held.map(|(upper, column)| Bucket { upper: *upper, count: column.floats[step] }).collect();
                if let Some(got) = got {
                    let (wanted, repair) = general(phi, &mut one);
                    prop_assert!(got.to_bits() == wanted.to_bits() || got.is_nan() && wanted.is_nan(), "{got} {wanted} at {step}");
                    prop_assert!(!repair.forced);
                }
            }
        }
    }
}
