//! Rows of every shape: claimed twice, cut into requests, with times of their own, with histograms; read while they are written.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use promlet::clock::Clock;
use promlet::model::histogram::BucketSpan;
use promlet::model::{DurationMs, Exemplar, Histogram, Labels, Matcher, Metadata, MetricType, STALE_NAN, TimeRange, TimestampMs, Value};
use promlet::storage::{Append, Cell, Column, ColumnValues, GroupKey, GroupSource, Hints, Rejected, Row, RowWriter, Select};
use promlet::telemetry::Registry;
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

const START: i64 = 1_000_000_000;

struct Store {
    disk: CrashingDisk,
    options: TsdbOptions,
    clock: Clock,
    db: Tsdb,
}

impl Store {
    fn new() -> Self {
        let mut options = TsdbOptions::new("data");
        options.no_lockfile = true;
        options.sizes.stripe_rows = 12;
        Self::with(CrashingDisk::default(), options)
    }

    fn with(disk: CrashingDisk, options: TsdbOptions) -> Self {
        let clock = Clock::manual(TimestampMs(START));
        let db = Tsdb::open(options.clone(), Arc::new(disk.clone()), clock.clone(), &Registry::default()).expect("a store");
        Self { disk, options, clock, db }
    }

    fn restart(self) -> Self {
        let Self { disk, options, db, .. } = self;
        drop(db);
        Self::with(disk, options)
    }

    fn writer(&self, source: GroupSource, name: &str) -> Box<dyn RowWriter> {
        self.db.writer(&GroupKey { source, name: name.to_owned(), labels: Labels::from_pairs([("job", "j")]) }).expect("a writer")
    }
}

fn series(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("job", "j")])
}

fn columns(writer: &mut Box<dyn RowWriter>, prefix: &str, count: usize) -> Vec<Column> {
    (0..count).map(|n| writer.column(&series(&format!("{prefix}{n}"))).expect("a column")).collect()
}

/// Commits values at a time after the start; what was refused comes back.
fn commit(writer: &mut Box<dyn RowWriter>, at: i64, cells: &[(Column, f64)]) -> Vec<Rejected> {
    let mut row = Row::new(TimestampMs(START + at));
    cells.iter().for_each(|(column, value)| row.push(*column, *value));
    writer.commit(&row).expect("a commit").rejected.into_iter().map(|(_, why)| why).collect()
}

/// By metric name: times after the start and values.
fn read(db: &Tsdb, matchers: &[Matcher]) -> BTreeMap<String, Vec<(i64, f64)>> {
    let snapshot = Select::open(db, TimeRange::ALL).expect("a snapshot");
    let (mut found, mut values) = (BTreeMap::new(), ColumnValues::default());
    for batch in snapshot.select(matchers, &Hints::default()).expect("a selection") {
        assert!(batch.times().windows(2).all(|w| w[0] < w[1]), "times go forward");
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values).expect("values");
            let rows = batch.times().iter().enumerate().filter(|(row, _)| values.is_present(*row));
            let samples = rows.map(|(row, time)| (time.0 - START, values.floats[row])).collect();
            let name = batch
                .labels(at)
                .iter()
                .find(|pair| &*snapshot.text(pair.name) == "__name__")
                .map(|pair| snapshot.text(pair.value).to_string());
            assert!(found.insert(name.expect("a name"), samples).is_none(), "each series comes once");
        }
    }
    found
}

#[test]
fn a_series_that_two_groups_claim_goes_forward_only() {
    let store = Store::new();
    let (mut first, mut second) = (store.writer(GroupSource::Scrape, "a"), store.writer(GroupSource::Scrape, "b"));
    let a = first.column(&series("m")).expect("a column");
    assert_eq!(commit(&mut first, 1000, &[(a, 1.0)]), []);
    let b = second.column(&series("m")).expect("a column");
    assert_eq!(commit(&mut second, 500, &[(b, 5.0)]), [Rejected::OutOfOrder]);
    assert_eq!(commit(&mut second, 1000, &[(b, 1.0)]), [], "the same again");
    assert_eq!(commit(&mut second, 1000, &[(b, 2.0)]), [Rejected::Duplicate]);
    assert_eq!(commit(&mut second, 2000, &[(b, 2.0)]), []);
    assert_eq!(commit(&mut first, 1500, &[(a, 9.0)]), [Rejected::OutOfOrder]);
    assert_eq!(commit(&mut first, 2500, &[(a, STALE_NAN)]), [], "the end of one claimant");
    assert_eq!(commit(&mut second, 3000, &[(b, 3.0)]), []);
    let expected = vec![(1000, 1.0), (2000, 2.0), (3000, 3.0)];
    assert_eq!(read(&store.db, &[])["m"], expected, "does not blank what the other keeps alive");
    let store = store.restart();
    assert_eq!(read(&store.db, &[])["m"], expected);
    store.db.compact().expect("a merge");
    assert_eq!(read(&store.db, &[])["m"], expected);
}

