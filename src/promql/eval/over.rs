//! Functions over range vectors: each series' windows become one value a step.

mod extended;
mod extrapolate;
mod instant;
mod mixed;
mod order;
mod regression;
mod slide;
mod starts;
mod totals;

use super::steps::Steps;
use super::{Column, Eval, RangeSeries, Series, Sink};
use crate::model::Span;
use crate::promql::annotation::Note;
use crate::promql::ast::{Call, Expr, ExprKind};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;

pub(super) use extended::interpolated;
pub(in crate::promql) use extended::with_edges;

/// What a function over ranges gets beside the series.
pub(super) struct Over<'o> {
    eval: &'o Eval<'o>,
    function: FunctionId,
    /// Of the range argument, as annotations name it.
    span: Span,
    range: Span,
    first_argument: Span,
    /// The scalar arguments, one list each with a value a step.
    scalars: Vec<Vec<f64>>,
    steps: &'o Steps,
    stretches: extrapolate::Stretches,
}

impl Eval<'_> {
    pub(super) fn over_time(&self, call: &Call, whole: &Expr, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let hinted = Eval { function: Some(call.function.name), ..*self };
        let collected = hinted.in_parts(whole, steps, &|eval| {
            let mut all = Vec::new();
            eval.over_part(call, steps, &mut |series| {
                eval.guard.hold(series.column.len())?;
                all.push(std::mem::take(series));
                Ok(())
            })?;
            Ok(all)
        })?;
        let Some(parts) = collected else { return self.over_part(call, steps, sink) };
        for mut series in parts.into_iter().flatten() {
            self.guard.release(series.column.len());
            sink(&mut series)?;
        }
        Ok(())
    }

    fn over_part(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let Some((range, scalars)) = self.range_and_scalars(call, steps)? else {
            return QueryError::execution("internal: a range vector was expected");
        };
        let over = Over {
            eval: self,
            function: call.function.id,
            span: place_of(range),
            range: range.span,
            first_argument: call.args[0].argument_span(),
            scalars,
            steps,
            stretches: extrapolate::Stretches::default(),
        };
        let keeps_name = matches!(over.function, FunctionId::FirstOverTime | FunctionId::LastOverTime);
        let mut out = Series::default();
        let hinted = Eval { function: Some(call.function.name), ..*self };
        self.unique(range, sink, &mut |unique| {
            hinted.ranges(range, steps, &mut |series| {
                out.column.reset(series.steps());
                over.check_arguments(series)?;
                over.evaluate(series, &mut out.column);
                self.guard.check()?;
                if out.column.is_empty() {
                    return Ok(());
                }
                out.labels.clear();
                out.labels.extend_from_slice(series.labels);
                out.drop_name = series.drop_name;
                if !keeps_name {
                    self.drop_name(&mut out);
                }
                unique(&mut out)
            })
        })
    }

    fn range_and_scalars<'c>(&self, call: &'c Call, steps: &Steps) -> Result<Option<RangeAndScalars<'c>>, QueryError> {
        let (mut range, mut scalars) = (None, Vec::new());
        for arg in &call.args {
            match arg.value_type() {
                crate::promql::ast::ValueType::Matrix => range = Some(arg),
                _ => scalars.push(self.scalar(arg, steps)?),
            }
        }
        Ok(range.map(|range| (range, scalars)))
    }
}

/// The place that annotations name: a subquery has none, as in Prometheus, which shows as the beginning.
fn place_of(range: &Expr) -> Span {
    let is_subquery = matches!(range.unwrapped().kind, ExprKind::Subquery(_));
    if is_subquery { Span::default() } else { range.unwrapped().span }
}

/// The range argument, and the scalar ones, a value a step each.
type RangeAndScalars<'c> = (&'c Expr, Vec<Vec<f64>>);

