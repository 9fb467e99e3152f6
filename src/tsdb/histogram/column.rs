//! The native histograms of one page: what they share (schema, spans, bounds) is said once, and each bucket's counts become a page of
//! their own, so that the codecs of plain series do the rest. Where that is no shorter, histograms stand one by one.
//!
//! The format is drawn in `docs/format/segment.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{HINTS, put_float, put_floats, put_spans, take_float, take_floats, take_spans};
use crate::model::Histogram;
use crate::model::histogram::{BucketSpan, ResetHint};
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_varint};
use crate::tsdb::limits::{HISTOGRAM_COUNTS_MAX, HISTOGRAM_SHAPES_MAX, STRIPE_ROWS_MAX};
use crate::tsdb::page::decode::{Decoder, decode};
use crate::tsdb::page::ints::{put_stream, take_stream};
use crate::tsdb::page::{PageColumn, encode};

const EACH: u8 = 0;
const BY_BUCKET: u8 = 1;

/// Buffers that are used again from column to column.
#[derive(Default)]
pub struct Buffers {
    page: PageColumn,
    bytes: Vec<u8>,
    ints: Vec<i64>,
    each: Vec<u8>,
    by_bucket: Vec<u8>,
}

impl Buffers {
    fn put_page(&mut self, values: impl Iterator<Item = f64>) {
        self.page.clear();
        self.page.floats.extend(values);
        self.bytes.clear();
        encode(&mut self.page, &mut self.bytes);
        put_varint(&mut self.by_bucket, self.bytes.len() as u64);
        self.by_bucket.extend_from_slice(&self.bytes);
    }
}

/// What histograms that follow each other mostly share.
#[derive(Clone, Debug)]
struct Shape {
    schema: i32,
    zero_threshold: f64,
    positive_spans: Vec<BucketSpan>,
    negative_spans: Vec<BucketSpan>,
    custom_bounds: Vec<f64>,
}

/// A bucket among all of a column: negative ones after the others, then by index.
type Bucket = (bool, i64);

impl Shape {
    fn of(h: &Histogram) -> Self {
        Self {
            schema: h.schema,
            zero_threshold: h.zero_threshold,
            positive_spans: h.positive_spans.clone(),
            negative_spans: h.negative_spans.clone(),
            custom_bounds: h.custom_bounds.clone(),
        }
    }

    fn fits(&self, h: &Histogram) -> bool {
        self.schema == h.schema
            && self.zero_threshold.to_bits() == h.zero_threshold.to_bits()
            && self.positive_spans == h.positive_spans
            && self.negative_spans == h.negative_spans
            && self.custom_bounds.len() == h.custom_bounds.len()
            && self.custom_bounds.iter().zip(&h.custom_bounds).all(|(a, b)| a.to_bits() == b.to_bits())
    }

    /// Its buckets in order; none where they do not ascend or are more than `most`.
    fn buckets(&self, most: usize) -> Option<Vec<Bucket>> {
        let mut buckets = Vec::new();
        for (is_negative, spans) in [(false, &self.positive_spans), (true, &self.negative_spans)] {
            let (mut next, mut is_first) = (0i64, true);
            for span in spans {
                if !is_first && span.offset < 0 || buckets.len() + span.length as usize > most {
                    return None;
                }
                let from = next + i64::from(span.offset);
                next = from + i64::from(span.length);
                buckets.extend((from..next).map(|index| (is_negative, index)));
                is_first = false;
            }
        }
        Some(buckets)
    }

    /// How many numbers a histogram of this shape holds beside its counts.
    fn others(&self) -> usize {
        self.positive_spans.len() + self.negative_spans.len() + self.custom_bounds.len()
    }

    fn positives(&self) -> usize {
        self.positive_spans.iter().map(|span| span.length as usize).sum()
    }

    fn put(&self, out: &mut Vec<u8>) {
        crate::tsdb::bytes::put_signed(out, i64::from(self.schema));
        put_float(out, self.zero_threshold);
        put_spans(out, &self.positive_spans);
        put_spans(out, &self.negative_spans);
        put_floats(out, &self.custom_bounds);
    }

    fn take(reader: &mut Reader<'_>) -> Decoded<Self> {
        Ok(Self {
            schema: i32::try_from(reader.signed()?).map_err(|_| Damaged("a histogram's schema is too large"))?,
            zero_threshold: take_float(reader)?,
            positive_spans: take_spans(reader)?,
            negative_spans: take_spans(reader)?,
            custom_bounds: take_floats(reader)?,
        })
    }
}

/// Histograms that follow each other with one shape and one hint.
#[derive(Clone, Copy, Debug)]
struct Run {
    shape: usize,
    hint: usize,
    first: usize,
    length: usize,
}

