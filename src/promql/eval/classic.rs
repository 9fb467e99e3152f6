//! `histogram_quantile` and `histogram_fraction` over classic buckets, and the way to native histograms.

mod tensor;

use hashbrown::HashMap;

use super::{Cell, Column, Eval, Series, Sink, Steps};
use crate::model::Span;
use crate::promql::annotation::{Note, Repairs};
use crate::promql::ast::{Call, Expr};
use crate::promql::error::QueryError;
use crate::promql::functions::FunctionId;
use crate::promql::native;
use crate::storage::LabelPair;

/// Differences below this share are rounding, not a bucket that shrank.
const SMALL_DELTA: f64 = 1e-12;

/// One series of buckets: labels without `le`.
struct Buckets {
    labels: Vec<LabelPair>,
    drop_name: bool,
    /// Upper bound and counts by step.
    bounds: Vec<(f64, Column)>,
    /// The native histograms under these labels.
    native: Option<Column>,
}

/// A bucket at one step.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper: f64,
    count: f64,
}

/// What was done to make counts rise.
#[derive(Default)]
struct Repair {
    forced: bool,
    lowest: f64,
    highest: f64,
    largest: f64,
}

/// What is asked of the buckets of one step.
pub enum Ask {
    Quantile(f64),
    Fraction(f64, f64),
}

