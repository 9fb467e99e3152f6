//! Takes remote-write 1.0 requests: a snappy block with a protobuf message in, committed rows out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::error::WriteError;
use super::group::{Outcome, Pending};
use super::labels;
use super::limits::{DECODED_BYTES_MAX, SENDERS_MAX, SWEEP_EVERY};
use super::place::Place;
use super::sender::Sender;
use super::series::{self, SeriesBuffer};
use super::wire::{Malformed, Reader};
use crate::clock::Clock;
use crate::model::number::quote;
use crate::model::{Exemplar, Labels, LabelsBuilder, Metadata, Value};
use crate::storage::{Append, Column};
use crate::telemetry::{Counter, Registry};

/// What a request that was taken whole brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub samples: u64,
    pub histograms: u64,
    pub exemplars: u64,
}

pub struct Receiver {
    store: Arc<dyn Append>,
    clock: Clock,
    senders: Mutex<Senders>,
    figures: Figures,
}

#[derive(Default)]
struct Senders {
    by_address: HashMap<IpAddr, Arc<Sender>>,
    swept: Duration,
}

struct Figures {
    registry: Registry,
    samples: Counter,
    histograms: Counter,
    exemplars: Counter,
    invalid_labels: Counter,
}

impl Figures {
    fn new(registry: &Registry) -> Self {
        let counter = |name: &str, help: &'static str| registry.counter(name, help, &[]);
        Self {
            registry: registry.clone(),
            samples: counter("prometheus_remote_storage_samples_in_total", "Samples that came over remote write and were stored."),
            histograms: counter("prometheus_remote_storage_histograms_in_total", "Native histograms that came over remote write."),
            exemplars: counter("prometheus_remote_storage_exemplars_in_total", "Exemplars that came over remote write."),
            invalid_labels: counter(
                "prometheus_api_remote_write_invalid_labels_samples_total",
                "Samples over remote write that were refused because of their labels.",
            ),
        }
    }
}

/// A request taken apart: samples with their places, series without one yet, metadata.
#[derive(Default)]
struct Sorted<'a> {
    pending: Vec<Pending>,
    exemplars: Vec<(u32, Column, Exemplar)>,
    /// Bytes of every series, for messages and for series without a place.
    series: Vec<&'a [u8]>,
    unplaced: Vec<u32>,
    metadata: Vec<&'a [u8]>,
    histograms: u64,
    invalid: Option<String>,
}

impl Receiver {
    pub fn new(store: Arc<dyn Append>, clock: Clock, registry: &Registry) -> Self {
        Self { store, clock, senders: Mutex::default(), figures: Figures::new(registry) }
    }

    /// Blocking. `Ok` means that every sample of the request is in the row log; `Partial` that all but the named ones are.
    pub fn receive(&self, from: IpAddr, compressed: &[u8]) -> Result<Taken, WriteError> {
        let body = decompress(compressed)?;
        let sender = self.sender(from)?;
        let malformed = |what: Malformed| WriteError::Malformed(what.as_str().to_owned());
        let mut sorted = self.sort(&sender, &body).map_err(malformed)?;
        self.place_new(&sender, &mut sorted)?;
        let (outcome, exemplars) = commit(&sender, &mut sorted)?;
        self.describe(&sender, &sorted.metadata)?;
        self.figures.samples.add(outcome.accepted.saturating_sub(sorted.histograms));
        self.figures.histograms.add(sorted.histograms);
        self.figures.exemplars.add(exemplars);
        let taken = Taken { samples: outcome.accepted.saturating_sub(sorted.histograms), histograms: sorted.histograms, exemplars };
        self.complaint(&sorted, &outcome).map_or(Ok(taken), |text| Err(WriteError::Partial(text)))
    }

