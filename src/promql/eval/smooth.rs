//! `smoothed` instant selectors: at each step the value on the line between the samples before and after it.

use super::over::interpolated;
use super::window::{Frames, RangeSeries};
use super::{Cell, Eval, Series, Sink, Steps};
use crate::model::{DurationMs, Span, Value};
use crate::promql::annotation::Note;
use crate::promql::ast::{Length, RangeSelector, Selector};
use crate::promql::error::QueryError;

impl Eval<'_> {
    pub(super) fn smoothed_selector(&self, selector: &Selector, span: Span, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let range = RangeSelector { selector: selector.clone(), selector_span: span, range: Length::Fixed(DurationMs(0)) };
        let mut out = Series::default();
        self.range_selector(&range, steps, &mut |series| {
            out.column.reset(steps.count);
            for step in 0..steps.count {
                self.smooth(series, step, span, &mut out);
            }
            if out.column.is_empty() {
                return Ok(());
            }
            out.labels.clear();
            out.labels.extend_from_slice(series.labels);
            out.drop_name = false;
            sink(&mut out)
        })
    }

    fn smooth(&self, series: &RangeSeries<'_>, step: usize, span: Span, out: &mut Series) {
        let metric = || self.symbols.metric_name_of(series.labels);
        let at = Frames::end(series.frames, step);
        let points = series.points(step);
        let after = points.partition_point(|(time, _)| *time <= at);
        let Some(before) = after.checked_sub(1).map(|i| points[i]) else { return };
        let next = points.get(after).copied();
        match next {
            Some(next) if before.0 < at => match interpolated(before, next, at) {
                Some(Ok(Value::Float(value))) => out.column.set(step, Cell::Float(value)),
                Some(Ok(Value::Histogram(histogram))) => out.column.set_histogram(step, histogram),
                Some(Err(_)) => self.notes.warn(span, &Note::MixedSchemas(&metric())),
                None => self.notes.warn(span, &Note::MixedFloatsHistograms(&metric())),
            },
            _ => out.column.set(step, before.1),
        }
    }
}
