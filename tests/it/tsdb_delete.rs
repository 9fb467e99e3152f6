//! Deletion and snapshots: what is deleted is gone at every stage and after every start, and nothing else is.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use promlet::clock::Clock;
use promlet::model::{Labels, Matcher, Metadata, MetricType, TimeRange, TimestampMs};
use promlet::storage::{Append, ColumnValues, GroupKey, GroupSource, Hints, Row, RowWriter, Select};
use promlet::telemetry::Registry;
use promlet::tsdb::disk::crashing::{Crash, Dice};
use promlet::tsdb::{CrashingDisk, Disk, Tsdb, TsdbOptions};

const START: i64 = 1_000_000_000;

fn open(disk: &CrashingDisk, folder: &str) -> Tsdb {
    let mut options = TsdbOptions::new(folder);
    options.no_lockfile = true;
    options.sizes.stripe_rows = 12;
    Tsdb::open(options, Arc::new(disk.clone()), Clock::manual(TimestampMs(START)), &Registry::default()).expect("a store")
}

/// What every series holds in a row: noise, so that it takes space.
fn value(name: &str, number: i64) -> f64 {
    Dice(number as u64 + ((name.len() as u64 + u64::from(name.as_bytes()[0])) << 32)).roll() as f64
}

/// Rows of three series.
fn feed(db: &Tsdb, rows: std::ops::Range<i64>) {
    let key = GroupKey { source: GroupSource::Scrape, name: "t".to_owned(), labels: Labels::from_pairs([("job", "j")]) };
    let mut writer: Box<dyn RowWriter> = db.writer(&key).expect("a writer");
    let metadata = Metadata { metric_type: MetricType::Gauge, help: "h".into(), unit: String::new() };
    writer.describe("a", &metadata).expect("space");
    for number in rows {
        let mut row = Row::new(at(number));
        for name in ["a", "b", "c"] {
            let column = writer.column(&Labels::from_pairs([("__name__", name), ("job", "j")])).expect("a column");
            row.push(column, value(name, number));
        }
        assert!(writer.commit(&row).expect("a commit").rejected.is_empty());
    }
}

fn at(number: i64) -> TimestampMs {
    TimestampMs(START + number * 1000)
}

/// The numbers of each series' rows.
fn read(db: &Tsdb) -> BTreeMap<String, Vec<i64>> {
    let snapshot = Select::open(db, TimeRange::ALL).expect("a snapshot");
    let (mut found, mut values) = (BTreeMap::new(), ColumnValues::default());
    for batch in snapshot.select(&[], &Hints::default()).expect("a selection") {
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values).expect("values");
            let rows = batch.times().iter().enumerate().filter(|(row, _)| values.is_present(*row));
            let name = batch.labels(at).iter().find(|pair| &*snapshot.text(pair.name) == "__name__").map(|pair| snapshot.text(pair.value));
            let name = name.expect("a name");
            let numbered = rows.map(|(row, time)| ((time.0 - START) / 1000, values.floats[row]));
            let numbers = numbered.inspect(|(n, v)| assert_eq!(value(&name, *n), *v)).map(|(n, _)| n).collect::<Vec<i64>>();
            assert!(!numbers.is_empty() && found.insert(name.to_string(), numbers).is_none());
        }
    }
    let names = snapshot.label_values("__name__", &[], TimeRange::ALL).expect("names");
    assert_eq!(names, found.keys().cloned().collect::<Vec<_>>(), "a series without samples has no name");
    assert_eq!(snapshot.series(&[], TimeRange::ALL).expect("series").len(), found.len());
    found
}

fn named(name: &str) -> Vec<Matcher> {
    vec![Matcher::equal("__name__", name)]
}

fn expected(a: Vec<i64>, b: Vec<i64>, c: Vec<i64>) -> BTreeMap<String, Vec<i64>> {
    let all = [("a", a), ("b", b), ("c", c)];
    all.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(name, rows)| (name.to_owned(), rows)).collect()
}

fn bytes(disk: &CrashingDisk) -> u64 {
    disk.list(Path::new("data/promlet")).expect("a folder").iter().filter(|(name, _)| name.starts_with("segment-")).map(|(_, b)| b).sum()
}