    fn sender(&self, from: IpAddr) -> Result<Arc<Sender>, WriteError> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.monotonic();
        if now.saturating_sub(senders.swept) >= SWEEP_EVERY {
            senders.swept = now;
            senders.by_address.retain(|_, sender| sender.sweep());
        }
        let from = from.to_canonical();
        if let Some(sender) = senders.by_address.get(&from) {
            return Ok(Arc::clone(sender));
        }
        if senders.by_address.len() >= SENDERS_MAX {
            return Err(WriteError::Limit(format!("more than {SENDERS_MAX} addresses push at one time")));
        }
        let sender = Arc::new(Sender::new(from.to_string()));
        senders.by_address.insert(from, Arc::clone(&sender));
        Ok(sender)
    }

    /// The first pass: no label is decoded for series that are known.
    fn sort<'a>(&self, sender: &Sender, body: &'a [u8]) -> Result<Sorted<'a>, Malformed> {
        let mut sorted = Sorted::default();
        let mut buffer = SeriesBuffer::default();
        let mut unknown = Vec::new();
        let places = sender.places();
        let mut reader = Reader::new(body);
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => {
                    let message = field.bytes()?;
                    buffer.read(message)?;
                    let series = sorted.series.len() as u32;
                    sorted.series.push(message);
                    match places.get(places.key(&buffer.labels)) {
                        Some(place) => take(&mut sorted, &mut buffer, place, series)?,
                        None => unknown.push(series),
                    }
                }
                3 => sorted.metadata.push(field.bytes()?),
                _ => {}
            }
        }
        drop(places);
        if unknown.is_empty() {
            return Ok(sorted);
        }
        let mut places = sender.places_mut();
        for series in unknown {
            buffer.read(sorted.series[series as usize])?;
            let key = places.key(&buffer.labels);
            match places.get(key).or_else(|| places.revive(key)) {
                Some(place) => take(&mut sorted, &mut buffer, place, series)?,
                None => sorted.unplaced.push(series),
            }
        }
        Ok(sorted)
    }

    /// Opens columns for series that were never seen, or not lately.
    fn place_new(&self, sender: &Sender, sorted: &mut Sorted<'_>) -> Result<(), WriteError> {
        let malformed = |what: Malformed| WriteError::Malformed(what.as_str().to_owned());
        let mut buffer = SeriesBuffer::default();
        let mut found = Vec::new();
        for series in std::mem::take(&mut sorted.unplaced) {
            buffer.read(sorted.series[series as usize]).map_err(malformed)?;
            match labels::series(&buffer.labels).map_err(malformed)? {
                Err(problem) => {
                    self.figures.invalid_labels.add((buffer.samples.len() + buffer.histograms.len()) as u64);
                    sorted.invalid.get_or_insert(problem);
                }
                Ok(labels) => {
                    let (group, shared) = sender.group_of(&*self.store, &group_labels(&labels))?;
                    let column = shared.lock().column(&labels)?;
                    let place = Place { group, column };
                    found.push((sender.places().key(&buffer.labels), place));
                    take(sorted, &mut buffer, place, series).map_err(malformed)?;
                }
            }
        }
        if !found.is_empty() {
            let mut places = sender.places_mut();
            for (key, place) in found {
                places.put(key, place);
            }
        }
        Ok(())
    }

    /// Metadata names no job: the sender has a group of its own for it.
    fn describe(&self, sender: &Sender, messages: &[&[u8]]) -> Result<(), WriteError> {
        if messages.is_empty() {
            return Ok(());
        }
        let (_, shared) = sender.group_of(&*self.store, &Labels::empty())?;
        let mut group = shared.lock();
        for message in messages {
            let (family, said): (String, Metadata) =
                series::metadata(message).map_err(|what| WriteError::Malformed(what.as_str().to_owned()))?;
            group.describe(&family, &said)?;
        }
        Ok(())
    }

    /// Which samples were not taken and why; none when all were.
    fn complaint(&self, sorted: &Sorted<'_>, outcome: &Outcome) -> Option<String> {
        let mut parts = Vec::new();
        for (reason, (count, series, at)) in &outcome.rejected {
            let name = "promlet_remote_write_rejected_samples_total";
            self.figures.registry.counter(name, "Samples over remote write that were not taken.", &[("reason", reason)]).add(*count);
            let labels = sorted.series.get(*series as usize).and_then(|message| name_of(message)).unwrap_or_default();
            parts.push(format!("{reason}: {count} not taken, the first of {labels} at {at}; all others are stored"));
        }
        parts.extend(sorted.invalid.as_ref().map(|problem| format!("invalid labels: {problem}")));
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

fn decompress(compressed: &[u8]) -> Result<Vec<u8>, WriteError> {
    let corrupt = |_| WriteError::Malformed("snappy: corrupt input".to_owned());
    let length = snap::raw::decompress_len(compressed).map_err(corrupt)?;
    if length > DECODED_BYTES_MAX {
        return Err(WriteError::Malformed(format!("snappy: decoded length {length} exceeds limit {DECODED_BYTES_MAX}")));
    }
    if compressed.is_empty() {
        return Err(WriteError::Malformed("snappy: corrupt input".to_owned()));
    }
    snap::raw::Decoder::new().decompress_vec(compressed).map_err(corrupt)
}

/// Puts one series' samples on the list.
fn take(sorted: &mut Sorted<'_>, buffer: &mut SeriesBuffer<'_>, place: Place, series: u32) -> Result<(), Malformed> {
    let Place { group, column } = place;
    for (at, value) in buffer.samples.drain(..) {
        sorted.pending.push(Pending { group, column, at, value: Value::Float(value), series });
    }
    for (at, histogram) in buffer.histograms.drain(..) {
        match histogram {
            Ok(histogram) => {
                sorted.histograms += 1;
                sorted.pending.push(Pending { group, column, at, value: Value::Histogram(Arc::new(histogram)), series });
            }
            Err(problem) => {
                sorted.invalid.get_or_insert(problem.0);
            }
        }
    }
    for message in buffer.exemplars.drain(..) {
        if let Some(exemplar) = series::exemplar(message)? {
            sorted.exemplars.push((group, column, exemplar));
        }
    }
    Ok(())
}

/// Commits in the order of time, not group after group: the store bounds how far behind its newest sample one may come, and nothing
/// of this request may make the rest of it too late. Every row is in the log when this returns `Ok`.
fn commit(sender: &Sender, sorted: &mut Sorted<'_>) -> Result<(Outcome, u64), WriteError> {
    let mut outcome = Outcome::default();
    if !sorted.pending.is_sorted_by_key(|sample| (sample.at, sample.group)) {
        sorted.pending.sort_by_key(|sample| (sample.at, sample.group));
    }
    for samples in sorted.pending.chunk_by(|a, b| (a.at, a.group) == (b.at, b.group)) {
        // only a request that slept through two sweeps meets this: its sender sends it again
        let gone = || WriteError::Failed("the request took so long that its series were forgotten meanwhile".to_owned());
        let shared = sender.group(samples[0].group).ok_or_else(gone)?;
        shared.lock().commit(samples, &mut outcome)?;
    }
    let count = sorted.exemplars.len() as u64;
    let mut exemplars: HashMap<u32, Vec<(Column, Exemplar)>> = HashMap::new();
    for (group, column, exemplar) in sorted.exemplars.drain(..) {
        exemplars.entry(group).or_default().push((column, exemplar));
    }
    for (number, exemplars) in exemplars {
        if let Some(shared) = sender.group(number) {
            shared.lock().commit_exemplars(exemplars)?;
        }
    }
    Ok((outcome, count))
}

/// The labels that make a group: `job` and `instance`, where the series has them.
fn group_labels(labels: &Labels) -> Labels {
    let mut group = LabelsBuilder::default();
    for name in ["job", "instance"] {
        group.set(name, labels.get(name).unwrap_or(""));
    }
    group.build()
}

fn name_of(message: &[u8]) -> Option<String> {
    let mut buffer = SeriesBuffer::default();
    buffer.read(message).ok()?;
    let labels = labels::series(&buffer.labels).ok()?;
    Some(labels.map_or_else(|problem| quote(&problem), |labels| labels.to_string()))
}

#[cfg(test)]
mod tests;
