//! Why a selector finds nothing: no such metric, no such labels, or no sample at that time.

use super::explain::{Explainer, call};
use super::names::{no_such_labels, no_such_metric};
use crate::model::{DurationMs, METRIC_NAME, Matcher, TimeRange, TimestampMs};
use crate::promql::ast::{Expr, ExprKind, Length, RangeSelector, Selector};
use crate::promql::error::QueryError;
use crate::promql::eval::reference;
use crate::promql::eval::steps::Steps;
use crate::promql::explain::Reason;

/// How far a selector's last sample is looked for, in milliseconds, one after the other.
const REACHES: [i64; 4] = [3_600_000, 86_400_000, 30 * 86_400_000, 36_500 * 86_400_000];

impl Explainer<'_> {
    pub(super) fn of_selection(
        &self,
        selector: &Selector,
        window: Option<DurationMs>,
        steps: &Steps,
    ) -> Result<(Reason, String), QueryError> {
        let snapshot = self.select.open(TimeRange::ALL)?;
        if let Some(name) = selector.metric_name()
            && snapshot.label_names(&[Matcher::equal(METRIC_NAME, name)], TimeRange::ALL)?.is_empty()
        {
            return Ok((Reason::NoSuchMetric, no_such_metric(&*snapshot, name)?));
        }
        if snapshot.label_names(&selector.matchers, TimeRange::ALL)?.is_empty() {
            return no_such_labels(&*snapshot, selector);
        }
        Ok((Reason::NoSampleInTime, self.out_of_time(selector, window, steps)?))
    }

    fn out_of_time(&self, selector: &Selector, window: Option<DurationMs>, steps: &Steps) -> Result<String, QueryError> {
        let reach_of = match window {
            Some(window) => format!("the window of {window}"),
            None => format!("the lookback of {}", self.options.lookback.unwrap_or(self.engine.options.lookback)),
        };
        let (started, asked) = (reference(&selector.modifiers, steps.start), reference(&selector.modifiers, steps.end()));
        for reach in REACHES {
            if let Some(last) = self.edge("ts_of_last_over_time", selector, asked, reach, f64::max)? {
                // The first step that could see it.
                let step = steps.step.max(1);
                let next = if last <= started { started } else { started + (last - started + step - 1) / step * step };
                let ago = DurationMs((next.min(asked) - last).max(0));
                let at = TimestampMs(last).rfc3339();
                if last > started && !self.is_young(next - last, window) {
                    let (ago, step) = (about(DurationMs(next - last)), DurationMs(step));
                    return Ok(format!(
                        "samples lie between the steps only: the last is of {at}, {ago} before the next step: more than {reach_of}; make the step \
                         of {step} shorter"
                    ));
                }
                if self.is_young(next - last, window) {
                    let ago = about(ago);
                    return Ok(format!(
                        "the last sample is of {at}, {ago} before the time asked for; the series ended there: it is stale since"
                    ));
                }
                let more = window.and_then(|window| self.too_short(selector, window, ago, steps)).unwrap_or_default();
                let ago = about(ago);
                return Ok(format!("the last sample is of {at}, {ago} before the time asked for: more than {reach_of}{more}"));
            }
        }
        for reach in REACHES {
            if let Some(first) = self.edge("ts_of_first_over_time", selector, asked.saturating_add(reach), reach, f64::min)? {
                let later = about(DurationMs((first - asked).max(0)));
                return Ok(format!("the first sample comes {later} after the time asked for, at {}", TimestampMs(first).rfc3339()));
            }
        }
        Ok(format!("there is no sample within {reach_of}"))
    }

    /// Where samples still come, only further apart than the window is long.
    fn too_short(&self, selector: &Selector, window: DurationMs, ago: DurationMs, steps: &Steps) -> Option<String> {
        let range = RangeSelector { selector: selector.clone(), selector_span: Default::default(), range: Length::Fixed(window) };
        let apart = self.samples_apart(&range, steps).ok().flatten()?;
        let better = DurationMs(apart.0.saturating_mul(4));
        (window.0 < 2 * apart.0 && ago.0 < 2 * apart.0).then(|| format!("; samples are about {apart} apart, so use [{better}] or longer"))
    }

    /// A sample of this age counts, unless a stale marker follows.
    fn is_young(&self, age: i64, window: Option<DurationMs>) -> bool {
        age < window.unwrap_or(self.options.lookback.unwrap_or(self.engine.options.lookback)).0
    }

    /// The first or last time of any sample in the `reach` milliseconds before a time.
    fn edge(&self, function: &str, selector: &Selector, at: i64, reach: i64, best: fn(f64, f64) -> f64) -> Result<Option<i64>, QueryError> {
        let mut selector = selector.clone();
        selector.modifiers = crate::promql::ast::Modifiers::default();
        let range = RangeSelector { selector, selector_span: Default::default(), range: Length::Fixed(DurationMs(reach)) };
        let range = Expr::new(ExprKind::Range(Box::new(range)), Default::default());
        let rows = self.series(&call(function, &range), &Steps { start: at, step: 1, count: 1 })?;
        let times = rows.iter().flat_map(|row| &row.floats).map(|(_, seconds)| *seconds).reduce(best);
        Ok(times.map(|seconds| (seconds * 1000.0).round() as i64))
    }
}

/// Without what does not matter in a sentence.
fn about(duration: DurationMs) -> DurationMs {
    DurationMs(if duration.0 < 10_000 { duration.0 } else { (duration.0 + 500) / 1000 * 1000 })
}
