//! What records of a write-ahead log say. Each is given out as it is read, so that none is held whole in two forms.

use crate::blocks::bytes::Reader;
use crate::blocks::error::Decoded;
use crate::model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA, ResetHint};
use crate::model::{Exemplar, Histogram, Labels, Metadata, MetricType, TimestampMs};

/// One thing that a record says; `series` is the head's reference of it.
#[derive(Clone, Debug)]
pub enum Entry {
    Series {
        series: u64,
        labels: Labels,
    },
    Float {
        series: u64,
        at: i64,
        value: f64,
    },
    Histogram {
        series: u64,
        at: i64,
        histogram: Histogram,
    },
    /// Samples between the two times are deleted.
    Tombstone {
        series: u64,
        first: i64,
        last: i64,
    },
    Exemplar {
        series: u64,
        at: i64,
        exemplar: Exemplar,
    },
    Metadata {
        series: u64,
        metadata: Metadata,
    },
}

const HINTS: [ResetHint; 4] = [ResetHint::Unknown, ResetHint::Reset, ResetHint::NotReset, ResetHint::Gauge];
const TYPES: [MetricType; 8] = [
    MetricType::Unknown,
    MetricType::Counter,
    MetricType::Gauge,
    MetricType::Histogram,
    MetricType::GaugeHistogram,
    MetricType::Summary,
    MetricType::Info,
    MetricType::StateSet,
];

