//! The whole store on a disk in memory: rows in, restarts between, the same rows out.

pub mod format;
mod mutated;

use std::path::Path;

use super::*;
use crate::model::{DurationMs, STALE_NAN};
use crate::storage::{ColumnValues, GroupSource, Hints, Rejected, Row};

fn open(disk: &CrashingDisk, at: i64) -> Tsdb {
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    options.sync_interval = DurationMs::ZERO;
    let clock = Clock::manual(TimestampMs(at));
    Tsdb::open(options, Arc::new(disk.clone()), clock, &Registry::default()).expect("a store")
}

fn key(name: &str) -> GroupKey {
    GroupKey { source: GroupSource::Scrape, name: name.to_owned(), labels: Labels::from_pairs([("job", "j"), ("instance", name)]) }
}

fn labels(instance: &str, n: usize) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("job", "j"), ("instance", instance), ("n", n.to_string().as_str())])
}

/// Everything the store gives out: label text, time, bits.
pub fn dump(db: &Tsdb, range: TimeRange) -> Vec<(String, Vec<(i64, u64)>)> {
    let snapshot = Select::open(db, range).expect("a snapshot");
    dump_of(snapshot.as_ref())
}

fn dump_of(snapshot: &dyn Snapshot) -> Vec<(String, Vec<(i64, u64)>)> {
    let mut out = Vec::new();
    let mut values = ColumnValues::default();
    for batch in snapshot.select(&[], &Hints::default()).expect("a selection") {
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values).expect("values");
            let rows = batch.times().iter().enumerate().filter(|(row, _)| values.is_present(*row));
            let samples: Vec<(i64, u64)> = rows.map(|(row, time)| (time.0, values.floats[row].to_bits())).collect();
            let text = |pair: &crate::storage::LabelPair| format!("{}={}", snapshot.text(pair.name), snapshot.text(pair.value));
            out.push((batch.labels(at).iter().map(text).collect::<Vec<_>>().join(","), samples));
        }
    }
    out.sort();
    out
}

fn feed(db: &Tsdb, instance: &str, series: usize, rows: std::ops::Range<i64>) {
    let mut writer = db.writer(&key(instance)).expect("a writer");
    let columns: Vec<_> = (0..series).map(|n| writer.column(&labels(instance, n)).expect("a column")).collect();
    let mut row = Row::default();
    for t in rows {
        row.clear(TimestampMs(t * 5000));
        for (n, column) in columns.iter().enumerate() {
            match n % 5 {
                0 => row.push(*column, 1.0),
                1 => row.push(*column, (t * 100 + t % 7) as f64),
                2 => row.push(*column, t as f64 / 8.0),
                3 if t % 11 == 0 => {}
                3 => row.push(*column, 1.0 / t as f64),
                _ if t % 50 == 49 => row.push(*column, STALE_NAN),
                _ => row.push(*column, (t / 20) as f64),
            }
        }
        let report = writer.commit(&row).expect("a commit");
        assert!(report.rejected.is_empty());
    }
}

