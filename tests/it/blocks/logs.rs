//! Heads: write-ahead logs in every form that they are written in, with checkpoints, deletions, late samples and torn ends.

use std::path::Path;
use std::sync::Arc;

use promlet::blocks::wal;
use promlet::model::histogram::{BucketSpan, ResetHint};
use promlet::model::{Histogram, Labels, Matcher, MetricType, TimeRange, TimestampMs, Value};
use promlet::storage::Select;

use super::{Everything, assert_same, open, read};

pub fn histogram(scale: f64) -> Histogram {
    Histogram {
        schema: 2,
        zero_threshold: 0.001,
        zero_count: scale,
        count: 8.0 * scale,
        sum: scale * 1.25,
        positive_spans: vec![BucketSpan { offset: 1, length: 2 }, BucketSpan { offset: 3, length: 1 }],
        positive_counts: vec![scale, 4.0 * scale, scale],
        negative_spans: vec![BucketSpan { offset: -1, length: 1 }],
        negative_counts: vec![scale],
        custom_bounds: Vec::new(),
        reset_hint: ResetHint::Unknown,
    }
}

fn uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint(out: &mut Vec<u8>, value: i64) {
    uvarint(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn text(out: &mut Vec<u8>, text: &str) {
    uvarint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn label_set(out: &mut Vec<u8>, labels: &Labels) {
    uvarint(out, labels.len() as u64);
    for (name, value) in labels {
        text(out, name);
        text(out, value);
    }
}

pub fn series(list: &[(u64, &Labels)]) -> Vec<u8> {
    let mut out = vec![1];
    for (reference, labels) in list {
        out.extend_from_slice(&reference.to_be_bytes());
        label_set(&mut out, labels);
    }
    out
}

/// Series, time, value.
pub fn floats(list: &[(u64, i64, f64)]) -> Vec<u8> {
    let mut out = vec![2];
    out.extend_from_slice(&list[0].0.to_be_bytes());
    out.extend_from_slice(&list[0].1.to_be_bytes());
    for (reference, at, value) in list {
        varint(&mut out, *reference as i64 - list[0].0 as i64);
        varint(&mut out, at - list[0].1);
        out.extend_from_slice(&value.to_bits().to_be_bytes());
    }
    out
}

fn put_spans(out: &mut Vec<u8>, spans: &[BucketSpan]) {
    uvarint(out, spans.len() as u64);
    for span in spans {
        varint(out, i64::from(span.offset));
        uvarint(out, u64::from(span.length));
    }
}

pub fn histograms(is_float: bool, list: &[(u64, i64, Histogram)]) -> Vec<u8> {
    let mut out = vec![if is_float { 8 } else { 7 }];
    out.extend_from_slice(&list[0].0.to_be_bytes());
    out.extend_from_slice(&list[0].1.to_be_bytes());
    for (reference, at, h) in list {
        varint(&mut out, *reference as i64 - list[0].0 as i64);
        varint(&mut out, at - list[0].1);
        out.push(0);
        varint(&mut out, i64::from(h.schema));
        out.extend_from_slice(&h.zero_threshold.to_bits().to_be_bytes());
        for count in [h.zero_count, h.count] {
            if is_float { out.extend_from_slice(&count.to_bits().to_be_bytes()) } else { uvarint(&mut out, count as u64) }
        }
        out.extend_from_slice(&h.sum.to_bits().to_be_bytes());
        put_spans(&mut out, &h.positive_spans);
        put_spans(&mut out, &h.negative_spans);
        for counts in [&h.positive_counts, &h.negative_counts] {
            uvarint(&mut out, counts.len() as u64);
            let mut before = 0;
            for count in counts {
                if is_float {
                    out.extend_from_slice(&count.to_bits().to_be_bytes());
                } else {
                    varint(&mut out, *count as i64 - before);
                    before = *count as i64;
                }
            }
        }
    }
    out
}

#[derive(Clone, Copy)]
pub enum Compression {
    None,
    Snappy,
    Zstd,
}

/// A log's file: records in fragments within pages of 32 KiB.
pub fn file(records: &[Vec<u8>], compression: Compression) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for record in records {
        let (body, flag) = match compression {
            Compression::None => (record.clone(), 0),
            Compression::Snappy => (snap::raw::Encoder::new().compress_vec(record).unwrap(), 1 << 3),
            Compression::Zstd => (zstd::bulk::compress(record, 1).unwrap(), 1 << 4),
        };
        let (mut rest, mut is_first) = (body.as_slice(), true);
        loop {
            let left = 32 * 1024 - out.len() % (32 * 1024);
            if left < 8 {
                out.resize(out.len() + left, 0);
                continue;
            }
            let (part, more) = rest.split_at(rest.len().min(left - 7));
            let kind = match (is_first, more.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            out.push(kind | flag);
            out.extend_from_slice(&(part.len() as u16).to_be_bytes());
            out.extend_from_slice(&crc32c::crc32c(part).to_be_bytes());
            out.extend_from_slice(part);
            (rest, is_first) = (more, false);
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

pub fn metric(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("job", "j")])
}

/// A log of two floats and two histograms, many records long.
pub fn write(folder: &Path, compression: Compression) -> Everything {
    let names: Vec<Labels> = ["a", "b", "h", "h_float"].into_iter().map(metric).collect();
    let mut records = vec![series(&[(1, &names[0]), (2, &names[1]), (30, &names[2]), (31, &names[3])])];
    let mut everything: Everything = names.iter().map(|labels| (labels.clone(), Vec::new())).collect();
    for n in 0..3000i64 {
        let (at, whole, half) = (1000 + n * 1000, histogram((n % 700) as f64), histogram(n as f64 + 0.5));
        records.push(floats(&[(1, at, n as f64), (2, at + 7, (n as f64).sqrt())]));
        records.push(histograms(false, &[(30, at, whole.clone())]));
        records.push(histograms(true, &[(31, at + 1, half.clone())]));
        everything[0].1.push((at, Value::Float(n as f64)));
        everything[1].1.push((at + 7, Value::Float((n as f64).sqrt())));
        everything[2].1.push((at, Value::Histogram(Arc::new(whole))));
        everything[3].1.push((at + 1, Value::Histogram(Arc::new(half))));
    }
    std::fs::create_dir_all(folder.join("wal")).unwrap();
    std::fs::write(folder.join("wal/00000000"), file(&records[..5000], compression)).unwrap();
    std::fs::write(folder.join("wal/00000001"), file(&records[5000..], compression)).unwrap();
    everything
}

#[test]
fn logs_are_replayed_in_every_compression() {
    for compression in [Compression::None, Compression::Snappy, Compression::Zstd] {
        let folder = tempfile::tempdir().unwrap();
        let everything = write(folder.path(), compression);
        assert_same(&read(&open(folder.path()).unwrap(), &[], TimeRange::ALL).unwrap(), &everything);
    }
}

#[test]
fn checkpoints_deletions_late_samples_metadata_and_exemplars() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (metric("a"), metric("b"));
    let wal_folder = folder.path().join("wal");
    std::fs::create_dir_all(wal_folder.join("checkpoint.00000003")).unwrap();
    std::fs::create_dir_all(folder.path().join("wbl")).unwrap();
    let checkpoint = [series(&[(1, &a)]), floats(&[(1, 1000, 1.0), (1, 2000, 2.0)])];
    std::fs::write(wal_folder.join("checkpoint.00000003/00000000"), file(&checkpoint, Compression::Snappy)).unwrap();
    // What the checkpoint stands for is not read again.
    std::fs::write(wal_folder.join("00000003"), file(&[series(&[(9, &b)]), floats(&[(9, 500, 9.0)])], Compression::None)).unwrap();
    let mut tombstone = vec![3];
    tombstone.extend_from_slice(&1u64.to_be_bytes());
    varint(&mut tombstone, 2000);
    varint(&mut tombstone, 3000);
    let mut exemplar = vec![4];
    exemplar.extend_from_slice(&1u64.to_be_bytes());
    exemplar.extend_from_slice(&4000i64.to_be_bytes());
    varint(&mut exemplar, 0);
    varint(&mut exemplar, 0);
    exemplar.extend_from_slice(&7.5f64.to_bits().to_be_bytes());
    label_set(&mut exemplar, &Labels::from_pairs([("trace_id", "t")]));
    let mut metadata = vec![6];
    uvarint(&mut metadata, 1);
    metadata.push(1);
    uvarint(&mut metadata, 2);
    ["UNIT", "seconds", "HELP", "What a is."].iter().for_each(|part| text(&mut metadata, part));
    // The same label set under another reference, and a time that was there before.
    let again =
        [series(&[(5, &a)]), floats(&[(5, 2500, 2.5), (5, 2000, 99.0), (5, 3500, 3.5), (5, 4000, 4.0)]), tombstone, exemplar, metadata];
    std::fs::write(wal_folder.join("00000004"), file(&again, Compression::Zstd)).unwrap();
    std::fs::write(
        folder.path().join("wbl/00000000"),
        file(&[floats(&[(5, 3700, 3.7), (5, 100, 0.1), (5, 3600, 3.6)])], Compression::None),
    )
    .unwrap();
    let found = open(folder.path()).unwrap();
    let expected = [(100, 0.1), (1000, 1.0), (3500, 3.5), (3600, 3.6), (3700, 3.7), (4000, 4.0)];
    let expected: Everything = vec![(a.clone(), expected.iter().map(|(at, value)| (*at, Value::Float(*value))).collect())];
    assert_same(&read(&found, &[], TimeRange::ALL).unwrap(), &expected);
    let exemplars = found.exemplars(&[Matcher::equal("__name__", "a")], TimeRange::ALL);
    assert_eq!(exemplars.iter().map(|(labels, at, e)| (labels, at.0, e.value)).collect::<Vec<_>>(), [(&a, 4000, 7.5)]);
    let said = Select::open(&found, TimeRange::ALL).unwrap().metadata().unwrap();
    assert_eq!((said[0].0.as_str(), said[0].1.metric_type, said[0].1.help.as_str()), ("a", MetricType::Counter, "What a is."));
}

#[test]
fn a_torn_end_is_cut_and_damage_in_the_middle_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let everything = write(folder.path(), Compression::None);
    let newest = folder.path().join("wal/00000001");
    let whole = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &whole[..whole.len() - 3]).unwrap();
    let found = open(folder.path()).unwrap();
    let torn = read(&found, &[], TimeRange::ALL).unwrap();
    let lost = |found: &Everything| everything.iter().zip(found).map(|(e, f)| e.1.len() - f.1.len()).sum::<usize>();
    assert_eq!(lost(&torn), 1, "the last record holds one histogram");
    assert!(found.head().unwrap().unwrap().damage.is_empty(), "a torn end is what a kill leaves");
    // A bit in the older file: what follows in that file is lost and said, the next file is read.
    std::fs::write(&newest, &whole).unwrap();
    let older = folder.path().join("wal/00000000");
    let mut bytes = std::fs::read(&older).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&older, &bytes).unwrap();
    let found = open(folder.path()).unwrap();
    let served = read(&found, &[], TimeRange::ALL).unwrap();
    let damage: Vec<String> = found.head().unwrap().unwrap().damage.iter().map(ToString::to_string).collect();
    assert!(damage.len() == 1 && damage[0].contains("00000000 at byte"), "{damage:?}");
    assert!(lost(&served) > 1000 && served[0].1.last().map(|(at, _)| *at) == everything[0].1.last().map(|(at, _)| *at));
}

#[test]
fn samples_of_a_block_are_not_taken_from_the_log_again() {
    let folder = tempfile::tempdir().unwrap();
    let everything = write(folder.path(), Compression::Snappy);
    let mut half = everything.clone();
    half.iter_mut().for_each(|(_, samples)| samples.retain(|(at, _)| *at < 1_500_000));
    super::write_block(folder.path(), &half);
    let found = open(folder.path()).unwrap();
    assert_same(&read(&found, &[], TimeRange::ALL).unwrap(), &everything);
    let head = found.head().unwrap().unwrap();
    assert!(head.samples < 7000, "{}", head.samples);
    assert_eq!(head.range.map(|range| range.min), Some(TimestampMs(1_500_000)));
    assert_eq!(wal::segments(&folder.path().join("wal")).unwrap().len(), 2);
}
