//! A chunk: some samples of one series in one of three encodings, and the cutting of samples into chunks.

use super::error::Decoded;
use super::histogram::{self, write::HistogramWriter};
use super::limits::CHUNK_SAMPLES;
use super::samples::Samples;
use super::xor::{self, XorWriter};
use crate::model::{Histogram, is_stale};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Xor,
    Histogram,
    FloatHistogram,
}

impl Encoding {
    pub fn of_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Xor),
            2 => Some(Self::Histogram),
            3 => Some(Self::FloatHistogram),
            _ => None,
        }
    }

    pub fn byte(self) -> u8 {
        match self {
            Self::Xor => 1,
            Self::Histogram => 2,
            Self::FloatHistogram => 3,
        }
    }

    /// Appends the samples of a chunk's data.
    pub fn decode(self, data: &[u8], into: &mut Samples) -> Decoded<()> {
        match self {
            Self::Xor => xor::decode(data, into),
            Self::Histogram => histogram::decode(data, false, into),
            Self::FloatHistogram => histogram::decode(data, true, into),
        }
    }
}

/// A whole chunk in memory.
#[derive(Clone, Debug)]
pub struct Chunk {
    pub encoding: Encoding,
    pub min_time: i64,
    pub max_time: i64,
    pub samples: u16,
    pub data: Box<[u8]>,
}

#[derive(Clone, Debug)]
enum Open {
    Floats(XorWriter),
    Histograms(Box<HistogramWriter>),
}

/// Cuts the samples of one series into chunks. Times must increase.
#[derive(Clone, Debug, Default)]
pub struct ChunkWriter {
    open: Option<Open>,
}

impl ChunkWriter {
    pub fn float(&mut self, at: i64, value: f64, into: &mut Vec<Chunk>) {
        if let Some(Open::Floats(writer)) = &mut self.open
            && writer.count < CHUNK_SAMPLES
        {
            return writer.push(at, value);
        }
        self.finish(into);
        self.open = Some(Open::Floats(XorWriter::new(at, value)));
    }

    pub fn histogram(&mut self, at: i64, histogram: &Histogram, into: &mut Vec<Chunk>) {
        if let Some(Open::Histograms(writer)) = &mut self.open
            && writer.takes(histogram)
        {
            return writer.push(at, histogram);
        }
        let before = match &self.open {
            Some(Open::Histograms(writer)) if !is_stale(writer.last().sum) => Some(writer.last().clone()),
            _ => None,
        };
        self.finish(into);
        self.open = Some(Open::Histograms(Box::new(HistogramWriter::new(at, histogram, before.as_ref()))));
    }

    /// Adds every sample.
    pub fn samples(&mut self, samples: &Samples, into: &mut Vec<Chunk>) {
        let mut histograms = samples.histograms.iter().peekable();
        for (row, (at, value)) in samples.times.iter().zip(&samples.floats).enumerate() {
            match histograms.next_if(|(of, _)| *of as usize == row) {
                Some((_, histogram)) => self.histogram(*at, histogram, into),
                None => self.float(*at, *value, into),
            }
        }
    }

    /// Ends the chunk that is open.
    pub fn finish(&mut self, into: &mut Vec<Chunk>) {
        into.extend(self.open.take().map(|open| match open {
            Open::Floats(w) => Chunk {
                encoding: Encoding::Xor,
                min_time: w.min_time,
                max_time: w.max_time,
                samples: w.count,
                data: w.finish().into_boxed_slice(),
            },
            Open::Histograms(w) => Chunk {
                encoding: if w.is_float() { Encoding::FloatHistogram } else { Encoding::Histogram },
                min_time: w.min_time,
                max_time: w.max_time,
                samples: w.count,
                data: w.finish().into_boxed_slice(),
            },
        }));
    }

    pub fn max_time(&self) -> Option<i64> {
        match self.open.as_ref()? {
            Open::Floats(w) => Some(w.max_time),
            Open::Histograms(w) => Some(w.max_time),
        }
    }
}
