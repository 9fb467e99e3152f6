//! Why nothing came out: descends to the parts that became empty though what they were given was not, and says why.

use super::explain::{Explainer, Row, call, parts_of};
use super::partners;
use crate::model::number::{format_sample, quote};
use crate::model::{DurationMs, TimestampMs};
use crate::promql::ast::{Aggregate, Binary, Call, Expr, ExprKind, Length, RangeSelector, Subquery, ValueType};
use crate::promql::error::QueryError;
use crate::promql::eval::steps::Steps;
use crate::promql::explain::{Emptiness, Reason};
use crate::promql::functions::FunctionId;
use crate::promql::limits::{EXPLAINED_PLACES_MAX, EXPLAINED_VALUES_MAX};
use crate::promql::print;
use crate::promql::token::{Aggregator, Operator};

/// What can be done with a native histogram where a number is wanted.
const WAYS: &str = "take histogram_quantile, histogram_avg, histogram_count or histogram_sum of it first";

type Why = Result<(Reason, String), QueryError>;

impl Explainer<'_> {
    /// The place at which an expression that yields nothing became empty, with further ones where there are several.
    pub(super) fn blame(&self, expr: &Expr, steps: &Steps) -> Result<Option<Emptiness>, QueryError> {
        let mut places = Vec::new();
        self.places(expr, steps, &mut places)?;
        let mut places = places.into_iter();
        let Some(mut first) = places.next() else { return Ok(None) };
        first.also = places.collect();
        Ok(Some(first))
    }

    fn places(&self, expr: &Expr, steps: &Steps, found: &mut Vec<Emptiness>) -> Result<(), QueryError> {
        let expr = expr.unwrapped();
        let (reason, text) = match &expr.kind {
            _ if found.len() >= EXPLAINED_PLACES_MAX => return Ok(()),
            ExprKind::Number(_) | ExprKind::Text(_) => return Ok(()),
            ExprKind::Selector(selector) => self.of_selection(selector, None, steps)?,
            ExprKind::Range(range) => self.of_selection(&range.selector, Some(range.range.fixed()), steps)?,
            _ => {
                let inner = self.steps_of_parts(expr, steps);
                let guilty = self.empty_parts(expr, &inner)?;
                for part in &guilty {
                    self.places(part, &inner, found)?;
                }
                if !guilty.is_empty() {
                    return Ok(());
                }
                match &expr.kind {
                    ExprKind::Binary(binary) => self.of_binary(binary, steps)?,
                    ExprKind::Call(call) => self.of_call(call, expr, steps)?,
                    ExprKind::Aggregate(aggregate) => self.of_aggregate(aggregate, steps)?,
                    ExprKind::Subquery(subquery) => self.of_subquery(subquery, &inner)?,
                    _ => other("nothing is left of what goes in"),
                }
            }
        };
        // What a query says twice is empty for the same reason twice.
        let printed = print(expr);
        if !found.iter().any(|known| known.expr == printed && known.text == text) {
            found.push(Emptiness { expr: printed, span: expr.span, reason, text, also: Vec::new() });
        }
        Ok(())
    }

    /// The parts whose emptiness makes the whole empty.
    fn empty_parts<'e>(&self, expr: &'e Expr, steps: &Steps) -> Result<Vec<&'e Expr>, QueryError> {
        let mut parts = parts_of(expr);
        if let ExprKind::Aggregate(aggregate) = &expr.kind {
            // A parameter is a number, which there always is.
            parts = vec![aggregate.expr.unwrapped()];
        }
        if let ExprKind::Binary(binary) = &expr.kind
            && binary.op == Operator::Unless
        {
            parts.truncate(1);
        }
        let mut empty = Vec::new();
        for part in &parts {
            if self.is_empty(part, steps)? {
                empty.push(*part);
            }
        }
        // A side that is filled does not make the whole empty, unless both are.
        if let ExprKind::Binary(binary) = &expr.kind
            && let Some(matching) = &binary.matching
            && let [one] = *empty
        {
            let is_left = std::ptr::eq(one, binary.left.unwrapped());
            if (if is_left { matching.fill_left } else { matching.fill_right }).is_some() {
                empty.clear();
            }
        }
        Ok(empty)
    }

    fn of_call(&self, call: &Call, whole: &Expr, steps: &Steps) -> Why {
        use FunctionId as F;
        let (name, id) = (call.function.name, call.function.id);
        let input = call.args.iter().map(Expr::unwrapped).find(|arg| matches!(arg.value_type(), ValueType::Vector | ValueType::Matrix));
        let Some(input) = input else { return Ok(other("the function takes all series away")) };
        if matches!(id, F::Absent | F::AbsentOverTime) {
            let text = format!("{name} yields something only where there is nothing, and there is something");
            return Ok((Reason::PresentAfterAll, text));
        }
        if let Some(text) = self.too_few(name, id, input, steps)? {
            return Ok((Reason::TooFewSamples, text));
        }
        let rows = if input.value_type() == ValueType::Matrix {
            self.series(&super::explain::call("last_over_time", input), steps)?
        } else {
            self.series(input, steps)?
        };
        let kinds = Kinds::of(&rows);
        match id {
            F::HistogramQuantile | F::HistogramFraction | F::HistogramQuantiles => return self.of_buckets(name, input, &rows, steps),
            F::HistogramAvg | F::HistogramCount | F::HistogramSum | F::HistogramStddev | F::HistogramStdvar if !kinds.histograms => {
                let text = format!("{name} looks at native histograms, and what goes in are numbers{}", self.instead_of(id, input));
                return Ok((Reason::WrongType, text));
            }
            F::Clamp => {
                let bound = |at: usize| call.args.get(at).map(|arg| self.series(arg, steps)).transpose();
                if let (Some(least), Some(largest)) = (bound(1)?, bound(2)?) {
                    let text = format!("clamp: the least value, {}, is above the largest, {}", extent(&least), extent(&largest));
                    return Ok((Reason::Other, text));
                }
            }
            F::Info => return Ok((Reason::NoMatch, "no series has an info series with these labels".to_owned())),
            _ => {}
        }
        if kinds.histograms && !kinds.floats {
            return Ok((Reason::WrongType, format!("{name} looks at numbers, and what goes in are native histograms: {WAYS}")));
        }
        let answer = self.evaluate(whole, steps)?;
        Ok(match answer.warnings.into_iter().chain(answer.infos).next() {
            Some(said) => (Reason::WrongType, said),
            None => other("the function takes all series away"),
        })
    }

    /// What a classic histogram has in place of a function of native ones.
    fn instead_of(&self, id: FunctionId, input: &Expr) -> String {
        let Some(name) = metric_names(input).first().and_then(|name| name.strip_suffix("_bucket")) else { return String::new() };
        match id {
            FunctionId::HistogramAvg => format!(": of a classic histogram take rate({name}_sum[5m]) / rate({name}_count[5m])"),
            FunctionId::HistogramCount => format!(": of a classic histogram take {name}_count"),
            FunctionId::HistogramSum => format!(": of a classic histogram take {name}_sum"),
            _ => String::new(),
        }
    }

    /// What a function that needs two samples says of windows that hold fewer.
    fn too_few(&self, function: &str, id: FunctionId, input: &Expr, steps: &Steps) -> Result<Option<String>, QueryError> {
        use FunctionId as F;
        let needs_two = [F::Rate, F::Increase, F::Irate, F::Delta, F::Idelta, F::Deriv, F::PredictLinear, F::DoubleExponentialSmoothing];
        if !needs_two.contains(&id) {
            return Ok(None);
        }
        let most = self.most(&call("count_over_time", input), steps)?;
        if most >= 2.0 {
            return Ok(None);
        }
        Ok(match &input.kind {
            ExprKind::Range(range) => {
                let mut text = format!("{function} needs two samples in a window; {} holds at most {most}", range.range.fixed());
                if let Some(apart) = self.samples_apart(range, steps)? {
                    let better = DurationMs(apart.0.saturating_mul(4));
                    text.push_str(&format!(": samples are about {apart} apart, so use [{better}] or longer"));
                }
                Some(text)
            }
            ExprKind::Subquery(subquery) => {
                let (window, step) = (subquery.range.fixed(), DurationMs(self.inner_steps(subquery, steps).step));
                Some(format!("{function} needs two points in a window; {window} holds at most {most} at a step of {step}: make it longer"))
            }
            _ => None,
        })
    }

    fn of_subquery(&self, subquery: &Subquery, inner: &Steps) -> Why {
        let rows = self.series(&subquery.expr, inner)?;
        let window = subquery.range.fixed();
        let last = rows.iter().flat_map(Row::times).max().map(|at| TimestampMs(at).rfc3339()).unwrap_or_default();
        let text = format!(
            "what it looks at has values, the last at {last}, but none in a window of {window} at a step of {}: make the window longer",
            DurationMs(inner.step)
        );
        Ok((Reason::NoSampleInTime, text))
    }

    /// About how far apart the samples of a selector are; none where too few can be found. Time in which nothing was scraped counts
    /// little: what came last is asked by itself, too.
    pub(super) fn samples_apart(&self, range: &RangeSelector, steps: &Steps) -> Result<Option<DurationMs>, QueryError> {
        let wide = range.range.fixed().0.saturating_mul(20);
        let mut least: Option<DurationMs> = None;
        for reach in [wide, wide.max(3_600_000)] {
            let apart = self.mean_apart(range, DurationMs(reach), steps)?;
            least = [least, apart].into_iter().flatten().min();
        }
        Ok(least)
    }

    /// The mean over so much time before the last step.
    fn mean_apart(&self, range: &RangeSelector, reach: DurationMs, steps: &Steps) -> Result<Option<DurationMs>, QueryError> {
        let mut wide = range.clone();
        wide.range = Length::Fixed(reach);
        let wide = Expr::new(ExprKind::Range(Box::new(wide)), range.selector_span);
        let last = Steps { start: steps.end(), count: 1, ..*steps };
        let count = self.most(&call("count_over_time", &wide), &last)?;
        let spread = self.most(&Expr::new(difference_of_times(&wide), range.selector_span), &last)?;
        let seconds = spread / (count - 1.0);
        Ok((count >= 2.0 && seconds > 0.0).then(|| DurationMs(round_duration((seconds * 1000.0) as i64))))
    }

    fn most(&self, expr: &Expr, steps: &Steps) -> Result<f64, QueryError> {
        Ok(self.series(expr, steps)?.iter().flat_map(|row| &row.floats).map(|(_, value)| *value).fold(0.0, f64::max))
    }

    fn of_aggregate(&self, aggregate: &Aggregate, steps: &Steps) -> Why {
        let rows = self.series(&aggregate.expr, steps)?;
        let (kinds, op) = (Kinds::of(&rows), aggregate.op.as_str());
        let asked = match &aggregate.parameter {
            Some(parameter) => self.series(parameter, steps)?,
            None => Vec::new(),
        };
        let most = asked.iter().flat_map(|row| &row.floats).map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        Ok(match aggregate.op {
            Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk if most < 1.0 => {
                let text = format!("{op} is to keep {} of {} series: its first argument must be 1 or more", extent(&asked), rows.len());
                (Reason::Other, text)
            }
            Aggregator::LimitRatio => {
                (Reason::Other, format!("{op} is to keep a share of {} of {} series, which came to none", extent(&asked), rows.len()))
            }
            _ if kinds.histograms && kinds.floats => {
                (Reason::WrongType, format!("{op} of numbers and native histograms together is nothing: aggregate them apart"))
            }
            _ if kinds.histograms => (Reason::WrongType, format!("{op} looks at numbers, and what goes in are native histograms: {WAYS}")),
            _ => other("the aggregation keeps none of the series"),
        })
    }

    fn of_binary(&self, binary: &Binary, steps: &Steps) -> Why {
        let (left, right) = (self.series(&binary.left, steps)?, self.series(&binary.right, steps)?);
        if binary.op == Operator::Unless {
            let text =
                format!("each of the {} series on the left has a partner on the right, and unless keeps only those without", left.len());
            return Ok((Reason::NoMatch, text));
        }
        if binary.op.is_comparison() && !binary.returns_bool {
            let mut with_bool = binary.clone();
            with_bool.returns_bool = true;
            let with_bool = Expr::new(ExprKind::Binary(Box::new(with_bool)), binary.op_span);
            if !self.is_empty(&with_bool, steps)? {
                return Ok((Reason::FilteredByComparison, filtered(binary, &left, &right)));
            }
        }
        if let Some(matching) = &binary.matching
            && let Some(text) = partners::unmatched(binary.op, matching, &left, &right)
        {
            return Ok((Reason::NoMatch, text));
        }
        let (on_left, on_right) = (Kinds::of(&left).describe(), Kinds::of(&right).describe());
        let sides = if on_left == on_right {
            format!("both sides are {on_left}")
        } else {
            format!("on the left are {on_left}, on the right {on_right}")
        };
        Ok((Reason::WrongType, format!("{sides}, for which {} gives nothing: {WAYS}", binary.op.as_str())))
    }
}