/// For each bucket in order the runs that have it, and its place in each.
fn members(shapes: &[Vec<Bucket>], runs: &[Run]) -> BTreeMap<Bucket, Vec<(Run, usize)>> {
    let mut members: BTreeMap<Bucket, Vec<(Run, usize)>> = BTreeMap::new();
    for run in runs {
        for (place, bucket) in shapes[run.shape].iter().enumerate() {
            members.entry(*bucket).or_default().push((*run, place));
        }
    }
    members
}

/// Where both halves' counts stand in one row.
fn place(h: &Histogram, place: usize) -> f64 {
    let positives = h.positive_counts.len();
    if place < positives { h.positive_counts[place] } else { h.negative_counts[place - positives] }
}

/// What the count is where every observation is in a bucket.
fn counted(h: &Histogram) -> f64 {
    h.positive_counts.iter().chain(&h.negative_counts).fold(h.zero_count, |sum, count| sum + count)
}

/// Appends the histograms (page, row, value) of one page, which are ascending by row.
pub fn put(out: &mut Vec<u8>, histograms: &[(u32, u32, Arc<Histogram>)], buffers: &mut Buffers) {
    put_varint(out, histograms.len() as u64);
    let rows: Vec<i64> = histograms.iter().map(|(_, row, _)| i64::from(*row)).collect();
    put_stream(out, &rows, &mut buffers.ints);
    let mut each = std::mem::take(&mut buffers.each);
    each.clear();
    histograms.iter().for_each(|(.., histogram)| super::put(&mut each, histogram));
    let is_shorter = put_by_bucket(histograms, buffers) && buffers.by_bucket.len() < each.len();
    out.push(if is_shorter { BY_BUCKET } else { EACH });
    out.extend_from_slice(if is_shorter { &buffers.by_bucket } else { &each });
    buffers.each = each;
}

/// Fills `by_bucket`; false where histograms are not like that.
fn put_by_bucket(histograms: &[(u32, u32, Arc<Histogram>)], buffers: &mut Buffers) -> bool {
    let Some((shapes, runs)) = shapes(histograms) else { return false };
    let Some(buckets) = all_buckets(&shapes, &runs) else { return false };
    let is_whole = |run: &Run| {
        let h = &histograms[run.first].2;
        buckets[run.shape].len() == h.positive_counts.len() + h.negative_counts.len()
            && shapes[run.shape].positives() == h.positive_counts.len()
    };
    if !runs.iter().all(is_whole) {
        return false;
    }
    let out = &mut buffers.by_bucket;
    out.clear();
    put_varint(out, shapes.len() as u64);
    shapes.iter().for_each(|shape| shape.put(out));
    put_varint(out, runs.len() as u64);
    for run in &runs {
        put_varint(out, (run.shape * HINTS.len() + run.hint) as u64);
        put_varint(out, run.length as u64);
    }
    let all = || histograms.iter().map(|(.., h)| h);
    buffers.put_page(all().map(|h| h.zero_count));
    buffers.put_page(all().map(|h| h.sum));
    for of_bucket in members(&buckets, &runs).into_values() {
        let values =
            of_bucket.iter().flat_map(|(run, at)| histograms[run.first..run.first + run.length].iter().map(|(.., h)| place(h, *at)));
        buffers.put_page(values);
    }
    if all().all(|h| h.count.to_bits() == counted(h).to_bits()) {
        put_varint(&mut buffers.by_bucket, 0);
    } else {
        buffers.put_page(all().map(|h| h.count));
    }
    true
}

/// The buckets of each shape; none where a shape's do not ascend, or where all histograms together would hold too many numbers.
fn all_buckets(shapes: &[Shape], runs: &[Run]) -> Option<Vec<Vec<Bucket>>> {
    let (mut left, mut buckets) = (HISTOGRAM_COUNTS_MAX, Vec::with_capacity(shapes.len()));
    for shape in shapes {
        let of_shape = shape.buckets(left)?;
        left -= of_shape.len();
        buckets.push(of_shape);
    }
    let numbers = |run: &Run| run.length.checked_mul(buckets[run.shape].len() + shapes[run.shape].others());
    let held = runs.iter().try_fold(0usize, |sum, run| sum.checked_add(numbers(run)?))?;
    (held <= HISTOGRAM_COUNTS_MAX).then_some(buckets)
}

/// None where there are too many shapes, or a histogram whose counts are others than those of the run before.
fn shapes(histograms: &[(u32, u32, Arc<Histogram>)]) -> Option<(Vec<Shape>, Vec<Run>)> {
    let (mut shapes, mut runs): (Vec<Shape>, Vec<Run>) = (Vec::new(), Vec::new());
    for (first, (.., h)) in histograms.iter().enumerate() {
        // Mostly the newest one.
        let shape = match shapes.iter().rposition(|shape| shape.fits(h)) {
            Some(known) => known,
            None if shapes.len() >= HISTOGRAM_SHAPES_MAX => return None,
            None => {
                shapes.push(Shape::of(h));
                shapes.len() - 1
            }
        };
        let hint = HINTS.iter().position(|hint| *hint == h.reset_hint)?;
        match runs.last_mut() {
            Some(run) if (run.shape, run.hint) == (shape, hint) => {
                let before = &histograms[run.first].2;
                let lengths = |h: &Histogram| (h.positive_counts.len(), h.negative_counts.len());
                if lengths(before) != lengths(h) {
                    return None;
                }
                run.length += 1;
            }
            _ => runs.push(Run { shape, hint, first, length: 1 }),
        }
    }
    Some((shapes, runs))
}

