//! Damaged folders: bits flipped, bytes lost, files cut. Whatever happens, nothing panics, nothing hangs, and what is wrong is said.

use std::path::{Path, PathBuf};

use promlet::blocks::wal::record;
use promlet::blocks::{Imported, PrometheusFolder, Samples, chunk::Encoding, verify};
use promlet::clock::Clock;
use promlet::model::{TimeRange, TimestampMs};

use super::{logs, mixed, read, write_block};

/// Xorshift: the same numbers for the same seed, everywhere.
pub struct Seeded(u64);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// Changes some bytes, or their number.
    pub fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..1 + self.below(3) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => bytes[at] = 0xff,
                2 => bytes.insert(at, self.below(256) as u8),
                3 => {
                    bytes.remove(at);
                }
                4 => bytes[at] = bytes[at].wrapping_add(1),
                _ => bytes[at] ^= 1 << self.below(8),
            }
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Everything is read; what could not be is said with the file's name.
fn outcome(folder: &Path) -> Vec<String> {
    let opened = PrometheusFolder::open(folder, &Imported::default(), Clock::manual(TimestampMs(0)));
    let Ok(Some(found)) = opened else { return opened.err().iter().map(ToString::to_string).collect() };
    let mut said = verify::folder(&found).problems;
    said.extend(read(&found, &[], TimeRange::ALL).err());
    said
}

#[test]
fn damaged_files_are_refused_or_served_around() {
    let folder = tempfile::tempdir().unwrap();
    write_block(folder.path(), &mixed());
    logs::write(folder.path(), logs::Compression::Snappy);
    assert_eq!(outcome(folder.path()), Vec::<String>::new());
    let files = files(folder.path());
    let mut noticed = 0;
    for seed in 0..300 {
        let mut seeded = Seeded::new(seed);
        let path = &files[seed as usize % files.len()];
        let whole = std::fs::read(path).unwrap();
        let mut bytes = whole.clone();
        seeded.damage(&mut bytes);
        std::fs::write(path, &bytes).unwrap();
        let said = outcome(folder.path());
        noticed += usize::from(!said.is_empty());
        let name = path.file_name().unwrap().to_string_lossy();
        let names_it =
            said.iter().any(|text| text.contains(&*name) || text.contains("meta.json") || text.contains("index") || text.contains("chunk"));
        assert!(said.is_empty() || names_it, "seed {seed}, {}: {said:?}", path.display());
        std::fs::write(path, &whole).unwrap();
    }
    assert!(noticed > 200, "{noticed} of 300");
}

/// Without a checksum in front of them, so that every byte that a decoder trusts is tried.
#[test]
fn decoders_bear_every_byte() {
    let everything = mixed();
    let mut chunks = Vec::new();
    for (_, list) in everything.iter().take(12) {
        let (mut writer, mut samples) = (promlet::blocks::chunk::ChunkWriter::default(), Samples::default());
        for (at, value) in list {
            match value {
                promlet::model::Value::Float(value) => samples.push(*at, *value),
                promlet::model::Value::Histogram(histogram) => samples.push_histogram(*at, histogram.clone()),
            }
        }
        writer.samples(&samples, &mut chunks);
        writer.finish(&mut chunks);
    }
    let labels = logs::metric("a");
    let records = [
        logs::series(&[(1, &labels), (2, &labels)]),
        logs::floats(&[(1, 1000, 1.0), (2, 1001, 2.0)]),
        logs::histograms(false, &[(1, 1000, logs::histogram(3.0))]),
        logs::histograms(true, &[(1, 1000, logs::histogram(3.5))]),
    ];
    for seed in 0..20_000 {
        let mut seeded = Seeded::new(seed);
        let chunk = &chunks[seeded.below(chunks.len())];
        let mut bytes = chunk.data.to_vec();
        seeded.damage(&mut bytes);
        for encoding in [Encoding::Xor, Encoding::Histogram, Encoding::FloatHistogram] {
            let mut samples = Samples::default();
            let decoded = encoding.decode(&bytes, &mut samples);
            assert!(decoded.is_err() || samples.times.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}");
            assert!(decoded.err().is_none_or(|damaged| damaged.at <= bytes.len() + 8), "seed {seed}");
        }
        let mut bytes = records[seeded.below(records.len())].clone();
        seeded.damage(&mut bytes);
        if let Some(kind) = bytes.first_mut()
            && seeded.below(3) == 0
        {
            *kind = seeded.below(16) as u8;
        }
        let _refused = record::decode(&bytes, |_| ());
    }
}
