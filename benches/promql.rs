//! The query engine on large batches: one line a query shape, milliseconds of the fastest of some runs.
//!
//! The store here holds plain columns, so that what is measured is the engine. `cargo bench --bench promql`; with `-- count` instructions
//! on one thread and a smaller store, in place of milliseconds (`count.rs`).

mod count;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, Matcher, Metadata, TimeRange, TimestampMs};
use promlet::promql::{Answer, Engine, EngineOptions, QueryError, QueryOptions, Value};
use promlet::storage::select::{Batch, ColumnValues, Hints, LabelPair, Select, SelectError, SeriesId, Snapshot, Symbol, Version};
use promlet::telemetry::Registry;

const INSTANCES: usize = 100;
/// Under valgrind everything takes fifty times as long.
const COUNTED_INSTANCES: usize = 10;
const ROWS: usize = 5760;
const SCRAPE: i64 = 15_000;
const RUNS: usize = 5;

#[derive(Clone)]
struct Dense {
    texts: Arc<Vec<Arc<str>>>,
    groups: Arc<Vec<Arc<Group>>>,
}

struct Group {
    times: Vec<TimestampMs>,
    /// Name, labels and values.
    series: Vec<(Labels, Vec<LabelPair>, Vec<f64>)>,
}

/// 24 hours of counters and buckets, all series of an instance in one group.
fn store(instances: usize) -> Dense {
    let mut texts: Vec<Arc<str>> = Vec::new();
    let mut symbol = |text: &str| {
        let at = texts.iter().position(|t| &**t == text).unwrap_or_else(|| {
            texts.push(Arc::from(text));
            texts.len() - 1
        });
        Symbol(at as u32)
    };
    let mut groups = Vec::new();
    for instance in 0..instances {
        let mut series = Vec::new();
        let mut add = |pairs: &[(&str, &str)], rate: f64| {
            let labels = Labels::from_pairs(pairs.iter().copied());
            let symbols = labels.iter().map(|(n, v)| LabelPair { name: symbol(n), value: symbol(v) }).collect();
            // A counter in whole steps, reset now and then, without a random number generator.
            let mut value = 0.0;
            let values = (0..ROWS).map(|row| {
                value = if (row * 7 + instance * 13) % 2003 == 0 { 0.0 } else { value + rate * ((row * 31 + instance) % 17) as f64 };
                value
            });
            series.push((labels, symbols, values.collect()));
        };
        let name = format!("host-{instance}:9100");
        for cpu in 0..4 {
            for mode in ["idle", "user", "system", "iowait", "nice"] {
                let cpu = cpu.to_string();
                add(&[("__name__", "cpu_seconds_total"), ("instance", &name), ("cpu", &cpu), ("mode", mode)], 0.25);
            }
        }
        for (rate, le) in ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"].iter().enumerate() {
            add(&[("__name__", "latency_bucket"), ("instance", &name), ("le", le)], (rate + 1) as f64);
        }
        for code in ["200", "500"] {
            add(&[("__name__", "requests_total"), ("instance", &name), ("code", code)], 3.0);
        }
        let times = (0..ROWS as i64).map(|row| TimestampMs(row * SCRAPE + instance as i64 * 97)).collect();
        groups.push(Arc::new(Group { times, series }));
    }
    Dense { texts: Arc::new(texts), groups: Arc::new(groups) }
}

impl Select for Dense {
    fn open(&self, _: TimeRange) -> Result<Arc<dyn Snapshot>, SelectError> {
        Ok(Arc::new(self.clone()))
    }
}

impl Snapshot for Dense {
    fn select(&self, matchers: &[Matcher], hints: &Hints) -> Result<Vec<Box<dyn Batch>>, SelectError> {
        let range = hints.range.unwrap_or(TimeRange::ALL);
        let mut batches: Vec<Box<dyn Batch>> = Vec::new();
        for group in self.groups.iter() {
            let matches = |labels: &Labels| matchers.iter().all(|m| m.matches(labels.get(&m.name).unwrap_or("")));
            let chosen: Vec<usize> = (0..group.series.len()).filter(|i| matches(&group.series[*i].0)).collect();
            let rows = group.times.partition_point(|t| *t < range.min)..group.times.partition_point(|t| *t <= range.max);
            if !chosen.is_empty() && !rows.is_empty() {
                batches.push(Box::new(DenseBatch { group: Arc::clone(group), chosen, rows }));
            }
        }
        Ok(batches)
    }

    fn series(&self, _: &[Matcher], _: TimeRange) -> Result<Vec<Labels>, SelectError> {
        Ok(Vec::new())
    }

    fn label_names(&self, _: &[Matcher], _: TimeRange) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }

    fn label_values(&self, _: &str, _: &[Matcher], _: TimeRange) -> Result<Vec<String>, SelectError> {
        Ok(Vec::new())
    }

    fn metadata(&self) -> Result<Vec<(String, Metadata)>, SelectError> {
        Ok(Vec::new())
    }

    fn text(&self, symbol: Symbol) -> Arc<str> {
        Arc::clone(&self.texts[symbol.0 as usize])
    }

    fn symbol(&self, text: &str) -> Option<Symbol> {
        self.texts.iter().position(|t| &**t == text).map(|at| Symbol(at as u32))
    }

    fn version(&self, _: TimeRange) -> Version {
        Version(0)
    }
}