#[test]
fn deleted_samples_are_gone_and_nothing_else() {
    let disk = CrashingDisk::default();
    let db = open(&disk, "data");
    feed(&db, 1..100);
    let before = Select::open(&db, TimeRange::ALL).expect("a snapshot");
    let version = before.version(TimeRange::ALL);
    assert_eq!(db.delete(&named("a"), TimeRange::ALL).expect("space"), 1);
    assert_eq!(db.delete(&named("b"), TimeRange::new(at(10), at(19))).expect("space"), 1);
    assert_eq!(db.delete(&named("nothing"), TimeRange::ALL).expect("space"), 0);
    assert_ne!(before.version(TimeRange::ALL), version, "an answer from before does not hold any more");
    let seen = before.select(&named("a"), &Hints::default()).expect("a selection");
    assert_eq!(seen.len(), 1, "a snapshot sees what was there");
    drop((seen, before));
    let b: Vec<i64> = (1..100).filter(|n| !(10..20).contains(n)).collect();
    assert_eq!(read(&db), expected(vec![], b.clone(), (1..100).collect()));
    feed(&db, 100..120);
    let all = expected((100..120).collect(), b.iter().copied().chain(100..120).collect(), (1..120).collect());
    assert_eq!(read(&db), all, "what comes later is kept");
    drop(db);
    let disk = disk.crash(Crash::PowerCut, &mut Dice(3));
    let found = read(&open(&disk, "data"));
    assert!(found.get("a").is_none_or(|rows| rows.iter().all(|n| *n >= 100)), "a power cut brings nothing back: {found:?}");
}

#[test]
fn cleaning_frees_the_space() {
    let disk = CrashingDisk::default();
    let db = open(&disk, "data");
    feed(&db, 1..300);
    db.compact().expect("a merge");
    let before = bytes(&disk);
    db.delete(&named("a"), TimeRange::ALL).expect("space");
    db.delete(&named("b"), TimeRange::new(at(100), at(400))).expect("space");
    feed(&db, 300..320);
    let all = expected((300..320).collect(), (1..100).chain(300..320).collect(), (1..320).collect());
    assert_eq!(read(&db), all);
    db.clean_tombstones().expect("space");
    assert_eq!(read(&db), all, "cleaning changes no answer");
    drop(db);
    let db = open(&disk, "data");
    assert_eq!(read(&db), all, "and none after a start");
    assert!(bytes(&disk) < before, "{} after {before}", bytes(&disk));
    db.delete(&[], TimeRange::ALL).expect("space");
    db.clean_tombstones().expect("space");
    assert_eq!((read(&db).len(), bytes(&disk)), (0, 0), "nothing is left of nothing");
    feed(&db, 400..410);
    assert_eq!(read(&db), expected((400..410).collect(), (400..410).collect(), (400..410).collect()));
}

#[test]
fn a_merge_leaves_out_what_is_deleted_and_keeps_it_deleted() {
    let disk = CrashingDisk::default();
    let db = open(&disk, "data");
    feed(&db, 1..50);
    db.delete(&named("c"), TimeRange::new(TimestampMs::MIN, at(30))).expect("space");
    db.compact().expect("a merge");
    let all = expected((1..50).collect(), (1..50).collect(), (31..50).collect());
    assert_eq!(read(&db), all);
    drop(db);
    assert_eq!(read(&open(&disk, "data")), all);
}

#[test]
fn a_snapshot_opens_as_a_data_folder() {
    let disk = CrashingDisk::default();
    let db = open(&disk, "data");
    feed(&db, 1..60);
    db.delete(&named("b"), TimeRange::ALL).expect("space");
    let name = db.snapshot(false).expect("space");
    feed(&db, 60..80);
    db.clean_tombstones().expect("space");
    db.compact().expect("a merge");
    let without_head = db.snapshot(true).expect("space");
    let copy = open(&disk, &format!("data/snapshots/{name}"));
    assert_eq!(read(&copy), expected((1..60).collect(), vec![], (1..60).collect()));
    let snapshot = Select::open(&copy, TimeRange::ALL).expect("a snapshot");
    assert_eq!(snapshot.metadata().expect("metadata").len(), 1, "metadata goes with it");
    drop(snapshot);
    feed(&copy, 60..70);
    assert_eq!(read(&copy)["a"], (1..70).collect::<Vec<_>>(), "it goes on by itself");
    assert_eq!(read(&db)["a"], (1..80).collect::<Vec<_>>());
    let sealed = open(&disk, &format!("data/snapshots/{without_head}"));
    assert_eq!(read(&sealed)["a"], (1..80).collect::<Vec<_>>(), "all was sealed by the merge");
}