impl Eval<'_> {
    pub(super) fn histogram_function(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let Some(input) = call.args.last() else { return QueryError::execution("internal: a vector was expected") };
        let first = self.scalar(&call.args[0], steps)?;
        let quantile = call.function.id == FunctionId::HistogramQuantile;
        let second = if quantile { Vec::new() } else { self.scalar(&call.args[1], steps)? };
        if quantile {
            self.check_phis(&first, input.span, call.args[0].argument_span());
        }
        let asks: Vec<Ask> =
            (0..steps.count).map(|i| if quantile { Ask::Quantile(first[i]) } else { Ask::Fraction(first[i], second[i]) }).collect();
        let all = self.buckets(input, steps)?;
        let mut scratch = Vec::new();
        self.unique(input, sink, &mut |unique| {
            for buckets in &all {
                self.guard.work(steps.count * (1 + buckets.bounds.len()))?;
                let mut out = Series { labels: buckets.labels.clone(), drop_name: buckets.drop_name, column: Column::of(steps.count) };
                let plain = quantile && buckets.native.is_none();
                let left = if plain {
                    tensor::quantiles(&buckets.bounds, &first, |step, value| out.column.floats[step] = value)
                } else {
                    (0..steps.count).collect()
                };
                for (step, ask) in left.into_iter().map(|step| (step, &asks[step])) {
                    if let Some(value) = self.answer(buckets, ask, step, input.argument_span(), steps, &mut scratch) {
                        out.column.floats[step] = value;
                    }
                }
                if !out.column.is_empty() {
                    self.drop_name(&mut out);
                    unique(&mut out)?;
                }
            }
            Ok(())
        })
    }

    /// Several quantiles, each under its own value of a label.
    pub(super) fn histogram_quantiles(&self, call: &Call, steps: &Steps, sink: &mut Sink<'_>) -> Result<(), QueryError> {
        let [input, label, phis @ ..] = call.args.as_slice() else {
            return QueryError::execution("internal: histogram_quantiles takes at least three arguments");
        };
        let label = self.symbols.get(self.utf8(label)?);
        let all = self.buckets(input, steps)?;
        let mut wanted = Vec::new();
        for phi in phis {
            let values = self.scalar(phi, steps)?;
            self.check_phis(&values, phi.span, phi.argument_span());
            wanted.push(values);
        }
        self.merged(sink, &mut |out| {
            for buckets in &all {
                for phis in &wanted {
                    self.one_of_quantiles(buckets, phis, label, input.argument_span(), steps, out)?;
                }
            }
            Ok(())
        })
    }

    fn one_of_quantiles(
        &self,
        buckets: &Buckets,
        phis: &[f64],
        label: crate::storage::Symbol,
        span: Span,
        steps: &Steps,
        out: &mut Sink<'_>,
    ) -> Result<(), QueryError> {
        let mut scratch = Vec::new();
        for (step, phi) in phis.iter().enumerate() {
            let Some(value) = self.answer(buckets, &Ask::Quantile(*phi), step, span, steps, &mut scratch) else { continue };
            let mut series = Series { labels: buckets.labels.clone(), drop_name: buckets.drop_name, column: Column::of(steps.count) };
            self.drop_name(&mut series);
            self.symbols.set(&mut series.labels, label, &crate::model::number::format_open_metrics(*phi));
            series.column.floats[step] = value;
            out(&mut series)?;
        }
        Ok(())
    }

    fn check_phis(&self, phis: &[f64], whole: Span, span: Span) {
        for phi in phis.iter().filter(|p| p.is_nan() || **p < 0.0 || **p > 1.0) {
            self.notes.warn_of(whole, span, &Note::InvalidQuantile(*phi));
        }
    }

    /// Series that differ in `le` only, together; native histograms join those of their labels.
    fn buckets(&self, input: &Expr, steps: &Steps) -> Result<Vec<Buckets>, QueryError> {
        let mut all: Vec<Buckets> = Vec::new();
        let mut places: HashMap<Vec<LabelPair>, usize> = HashMap::new();
        self.vector(input, steps, &mut |series| {
            self.guard.hold(series.column.len())?;
            let has_floats = series.column.floats.iter().any(|v| !super::is_absent(*v));
            if has_floats {
                let metric = self.symbols.metric_name_of(&series.labels);
                let le =
                    super::symbols::Symbols::value_of(&series.labels, self.symbols.le).map_or_else(|| "".into(), |v| self.symbols.text(v));
                match parse_bound(&le) {
                    Some(upper) => {
                        let mut labels = series.labels.clone();
                        labels.retain(|p| p.name != self.symbols.le);
                        let place = place_of(&mut all, &mut places, labels, series.drop_name);
                        let floats = Column { floats: std::mem::take(&mut series.column.floats), histograms: Vec::new() };
                        all[place].bounds.push((upper, floats));
                    }
                    None => self.notes.warn(input.argument_span(), &Note::BadBucketLabel { value: &le, metric: &metric }),
                }
            }
            if series.column.histograms.iter().any(Option::is_some) {
                let place = place_of(&mut all, &mut places, series.labels.clone(), series.drop_name);
                let histograms = std::mem::take(&mut series.column.histograms);
                all[place].native = Some(Column { histograms, ..Column::of(steps.count) });
            }
            Ok(())
        })?;
        for buckets in &mut all {
            buckets.bounds.sort_by(|a, b| super::quantile::nan_first(a.0, b.0));
        }
        Ok(all)
    }

    /// `buckets` is a buffer that is used again and again.
    fn answer(&self, all: &Buckets, ask: &Ask, step: usize, span: Span, steps: &Steps, buckets: &mut Vec<Bucket>) -> Option<f64> {
        let metric = || self.symbols.metric_name_of(&all.labels);
        buckets.clear();
        for (upper, column) in &all.bounds {
            let count = column.floats[step];
            if !super::is_absent(count) {
                buckets.push(Bucket { upper: *upper, count });
            }
        }
        let native = all.native.as_ref().map_or(Cell::Nothing, |c| c.cell(step));
        if let Cell::Histogram(histogram) = native {
            if !buckets.is_empty() {
                self.notes.warn(span, &Note::MixedClassicNative(&metric()));
                return None;
            }
            return Some(native::ask(self, histogram, ask, span, &metric()));
        }
        if buckets.is_empty() {
            return None;
        }
        match ask {
            Ask::Quantile(phi) => {
                let (value, repair) = quantile(*phi, buckets);
                if repair.forced {
                    let at = steps.at(step);
                    let repairs = Repairs {
                        lowest: repair.lowest,
                        highest: repair.highest,
                        largest_difference: repair.largest,
                        samples: 1,
                        first: at,
                        last: at,
                    };
                    // Without delayed removal the name is gone by now, as in Prometheus.
                    let name = if self.features.delayed_name_removal { metric() } else { "".into() };
                    self.notes.repaired(span, &name, &repairs);
                }
                Some(value)
            }
            Ask::Fraction(lower, upper) => Some(fraction(*lower, *upper, buckets)),
        }
    }
}