struct DenseBatch {
    group: Arc<Group>,
    chosen: Vec<usize>,
    rows: Range<usize>,
}

impl Batch for DenseBatch {
    fn times(&self) -> &[TimestampMs] {
        &self.group.times[self.rows.clone()]
    }

    fn len(&self) -> usize {
        self.chosen.len()
    }

    fn series_id(&self, index: usize) -> SeriesId {
        SeriesId(self.chosen[index] as u64)
    }

    fn labels(&self, index: usize) -> &[LabelPair] {
        &self.group.series[self.chosen[index]].1
    }

    fn read(&self, index: usize, rows: Range<usize>, into: &mut ColumnValues) -> Result<(), SelectError> {
        into.clear();
        let values = &self.group.series[self.chosen[index]].2;
        into.floats.extend_from_slice(&values[self.rows.start + rows.start..self.rows.start + rows.end]);
        Ok(())
    }
}

const SHAPES: [&str; 20] = [
    "sum by (instance) (rate(cpu_seconds_total[5m]))",
    "sum(cpu_seconds_total)",
    "cpu_seconds_total{mode=\"idle\"}",
    "count by (__name__) ({__name__=~\".+\"})",
    "histogram_quantile(0.95, sum by (le, instance) (rate(latency_bucket[5m])))",
    "histogram_quantile(0.95, rate(latency_bucket[5m]))",
    "sum by (instance) (rate(requests_total{code=\"500\"}[5m])) / sum by (instance) (rate(requests_total[5m]))",
    "sum(rate(requests_total[5m])) / (sum(rate(requests_total[5m])) + sum(rate(cpu_seconds_total[5m])))",
    "quantile_over_time(0.95, requests_total[1h])",
    "max_over_time(cpu_seconds_total{mode=\"idle\"}[1h])",
    "max_over_time(cpu_seconds_total{mode=\"idle\"}[12h])",
    "sum_over_time(cpu_seconds_total{mode=\"idle\"}[1h])",
    "avg_over_time(cpu_seconds_total{mode=\"idle\"}[1h])",
    "stddev_over_time(requests_total[1h])",
    "changes(cpu_seconds_total{mode=\"idle\"}[1h])",
    "count_over_time(requests_total[1h])",
    "topk(5, rate(cpu_seconds_total[5m]))",
    "increase(requests_total[6h])",
    "max_over_time(sum(rate(requests_total[5m]))[1h:1m])",
    "cpu_seconds_total > 100000",
];

const BOUNDS: (TimestampMs, TimestampMs) = (TimestampMs(0), TimestampMs(86_400_000));

/// What is counted.
#[inline(never)]
fn measured(engine: &Engine, store: &Dense, shape: &str) -> Result<Answer, QueryError> {
    engine.range(store, shape, BOUNDS, DurationMs::seconds(60), &QueryOptions::default())
}

/// One shape under valgrind: once to warm up, and once to count.
fn one(shape: &str) {
    let engine = Engine::new(EngineOptions { threads: 1, ..EngineOptions::default() }, Clock::system(), &Registry::default());
    let store = store(COUNTED_INSTANCES);
    let warm = engine.range(&store, shape, BOUNDS, DurationMs::seconds(600), &QueryOptions::default());
    assert!(warm.is_ok(), "{shape}");
    let answer = measured(&engine, &store, shape).expect("an answer");
    count::did(answer.stats.samples, "samples looked at");
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let only = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [count::ONE, shape] => return one(shape),
        ["count", only @ ..] => {
            let cases = SHAPES.map(|name| count::Case { name, function: "promql::measured*" });
            return count::table(cases, only.first().copied());
        }
        [only, ..] => Some((*only).to_owned()),
        [] => None,
    };
    let (store, engine) = (store(INSTANCES), Engine::new(EngineOptions::default(), Clock::system(), &Registry::default()));
    for shape in SHAPES.iter().filter(|s| only.as_ref().is_none_or(|o| s.contains(o.as_str()))) {
        let mut fastest = f64::INFINITY;
        let mut described = String::new();
        for _ in 0..RUNS {
            #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
            let started = Instant::now();
            let answer = measured(&engine, &store, shape);
            fastest = fastest.min(started.elapsed().as_secs_f64() * 1000.0);
            described = match answer.map(|a| (a.value, a.stats)) {
                Ok((Value::Matrix(series), stats)) => format!("{} series, {} samples, peak {}", series.len(), stats.samples, stats.peak),
                Ok(_) => "no matrix".to_owned(),
                Err(error) => error.to_string(),
            };
        }
        println!("{fastest:9.2} ms  {shape}  ({described})");
    }
}
