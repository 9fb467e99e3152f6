//! Label sets, group keys and metadata as bytes, compressed where that pays.

use std::cell::RefCell;

use zstd::bulk::Compressor;

use super::bytes::{Damaged, Decoded, Reader, put_text, put_varint};
use super::limits::RECORD_BYTES_MAX;
use crate::model::{Labels, Metadata, MetricType};
use crate::storage::{GroupKey, GroupSource};

/// Shorter stretches are not worth a compressor.
const COMPRESS_FROM: usize = 256;
/// Short stretches are compressed often, with tables that are kept; long ones rarely and harder.
const SHORT_LEVEL: i32 = 1;
const LONG_LEVEL: i32 = 3;
const LONG_FROM: usize = 128 * 1024;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

const SOURCES: [GroupSource; 3] = [GroupSource::Scrape, GroupSource::Rule, GroupSource::Push];
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

pub fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_varint(out, labels.len() as u64);
    for (name, value) in labels {
        put_text(out, name);
        put_text(out, value);
    }
}

pub fn take_labels(reader: &mut Reader<'_>) -> Decoded<Labels> {
    let count = reader.count(2)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((reader.text()?, reader.text()?));
    }
    if !pairs.windows(2).all(|w| w[0].0 < w[1].0) {
        return Err(Damaged("labels out of order"));
    }
    Ok(Labels::from_sorted(pairs))
}

pub fn put_key(out: &mut Vec<u8>, key: &GroupKey) {
    out.push(SOURCES.iter().position(|s| *s == key.source).unwrap_or(0) as u8);
    put_text(out, &key.name);
    put_labels(out, &key.labels);
}

pub fn take_key(reader: &mut Reader<'_>) -> Decoded<GroupKey> {
    let source = *SOURCES.get(usize::from(reader.u8()?)).ok_or(Damaged("an unknown source of a group"))?;
    Ok(GroupKey { source, name: reader.text()?.to_owned(), labels: take_labels(reader)? })
}

pub fn put_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
    out.push(TYPES.iter().position(|t| *t == metadata.metric_type).unwrap_or(0) as u8);
    put_text(out, &metadata.help);
    put_text(out, &metadata.unit);
}

pub fn take_metadata(reader: &mut Reader<'_>) -> Decoded<Metadata> {
    let metric_type = *TYPES.get(usize::from(reader.u8()?)).ok_or(Damaged("an unknown metric type"))?;
    Ok(Metadata { metric_type, help: reader.text()?.to_owned(), unit: reader.text()?.to_owned() })
}

fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    if plain.len() >= LONG_FROM {
        return zstd::bulk::compress(plain, LONG_LEVEL).ok();
    }
    COMPRESSOR.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Compressor::new(SHORT_LEVEL).ok();
        }
        kept.as_mut()?.compress(plain).ok()
    })
}

/// A byte (1: zstd), the plain length, the stored length, the stored bytes.
pub fn put_compressed(out: &mut Vec<u8>, plain: &[u8]) {
    let packed = if plain.len() < COMPRESS_FROM { None } else { compress(plain).filter(|p| p.len() < plain.len()) };
    out.push(u8::from(packed.is_some()));
    let stored = packed.as_deref().unwrap_or(plain);
    put_varint(out, plain.len() as u64);
    put_varint(out, stored.len() as u64);
    out.extend_from_slice(stored);
}

pub fn take_compressed(reader: &mut Reader<'_>) -> Decoded<Vec<u8>> {
    let is_packed = reader.u8()? == 1;
    let length = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
    let stored = reader.count(1)?;
    let stored = reader.bytes(stored)?;
    if !is_packed {
        return Ok(stored.to_vec());
    }
    if length > RECORD_BYTES_MAX {
        return Err(Damaged("a compressed stretch is too long"));
    }
    let plain = zstd::bulk::decompress(stored, length).map_err(|_| Damaged("a compressed stretch cannot be read"))?;
    if plain.len() == length { Ok(plain) } else { Err(Damaged("a compressed stretch is shorter than it says")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_metadata_and_long_stretches_come_back() {
        let key = GroupKey { source: GroupSource::Push, name: "x".into(), labels: Labels::from_pairs([("job", "j")]) };
        let metadata = Metadata { metric_type: MetricType::Info, help: "h".into(), unit: String::new() };
        let long = vec![7u8; 10_000];
        let mut out = Vec::new();
        put_key(&mut out, &key);
        put_metadata(&mut out, &metadata);
        put_compressed(&mut out, &long);
        put_compressed(&mut out, b"short");
        assert!(out.len() < 200);
        let mut reader = Reader::new(&out);
        assert_eq!(take_key(&mut reader), Ok(key));
        assert_eq!(take_metadata(&mut reader), Ok(metadata));
        assert_eq!(take_compressed(&mut reader), Ok(long));
        assert_eq!(take_compressed(&mut reader), Ok(b"short".to_vec()));
        assert!(reader.is_empty());
    }
}
