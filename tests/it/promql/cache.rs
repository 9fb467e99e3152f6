//! Kept range answers: whatever is written, completed or dropped in between, they are what an engine without a memory says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, Matcher, TimeRange, TimestampMs};
use promlet::promql::{Engine, EngineOptions, QueryOptions, Value};
use promlet::storage::memory::MemoryStore;
use promlet::storage::{Append, Column, ColumnValues, GroupKey, GroupSource, Joined, Row, RowWriter};
use promlet::telemetry::Registry;
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

const SCRAPE: i64 = 15_000;
const STEP: DurationMs = DurationMs(60_000);
const HOUR: i64 = 3_600_000;
/// A day after the epoch, so that windows reach back to nothing.
const START: i64 = 24 * HOUR;
const QUERIES: [&str; 7] = [
    "sum by (instance) (rate(requests_total[5m]))",
    "requests_total",
    "max_over_time(requests_total[1h])",
    "topk(2, requests_total)",
    "sum(requests_total) - sum(requests_total offset 30m)",
    "count(requests_total > 50) or absent(requests_total)",
    "quantile_over_time(0.9, sum(requests_total)[20m:1m])",
];

struct Box {
    clock: Clock,
    db: Arc<Tsdb>,
    /// What lies behind the store, such as blocks of Prometheus that were put into the folder.
    older: MemoryStore,
    has_older: Arc<AtomicBool>,
    both: Joined,
    registry: Registry,
    engine: Engine,
    writers: Vec<(std::boxed::Box<dyn RowWriter>, Vec<Column>)>,
    now: i64,
    dice: u64,
}

impl Box {
    fn new() -> Self {
        let clock = Clock::manual(TimestampMs(START));
        let mut options = TsdbOptions::new("data");
        options.no_lockfile = true;
        options.retention_time = DurationMs::seconds(4 * 3600);
        options.out_of_order_window = DurationMs::seconds(3600);
        options.sizes.stripe_rows = 20;
        options.sizes.segment_bytes = 4000;
        let disk = CrashingDisk::default();
        let db = Arc::new(Tsdb::open(options, Arc::new(disk), clock.clone(), &Registry::default()).unwrap());
        let (older, has_older) = (MemoryStore::default(), Arc::new(AtomicBool::new(false)));
        let covers = Arc::clone(&has_older);
        let both = Joined::new(db.clone(), Arc::new(older.clone()), std::boxed::Box::new(move |_| covers.load(Ordering::Relaxed)));
        let registry = Registry::default();
        let engine = Engine::new(EngineOptions::default(), clock.clone(), &registry);
        let mut made = Self { clock, db, older, has_older, both, registry, engine, writers: Vec::new(), now: START, dice: 7 };
        (0..4).for_each(|number| made.add_writer(number));
        made
    }

    fn add_writer(&mut self, number: usize) {
        let key = GroupKey { source: GroupSource::Push, name: format!("box-{number}"), labels: Labels::empty() };
        let mut writer = self.db.writer(&key).unwrap();
        let column = |code: &str, writer: &mut dyn RowWriter| {
            let instance = format!("box-{number}");
            writer.column(&Labels::from_pairs([("__name__", "requests_total"), ("instance", &*instance), ("code", code)])).unwrap()
        };
        let columns = ["200", "404", "500"].map(|code| column(code, &mut *writer)).to_vec();
        self.writers.push((writer, columns));
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % sides
    }

    /// One row of one writer; a code may be left out.
    fn write(&mut self, writer: usize, at: i64) {
        let left_out = self.roll(6) as usize;
        let value = (at / SCRAPE % 977) as f64 * 0.25 + self.roll(50) as f64;
        let (writer, columns) = &mut self.writers[writer];
        let mut row = Row::new(TimestampMs(at));
        for (place, column) in columns.iter().enumerate().filter(|(place, _)| *place != left_out) {
            row.push(*column, value + place as f64);
        }
        writer.commit(&row).unwrap();
    }

    /// Time goes on by some scrapes; writers from `quiet` on say nothing.
    fn go_on(&mut self, scrapes: i64, quiet: usize) {
        for _ in 0..scrapes {
            self.now += SCRAPE;
            (0..self.writers.len().min(quiet)).for_each(|writer| self.write(writer, self.now));
        }
        self.clock.set(TimestampMs(self.now));
    }

    /// Forty rows of older samples: of a series that is written to, and of a new one.
    fn earlier(&mut self) -> (Vec<i64>, Vec<(Labels, Vec<f64>)>) {
        let (back, writer) = (20 + self.roll(200) as i64, self.roll(4));
        let times = (0..40).map(|row| self.now - back * 60_000 + row * SCRAPE + 3000).collect();
        let labels = |instance: String| Labels::from_pairs([("__name__", "requests_total"), ("instance", &*instance), ("code", "200")]);
        let values = |first: i64| (0..40).map(|row| (first + row) as f64).collect();
        let columns = [(format!("box-{writer}"), 30), (format!("import-{}", self.now), 3000)];
        (times, columns.into_iter().map(|(instance, first)| (labels(instance), values(first))).collect())
    }

