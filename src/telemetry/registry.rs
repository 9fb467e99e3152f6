//! A small metrics registry: rooms ask it for instruments by name and labels; `gather` lists everything for the exposition writer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram as Hdr;

/// Highest latency recorded, in microseconds; longer ones count as this.
const LATENCY_MICROS_MAX: u64 = 3_600_000_000;
/// The quantiles of Prometheus's own summaries.
pub const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// A number that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    pub fn inc(&self) {
        self.add(1);
    }

    pub fn add(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down, kept as the bits of a float.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    pub fn set(&self, to: f64) {
        self.0.store(to.to_bits(), Ordering::Relaxed);
    }

    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// Latencies with quantiles, in an HDR histogram of microseconds.
#[derive(Clone, Debug)]
pub struct Latency(Arc<Mutex<Recorded>>);

#[derive(Debug)]
struct Recorded {
    micros: Hdr<u64>,
    sum: Duration,
}

impl Latency {
    fn new() -> Self {
        let mut micros = Hdr::new(2).unwrap_or_else(|_| unreachable!("two digits are within the crate's limits"));
        micros.auto(true);
        Self(Arc::new(Mutex::new(Recorded { micros, sum: Duration::ZERO })))
    }

    pub fn record(&self, took: Duration) {
        let mut recorded = lock(&self.0);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).min(LATENCY_MICROS_MAX);
        // Grows the histogram as needed, which `saturating_record` would not; within the bound it cannot fail.
        let _ = recorded.micros.record(micros);
        recorded.sum += took;
    }

    /// How many values were at most so many seconds, for each bound.
    fn cumulated(&self, bounds: &[f64]) -> Vec<u64> {
        let recorded = lock(&self.0);
        bounds.iter().map(|bound| recorded.micros.count_between(0, (bound * 1e6) as u64)).collect()
    }

    /// Quantile and seconds for each of [`QUANTILES`] (NaN before the first value), the sum in seconds, and the count.
    pub fn read(&self) -> (Vec<(f64, f64)>, f64, u64) {
        let recorded = lock(&self.0);
        // The middle of what two digits cannot tell apart: its end would make every interval of 5 s look late.
        let middle = |q: f64| recorded.micros.median_equivalent(recorded.micros.value_at_quantile(q));
        let at = |q: f64| if recorded.micros.is_empty() { f64::NAN } else { middle(q) as f64 / 1e6 };
        (QUANTILES.map(|q| (q, at(q))).to_vec(), recorded.sum.as_secs_f64(), recorded.micros.len())
    }
}

/// What a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Summary,
    Histogram,
}

#[derive(Clone, Debug)]
enum Instrument {
    Counter(Counter),
    Gauge(Gauge),
    Latency(Latency),
    /// With the upper bounds of its buckets, in seconds.
    Buckets(Latency, &'static [f64]),
}

type LabelList = Vec<(String, String)>;

#[derive(Debug)]
struct Registered {
    kind: Kind,
    help: &'static str,
    instruments: BTreeMap<LabelList, Instrument>,
}

/// One family as `/metrics` shows it: samples are suffix, labels and value.
#[derive(Clone, Debug)]
pub struct Family {
    pub name: String,
    pub kind: Kind,
    pub help: String,
    pub samples: Vec<(&'static str, LabelList, f64)>,
}

/// All instruments of the process; cloning shares them. The same name and labels give the same instrument.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Mutex<BTreeMap<String, Registered>>>);

impl Registry {
    pub fn counter(&self, name: &str, help: &'static str, labels: &[(&str, &str)]) -> Counter {
        match self.instrument(name, help, labels, Kind::Counter, || Instrument::Counter(Counter::default())) {
            Instrument::Counter(counter) => counter,
            _ => Counter::default(),
        }
    }

    pub fn gauge(&self, name: &str, help: &'static str, labels: &[(&str, &str)]) -> Gauge {
        match self.instrument(name, help, labels, Kind::Gauge, || Instrument::Gauge(Gauge::default())) {
            Instrument::Gauge(gauge) => gauge,
            _ => Gauge::default(),
        }
    }

    /// A float that only grows by its nature (seconds of CPU time): written as a counter, set as a gauge.
    pub fn counting_gauge(&self, name: &str, help: &'static str, labels: &[(&str, &str)]) -> Gauge {
        match self.instrument(name, help, labels, Kind::Counter, || Instrument::Gauge(Gauge::default())) {
            Instrument::Gauge(gauge) => gauge,
            _ => Gauge::default(),
        }
    }