#[test]
fn claimants_with_times_of_their_own_lose_nothing_when_they_move_apart() {
    let store = Store::new();
    let mut writers = [store.writer(GroupSource::Scrape, "a"), store.writer(GroupSource::Scrape, "b")];
    for scrape in 0..4 {
        for (number, writer) in writers.iter_mut().enumerate() {
            let (shared, own) =
                (writer.column(&series("shared")).expect("a column"), writer.column(&series(&format!("own{number}"))).expect("one"));
            // What carries the scrape's time stands in the same group at first.
            let refused = if number == 1 { vec![Rejected::Duplicate] } else { Vec::new() };
            assert_eq!(commit(writer, scrape * 100, &[(shared, (scrape * 10 + number as i64) as f64)]), refused, "scrape {scrape}");
            assert_eq!(commit(writer, 5000 + scrape * 100 + number as i64, &[(own, 1.0)]), []);
        }
    }
    assert_eq!(read(&store.db, &[])["shared"], [(0, 0.0), (100, 10.0), (200, 20.0), (300, 30.0)]);
}

#[test]
fn samples_with_times_of_their_own_form_few_groups() {
    let store = Store::new();
    let mut writer = store.writer(GroupSource::Scrape, "cadvisor");
    let containers: Vec<Vec<Column>> = (0..5).map(|c| columns(&mut writer, &format!("c{c}_"), 20)).collect();
    for scrape in 0..40i64 {
        for (number, of_container) in containers.iter().enumerate() {
            // Each container was looked at at another moment, some of them before the scrape before.
            let at = scrape * 10_000 - (number as i64 * 3700) % 9000 + (scrape * 7 + number as i64) % 5;
            let cells: Vec<_> = of_container.iter().map(|column| (*column, scrape as f64)).collect();
            assert_eq!(commit(&mut writer, at, &cells), []);
        }
    }
    let check = |db: &Tsdb| {
        let found = read(db, &[]);
        assert_eq!(found.len(), 100);
        assert!(found.values().all(|samples| samples.len() == 40 && samples.iter().enumerate().all(|(n, (_, value))| *value == n as f64)));
    };
    check(&store.db);
    assert!(store.db.stats(0).groups <= 8, "{} groups", store.db.stats(0).groups);
    let store = store.restart();
    check(&store.db);
    store.db.compact().expect("a merge");
    check(&store.db);
}

#[test]
fn pushed_rows_may_be_cut_anywhere() {
    let store = Store::new();
    let mut writer = store.writer(GroupSource::Push, "sender");
    let all = columns(&mut writer, "p", 30);
    for step in 0..50i64 {
        let cuts = [(step * 7 % 29) as usize, (step * 11 % 31).min(30) as usize];
        let (low, high) = (cuts[0].min(cuts[1]), cuts[0].max(cuts[1]));
        for part in [&all[..low], &all[low..high], &all[high..]] {
            let cells: Vec<_> = part.iter().map(|column| (*column, step as f64)).collect();
            assert_eq!(commit(&mut writer, step * 1000, &cells), []);
        }
    }
    let found = read(&store.db, &[]);
    assert_eq!(found.len(), 30);
    assert!(found.values().all(|samples| samples.len() == 50));
    assert_eq!(store.db.stats(0).groups, 1);
    let again = read(&store.restart().db, &[]);
    assert_eq!(again, found);
}