    fn key(&self, name: &str) -> GroupKey {
        GroupKey { source: GroupSource::Push, name: format!("{name}-{}", self.now), labels: Labels::empty() }
    }

    /// As `promlet tsdb import` adds them: a segment of their own.
    fn import(&mut self) {
        let (times, columns) = self.earlier();
        let columns: Vec<(Labels, ColumnValues)> =
            columns.into_iter().map(|(labels, floats)| (labels, ColumnValues { floats, ..ColumnValues::default() })).collect();
        let mut importer = self.db.importer().unwrap();
        importer.rows(&self.key("import"), 0, &times, &columns).unwrap();
        assert!(importer.finish().unwrap());
    }

    /// A block appears in the store behind.
    fn add_block(&mut self) {
        let (times, columns) = self.earlier();
        let mut writer = self.older.writer(&self.key("block")).unwrap();
        let numbers: Vec<Column> = columns.iter().map(|(labels, _)| writer.column(labels).unwrap()).collect();
        for (row, at) in times.into_iter().enumerate() {
            let mut cells = Row::new(TimestampMs(at));
            numbers.iter().zip(&columns).for_each(|(column, (_, values))| cells.push(*column, values[row]));
            writer.commit(&cells).unwrap();
        }
        self.has_older.store(true, Ordering::Relaxed);
    }

    fn answer(&self, query: &str, (start, end): (i64, i64), cache: bool) -> Vec<(Labels, Vec<(i64, f64)>)> {
        let options = QueryOptions { cache, ..QueryOptions::default() };
        let answer = self.engine.range(&self.both, query, (TimestampMs(start), TimestampMs(end)), STEP, &options).unwrap();
        let Value::Matrix(series) = answer.value else { panic!("a range query gives a matrix") };
        series.into_iter().map(|s| (s.labels, s.floats.into_iter().map(|(at, v)| (at.0, v)).collect())).collect()
    }

    fn check(&mut self, after: &str) {
        let hours = 1 + self.roll(3) as i64;
        let end = self.now / STEP.0 * STEP.0;
        let start = end - hours * HOUR;
        for query in QUERIES {
            let kept = self.answer(query, (start, end), true);
            let fresh = self.answer(query, (start, end), false);
            assert_eq!(kept.len(), fresh.len(), "series of {query} after {after}");
            for ((labels, kept), (same, fresh)) in kept.iter().zip(&fresh) {
                assert_eq!(labels, same, "{query} after {after}");
                assert_eq!(kept.len(), fresh.len(), "points of {labels} of {query} after {after}");
                for ((at, a), (when, b)) in kept.iter().zip(fresh) {
                    assert!(
                        at == when && (a - b).abs() <= b.abs() * 1e-12,
                        "{labels} of {query} after {after}: {a} at {at}, {b} at {when}"
                    );
                }
            }
        }
    }

    fn figure(&self, outcome: &str) -> u64 {
        self.registry.counter("promlet_query_cache_total", "", &[("outcome", outcome)]).get()
    }
}

#[test]
fn answers_are_the_same_whatever_happens_between_them() {
    let mut store = Box::new();
    store.go_on(4 * 240, usize::MAX);
    store.check("the first hours");
    for round in 0..80 {
        match store.roll(10) {
            0 => {
                // The last writer was cut off and brings its samples later: they lie where answers were kept.
                let from = store.now;
                let quiet = store.writers.len() - 1;
                store.go_on(40, quiet);
                store.check("a writer's silence");
                (1..=40).for_each(|row| store.write(quiet, from + row * SCRAPE));
                store.check("late samples");
            }
            1 => {
                let number = store.writers.len();
                store.add_writer(number);
                store.go_on(8, usize::MAX);
                store.check("a new writer");
            }
            2 => {
                store.go_on(240, usize::MAX);
                store.db.maintain(TimestampMs(store.now));
                store.check("maintenance and retention");
            }
            4 => {
                // Between two scrapes of any writer, long ago.
                let (writer, back) = (store.roll(4) as usize, 1 + store.roll(160) as i64);
                store.write(writer, store.now - back * SCRAPE + 7000);
                store.check("a sample out of order");
            }
            3 => {
                let back = 1 + store.roll(120) as i64;
                let range = TimeRange::new(TimestampMs(store.now - back * 60_000), TimestampMs(store.now - back * 30_000));
                store.db.delete(&[Matcher::equal("code", "404")], range).unwrap();
                store.check("a deletion");
            }
            5 => {
                store.import();
                store.check("an import");
            }
            // Not often: from the first on both stores are asked each time.
            6 if round > 40 => {
                store.add_block();
                store.check("a block behind the store");
            }
            _ => {
                let scrapes = 1 + store.roll(20) as i64;
                store.go_on(scrapes, usize::MAX);
                store.check("some scrapes");
                store.check("nothing at all");
            }
        }
        assert!(store.writers.len() < 100, "round {round}");
    }
    let [hits, misses, outdated] = ["hit", "miss", "outdated"].map(|outcome| store.figure(outcome));
    assert!(hits > 100 && misses > 0 && outdated > 5, "{hits} hits, {misses} misses, {outdated} outdated");
}
