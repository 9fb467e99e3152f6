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
use crate::promql::functions::FunctionId;
use crate::promql::limits::EXPLAINED_VALUES_MAX;
use crate::storage::Snapshot;

/// How far a selector's last sample is looked for, in milliseconds, one after the other.
const REACHES: [i64; 4] = [3_600_000, 86_400_000, 30 * 86_400_000, 3650 * 86_400_000];

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
                let ended = if self.is_within(last, window, asked) { "; the series ended there" } else { "" };
                return Ok(format!("the last sample is of {}, {ago} before the time asked for: more than {reach_of}{ended}", date(last)));
            }
        }
        for reach in REACHES {
            if let Some(first) = self.edge("ts_of_first_over_time", selector, asked.saturating_add(reach), reach, f64::min)? {
                let later = DurationMs((first - asked).max(0));
                return Ok(format!("the first sample comes {later} after the time asked for, at {}", date(first)));
            }
        }
        Ok(format!("there is no sample within {reach_of}"))
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

    /// What a query with an answer would better be.
    pub(super) fn hints(&self, expr: &Expr) -> Result<Vec<String>, QueryError> {
        let mut found = Vec::new();
        let mut calls = Vec::new();
        expr.walk(&mut |part| {
            if let ExprKind::Call(call) = &part.kind
                && let Some(ExprKind::Range(range)) = call.args.last().map(|arg| &arg.unwrapped().kind)
                && let Some(metric) = range.selector.metric_name()
            {
                calls.push((call.function, metric.to_owned()));
            }
        });
        if calls.is_empty() {
            return Ok(found);
        }
        let metadata = self.select.open(TimeRange::ALL)?.metadata()?;
        for (function, metric) in calls {
            let Some((_, said)) = metadata.iter().find(|(family, _)| *family == metric) else { continue };
            let (of_counters, of_gauges) = match function.id {
                FunctionId::Rate | FunctionId::Increase | FunctionId::Irate | FunctionId::Resets => (true, false),
                FunctionId::Delta | FunctionId::Idelta | FunctionId::Deriv | FunctionId::PredictLinear => (false, true),
                _ => continue,
            };
            let name = function.name;
            match said.metric_type {
                MetricType::Gauge if of_counters => {
                    found.push(format!("{metric} is a gauge, and {name} takes each fall for a reset: use delta or deriv"));
                }
                MetricType::Counter if of_gauges => {
                    found.push(format!("{metric} is a counter, and {name} knows no resets: use increase or rate"));
                }
                _ => {}
            }
        }
        Ok(found)
    }
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
    if !near.is_empty() {
        text.push_str(&format!("; the nearest: {}", listed(&near)));
    }
    Ok(text)
}

/// Names the matcher without which something would be selected, and the values that exist.
fn no_such_labels(snapshot: &dyn Snapshot, selector: &Selector) -> Result<String, QueryError> {
    for (at, matcher) in selector.matchers.iter().enumerate() {
        if matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal {
            continue;
        }
        let mut others = selector.matchers.clone();
        others.remove(at);
        if snapshot.label_names(&others, TimeRange::ALL)?.is_empty() {
            continue;
        }
        let values = snapshot.label_values(&matcher.name, &others, TimeRange::ALL)?;
        let shown = format!("{}{}{}", matcher.name, matcher.op.as_str(), quote(&matcher.value));
        if values.is_empty() {
            return Ok(format!("no series has {shown}: what the rest selects has no label {}", quote(&matcher.name)));
        }
        let near = nearest(&matcher.value, values.iter().map(String::as_str)).map(|near| format!(" (nearest: {})", quote(near)));
        return Ok(format!("no series has {shown}: {} is {}{}", matcher.name, listed(&values), near.unwrap_or_default()));
    }
    Ok("no series satisfies all of these matchers; without any one of them there is none either".to_owned())
}
