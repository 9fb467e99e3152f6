//! Chunks of histograms come back as they were written.

use std::sync::Arc;

use super::*;
use crate::blocks::chunk::{ChunkWriter, Encoding};
use crate::blocks::samples::Samples;
use crate::model::STALE_NAN;
use crate::model::histogram::BucketSpan;

fn whole(scale: f64, hint: ResetHint) -> Histogram {
    Histogram {
        schema: 3,
        zero_threshold: 2.938735877055719e-39,
        zero_count: scale,
        count: 10.0 * scale,
        sum: 1.5 * scale,
        positive_spans: vec![BucketSpan { offset: -3, length: 2 }, BucketSpan { offset: 4, length: 1 }],
        positive_counts: vec![scale, 3.0 * scale, 2.0 * scale],
        negative_spans: vec![BucketSpan { offset: 0, length: 1 }],
        negative_counts: vec![3.0 * scale],
        custom_bounds: Vec::new(),
        reset_hint: hint,
    }
}

fn custom(scale: f64) -> Histogram {
    Histogram {
        schema: -53,
        count: 3.0 * scale,
        sum: 0.1,
        positive_spans: vec![BucketSpan { offset: 0, length: 3 }],
        positive_counts: vec![scale, scale, scale],
        custom_bounds: vec![0.005, 0.1, 1.0 / 3.0, 33_554.43, 1e9],
        ..Histogram::default()
    }
}

/// Writes, reads back, and says which encodings the chunks had.
fn there_and_back(histograms: &[Histogram]) -> (Samples, Vec<(Encoding, u8)>) {
    let (mut writer, mut chunks) = (ChunkWriter::default(), Vec::new());
    for (number, histogram) in histograms.iter().enumerate() {
        writer.histogram(1000 * number as i64, histogram, &mut chunks);
    }
    writer.finish(&mut chunks);
    let mut read = Samples::default();
    for chunk in &chunks {
        let mut one = Samples::default();
        chunk.encoding.decode(&chunk.data, &mut one).expect("what was written");
        assert_eq!((one.times.first(), one.times.last()), (Some(&chunk.min_time), Some(&chunk.max_time)));
        read.add(&one);
        for cut in 0..chunk.data.len() {
            assert!(chunk.encoding.decode(&chunk.data[..cut], &mut Samples::default()).is_err(), "cut at {cut}");
        }
    }
    (read, chunks.iter().map(|c| (c.encoding, c.data[2])).collect())
}

fn assert_same(read: &Samples, written: &[Histogram]) {
    assert_eq!(read.len(), written.len());
    for ((_, found), expected) in read.histograms.iter().zip(written) {
        let expected = Histogram { reset_hint: found.reset_hint, ..expected.clone() };
        assert!(found.same_bits(&expected), "{found:?} instead of {expected:?}");
    }
}

#[test]
fn counters_come_back_and_a_reset_begins_a_chunk() {
    let written: Vec<_> = [1.0, 2.0, 5.0, 5.0, 1.0, 3.0].iter().map(|scale| whole(*scale, ResetHint::Unknown)).collect();
    let (read, chunks) = there_and_back(&written);
    assert_same(&read, &written);
    assert_eq!(chunks, [(Encoding::Histogram, 0), (Encoding::Histogram, RESET)]);
    let hints: Vec<_> = read.histograms.iter().map(|(_, h)| h.reset_hint).collect();
    assert_eq!(hints[..2], [ResetHint::Unknown, ResetHint::NotReset]);
}

#[test]
fn floats_gauges_custom_buckets_and_ends_come_back() {
    let half: Vec<_> = (1..40).map(|n| whole(f64::from(n) + 0.5, ResetHint::Unknown)).collect();
    let (read, chunks) = there_and_back(&half);
    assert_same(&read, &half);
    assert!(chunks.iter().all(|(encoding, _)| *encoding == Encoding::FloatHistogram));
    let gauges: Vec<_> = [4.0, 1.0, 9.0].iter().map(|scale| whole(*scale, ResetHint::Gauge)).collect();
    let (read, chunks) = there_and_back(&gauges);
    assert_same(&read, &gauges);
    assert_eq!(chunks, [(Encoding::Histogram, GAUGE)]);
    let bounds: Vec<_> = (1..300).map(|n| custom(f64::from(n))).collect();
    assert_same(&there_and_back(&bounds).0, &bounds);
    for first in [whole(3.0, ResetHint::Unknown), whole(0.5, ResetHint::Unknown)] {
        let end = Histogram { sum: STALE_NAN, ..Histogram::default() };
        let ended = [first.clone(), end.clone(), first.clone(), end.clone(), end];
        let (read, chunks) = there_and_back(&ended);
        assert_same(&read, &ended);
        assert_eq!(chunks.len(), 3, "what follows an end begins a chunk");
    }
    let odd = Histogram { zero_threshold: 0.001, count: f64::NAN, ..Histogram::default() };
    assert_same(&there_and_back(std::slice::from_ref(&odd)).0, &[odd]);
    let _shared: Arc<Histogram> = read.histograms[0].1.clone();
}