#[test]
fn rows_survive_every_stage() {
    let disk = CrashingDisk::default();
    let db = open(&disk, 5_000_000);
    feed(&db, "a", 12, 1..50);
    feed(&db, "b", 7, 1..350);
    let before = dump(&db, TimeRange::ALL);
    assert_eq!(before.len(), 19);
    assert_eq!(before[0].1.len(), 49);
    drop(db);
    let db = open(&disk, 5_000_000);
    assert_eq!(dump(&db, TimeRange::ALL), before, "after a kill");
    feed(&db, "a", 12, 50..300);
    let before = dump(&db, TimeRange::ALL);
    db.close().expect("a clean end");
    assert_eq!(dump(&db, TimeRange::ALL), before, "after sealing");
    drop(db);
    let db = open(&disk, 5_000_000);
    assert_eq!(dump(&db, TimeRange::ALL), before, "after a clean restart");
    feed(&db, "a", 12, 300..500);
    let before = dump(&db, TimeRange::ALL);
    db.compact().expect("a merge");
    assert_eq!(dump(&db, TimeRange::ALL), before, "after a merge");
    assert_eq!(db.stats(5).segments.len(), 1);
    let cut = TimeRange::new(TimestampMs(700_000), TimestampMs(900_000));
    let expected: Vec<_> = before
        .iter()
        .map(|(labels, samples)| {
            (labels.clone(), samples.iter().filter(|(t, _)| cut.contains(TimestampMs(*t))).copied().collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(dump(&db, cut), expected, "a part of the time");
    assert!(disk.paths().iter().any(|p| p.starts_with(Path::new("data/promlet"))));
}

#[test]
fn a_snapshot_sees_what_was_committed_before_it() {
    let disk = CrashingDisk::default();
    let db = open(&disk, 5_000_000);
    feed(&db, "a", 5, 1..100);
    let snapshot = Select::open(&db, TimeRange::ALL).expect("a snapshot");
    let before = dump_of(snapshot.as_ref());
    feed(&db, "a", 6, 100..400);
    assert_eq!(dump_of(snapshot.as_ref()), before, "after flushes");
    db.compact().expect("a seal");
    assert_eq!(dump_of(snapshot.as_ref()), before, "after a seal and a merge");
}

#[test]
fn samples_that_do_not_go_forward_are_refused_one_by_one() {
    let disk = CrashingDisk::default();
    let db = open(&disk, 5_000_000);
    let mut writer = db.writer(&key("a")).expect("a writer");
    let columns: Vec<_> = (0..3).map(|n| writer.column(&labels("a", n)).expect("a column")).collect();
    let mut commit = |at: i64, cells: &[(usize, f64)]| {
        let mut row = Row::new(TimestampMs(at));
        cells.iter().for_each(|(n, value)| row.push(columns[*n], *value));
        let report = writer.commit(&row).expect("a commit");
        (report.accepted, report.rejected.iter().map(|(c, why)| (c.0, *why)).collect::<Vec<_>>())
    };
    assert_eq!(commit(1000, &[(0, 1.0), (1, 2.0)]), (2, vec![]));
    assert_eq!(commit(1000, &[(2, 3.0)]), (1, vec![]), "a row may be completed");
    assert_eq!(commit(1000, &[(0, 1.0), (1, 5.0)]), (1, vec![(1, Rejected::Duplicate)]));
    assert_eq!(commit(2000, &[(0, 1.0)]), (1, vec![]));
    assert_eq!(commit(1500, &[(0, 1.0), (1, 7.0)]), (1, vec![(0, Rejected::OutOfOrder)]), "each series goes forward by itself");
    assert_eq!(commit(1600, &[(1, 8.0)]), (1, vec![]));
    assert_eq!(commit(3000, &[(0, 1.0), (1, 9.0), (2, 4.0)]), (3, vec![]));
    let samples: Vec<Vec<i64>> = dump(&db, TimeRange::ALL).into_iter().map(|(_, s)| s.into_iter().map(|(t, _)| t).collect()).collect();
    assert_eq!(samples, [vec![1000, 2000, 3000], vec![1000, 1500, 1600, 3000], vec![1000, 3000]]);
    drop(db);
    let db = open(&disk, 5_000_000);
    let again: Vec<Vec<i64>> = dump(&db, TimeRange::ALL).into_iter().map(|(_, s)| s.into_iter().map(|(t, _)| t).collect()).collect();
    assert_eq!(again, samples);
}

#[test]
fn texts_that_only_segments_have_keep_clear_of_the_readers_symbols() {
    let disk = CrashingDisk::default();
    let db = open(&disk, 5_000_000);
    feed(&db, "a", 2, 1..20);
    db.close().expect("a clean end");
    drop(db);
    let db = open(&disk, 5_000_000);
    let snapshot = Select::open(&db, TimeRange::ALL).expect("a snapshot");
    let batches = snapshot.select(&[], &Hints::default()).expect("a selection");
    let symbols: Vec<_> = batches.iter().flat_map(|b| (0..b.len()).flat_map(|at| b.labels(at))).flat_map(|p| [p.name, p.value]).collect();
    assert_eq!(symbols.len(), 16);
    assert!(symbols.iter().all(|symbol| symbol.0 < crate::storage::Symbol::READER_FROM), "{symbols:?}");
}

#[test]
fn churn_leaves_nothing_behind_in_memory() {
    let disk = CrashingDisk::default();
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    options.sizes.stripe_rows = 8;
    options.sizes.sweep_from = 10;
    let db = Tsdb::open(options, Arc::new(disk.clone()), Clock::manual(TimestampMs(5_000_000)), &Registry::default()).expect("a store");
    let mut lasting = db.writer(&key("lasting")).expect("a writer");
    let mut at = 1_000_000;
    for generation in 0..20 {
        let mut passing = db.writer(&key(&format!("box{generation}"))).expect("a writer");
        let of = |writer: &mut Box<dyn RowWriter>, name: &str| -> Vec<_> {
            (0..20).map(|n| writer.column(&labels(name, generation * 100 + n)).expect("a column")).collect()
        };
        let (mine, theirs) = (of(&mut lasting, "lasting"), of(&mut passing, "passing"));
        for row_number in 0..30 {
            at += 1000;
            let value = if row_number == 20 { STALE_NAN } else { f64::from(row_number) };
            if row_number > 20 {
                continue;
            }
            for (writer, columns) in [(&mut lasting, &mine), (&mut passing, &theirs)] {
                let mut row = Row::new(TimestampMs(at));
                columns.iter().for_each(|column| row.push(*column, value));
                writer.commit(&row).expect("a commit");
            }
        }
        lasting.retire(&mine);
        drop(passing);
        db.compact().expect("a merge");
    }
    let stats = db.stats(0);
    assert!(stats.series <= 80 && stats.groups <= 4, "{} series in {} groups", stats.series, stats.groups);
    let all = dump(&db, TimeRange::ALL);
    assert_eq!(all.len(), 800);
    assert!(all.iter().all(|(_, samples)| samples.len() == 21));
    drop(lasting);
    drop(db);
    assert_eq!(dump(&open(&disk, 5_000_000), TimeRange::ALL), all);
}

/// The greatest and least value of each series in a range, as a query for them reads it.
fn extremes(db: &Tsdb, range: TimeRange, function: Option<&'static str>) -> Vec<(u64, u64, u64)> {
    let snapshot = Select::open(db, range).expect("a snapshot");
    let hints = Hints { range: Some(range), function, window: Some(DurationMs(1)), ..Hints::default() };
    let (mut found, mut values) = (Vec::new(), ColumnValues::default());
    for batch in snapshot.select(&[], &hints).expect("a selection") {
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values).expect("values");
            let held = (0..batch.times().len()).filter(|row| values.is_present(*row)).map(|row| values.floats[row]).filter(|v| !v.is_nan());
            let fold = |of: fn(f64, f64) -> f64| held.clone().reduce(of).map_or(0, f64::to_bits);
            found.push((batch.series_id(at).0, fold(f64::max), fold(f64::min)));
        }
    }
    found.sort_unstable();
    found
}

#[test]
fn extremes_need_no_decoding_and_are_the_same() {
    let db = open(&CrashingDisk::default(), 50_000_000);
    feed(&db, "a", 15, 1..900);
    db.compact().expect("a merge");
    feed(&db, "a", 15, 900..1300);
    for (from, until) in [(i64::MIN, i64::MAX), (100_000, 4_000_000), (2_000_000, 2_100_000), (3_000_000, 6_000_000)] {
        let range = TimeRange::new(TimestampMs(from), TimestampMs(until));
        let plain = extremes(&db, range, None);
        let of = |list: &[(u64, u64, u64)], is_max: bool| {
            list.iter().map(|(id, max, min)| (*id, if is_max { *max } else { *min })).collect::<Vec<_>>()
        };
        assert_eq!(of(&extremes(&db, range, Some("max_over_time")), true), of(&plain, true), "{from}..{until}");
        assert_eq!(of(&extremes(&db, range, Some("min_over_time")), false), of(&plain, false), "{from}..{until}");
    }
    db.delete(&[Matcher::equal("n", "1")], TimeRange::new(TimestampMs(4_000_000), TimestampMs::MAX)).expect("space");
    assert_eq!(extremes(&db, TimeRange::ALL, Some("max_over_time")).len(), 15);
    let (asked, plain) = (extremes(&db, TimeRange::ALL, Some("max_over_time")), extremes(&db, TimeRange::ALL, None));
    assert!(asked.iter().zip(&plain).all(|(a, b)| a.1 == b.1), "what is deleted counts no more");
}

#[test]
fn extremes_of_many_windows_are_the_same() {
    let db = open(&CrashingDisk::default(), 50_000_000);
    feed(&db, "a", 3, 1..1300);
    db.compact().expect("a merge");
    let snapshot = Select::open(&db, TimeRange::ALL).expect("a snapshot");
    let end = 6_000_000;
    for (window, step) in [(900_000, 900_000), (3_000_000, 3_000_000), (500_000, 2_000_000), (4_000_000, 1_000_000), (60_000, 7_000)] {
        let range = Some(TimeRange::new(TimestampMs(i64::MIN), TimestampMs(end)));
        let read = |function: Option<&'static str>| {
            let (window_hint, step_hint) = (Some(DurationMs(window)), Some(DurationMs(step)));
            let hints = Hints { range, function, window: window_hint, step: step_hint, ..Hints::default() };
            let (mut found, mut values) = (Vec::new(), ColumnValues::default());
            for batch in snapshot.select(&[], &hints).expect("a selection") {
                for at in 0..batch.len() {
                    batch.read(at, 0..batch.times().len(), &mut values).expect("values");
                    for window_end in (0..6).map(|k| end - k * step) {
                        let is_in = |row: &usize| (window_end - window + 1..=window_end).contains(&batch.times()[*row].0);
                        let held = (0..batch.times().len()).filter(is_in).filter(|row| values.is_present(*row));
                        let greatest = held.map(|row| values.floats[row]).filter(|v| !v.is_nan()).reduce(f64::max);
                        found.push((batch.series_id(at).0, window_end, greatest.map(f64::to_bits)));
                    }
                }
            }
            found.sort_unstable();
            found
        };
        assert_eq!(read(Some("max_over_time")), read(None), "windows of {window} every {step}");
    }
}

