//! The messages of remote write 1.0 (`prometheus.WriteRequest`): series with samples, histograms and exemplars, and metadata.

use std::borrow::Cow;

use super::histogram::{self, BadHistogram};
use super::labels;
use super::wire::{Malformed, Reader};
use crate::model::{Exemplar, Histogram, Metadata, MetricType, TimestampMs};

/// One `TimeSeries`, decoded into buffers that are reused from series to series.
#[derive(Default)]
pub struct SeriesBuffer<'a> {
    /// The label fields one after another, as they came.
    pub labels: Cow<'a, [u8]>,
    pub samples: Vec<(TimestampMs, f64)>,
    pub histograms: Vec<(TimestampMs, Result<Histogram, BadHistogram>)>,
    pub exemplars: Vec<&'a [u8]>,
}

const LABEL_TAG: u8 = 0x0a;

impl<'a> SeriesBuffer<'a> {
    pub fn read(&mut self, message: &'a [u8]) -> Result<(), Malformed> {
        self.samples.clear();
        self.histograms.clear();
        self.exemplars.clear();
        let mut reader = Reader::new(message);
        while reader.rest().first() == Some(&LABEL_TAG) {
            reader.next()?;
        }
        let labels_end = message.len() - reader.rest().len();
        self.labels = Cow::Borrowed(&message[..labels_end]);
        loop {
            let before = reader.rest();
            let Some((number, field)) = reader.next()? else { return Ok(()) };
            match number {
                1 => {
                    // legal, though nobody sends it: labels behind samples
                    let length = before.len() - reader.rest().len();
                    self.labels.to_mut().extend_from_slice(&before[..length]);
                }
                2 => self.samples.push(sample(field.bytes()?)?),
                3 => self.exemplars.push(field.bytes()?),
                4 => self.histograms.push(histogram::read(field.bytes()?)?),
                _ => {}
            }
        }
    }
}

fn sample(message: &[u8]) -> Result<(TimestampMs, f64), Malformed> {
    let (mut value, mut at) = (0.0, 0);
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => value = field.double()?,
            2 => at = field.varint()? as i64,
            _ => {}
        }
    }
    Ok((TimestampMs(at), value))
}

/// None where its labels are not valid: an exemplar is a hint, not worth refusing samples for.
pub fn exemplar(message: &[u8]) -> Result<Option<Exemplar>, Malformed> {
    let (mut pairs, mut value, mut at) = (Vec::new(), 0.0, 0);
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => {
                pairs.push(LABEL_TAG);
                let label = field.bytes()?;
                push_varint(&mut pairs, label.len() as u64);
                pairs.extend_from_slice(label);
            }
            2 => value = field.double()?,
            3 => at = field.varint()? as i64,
            _ => {}
        }
    }
    let labels = labels::pairs(&pairs)?.and_then(labels::sorted).ok();
    Ok(labels.map(|labels| Exemplar { labels, value, at: (at != 0).then_some(TimestampMs(at)) }))
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// One `MetricMetadata`: family and what is said of it.
pub fn metadata(message: &[u8]) -> Result<(String, Metadata), Malformed> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (mut family, mut said) = (String::new(), Metadata::default());
    let mut reader = Reader::new(message);
    while let Some((number, field)) = reader.next()? {
        match number {
            1 => {
                said.metric_type = match field.varint()? {
                    1 => MetricType::Counter,
                    2 => MetricType::Gauge,
                    3 => MetricType::Histogram,
                    4 => MetricType::GaugeHistogram,
                    5 => MetricType::Summary,
                    6 => MetricType::Info,
                    7 => MetricType::StateSet,
                    _ => MetricType::Unknown,
                }
            }
            2 => family = text(field.bytes()?),
            4 => said.help = text(field.bytes()?),
            5 => said.unit = text(field.bytes()?),
            _ => {}
        }
    }
    Ok((family, said))
}