/// Calls with everything that a record says. `Ok(false)`: a kind of record that this promlet does not know.
pub fn decode(bytes: &[u8], mut each: impl FnMut(Entry)) -> Decoded<bool> {
    let mut reader = Reader::new(bytes);
    let r = &mut reader;
    match r.u8()? {
        1 => {
            while !r.is_empty() {
                each(Entry::Series { series: r.u64()?, labels: labels(r)? });
            }
        }
        2 => of_samples(r, &mut each, float)?,
        3 => {
            while !r.is_empty() {
                each(Entry::Tombstone { series: r.u64()?, first: r.varint()?, last: r.varint()? });
            }
        }
        4 => of_samples(r, &mut each, |r, series, at| {
            let value = r.f64()?;
            let exemplar = Exemplar { value, labels: labels(r)?, at: Some(TimestampMs(at)) };
            Ok(Entry::Exemplar { series, at, exemplar })
        })?,
        // Where late samples were written to chunks, and the oldest time of a checkpoint: both are only shortcuts.
        5 | 14 => {}
        6 => {
            while !r.is_empty() {
                each(Entry::Metadata { series: r.uvarint()?, metadata: metadata(r)? });
            }
        }
        7 | 9 => of_samples(r, &mut each, whole)?,
        8 | 10 => of_samples(r, &mut each, fractions)?,
        11 => of_samples_with_starts(r, true, &mut each, float)?,
        12 => of_samples_with_starts(r, false, &mut each, whole)?,
        13 => of_samples_with_starts(r, false, &mut each, fractions)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn float(r: &mut Reader<'_>, series: u64, at: i64) -> Decoded<Entry> {
    Ok(Entry::Float { series, at, value: r.f64()? })
}

fn whole(r: &mut Reader<'_>, series: u64, at: i64) -> Decoded<Entry> {
    Ok(Entry::Histogram { series, at, histogram: whole_histogram(r)? })
}

fn fractions(r: &mut Reader<'_>, series: u64, at: i64) -> Decoded<Entry> {
    Ok(Entry::Histogram { series, at, histogram: float_histogram(r)? })
}

type Take = fn(&mut Reader<'_>, u64, i64) -> Decoded<Entry>;

/// Series and times as differences to the first.
fn of_samples(r: &mut Reader<'_>, each: &mut impl FnMut(Entry), take: Take) -> Decoded<()> {
    if r.is_empty() {
        return Ok(());
    }
    let (base, time) = (r.u64()?, r.i64()?);
    while !r.is_empty() {
        let (series, at) = (base.wrapping_add(r.varint()? as u64), time.wrapping_add(r.varint()?));
        each(take(r, series, at)?);
    }
    Ok(())
}

/// Series as differences to the one before, times to the first; start timestamps are stepped over.
fn of_samples_with_starts(r: &mut Reader<'_>, is_float: bool, each: &mut impl FnMut(Entry), take: Take) -> Decoded<()> {
    if r.is_empty() {
        return Ok(());
    }
    let (mut series, first) = (r.varint()?, r.varint()?);
    r.varint()?;
    let mut at = first;
    let mut is_first = true;
    // Histogram records may state the first sample's head and then hold none.
    while (is_first && is_float) || !r.is_empty() {
        if !is_first {
            series = series.wrapping_add(r.varint()?);
            at = first.wrapping_add(r.varint()?);
            if r.u8()? > 1 {
                r.varint()?;
            }
        }
        is_first = false;
        each(take(r, series as u64, at)?);
    }
    Ok(())
}

fn labels(r: &mut Reader<'_>) -> Decoded<Labels> {
    let count = r.count(2)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((r.text()?, r.text()?));
    }
    let in_order = pairs.windows(2).all(|pair| pair[0].0 < pair[1].0) && pairs.iter().all(|(_, value)| !value.is_empty());
    Ok(if in_order { Labels::from_sorted(pairs) } else { Labels::from_pairs(pairs) })
}

fn metadata(r: &mut Reader<'_>) -> Decoded<Metadata> {
    let metric_type = TYPES.get(usize::from(r.u8()?)).copied().unwrap_or_default();
    let mut metadata = Metadata { metric_type, ..Metadata::default() };
    for _ in 0..r.count(2)? {
        match (r.text()?, r.text()?) {
            ("UNIT", unit) => metadata.unit = unit.to_owned(),
            ("HELP", help) => metadata.help = help.to_owned(),
            _ => {}
        }
    }
    Ok(metadata)
}

fn spans(r: &mut Reader<'_>) -> Decoded<Vec<BucketSpan>> {
    let count = r.count(2)?;
    (0..count).map(|_| Ok(BucketSpan { offset: r.varint32()?, length: r.uvarint32()? })).collect()
}

fn floats(r: &mut Reader<'_>) -> Decoded<Vec<f64>> {
    let count = r.count(8)?;
    (0..count).map(|_| r.f64()).collect()
}

/// Counts that are stated as differences to the bucket before.
fn differences(r: &mut Reader<'_>) -> Decoded<Vec<f64>> {
    let (count, mut total) = (r.count(1)?, 0i64);
    let mut counts = Vec::with_capacity(count);
    for _ in 0..count {
        total = total.wrapping_add(r.varint()?);
        counts.push(total as f64);
    }
    Ok(counts)
}

/// Spans name as many buckets as there are counts.
fn checked(r: &Reader<'_>, histogram: Histogram) -> Decoded<Histogram> {
    let of = |spans: &[BucketSpan]| spans.iter().map(|span| u64::from(span.length)).sum::<u64>();
    let agree = of(&histogram.positive_spans) == histogram.positive_counts.len() as u64
        && of(&histogram.negative_spans) == histogram.negative_counts.len() as u64;
    if agree { Ok(histogram) } else { r.damaged("a histogram with other buckets than its spans name") }
}

fn whole_histogram(r: &mut Reader<'_>) -> Decoded<Histogram> {
    let reset_hint = HINTS.get(usize::from(r.u8()?)).copied().unwrap_or_default();
    let (schema, zero_threshold) = (r.varint32()?, r.f64()?);
    let (zero_count, count, sum) = (r.uvarint()? as f64, r.uvarint()? as f64, r.f64()?);
    let (positive_spans, negative_spans) = (spans(r)?, spans(r)?);
    let (positive_counts, negative_counts) = (differences(r)?, differences(r)?);
    let custom_bounds = if schema == CUSTOM_BUCKETS_SCHEMA { floats(r)? } else { Vec::new() };
    checked(
        r,
        Histogram {
            schema,
            zero_threshold,
            zero_count,
            count,
            sum,
            positive_spans,
            positive_counts,
            negative_spans,
            negative_counts,
            custom_bounds,
            reset_hint,
        },
    )
}

fn float_histogram(r: &mut Reader<'_>) -> Decoded<Histogram> {
    let reset_hint = HINTS.get(usize::from(r.u8()?)).copied().unwrap_or_default();
    let (schema, zero_threshold) = (r.varint32()?, r.f64()?);
    let (zero_count, count, sum) = (r.f64()?, r.f64()?, r.f64()?);
    let (positive_spans, negative_spans) = (spans(r)?, spans(r)?);
    let (positive_counts, negative_counts) = (floats(r)?, floats(r)?);
    let custom_bounds = if schema == CUSTOM_BUCKETS_SCHEMA { floats(r)? } else { Vec::new() };
    checked(
        r,
        Histogram {
            schema,
            zero_threshold,
            zero_count,
            count,
            sum,
            positive_spans,
            positive_counts,
            negative_spans,
            negative_counts,
            custom_bounds,
            reset_hint,
        },
    )
}