/// What the samples of a part are.
struct Kinds {
    floats: bool,
    histograms: bool,
}

impl Kinds {
    fn of(rows: &[Row]) -> Self {
        Self { floats: rows.iter().any(|row| !row.floats.is_empty()), histograms: rows.iter().any(|row| !row.histograms.is_empty()) }
    }

    fn describe(&self) -> &'static str {
        match (self.floats, self.histograms) {
            (true, true) => "numbers and native histograms",
            (false, true) => "native histograms",
            _ => "numbers",
        }
    }
}

pub(super) fn other(text: &str) -> (Reason, String) {
    (Reason::Other, text.to_owned())
}

/// The names of the metrics that an expression reads.
pub(super) fn metric_names(expr: &Expr) -> Vec<&str> {
    let mut names = Vec::new();
    expr.walk(&mut |part| {
        let selector = match &part.kind {
            ExprKind::Selector(selector) => selector,
            ExprKind::Range(range) => &range.selector,
            _ => return,
        };
        names.extend(selector.metric_name().filter(|name| !names.contains(name)));
    });
    names
}

/// `ts_of_last_over_time(x) - ts_of_first_over_time(x)`, in seconds.
fn difference_of_times(range: &Expr) -> ExprKind {
    let (left, right) = (call("ts_of_last_over_time", range), call("ts_of_first_over_time", range));
    let binary = Binary {
        op: Operator::Sub,
        op_span: range.span,
        left,
        right,
        returns_bool: false,
        matching: Some(crate::promql::ast::Matching::default()),
    };
    ExprKind::Binary(Box::new(binary))
}