#[test]
fn shards_of_a_sender_may_run_apart() {
    let store = Store::new();
    let mut writer = store.writer(GroupSource::Push, "sender");
    let all = columns(&mut writer, "p", 40);
    let cells = |shard: usize, step: i64| all.iter().skip(shard).step_by(2).map(|c| (*c, step as f64)).collect::<Vec<_>>();
    assert_eq!(commit(&mut writer, 0, &cells(0, 0)), []);
    assert_eq!(commit(&mut writer, 0, &cells(1, 0)), []);
    for step in 1..60i64 {
        assert_eq!(commit(&mut writer, step * 1000, &cells(0, step)), []);
        if step > 20 {
            assert_eq!(commit(&mut writer, (step - 20) * 1000, &cells(1, step - 20)), []);
        }
    }
    let found = read(&store.db, &[]);
    assert_eq!(found["p0"].len(), 60);
    assert_eq!(found["p1"].len(), 40);
    assert!(store.db.stats(0).groups <= 3);
    assert_eq!(read(&store.restart().db, &[]), found);
}

fn histogram(n: u32) -> Arc<Histogram> {
    let spans = vec![BucketSpan { offset: 0, length: 3 }];
    let counts = vec![f64::from(n), 2.0, 0.5];
    Arc::new(Histogram { schema: 3, count: f64::from(n), sum: 1.5, positive_spans: spans, positive_counts: counts, ..Histogram::default() })
}

#[test]
fn histograms_starts_exemplars_and_metadata_are_kept() {
    let store = Store::new();
    let mut writer = store.writer(GroupSource::Scrape, "h");
    let (h, c) = (writer.column(&series("h")).expect("a column"), writer.column(&series("c_total")).expect("a column"));
    let metadata = Metadata { metric_type: MetricType::Counter, help: "what it counts".to_owned(), unit: String::new() };
    writer.describe("c_total", &metadata).expect("space");
    for n in 0..30u32 {
        let mut row = Row::new(TimestampMs(START + i64::from(n) * 1000));
        row.cells.push(Cell { column: h, value: Value::Histogram(histogram(n)) });
        row.push(c, f64::from(n));
        row.starts.push((c, TimestampMs(START - 5 + i64::from(n / 20))));
        row.exemplars.push((c, Exemplar { labels: Labels::from_pairs([("trace_id", n.to_string())]), value: f64::from(n), at: None }));
        assert!(writer.commit(&row).expect("a commit").rejected.is_empty());
    }
    let exemplars = store.db.exemplars(&[Matcher::equal("__name__", "c_total")], TimeRange::ALL);
    assert_eq!((exemplars.len(), exemplars[29].2.value), (30, 29.0));
    let check = |db: &Tsdb| {
        let snapshot = Select::open(db, TimeRange::ALL).expect("a snapshot");
        assert_eq!(snapshot.metadata().expect("metadata"), [("c_total".to_owned(), metadata.clone())]);
        let mut values = ColumnValues::default();
        for batch in snapshot.select(&[], &Hints::default()).expect("a selection") {
            for at in 0..batch.len() {
                batch.read(at, 0..batch.times().len(), &mut values).expect("values");
                if values.histograms.is_empty() {
                    let starts: Vec<i64> = values.starts.iter().map(|(_, start)| start.0 - START).collect();
                    assert_eq!(starts, (0..30).map(|n| n / 20 - 5).collect::<Vec<_>>());
                } else {
                    assert_eq!(values.histograms.len(), 30);
                    assert!(values.histograms.iter().all(|(row, held)| held.same_bits(&histogram(*row))));
                }
            }
        }
    };
    check(&store.db);
    let store = store.restart();
    check(&store.db);
    store.db.compact().expect("a merge");
    check(&store.db);
    store.db.close().expect("a clean end");
    check(&store.restart().db);
}