impl Over<'_> {
    fn evaluate(&self, series: &RangeSeries<'_>, out: &mut Column) {
        use FunctionId as F;
        if let Some(reach) = series.frames.reach {
            return self.extended(series, reach.smoothed, out);
        }
        match self.function {
            F::Rate | F::Increase | F::Delta => self.extrapolated(series, out),
            F::Irate | F::Idelta => self.last_two(series, out),
            F::SumOverTime | F::AvgOverTime => self.totals(series, out),
            F::CountOverTime => self.each(series, out, |s, i| Some(s.count(i) as f64)),
            F::PresentOverTime => self.each(series, out, |_, _| Some(1.0)),
            F::FirstOverTime | F::LastOverTime => self.edge(series, out),
            F::TsOfFirstOverTime | F::TsOfLastOverTime => self.edge_time(series, out),
            F::Changes | F::Resets => self.transitions(series, out),
            F::Deriv | F::PredictLinear | F::DoubleExponentialSmoothing => self.trend(series, out),
            _ => self.floats_only(series, out),
        }
    }

    /// Whether the query's time is up, asked before the samples of a window are walked. What is left undone then does not matter:
    /// the query ends with an error.
    fn is_spent(&self, series: &RangeSeries<'_>, step: usize) -> bool {
        self.eval.guard.is_spent(series.count(step))
    }

    /// One value for each step whose window holds anything.
    fn each(&self, series: &RangeSeries<'_>, out: &mut Column, value: impl Fn(&RangeSeries<'_>, usize) -> Option<f64>) {
        for step in 0..series.steps() {
            if series.count(step) > 0
                && let Some(value) = value(series, step)
            {
                out.floats[step] = value;
            }
        }
    }

    /// The metric's name for annotations.
    fn metric(&self, series: &RangeSeries<'_>) -> std::sync::Arc<str> {
        self.eval.symbols.metric_name_of(series.labels)
    }

    /// Says so where a window that a float function looks at holds histograms, too.
    fn note_ignored(&self, series: &RangeSeries<'_>, step: usize) {
        if series.histogram_window(step).len() > 0 && series.windows[step].len() > 0 {
            // Prometheus names the place of the first argument, which here is a number.
            let place = if self.function == FunctionId::QuantileOverTime { self.first_argument } else { self.span };
            self.eval.notes.inform_of(self.range, place, &Note::IgnoredInRange(&self.metric(series)));
        }
    }

    /// Whether a window holds both floats and histograms; says so.
    fn is_mixed(&self, series: &RangeSeries<'_>, step: usize) -> bool {
        let mixed = series.histogram_window(step).len() > 0 && series.windows[step].len() > 0;
        if mixed {
            self.eval.notes.warn_of(self.range, self.span, &Note::MixedFloatsHistograms(&self.metric(series)));
        }
        mixed
    }

    fn scalar(&self, argument: usize, step: usize) -> f64 {
        self.scalars.get(argument).and_then(|s| s.get(step)).copied().unwrap_or(f64::NAN)
    }

    /// Errors and warnings that depend on arguments alone, at steps at which there is anything to look at.
    fn check_arguments(&self, series: &RangeSeries<'_>) -> Result<(), QueryError> {
        match self.function {
            FunctionId::QuantileOverTime => {
                let phis = (0..series.steps()).filter(|step| series.windows[*step].len() > 0).map(|step| self.scalar(0, step));
                for phi in phis.filter(|phi| phi.is_nan() || *phi < 0.0 || *phi > 1.0) {
                    self.eval.notes.warn_of(self.range, self.first_argument, &Note::InvalidQuantile(phi));
                }
            }
            FunctionId::DoubleExponentialSmoothing => {
                for step in (0..series.steps()).filter(|step| series.count(*step) > 0) {
                    for (at, name, short) in [(0, "smoothing", "sf"), (1, "trend", "tf")] {
                        let factor = self.scalar(at, step);
                        // NaN passes, as in Prometheus.
                        if factor <= 0.0 || factor >= 1.0 {
                            let shown =
                                if factor.is_finite() { format!("{factor:.6}") } else { crate::model::number::format_fixed(factor) };
                            return QueryError::execution(format!("invalid {name} factor. Expected: 0 < {short} < 1, got: {shown}"));
                        }
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
