//! Calls: which operator evaluates which function.

use super::{Eval, Series, Sink, Steps, Yield};
use crate::promql::ast::{Call, Expr, ExprKind};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;

impl Eval<'_> {
    pub(super) fn call(&self, call: &Call, whole: &Expr, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        use FunctionId as F;
        let id = call.function.id;
        if let Some(function) = super::math::of_float(id) {
            return self.map_floats(&call.args[0], steps, sink, &|_, value| Some(function(value)));
        }
        match id {
            F::Absent | F::AbsentOverTime => self.absent(call, steps, sink),
            F::Clamp | F::ClampMin | F::ClampMax => self.clamp(call, steps, sink),
            F::Round => self.round(call, steps, sink),
            F::DayOfMonth | F::DayOfWeek | F::DayOfYear | F::DaysInMonth | F::Hour | F::Minute | F::Month | F::Year => {
                self.date(call, steps, sink)
            }
            F::LabelReplace => self.label_replace(call, steps, sink),
            F::LabelJoin => self.label_join(call, steps, sink),
            F::Sort | F::SortDesc | F::SortByLabel | F::SortByLabelDesc => self.sort(call, whole.span, steps, sink),
            F::Timestamp | F::StartTimestamp => self.timestamp(call, steps, sink),
            F::Vector => {
                let floats = self.scalar(&call.args[0], steps)?;
                let mut series = Series::default();
                series.column.floats = floats;
                sink(&mut series)
            }
            F::HistogramQuantile | F::HistogramFraction => self.histogram_function(call, steps, sink),
            F::HistogramQuantiles => self.histogram_quantiles(call, steps, sink),
            F::HistogramAvg | F::HistogramCount | F::HistogramSum | F::HistogramStddev | F::HistogramStdvar => {
                self.histogram_statistic(call, steps, sink)
            }
            F::Info => self.info(call, steps, sink),
            _ => self.over_time(call, whole, steps, sink),
        }
    }

    pub(super) fn scalar_call(&self, call: &Call, steps: &Steps) -> Result<Vec<f64>, QueryError> {
        use FunctionId as F;
        let seconds = |millis: i64| millis as f64 / 1000.0;
        let constant = |value: f64| Ok(vec![value; steps.count]);
        match call.function.id {
            F::Pi => constant(std::f64::consts::PI),
            F::Time => Ok(steps.times().map(seconds).collect()),
            F::Start => constant(seconds(self.bounds.start)),
            F::End => constant(seconds(self.bounds.end)),
            F::Step => constant(seconds(self.bounds.step)),
            F::Range => constant(seconds(self.bounds.end - self.bounds.start)),
            F::MinOf | F::MaxOf => {
                let pick = if call.function.id == F::MinOf { super::resolve::go_min } else { super::resolve::go_max };
                let (a, b) = (self.scalar(&call.args[0], steps)?, self.scalar(&call.args[1], steps)?);
                Ok(a.into_iter().zip(b).map(|(a, b)| pick(a, b)).collect())
            }
            F::Scalar => self.only_float(&call.args[0], steps),
            _ => QueryError::execution("internal: a scalar function was expected"),
        }
    }

    /// The float of a vector that has exactly one; histograms do not count.
    fn only_float(&self, expr: &Expr, steps: &Steps) -> Result<Vec<f64>, QueryError> {
        let (mut values, mut counts) = (vec![f64::NAN; steps.count], vec![0u32; steps.count]);
        self.vector(expr, steps, &mut |series| {
            for (step, value) in series.column.floats.iter().enumerate().filter(|(_, v)| !super::is_absent(**v)) {
                counts[step] = counts[step].saturating_add(1);
                values[step] = if counts[step] == 1 { *value } else { f64::NAN };
            }
            Ok(())
        })?;
        Ok(values)
    }

    fn date(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let id = call.function.id;
        match call.args.first() {
            Some(arg) => self.map_floats(arg, steps, sink, &|_, value| Some(super::dates::part(id, value))),
            None => {
                let mut series = Series::default();
                series.column.floats = steps.times().map(|at| super::dates::part(id, (at as f64 / 1000.0).floor())).collect();
                sink(&mut series)
            }
        }
    }

    /// Of a selector the samples' own times; of anything else the evaluation time.
    fn timestamp(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let arg = &call.args[0];
        let what = if call.function.id == FunctionId::Timestamp { Yield::Time } else { Yield::Start };
        let ExprKind::Selector(selector) = &arg.unwrapped().kind else {
            return self.unique(arg, sink, &mut |unique| {
                self.vector(arg, steps, &mut |series| {
                    for step in 0..series.column.len() {
                        if !series.column.is_present(step) {
                            continue;
                        }
                        if what == Yield::Time {
                            series.column.set(step, super::Cell::Float(steps.at(step) as f64 / 1000.0));
                        } else {
                            series.column.remove(step);
                        }
                    }
                    self.drop_name(series);
                    if series.column.is_empty() { Ok(()) } else { unique(series) }
                })
            });
        };
        self.unique(arg, sink, &mut |unique| {
            self.selector(selector, steps, what, &mut |series| {
                self.drop_name(series);
                unique(series)
            })
        })
    }
}