fn place_of(all: &mut Vec<Buckets>, places: &mut HashMap<Vec<LabelPair>, usize>, labels: Vec<LabelPair>, drop_name: bool) -> usize {
    if let Some(place) = places.get(&labels) {
        all[*place].drop_name |= drop_name;
        return *place;
    }
    places.insert(labels.clone(), all.len());
    all.push(Buckets { labels, drop_name, bounds: Vec::new(), native: None });
    all.len() - 1
}

/// Go's `ParseFloat` of a `le` value.
fn parse_bound(le: &str) -> Option<f64> {
    le.parse().ok()
}

/// Merges equal bounds, given in other spellings; false where there is no last bucket without bound.
fn coalesced(buckets: &mut Vec<Bucket>) -> bool {
    buckets.dedup_by(|next, kept| {
        let equal = next.upper == kept.upper;
        if equal {
            kept.count += next.count;
        }
        equal
    });
    buckets.last().is_some_and(|b| b.upper == f64::INFINITY)
}

/// Merges equal bounds and makes counts rise with the bound.
fn prepared(buckets: &mut Vec<Bucket>) -> Option<Repair> {
    if !coalesced(buckets) {
        return None;
    }
    let mut repair = Repair::default();
    let mut previous = buckets.first()?.count;
    for bucket in buckets.iter_mut().skip(1) {
        let count = bucket.count;
        let close = count == previous || (count - previous).abs() <= SMALL_DELTA * (count.abs() + previous.abs());
        if close {
            bucket.count = previous;
            continue;
        }
        if count < previous {
            if !repair.forced {
                repair = Repair { forced: true, lowest: bucket.upper, highest: bucket.upper, largest: 0.0 };
            }
            repair.lowest = repair.lowest.min(bucket.upper);
            repair.highest = repair.highest.max(bucket.upper);
            repair.largest = repair.largest.max(previous - count);
            bucket.count = previous;
            continue;
        }
        previous = count;
    }
    Some(repair)
}

fn quantile(phi: f64, buckets: &mut Vec<Bucket>) -> (f64, Repair) {
    let trivial = |value| (value, Repair::default());
    if phi.is_nan() {
        return trivial(f64::NAN);
    }
    if phi < 0.0 {
        return trivial(f64::NEG_INFINITY);
    }
    if phi > 1.0 {
        return trivial(f64::INFINITY);
    }
    let Some(repair) = prepared(buckets) else { return trivial(f64::NAN) };
    let observations = buckets.last().map_or(0.0, |b| b.count);
    // Where nothing was observed there is nothing to tell of, either.
    if buckets.len() < 2 || observations == 0.0 {
        return trivial(f64::NAN);
    }
    let mut rank = phi * observations;
    // A count that is NaN is never enough.
    let is_enough = |b: &Bucket| b.count >= rank;
    let place = buckets[..buckets.len() - 1].partition_point(|b| !is_enough(b));
    if place == buckets.len() - 1 {
        return (buckets[buckets.len() - 2].upper, repair);
    }
    if place == 0 && buckets[0].upper <= 0.0 {
        return (buckets[0].upper, repair);
    }
    let (mut start, end, mut count) = (0.0, buckets[place].upper, buckets[place].count);
    if place > 0 {
        start = buckets[place - 1].upper;
        count -= buckets[place - 1].count;
        rank -= buckets[place - 1].count;
    }
    (start + (end - start) * (rank / count), repair)
}

/// Share of the observations between two bounds, by linear interpolation within buckets.
fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !coalesced(buckets) {
        return f64::NAN;
    }
    let count = buckets.last().map_or(0.0, |b| b.count);
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_at(upper, buckets, count).min(count) - rank_at(lower, buckets, count).min(count)) / count
}

/// How many observations lie at or below a value.
fn rank_at(value: f64, buckets: &[Bucket], count: f64) -> f64 {
    let mut before = 0.0;
    // Without negative bounds, nothing lies below zero.
    let mut start = if buckets.first().is_some_and(|b| b.upper <= 0.0) { f64::NEG_INFINITY } else { 0.0 };
    for bucket in buckets {
        if value <= start {
            return before;
        }
        if value < bucket.upper {
            if start == f64::NEG_INFINITY {
                return bucket.count;
            }
            return before + (bucket.count - before) * (value - start) / (bucket.upper - start);
        }
        (before, start) = (bucket.count, bucket.upper);
    }
    count
}