#[test]
fn old_segments_go_by_age_and_by_size() {
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    options.sizes.stripe_rows = 10;
    options.sizes.segment_span = DurationMs::seconds(100);
    options.retention_time = DurationMs::seconds(3000);
    let store = Store::with(CrashingDisk::default(), options.clone());
    let mut writer = store.writer(GroupSource::Scrape, "a");
    let all = columns(&mut writer, "m", 5);
    let feed = |store: &Store, writer: &mut Box<dyn RowWriter>, steps: std::ops::Range<i64>| {
        for step in steps {
            store.clock.set(TimestampMs(START + step * 1000));
            let cells: Vec<_> = all.iter().map(|column| (*column, step as f64)).collect();
            assert_eq!(commit(writer, step * 1000, &cells), []);
            store.db.maintain(store.clock.now());
        }
    };
    feed(&store, &mut writer, 0..4000);
    let first = read(&store.db, &[])["m0"][0].0;
    assert!((700_000..=1_000_000).contains(&first), "{first}");
    assert_eq!(commit(&mut writer, 0, &[(all[0], 1.0)]), [Rejected::OutOfBounds]);
    drop(writer);
    let Store { disk, .. } = store;
    options.retention_bytes = 20_000;
    let store = Store::with(disk, options);
    store.clock.set(TimestampMs(START + 4_000_000));
    let mut writer = store.writer(GroupSource::Scrape, "a");
    let all = columns(&mut writer, "m", 5);
    let cells: Vec<_> = all.iter().map(|column| (*column, 1.0)).collect();
    assert_eq!(commit(&mut writer, 4_000_000, &cells), []);
    store.db.maintain(store.clock.now());
    let bytes: u64 = store.db.stats(0).segments.iter().map(|s| s.bytes).sum();
    assert!(bytes <= 20_000, "{bytes}");
}

#[test]
fn names_values_and_versions() {
    let store = Store::new();
    let mut writer = store.writer(GroupSource::Scrape, "a");
    let all = columns(&mut writer, "m", 3);
    let range = TimeRange::new(TimestampMs(START), TimestampMs(START + 60_000));
    let later = TimeRange::new(TimestampMs(START + 300_000), TimestampMs(START + 400_000));
    assert_eq!(commit(&mut writer, 1000, &[(all[0], 1.0), (all[1], 1.0)]), []);
    let snapshot = Select::open(&store.db, TimeRange::ALL).expect("a snapshot");
    assert_eq!(snapshot.label_names(&[], range).expect("names"), ["__name__", "job"]);
    assert_eq!(snapshot.label_values("__name__", &[], range).expect("values"), ["m0", "m1"]);
    assert_eq!(snapshot.label_values("__name__", &[], later).expect("values"), [""; 0]);
    assert_eq!(snapshot.series(&[Matcher::equal("__name__", "m1")], range).expect("series"), [series("m1")]);
    let versions = (snapshot.version(range), snapshot.version(later));
    assert_eq!(commit(&mut writer, 2000, &[(all[2], 1.0)]), []);
    assert_ne!(snapshot.version(range), versions.0, "a write in the range");
    assert_eq!(snapshot.version(later), versions.1, "no write in the range");
}

#[test]
fn readers_see_whole_rows_while_everything_moves() {
    let store = Arc::new(Store::new());
    let done = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|number| {
                let store = store.clone();
                scope.spawn(move || {
                    let mut writer = store.writer(GroupSource::Scrape, &format!("w{number}"));
                    let all = columns(&mut writer, &format!("w{number}_"), 10);
                    for step in 0..400i64 {
                        let cells: Vec<_> = all.iter().map(|column| (*column, step as f64)).collect();
                        assert_eq!(commit(&mut writer, step * 1000, &cells), []);
                    }
                })
            })
            .collect();
        let (upkeep, stop) = (store.clone(), done.clone());
        scope.spawn(move || {
            while !stop.load(Ordering::Acquire) {
                upkeep.db.maintain(TimestampMs(START));
                upkeep.db.compact().expect("a merge");
            }
        });
        let mut last = 0usize;
        while writers.iter().any(|writer| !writer.is_finished()) {
            let found = read(&store.db, &[]);
            for number in 0..3 {
                let of_writer: Vec<_> = found.iter().filter(|(name, _)| name.starts_with(&format!("w{number}_"))).map(|(_, s)| s).collect();
                assert!(of_writer.windows(2).all(|w| w[0] == w[1]), "a row was seen in part");
                let whole = of_writer
                    .first()
                    .is_none_or(|s| s.iter().enumerate().all(|(n, (at, value))| *at == n as i64 * 1000 && *value == n as f64));
                assert!(whole, "a row is missing");
            }
            let samples = found.values().map(Vec::len).sum();
            assert!(samples >= last, "what was seen is gone");
            last = samples;
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(read(&store.db, &[]).values().map(Vec::len).sum::<usize>(), 3 * 10 * 400);
}
