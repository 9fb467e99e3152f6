//! Why a selector finds nothing: no such metric, no such labels, or no sample at that time; and what is odd about those that do.

use super::explain::{Explainer, call};
use super::reason::listed;
use crate::model::number::quote;
use crate::model::suggest::nearest;
use crate::model::{DurationMs, METRIC_NAME, MatchOp, Matcher, MetricType, TimeRange};
use crate::promql::ast::{Expr, ExprKind, Length, RangeSelector, Selector};
use crate::promql::error::QueryError;
use crate::promql::eval::reference;
use crate::promql::eval::steps::Steps;
use crate::promql::explain::Reason;
use crate::promql::functions::{Function, FunctionId};
use crate::promql::limits::EXPLAINED_VALUES_MAX;
use crate::storage::Snapshot;

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
            return Ok((Reason::NoSuchLabels, no_such_labels(&*snapshot, selector)?));
        }
        Ok((Reason::NoSampleInTime, self.out_of_time(selector, window, steps)?))
    }

    fn out_of_time(&self, selector: &Selector, window: Option<DurationMs>, steps: &Steps) -> Result<String, QueryError> {
        let reach_of = match window {
            Some(window) => format!("the window of {window}"),
            None => format!("the lookback of {}", self.options.lookback.unwrap_or(self.engine.options.lookback)),
        };
        let asked = reference(&selector.modifiers, steps.end());
        for reach in REACHES {
            if let Some(last) = self.edge("ts_of_last_over_time", selector, asked, reach, f64::max)? {
                let before_start = reference(&selector.modifiers, steps.start).max(last);
                let ago = DurationMs((before_start - last).max(0));
                let more = if self.is_within(last, window, asked) {
                    "; the series ended there".to_owned()
                } else {
                    window.and_then(|window| self.too_short(selector, window, ago, steps)).unwrap_or_default()
                };
                let ago = about(ago);
                return Ok(format!("the last sample is of {}, {ago} before the time asked for: more than {reach_of}{more}", date(last)));
            }
        }
        for reach in REACHES {
            if let Some(first) = self.edge("ts_of_first_over_time", selector, asked.saturating_add(reach), reach, f64::min)? {
                let later = about(DurationMs((first - asked).max(0)));
                return Ok(format!("the first sample comes {later} after the time asked for, at {}", date(first)));
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

    /// A sample that is young enough and yet does not count: a stale marker follows.
    fn is_within(&self, last: i64, window: Option<DurationMs>, asked: i64) -> bool {
        let lookback = window.unwrap_or(self.options.lookback.unwrap_or(self.engine.options.lookback));
        asked.saturating_sub(last) < lookback.0
    }

    /// The first or last time of any sample in the `reach` milliseconds before a time.
    fn edge(&self, function: &str, selector: &Selector, at: i64, reach: i64, best: fn(f64, f64) -> f64) -> Result<Option<i64>, QueryError> {
        let mut selector = selector.clone();
        selector.modifiers = crate::promql::ast::Modifiers::default();
        let range = RangeSelector { selector, selector_span: Default::default(), range: Length::Fixed(DurationMs(reach)) };
        let range = Expr::new(ExprKind::Range(Box::new(range)), Default::default());
        let rows = self.series(&call(function, &range), &Steps { start: at, step: 1, count: 1 })?;
        let times = rows.into_iter().flat_map(|(_, values)| values).reduce(best);
        Ok(times.map(|seconds| (seconds * 1000.0).round() as i64))
    }

    /// What the query would better be, though it is none that fails.
    pub(super) fn hints(&self, expr: &Expr, steps: &Steps, of_windows: bool) -> Result<Vec<String>, QueryError> {
        let mut calls = Vec::new();
        expr.walk(&mut |part| {
            if let ExprKind::Call(call) = &part.kind {
                let ranges = call.args.iter().filter_map(|arg| match &arg.unwrapped().kind {
                    ExprKind::Range(range) => Some((call.function, (**range).clone())),
                    _ => None,
                });
                calls.extend(ranges);
            }
        });
        let mut found = Vec::new();
        if calls.is_empty() {
            return Ok(found);
        }
        let metadata = self.select.open(TimeRange::ALL)?.metadata()?;
        for (function, range) in &calls {
            let family = range.selector.metric_name().and_then(|metric| metadata.iter().find(|(family, _)| family == metric));
            let of_type = family.and_then(|(family, said)| of_wrong_type(function, family, said.metric_type));
            let of_window = if of_windows { self.short_window(function, range, steps) } else { None };
            found.extend([of_type, of_window].into_iter().flatten().filter(|hint| !found.contains(hint)).collect::<Vec<_>>());
        }
        Ok(found)
    }

    /// A window in which a function that needs two samples finds them only now and then.
    fn short_window(&self, function: &Function, range: &RangeSelector, steps: &Steps) -> Option<String> {
        use FunctionId as F;
        let needs_two = [F::Rate, F::Increase, F::Irate, F::Delta, F::Idelta, F::Deriv, F::PredictLinear, F::DoubleExponentialSmoothing];
        if !needs_two.contains(&function.id) || range.selector.anchored || range.selector.smoothed {
            return None;
        }
        // Looking further back than the query itself may hit a limit: then nothing is said.
        let apart = self.samples_apart(range, steps).ok().flatten()?;
        let window = range.range.fixed();
        (window.0 < 2 * apart.0).then(|| {
            let (name, better) = (function.name, DurationMs(apart.0.saturating_mul(4)));
            format!("{name} needs two samples in a window, and {window} often holds fewer: they are about {apart} apart, so use [{better}] or longer")
        })
    }
}

/// A function of counters over a gauge, or one of gauges over a counter.
fn of_wrong_type(function: &Function, metric: &str, metric_type: MetricType) -> Option<String> {
    use FunctionId as F;
    let name = function.name;
    match (metric_type, function.id) {
        (MetricType::Gauge, F::Rate | F::Increase | F::Irate | F::Resets) => {
            Some(format!("{metric} is a gauge, and {name} takes each fall for a reset: use delta or deriv"))
        }
        (MetricType::Counter, F::Delta | F::Idelta | F::Deriv | F::PredictLinear) => {
            Some(format!("{metric} is a counter, and {name} knows no resets: use increase or rate"))
        }
        _ => None,
    }
}

/// Without what does not matter in a sentence.
fn about(duration: DurationMs) -> DurationMs {
    DurationMs(if duration.0 < 10_000 { duration.0 } else { (duration.0 + 500) / 1000 * 1000 })
}

/// RFC 3339.
fn date(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| format!("{millis} ms"), |at| at.to_string())
}

fn no_such_metric(snapshot: &dyn Snapshot, name: &str) -> Result<String, QueryError> {
    let mut names = snapshot.label_values(METRIC_NAME, &[], TimeRange::ALL)?;
    if names.is_empty() {
        return Ok("nothing is stored yet: no metric at all".to_owned());
    }
    let mut near = Vec::new();
    while near.len() < 3 {
        let Some(found) = nearest(name, names.iter().map(String::as_str)).map(str::to_owned) else { break };
        names.retain(|known| *known != found);
        near.push(found);
    }
    if near.is_empty() {
        near.extend(names.into_iter().filter(|known| known.contains(name)).take(EXPLAINED_VALUES_MAX));
    }
    let mut text = format!("there is no metric {}", quote(name));
    if name == "ALERTS" || name == "ALERTS_FOR_STATE" {
        text.push_str(": no alert has been pending or firing");
        return Ok(text);
    }
    if !near.is_empty() {
        text.push_str(&format!("; the nearest: {}", listed(&near)));
    }
    Ok(text)
}

/// Names the matcher without which something would be selected, and the values that exist.
fn no_such_labels(snapshot: &dyn Snapshot, selector: &Selector) -> Result<String, QueryError> {
    let is_name = |matcher: &Matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal;
    let (names, others): (Vec<Matcher>, Vec<Matcher>) = selector.matchers.iter().cloned().partition(is_name);
    let selects = |matchers: &[Matcher]| Ok::<bool, QueryError>(!snapshot.label_names(matchers, TimeRange::ALL)?.is_empty());
    // What selects nothing by itself is wrong whatever the others are.
    let mut wrong = Vec::new();
    for matcher in &others {
        let with_name: Vec<Matcher> = names.iter().chain([matcher]).cloned().collect();
        if !selects(&with_name)? {
            wrong.push(format!("no series has {}: {}", shown(matcher), values_of(snapshot, matcher, &names)?));
        }
    }
    if !wrong.is_empty() {
        return Ok(wrong.join("; "));
    }
    for (at, matcher) in others.iter().enumerate() {
        let mut rest = names.clone();
        rest.extend(others.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, matcher)| matcher.clone()));
        if selects(&rest)? {
            return Ok(format!("no series with the other labels has {}: {}", shown(matcher), values_of(snapshot, matcher, &rest)?));
        }
    }
    Ok("each of these matchers selects series, but no series satisfies all of them".to_owned())
}

fn shown(matcher: &Matcher) -> String {
    format!("{}{}{}", matcher.name, matcher.op.as_str(), quote(&matcher.value))
}

/// The values that a matcher's label has among what other matchers select.
fn values_of(snapshot: &dyn Snapshot, matcher: &Matcher, others: &[Matcher]) -> Result<String, QueryError> {
    let values = snapshot.label_values(&matcher.name, others, TimeRange::ALL)?;
    if values.is_empty() {
        return Ok(format!("there is no label {}", quote(&matcher.name)));
    }
    let near = nearest(&matcher.value, values.iter().map(String::as_str)).map(|near| format!(" (nearest: {})", quote(near)));
    Ok(format!("{} is {}{}", matcher.name, listed(&values), near.unwrap_or_default()))
}