    /// A summary in seconds.
    pub fn latency(&self, name: &str, help: &'static str, labels: &[(&str, &str)]) -> Latency {
        match self.instrument(name, help, labels, Kind::Summary, || Instrument::Latency(Latency::new())) {
            Instrument::Latency(latency) => latency,
            _ => Latency::new(),
        }
    }

    /// A classic histogram in seconds; the last bucket, without a bound, is added.
    pub fn histogram(&self, name: &str, help: &'static str, labels: &[(&str, &str)], bounds: &'static [f64]) -> Latency {
        match self.instrument(name, help, labels, Kind::Histogram, || Instrument::Buckets(Latency::new(), bounds)) {
            Instrument::Buckets(latency, _) => latency,
            _ => Latency::new(),
        }
    }

    /// Takes instruments of one family off the list whose labels satisfy `gone` (a target or receiver that left).
    pub fn forget(&self, name: &str, gone: impl Fn(&[(String, String)]) -> bool) {
        if let Some(family) = lock(&self.0).get_mut(name) {
            family.instruments.retain(|labels, _| !gone(labels));
        }
    }

    fn instrument(&self, name: &str, help: &'static str, labels: &[(&str, &str)], kind: Kind, make: impl Fn() -> Instrument) -> Instrument {
        let mut families = lock(&self.0);
        let family = families.entry(name.to_owned()).or_insert_with(|| Registered { kind, help, instruments: BTreeMap::new() });
        debug_assert_eq!(family.kind, kind, "{name} is registered as two kinds");
        let mut key: LabelList = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        key.sort();
        family.instruments.entry(key).or_insert_with(make).clone()
    }

    /// Every family with its current values, by name.
    pub fn gather(&self) -> Vec<Family> {
        let families = lock(&self.0);
        families
            .iter()
            .map(|(name, family)| Family { name: name.clone(), kind: family.kind, help: family.help.to_owned(), samples: samples(family) })
            .collect()
    }
}

fn samples(family: &Registered) -> Vec<(&'static str, LabelList, f64)> {
    let mut out = Vec::new();
    for (labels, instrument) in &family.instruments {
        match instrument {
            Instrument::Counter(counter) => out.push(("", labels.clone(), counter.get() as f64)),
            Instrument::Gauge(gauge) => out.push(("", labels.clone(), gauge.get())),
            Instrument::Latency(latency) => {
                let (quantiles, sum, count) = latency.read();
                for (quantile, seconds) in quantiles {
                    let mut with = labels.clone();
                    with.push(("quantile".to_owned(), quantile.to_string()));
                    out.push(("", with, seconds));
                }
                out.push(("_sum", labels.clone(), sum));
                out.push(("_count", labels.clone(), count as f64));
            }
            Instrument::Buckets(latency, bounds) => {
                let (_, sum, count) = latency.read();
                let texts = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
                for (bound, up_to) in texts.zip(latency.cumulated(bounds).into_iter().chain([count])) {
                    let mut with = labels.clone();
                    with.push(("le".to_owned(), bound));
                    out.push(("_bucket", with, up_to as f64));
                }
                out.push(("_sum", labels.clone(), sum));
                out.push(("_count", labels.clone(), count as f64));
            }
        }
    }
    out
}

/// A panic elsewhere leaves figures usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_and_labels_are_one_instrument() {
        let registry = Registry::default();
        registry.counter("x_total", "x", &[("b", "2"), ("a", "1")]).add(2);
        registry.counter("x_total", "x", &[("a", "1"), ("b", "2")]).inc();
        registry.latency("y_seconds", "y", &[]).record(Duration::from_millis(20));
        let families = registry.gather();
        assert!((families[1].samples[0].2 - 0.02).abs() < 0.000_5, "the median: {:?}", families[1].samples[0]);
        assert_eq!(families[0].samples[0].2, 3.0);
        registry.histogram("z_seconds", "z", &[], &[0.1, 1.0]).record(Duration::from_millis(500));
        let buckets = registry.gather().remove(2).samples;
        let shown: Vec<(&str, f64)> = buckets.iter().map(|(suffix, _, value)| (*suffix, *value)).collect();
        assert_eq!(shown, [("_bucket", 0.0), ("_bucket", 1.0), ("_bucket", 1.0), ("_sum", 0.5), ("_count", 1.0)]);
        let count = families[1].samples.last().map(|(suffix, _, value)| (*suffix, *value));
        assert_eq!(count, Some(("_count", 1.0)));
    }
}