/// To whole seconds from a second on.
fn round_duration(millis: i64) -> i64 {
    if millis < 1000 { millis.max(1) } else { (millis + 500) / 1000 * 1000 }
}

fn extent(rows: &[Row]) -> String {
    let values = || rows.iter().flat_map(|row| &row.floats).map(|(_, value)| *value).filter(|v| !v.is_nan());
    let (min, max) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), v| (min.min(v), max.max(v)));
    match (min > max, min == max) {
        (true, _) => "NaN".to_owned(),
        (_, true) => format_sample(min),
        _ => format!("{} to {}", format_sample(min), format_sample(max)),
    }
}

fn filtered(binary: &Binary, left: &[Row], right: &[Row]) -> String {
    let op = binary.op.as_str();
    format!(
        "the comparison is true nowhere: the left is {}, the right is {}, and {op} keeps only where it holds",
        extent(left),
        extent(right)
    )
}

/// At most [`EXPLAINED_VALUES_MAX`] of them, quoted.
pub(super) fn listed<V: AsRef<str>>(values: impl IntoIterator<Item = V>) -> String {
    let mut quoted: Vec<String> = values.into_iter().map(|value| quote(value.as_ref())).collect();
    let more = quoted.len().saturating_sub(EXPLAINED_VALUES_MAX);
    quoted.truncate(EXPLAINED_VALUES_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", quoted.join(", "))
}