#[test]
fn presence_is_the_same_as_that_of_the_values() {
    let db = open(&CrashingDisk::default(), 50_000_000);
    // The first rows lie in stripes, the last ones in tails; a new series begins within a tail.
    feed(&db, "a", 10, 1..333);
    feed(&db, "a", 14, 333..390);
    let snapshot = Select::open(&db, TimeRange::ALL).expect("a snapshot");
    let (mut values, mut presence, mut partial) = (ColumnValues::default(), ColumnValues::default(), 0);
    for batch in snapshot.select(&[], &Hints::default()).expect("a selection") {
        let rows = batch.times().len();
        for (at, from, until) in
            (0..batch.len()).flat_map(|at| [0, rows - 57, rows - 40, rows - 3].map(|from| (at, from, rows - (from % 2))))
        {
            batch.read(at, from..until, &mut values).expect("values");
            batch.read_presence(at, from..until, &mut presence).expect("presence");
            for row in 0..until - from {
                assert_eq!(presence.is_present(row), values.is_present(row), "row {row} from {from} of {at}");
                let is_number = |read: &ColumnValues| read.is_present(row) && !crate::model::is_stale(read.floats[row]);
                assert_eq!(is_number(&presence), is_number(&values), "row {row} from {from} of {at}");
                partial += usize::from(!is_number(&values));
            }
        }
    }
    assert!(partial > 100);
}

