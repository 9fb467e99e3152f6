//! Writes a block as Prometheus would: chunks, index, `meta.json`, tombstones, first under another name and then renamed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::chunk::{Chunk, ChunkWriter, Encoding};
use super::chunk_files::ChunkFileWriter;
use super::index::ChunkRef;
use super::index::write::IndexWriter;
use super::meta::{Compaction, Meta, Stats};
use super::samples::Samples;
use super::{tombstones, ulid};
use crate::model::{Labels, TimestampMs};

/// Prometheus removes folders of this name when it starts.
const UNFINISHED: &str = ".tmp-for-creation";

pub struct BlockWriter {
    ulid: String,
    into: PathBuf,
    folder: PathBuf,
    chunks: ChunkFileWriter,
    series: Vec<(Labels, Vec<ChunkRef>)>,
    stats: Stats,
    cut: Vec<Chunk>,
}

impl BlockWriter {
    /// A new block in a folder of blocks; `now` goes into its name.
    pub fn new(into: &Path, now: TimestampMs) -> io::Result<Self> {
        let ulid = ulid::generate(now.0);
        let folder = into.join(format!("{ulid}{UNFINISHED}"));
        let chunks = folder.join("chunks");
        std::fs::create_dir_all(&chunks)?;
        Ok(Self {
            ulid,
            into: into.to_owned(),
            chunks: ChunkFileWriter::new(&chunks),
            folder,
            series: Vec::new(),
            stats: Stats::default(),
            cut: Vec::new(),
        })
    }

    /// Adds all samples of a series; each label set once.
    pub fn series(&mut self, labels: &Labels, samples: &Samples) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        let mut cut = std::mem::take(&mut self.cut);
        cut.clear();
        let mut writer = ChunkWriter::default();
        writer.samples(samples, &mut cut);
        writer.finish(&mut cut);
        let mut references = Vec::with_capacity(cut.len());
        for chunk in &cut {
            references.push(self.chunks.write(chunk)?);
            let of_kind = match chunk.encoding {
                Encoding::Xor => &mut self.stats.num_float_samples,
                Encoding::Histogram | Encoding::FloatHistogram => &mut self.stats.num_histogram_samples,
            };
            *of_kind += u64::from(chunk.samples);
        }
        self.cut = cut;
        self.stats.num_chunks += references.len() as u64;
        self.series.push((labels.clone(), references));
        Ok(())
    }

    /// Completes a block of samples from `min_time` to before `max_time`; its name. Without any sample there is no block.
    pub fn finish(mut self, min_time: i64, max_time: i64) -> io::Result<Option<String>> {
        self.chunks.finish()?;
        if self.series.is_empty() {
            std::fs::remove_dir_all(&self.folder)?;
            return Ok(None);
        }
        self.series.sort_by(|a, b| a.0.cmp(&b.0));
        let texts: BTreeSet<&str> = self.series.iter().flat_map(|(labels, _)| labels.iter().flat_map(|(n, v)| [n, v])).collect();
        let symbols = texts.into_iter().map(str::to_owned).collect();
        let out = BufWriter::with_capacity(1 << 20, File::create(self.folder.join("index"))?);
        let mut index = IndexWriter::new(out, symbols)?;
        for (labels, chunks) in &self.series {
            index.series(labels, chunks)?;
        }
        index.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        self.stats.num_series = self.series.len() as u64;
        self.stats.num_samples = self.stats.num_float_samples + self.stats.num_histogram_samples;
        let meta = Meta {
            ulid: self.ulid.clone(),
            min_time,
            max_time,
            stats: self.stats,
            compaction: Compaction { level: 1, sources: vec![self.ulid.clone()], ..Compaction::default() },
            version: 1,
        };
        write_synced(&self.folder.join("tombstones"), &tombstones::empty())?;
        let text = serde_json::to_vec_pretty(&meta).map_err(io::Error::other)?;
        write_synced(&self.folder.join("meta.json"), &text)?;
        File::open(&self.folder)?.sync_all()?;
        std::fs::rename(&self.folder, self.into.join(&self.ulid))?;
        File::open(&self.into)?.sync_all()?;
        Ok(Some(self.ulid))
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
