//! Alert state over a restart: what `ALERTS_FOR_STATE` last said decides since when a pending alert counts. The decision is pure.

use std::collections::BTreeMap;

use crate::model::{DurationMs, Labels, METRIC_NAME, Matcher, TimeRange, TimestampMs, is_stale};
use crate::storage::{ColumnValues, Hints, Select, SelectError};

/// The last sample of one `ALERTS_FOR_STATE` series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastState {
    /// When it was written.
    pub at: TimestampMs,
    /// Since when the alert was active, in Unix seconds; or the stale marker.
    pub value: f64,
}

/// Since when an alert counts as active, or none where nothing is to be restored.
///
/// Was it firing when we went down, it keeps its start and fires again. Was less than the grace period missing, it fires
/// a grace period from now. Else the time we were down does not count.
pub fn restored_active_at(last: LastState, hold: DurationMs, grace: DurationMs, now: TimestampMs) -> Option<TimestampMs> {
    if is_stale(last.value) || !last.value.is_finite() {
        return None;
    }
    // Both in whole seconds, as upstream.
    let down_at = TimestampMs(last.at.0.div_euclid(1000) * 1000);
    let active_at = TimestampMs((last.value as i64).saturating_mul(1000));
    let missing = DurationMs(hold.0.saturating_sub((down_at - active_at).0));
    if missing <= DurationMs::ZERO {
        Some(active_at)
    } else if missing < grace {
        Some(now + grace - hold)
    } else {
        Some(active_at + (now - down_at))
    }
}

/// The last states of one alert's series since `from`, by labels without the metric's name.
pub fn last_states(
    select: &dyn Select,
    alert: &str,
    from: TimestampMs,
    to: TimestampMs,
) -> Result<BTreeMap<Labels, LastState>, SelectError> {
    let range = TimeRange::new(from, to);
    let snapshot = select.open(range)?;
    let matchers = [Matcher::equal(METRIC_NAME, "ALERTS_FOR_STATE"), Matcher::equal("alertname", alert)];
    let hints = Hints { range: Some(range), ..Hints::default() };
    let mut found = BTreeMap::new();
    let mut values = ColumnValues::default();
    for batch in snapshot.select(&matchers, &hints)? {
        let times = batch.times();
        for index in 0..batch.len() {
            batch.read(index, 0..times.len(), &mut values)?;
            let Some(row) = (0..times.len()).rev().find(|row| values.is_present(*row)) else { continue };
            let texts: Vec<_> = batch.labels(index).iter().map(|pair| (snapshot.text(pair.name), snapshot.text(pair.value))).collect();
            let labels = Labels::from_pairs(texts).without_metric_name();
            let value = values.floats.get(row).copied().unwrap_or(f64::NAN);
            found.insert(labels, LastState { at: times[row], value });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::STALE_NAN;

    const HOLD: DurationMs = DurationMs(30 * 60_000);
    const GRACE: DurationMs = DurationMs(10 * 60_000);

    fn minutes(count: i64) -> TimestampMs {
        TimestampMs(count * 60_000)
    }

    /// It became active at minute 0, was last written at `down`, and is back at `now`.
    fn restored(down: i64, now: i64) -> Option<i64> {
        let last = LastState { at: minutes(down), value: 0.0 };
        restored_active_at(last, HOLD, GRACE, minutes(now)).map(|at| at.0 / 60_000)
    }

    #[test]
    fn decides_as_prometheus() {
        assert_eq!(restored(30, 40), Some(0), "was firing: fires again at once");
        assert_eq!(restored(25, 40), Some(20), "5 minutes missing: fires at 50, a grace period from now");
        assert_eq!(restored(10, 25), Some(15), "20 minutes missing: the 15 minutes down do not count");
        assert_eq!(restored(20, 21), Some(1), "exactly the grace period missing counts as more");
        let stale = LastState { at: minutes(1), value: STALE_NAN };
        assert_eq!(restored_active_at(stale, HOLD, GRACE, minutes(2)), None);
    }
}
