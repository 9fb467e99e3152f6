//! Deleted samples taken out of what was decoded.

use crate::model::TimestampMs;
use crate::storage::ColumnValues;

/// Makes gaps of the rows that lie in these stretches; `times` are those of the decoded rows.
pub fn hide(stretches: &[(i64, i64)], times: &[TimestampMs], into: &mut ColumnValues) {
    let mut is_hidden = false;
    for (from, until) in stretches {
        let first = times.partition_point(|at| at.0 < *from);
        let end = times.partition_point(|at| at.0 <= *until);
        if first >= end {
            continue;
        }
        is_hidden = true;
        if into.present.is_empty() {
            into.present.resize(times.len().div_ceil(64), u64::MAX);
        }
        for row in first..end {
            if let Some(word) = into.present.get_mut(row / 64) {
                *word &= !(1 << (row % 64));
            }
        }
    }
    if is_hidden {
        let present = std::mem::take(&mut into.present);
        let holds = |row: u32| present.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1);
        into.histograms.retain(|(row, _)| holds(*row));
        into.starts.retain(|(row, _)| holds(*row));
        into.present = present;
    }
}
