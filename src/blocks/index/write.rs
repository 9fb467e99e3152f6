//! Writes an index: series in order of their labels, then postings, tables and contents.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{ALIGNMENT, ChunkRef, MAGIC, VERSION};
use crate::blocks::bytes::{put_sum, put_text, put_uvarint, put_varint};
use crate::model::Labels;

/// Series by label pair, and all.
#[derive(Default)]
struct Postings {
    /// Name symbol, value symbol: the texts are sorted, so that symbols are too.
    pairs: BTreeMap<(u32, u32), Vec<u32>>,
    all: Vec<u32>,
}

pub struct IndexWriter<W: Write> {
    out: W,
    at: u64,
    symbols: Vec<String>,
    postings: Postings,
    symbols_at: u64,
    series_at: u64,
    buffer: Vec<u8>,
}

impl<W: Write> IndexWriter<W> {
    /// `symbols` are all texts of all labels, sorted and unique.
    pub fn new(out: W, symbols: Vec<String>) -> io::Result<Self> {
        let mut writer = Self { out, at: 0, symbols, postings: Postings::default(), symbols_at: 0, series_at: 0, buffer: Vec::new() };
        let mut head = MAGIC.to_be_bytes().to_vec();
        head.push(VERSION);
        writer.put(&head)?;
        writer.symbols_at = writer.at;
        let mut body = (writer.symbols.len() as u32).to_be_bytes().to_vec();
        writer.symbols.iter().for_each(|symbol| put_text(&mut body, symbol));
        writer.section(&body)?;
        writer.align(ALIGNMENT)?;
        writer.series_at = writer.at;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn align(&mut self, to: u64) -> io::Result<()> {
        let padding = (to - self.at % to) % to;
        self.put(&vec![0; padding as usize])
    }

    /// Length, body, checksum.
    fn section(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(|_| io::Error::other("a section of the index is longer than 4 GiB"))?;
        let mut out = length.to_be_bytes().to_vec();
        out.extend_from_slice(body);
        put_sum(&mut out, body);
        self.put(&out)
    }

    fn symbol(&self, text: &str) -> io::Result<u32> {
        let found = self.symbols.binary_search_by(|symbol| symbol.as_str().cmp(text));
        found.map(|at| at as u32).map_err(|_| io::Error::other("a label text that was not among the symbols"))
    }

    /// Adds a series; label sets must come in order.
    pub fn series(&mut self, labels: &Labels, chunks: &[ChunkRef]) -> io::Result<()> {
        self.align(ALIGNMENT)?;
        let reference = u32::try_from(self.at / ALIGNMENT).map_err(|_| io::Error::other("the index is longer than 64 GiB"))?;
        let mut body = std::mem::take(&mut self.buffer);
        body.clear();
        put_uvarint(&mut body, labels.len() as u64);
        for (name, value) in labels {
            let pair = (self.symbol(name)?, self.symbol(value)?);
            put_uvarint(&mut body, u64::from(pair.0));
            put_uvarint(&mut body, u64::from(pair.1));
            self.postings.pairs.entry(pair).or_default().push(reference);
        }
        self.postings.all.push(reference);
        put_uvarint(&mut body, chunks.len() as u64);
        let (mut time, mut before) = (0i64, 0u64);
        for (number, chunk) in chunks.iter().enumerate() {
            if number == 0 {
                put_varint(&mut body, chunk.min_time);
            } else {
                put_uvarint(&mut body, chunk.min_time.wrapping_sub(time) as u64);
            }
            put_uvarint(&mut body, chunk.max_time.wrapping_sub(chunk.min_time) as u64);
            if number == 0 {
                put_uvarint(&mut body, chunk.reference);
            } else {
                put_varint(&mut body, chunk.reference.wrapping_sub(before) as i64);
            }
            (time, before) = (chunk.max_time, chunk.reference);
        }
        let mut out = Vec::with_capacity(body.len() + 9);
        put_uvarint(&mut out, body.len() as u64);
        out.extend_from_slice(&body);
        put_sum(&mut out, &body);
        self.buffer = body;
        self.put(&out)
    }

    /// Writes postings, tables and contents.
    pub fn finish(mut self) -> io::Result<W> {
        let postings_at = self.at;
        let postings = std::mem::take(&mut self.postings);
        let mut table = Vec::new();
        let offset = self.list(&postings.all)?;
        self.offset(&mut table, "", "", offset);
        // Symbols are in order of their texts, and so is the table.
        for ((name, value), list) in &postings.pairs {
            let offset = self.list(list)?;
            let (name, value) = (self.symbols[*name as usize].clone(), self.symbols[*value as usize].clone());
            self.offset(&mut table, &name, &value, offset);
        }
        self.align(4)?;
        let offsets_at = self.at;
        let mut body = (postings.pairs.len() as u32 + 1).to_be_bytes().to_vec();
        body.extend_from_slice(&table);
        self.section(&body)?;
        let mut contents = Vec::new();
        for at in [self.symbols_at, self.series_at, 0, 0, postings_at, offsets_at] {
            contents.extend_from_slice(&at.to_be_bytes());
        }
        let sum = crc32c::crc32c(&contents);
        contents.extend_from_slice(&sum.to_be_bytes());
        self.put(&contents)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn offset(&self, table: &mut Vec<u8>, name: &str, value: &str, offset: u64) {
        table.push(2);
        put_text(table, name);
        put_text(table, value);
        put_uvarint(table, offset);
    }

    /// A list of postings; where it begins.
    fn list(&mut self, list: &[u32]) -> io::Result<u64> {
        self.align(4)?;
        let offset = self.at;
        let mut body = (list.len() as u32).to_be_bytes().to_vec();
        list.iter().for_each(|reference| body.extend_from_slice(&reference.to_be_bytes()));
        self.section(&body)?;
        Ok(offset)
    }
}
