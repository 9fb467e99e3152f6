//! What test files need of native histograms: comparison, reset hints as a store gives them, classic families as custom buckets.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::native::{detect_reset, equal_compact};
use super::series::Values;
use crate::model::histogram::buckets::spanned;
use crate::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, ResetHint};
use crate::model::number::format_general;
use crate::model::{Histogram, Labels, METRIC_NAME, Value};

/// Values as a store gives them back: a counter histogram that follows another without a reset says so.
pub fn with_reset_hints(values: &Values) -> Values {
    let mut previous: Option<Arc<Histogram>> = None;
    let hinted = |value: &Option<Value>| {
        let Some(Value::Histogram(histogram)) = value else {
            // A float between histograms begins a new run of them.
            if value.is_some() {
                previous = None;
            }
            return value.clone();
        };
        let mut out = Histogram::clone(histogram);
        if out.reset_hint != ResetHint::Gauge {
            out.reset_hint = match &previous {
                Some(before) if before.reset_hint != ResetHint::Gauge && !detect_reset(histogram, before) => ResetHint::NotReset,
                // A store that finds a reset begins a new chunk, which does not tell why it began.
                _ => out.reset_hint,
            };
        }
        previous = Some(Arc::new(Histogram { reset_hint: out.reset_hint, ..Histogram::clone(histogram) }));
        Some(Value::Histogram(Arc::new(out)))
    };
    values.iter().map(hinted).collect()
}

/// A histogram in the notation of test files, `{{count:2 sum:3 buckets:[2]}}`: zeros are left out, and each side is one run of buckets.
pub fn description(histogram: &Histogram) -> String {
    let mut parts = Vec::new();
    if histogram.schema != 0 {
        parts.push(format!("schema:{}", histogram.schema));
    }
    let numbers =
        [("count", histogram.count), ("sum", histogram.sum), ("z_bucket", histogram.zero_count), ("z_bucket_w", histogram.zero_threshold)];
    parts.extend(numbers.iter().filter(|(_, value)| *value != 0.0).map(|(name, value)| format!("{name}:{}", format_general(*value))));
    if histogram.uses_custom_buckets() {
        parts.push(format!("custom_values:{}", list(&histogram.custom_bounds)));
    }
    match histogram.reset_hint {
        ResetHint::Unknown => {}
        ResetHint::Reset => parts.push("counter_reset_hint:reset".to_owned()),
        ResetHint::NotReset => parts.push("counter_reset_hint:not_reset".to_owned()),
        ResetHint::Gauge => parts.push("counter_reset_hint:gauge".to_owned()),
    }
    let sides =
        [("", &histogram.positive_spans, &histogram.positive_counts), ("n_", &histogram.negative_spans, &histogram.negative_counts)];
    for (prefix, spans, counts) in sides {
        let (offset, run) = one_run(spans, counts);
        if offset != 0 {
            parts.push(format!("{prefix}offset:{offset}"));
        }
        if !run.is_empty() {
            parts.push(format!("{prefix}buckets:{}", list(&run)));
        }
    }
    format!("{{{{{}}}}}", parts.join(" "))
}

fn list(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().copied().map(format_general).collect();
    format!("[{}]", values.join(" "))
}

/// The first populated bucket's index, and all counts from there to the last populated one.
fn one_run(spans: &[BucketSpan], counts: &[f64]) -> (i32, Vec<f64>) {
    let mut counts = counts.iter();
    let (mut index, mut first, mut run) = (0_i64, 0_i64, Vec::new());
    for span in spans {
        index += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            if *count != 0.0 {
                if run.is_empty() {
                    first = index;
                }
                run.resize(usize::try_from(index - first).unwrap_or(0), 0.0);
                run.push(*count);
            }
            index += 1;
        }
    }
    (i32::try_from(first).unwrap_or(0), run)
}

/// Equal but for empty buckets; the reset hint counts only where the expectation states one.
pub fn same_histogram(expected: &Histogram, got: &Histogram, almost_equal: fn(f64, f64) -> bool) -> bool {
    let hints = expected.reset_hint == ResetHint::Unknown || expected.reset_hint == got.reset_hint;
    hints && equal_compact(expected, got, almost_equal)
}

/// The families among the series that are classic histograms, as native ones with custom bounds.
pub fn classic_to_native(series: &[(Labels, Values)]) -> Vec<(Labels, Values)> {
    let mut families: BTreeMap<Labels, Family> = BTreeMap::new();
    for (labels, values) in series {
        let name = labels.metric_name();
        for (suffix, part) in [("_bucket", Part::Bucket), ("_count", Part::Count), ("_sum", Part::Sum)] {
            let Some(base) = name.strip_suffix(suffix) else { continue };
            let bound = labels.get("le").and_then(|le| le.parse::<f64>().ok());
            if (part == Part::Bucket) != bound.is_some() {
                continue;
            }
            let mut key = labels.to_builder();
            key.set(METRIC_NAME, base).remove("le");
            let family = families.entry(key.build()).or_default();
            match (part, bound) {
                (Part::Bucket, Some(bound)) => family.add_bucket(bound, values),
                (Part::Count, _) => family.counts = Some(values.clone()),
                _ => family.sums = Some(values.clone()),
            }
        }
    }
    families.into_iter().filter(|(_, family)| !family.buckets.is_empty()).map(|(labels, family)| (labels, family.native())).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Bucket,
    Count,
    Sum,
}

#[derive(Default)]
struct Family {
    /// By upper bound.
    buckets: Vec<(f64, Values)>,
    counts: Option<Values>,
    sums: Option<Values>,
}

fn float(values: Option<&Values>, at: usize) -> Option<f64> {
    match values?.get(at)? {
        Some(Value::Float(value)) => Some(*value),
        _ => None,
    }
}

impl Family {
    /// Of two spellings of one bound the later counts.
    fn add_bucket(&mut self, bound: f64, values: &Values) {
        self.buckets.retain(|(b, _)| *b != bound);
        self.buckets.push((bound, values.clone()));
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    }

    fn native(&self) -> Values {
        let length = self.buckets.iter().map(|(_, v)| v.len()).max().unwrap_or(0);
        (0..length).map(|at| self.at(at).map(|h| Value::Histogram(Arc::new(h)))).collect()
    }

    fn at(&self, at: usize) -> Option<Histogram> {
        let cumulative: Vec<(f64, f64)> = self.buckets.iter().filter_map(|(b, v)| float(Some(v), at).map(|v| (*b, v))).collect();
        let highest = cumulative.last()?.1;
        let count = float(self.counts.as_ref(), at).unwrap_or(highest);
        let bounds: Vec<f64> = cumulative.iter().map(|(b, _)| *b).filter(|b| b.is_finite()).collect();
        let mut before = 0.0;
        let mut counts = Vec::new();
        for (place, (_, total)) in cumulative.iter().enumerate() {
            counts.push((place as i32, total - before));
            before = *total;
        }
        if bounds.len() == cumulative.len() {
            counts.push((bounds.len() as i32, count - before));
        }
        let (positive_spans, positive_counts) = spanned(counts.into_iter().filter(|(_, c)| *c != 0.0));
        Some(Histogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count,
            sum: float(self.sums.as_ref(), at).unwrap_or(0.0),
            positive_spans,
            positive_counts,
            custom_bounds: bounds,
            ..Histogram::default()
        })
    }
}