/// Allocations of the rows between two stripes, the most of any.
fn allocations(series: usize) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let options = TsdbOptions::new(folder.path());
    let db = Tsdb::open(options, Arc::new(RealDisk), Clock::manual(TimestampMs(0)), &Registry::default()).expect("a store");
    let mut writer = db.writer(&key("a")).expect("a writer");
    let columns: Vec<_> = (0..series).map(|n| writer.column(&labels("a", n)).expect("a column")).collect();
    let (mut row, mut most) = (Row::default(), 0);
    for t in 0..40 {
        row.clear(TimestampMs(t * 5000));
        columns.iter().enumerate().for_each(|(n, column)| row.push(*column, if n % 2 == 0 { (t * 3) as f64 } else { 0.25 }));
        let mut accepted = 0;
        let counted = allocation_counter::measure(|| accepted = writer.commit(&row).expect("space").accepted);
        assert_eq!(accepted, series);
        if t >= 10 {
            most = most.max(counted.count_total);
        }
    }
    most
}

#[test]
fn a_row_like_the_one_before_allocates_no_more_for_more_series() {
    // A tail grows by chunks of 4 KiB: one allocation for 170 columns that need another block, which each does every 20 bytes.
    let (few, many) = (allocations(100), allocations(5_000));
    assert!(few <= 8 && many <= 8 + 5_000 / 170, "{few} allocations for a row of 100 cells, {many} for one of 5000");
}