/// Reads what [`put`] wrote: rows and histograms.
pub fn take(bytes: &[u8]) -> Decoded<Vec<(u32, Arc<Histogram>)>> {
    let mut reader = Reader::new(bytes);
    let count = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    if count > STRIPE_ROWS_MAX {
        return Err(Damaged("more histograms than rows"));
    }
    let mut rows = Vec::new();
    take_stream(&mut reader, count, &mut rows)?;
    let rows: Vec<u32> = rows.into_iter().map(u32::try_from).collect::<Result<_, _>>().map_err(|_| Damaged("a histogram's row"))?;
    if !rows.is_sorted() {
        return Err(Damaged("histograms out of order"));
    }
    let histograms = match reader.u8()? {
        EACH => (0..count).map(|_| super::take(&mut reader)).collect::<Decoded<Vec<_>>>()?,
        BY_BUCKET => take_by_bucket(&mut reader, count)?,
        _ => return Err(Damaged("histograms of an unknown kind")),
    };
    Ok(rows.into_iter().zip(histograms.into_iter().map(Arc::new)).collect())
}

fn take_by_bucket(reader: &mut Reader<'_>, count: usize) -> Decoded<Vec<Histogram>> {
    let mut shapes = Vec::new();
    for _ in 0..reader.count(6)? {
        shapes.push(Shape::take(reader)?);
    }
    let runs = take_runs(reader, count, shapes.len())?;
    let buckets = all_buckets(&shapes, &runs).ok_or(Damaged("a histogram of too many buckets"))?;
    let mut histograms = Vec::with_capacity(count);
    for run in &runs {
        let (shape, of_shape) = (&shapes[run.shape], buckets[run.shape].len());
        let blank = blank(shape, HINTS[run.hint], of_shape);
        histograms.resize(histograms.len() + run.length, blank);
    }
    let mut decoder = Decoder::default();
    take_page(reader, count, &mut decoder)?;
    histograms.iter_mut().zip(&decoder.floats).for_each(|(h, value)| h.zero_count = *value);
    take_page(reader, count, &mut decoder)?;
    histograms.iter_mut().zip(&decoder.floats).for_each(|(h, value)| h.sum = *value);
    for of_bucket in members(&buckets, &runs).into_values() {
        take_page(reader, of_bucket.iter().map(|(run, _)| run.length).sum(), &mut decoder)?;
        let mut values = decoder.floats.iter();
        for (run, at) in of_bucket {
            for (h, value) in histograms[run.first..run.first + run.length].iter_mut().zip(&mut values) {
                let positives = h.positive_counts.len();
                let counts = if at < positives { h.positive_counts.get_mut(at) } else { h.negative_counts.get_mut(at - positives) };
                *counts.ok_or(Damaged("a bucket that is not in its spans"))? = *value;
            }
        }
    }
    if reader.rest.first() == Some(&0) {
        histograms.iter_mut().for_each(|h| h.count = counted(h));
    } else {
        take_page(reader, count, &mut decoder)?;
        histograms.iter_mut().zip(&decoder.floats).for_each(|(h, value)| h.count = *value);
    }
    Ok(histograms)
}

fn take_runs(reader: &mut Reader<'_>, count: usize, shapes: usize) -> Decoded<Vec<Run>> {
    let (mut runs, mut first) = (Vec::new(), 0usize);
    for _ in 0..reader.count(2)? {
        let kind = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        let (shape, hint) = (kind / HINTS.len(), kind % HINTS.len());
        let length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        if shape >= shapes || length > count - first {
            return Err(Damaged("a run of histograms that are not there"));
        }
        runs.push(Run { shape, hint, first, length });
        first += length;
    }
    if first == count { Ok(runs) } else { Err(Damaged("fewer histograms than rows")) }
}

/// A histogram of this shape without numbers.
fn blank(shape: &Shape, reset_hint: ResetHint, buckets: usize) -> Histogram {
    let positives = shape.positives().min(buckets);
    Histogram {
        schema: shape.schema,
        zero_threshold: shape.zero_threshold,
        positive_spans: shape.positive_spans.clone(),
        positive_counts: vec![0.0; positives],
        negative_spans: shape.negative_spans.clone(),
        negative_counts: vec![0.0; buckets - positives],
        custom_bounds: shape.custom_bounds.clone(),
        reset_hint,
        ..Histogram::default()
    }
}

fn take_page(reader: &mut Reader<'_>, rows: usize, decoder: &mut Decoder) -> Decoded<()> {
    let length = reader.count(1)?;
    decode(reader.bytes(length)?, rows, decoder)
}
