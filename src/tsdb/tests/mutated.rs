//! Files that say nonsense under checksums that fit: every decoder refuses it or reads something, and none panics, hangs or asks for
//! absurd memory. A seed chooses the file and what is done to it; a failing one prints itself.
//!
//! `PROMLET_MUTATION_SEEDS=from..until` runs other seeds than the usual ones.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::format::resummed;
use super::*;
use crate::model::histogram::BucketSpan;
use crate::model::{Exemplar, Histogram, Metadata, MetricType, Value};
use crate::storage::Cell;
use crate::tsdb::disk::crashing::{Crash, Dice};
use crate::tsdb::page::decode::{Decoder, decode};
use crate::tsdb::page::{PageColumn, State, encode};

const SEEDS: std::ops::Range<u64> = 0..400;
const ODD: [f64; 8] = [0.0, -0.0, f64::NAN, f64::INFINITY, 5e-324, 1.0 / 3.0, f64::MAX, STALE_NAN];

fn histogram(n: i64) -> Value {
    let positive_spans = vec![BucketSpan { offset: -2, length: 2 }, BucketSpan { offset: 1, length: 1 }];
    let positive_counts = vec![n as f64, 2.0, 0.5];
    Value::Histogram(Arc::new(Histogram { count: n as f64 + 2.5, sum: 0.25, positive_spans, positive_counts, ..Histogram::default() }))
}

/// A folder with everything in it that the formats can say.
fn folder() -> CrashingDisk {
    let disk = CrashingDisk::default();
    let mut options = TsdbOptions::new("data");
    (options.no_lockfile, options.sizes.stripe_rows, options.sizes.log_file_bytes) = (true, 8, 1500);
    options.out_of_order_window = DurationMs::seconds(1000);
    let clock = Clock::manual(TimestampMs(5_000_000));
    let db = Tsdb::open(options, Arc::new(disk.clone()), clock, &Registry::default()).expect("a store");
    let mut writer = db.writer(&key("a")).expect("a writer");
    writer.describe("m", &Metadata { metric_type: MetricType::Counter, help: "h".into(), unit: "s".into() }).expect("space");
    let columns: Vec<_> = (0..9).map(|n| writer.column(&labels("a", n)).expect("a column")).collect();
    for t in 1..120i64 {
        let mut row = Row::new(TimestampMs(t * 5000));
        for (n, column) in columns.iter().enumerate().filter(|(n, _)| (t + *n as i64) % 13 != 0) {
            let float = match n {
                0 => 42.0,
                1 => (t * 100 + t % 7) as f64,
                2 => t as f64 / 8.0,
                3 => 1.0 / t as f64,
                4 => ODD[t as usize % 8],
                5 => (t / 20) as f64,
                _ => 1e9 + (t * t) as f64 / 100.0,
            };
            row.cells.push(Cell { column: *column, value: if n == 8 { histogram(t) } else { Value::Float(float) } });
        }
        row.starts.push((columns[1], TimestampMs(t / 30)));
        row.exemplars.push((columns[1], Exemplar { labels: Labels::from_pairs([("trace", "x")]), value: 1.0, at: None }));
        writer.commit(&row).expect("a commit");
        if t % 40 == 0 {
            let mut late = Row::new(TimestampMs(t * 5000 - 7500));
            late.push(columns[2], -1.0);
            writer.commit(&late).expect("a commit");
            db.maintain(TimestampMs(5_000_000));
        }
        match t {
            30 => db.compact().expect("a merge"),
            60 => maintain::seal(&db.store).expect("space"),
            90 => assert_eq!(db.delete(&[Matcher::equal("n", "5")], TimeRange::ALL).expect("space"), 1),
            _ => {}
        }
    }
    drop((writer, db));
    disk.crash(Crash::Kill, &mut Dice(0))
}

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len() as u64) as usize;
        match dice.below(7) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = dice.roll() as u8,
            2 => bytes[at] = [0, 0x7f, 0x80, 0xff][dice.below(4) as usize],
            3 => bytes.truncate(at + 1),
            4 => bytes.insert(at, dice.roll() as u8),
            5 => drop(bytes.remove(at)),
            _ => {
                let until = (at + dice.below(24) as usize).min(bytes.len());
                let stretch = bytes[at..until].to_vec();
                let to = dice.below(bytes.len() as u64) as usize;
                bytes.splice(to..to, stretch);
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}

/// Changes the body of one frame and gives all frames sums that fit.
fn spoil(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut frames = Vec::new();
    let mut at = bytes.iter().position(|byte| *byte == frame::MARKER[0]).unwrap_or(bytes.len());
    while let Some((length, _)) = bytes.get(at..).and_then(frame::head) {
        frames.push((at, length));
        at += frame::HEAD + length;
    }
    let Some((at, length)) = frames.get(dice.below(frames.len() as u64) as usize).copied() else { return mutate(bytes, dice) };
    let mut body = bytes[at + frame::HEAD..at + frame::HEAD + length].to_vec();
    mutate(&mut body, dice);
    // A page or a name is mostly looked at under a length that is right.
    if dice.below(2) == 0 {
        body.resize(length, 0);
    }
    let mut spoiled = bytes[..at].to_vec();
    let start = frame::start(&mut spoiled);
    spoiled.extend_from_slice(&body);
    frame::finish(&mut spoiled, start);
    spoiled.extend_from_slice(&bytes[at + frame::HEAD + length..]);
    *bytes = if dice.below(8) == 0 { resummed_from(&spoiled) } else { spoiled };
}

fn resummed_from(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() > 8 { resummed(bytes) } else { bytes.to_vec() }
}

fn use_everything(disk: CrashingDisk) {
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    let opened = Tsdb::open(options, Arc::new(disk), Clock::manual(TimestampMs(5_000_000)), &Registry::default());
    let Ok(db) = opened else { return };
    let read = |db: &Tsdb| {
        let snapshot = Select::open(db, TimeRange::ALL).expect("a snapshot");
        let _ = snapshot.label_names(&[], TimeRange::ALL);
        let _ = snapshot.series(&[Matcher::equal("n", "3")], TimeRange::ALL);
        for n in 0..9 {
            let wanted = [Matcher::equal("n", n.to_string())];
            let mut values = ColumnValues::default();
            for batch in snapshot.select(&wanted, &Hints::default()).into_iter().flatten() {
                for at in 0..batch.len() {
                    let _ = batch.read(at, 0..batch.times().len(), &mut values);
                }
            }
        }
    };
    read(&db);
    let _ = db.codecs();
    db.maintain(TimestampMs(5_000_000));
    let _ = db.compact();
    let _ = db.clean_tombstones();
    read(&db);
}

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("PROMLET_MUTATION_SEEDS").ok();
    let parse = |text: &str| Some(text.split_once("..")?.0.parse().ok()?..text.split_once("..")?.1.parse().ok()?);
    asked.and_then(|text| parse(&text)).unwrap_or(SEEDS)
}

#[test]
fn nonsense_in_any_file_is_survived() {
    let whole = folder();
    let paths = whole.paths();
    for kind in ["log-", "segment-", "manifest", "tombstones"] {
        assert!(paths.iter().any(|path| path.to_string_lossy().contains(kind)), "no {kind} among {paths:?}");
    }
    for seed in seeds() {
        let mut dice = Dice(seed);
        let disk = whole.crash(Crash::Kill, &mut dice);
        let path = &paths[dice.below(paths.len() as u64) as usize];
        disk.damage(path, |bytes| spoil(bytes, &mut dice));
        let ended = catch_unwind(AssertUnwindSafe(|| use_everything(disk)));
        assert!(ended.is_ok(), "PROMLET_MUTATION_SEEDS={seed}..{} ({})", seed + 1, path.display());
    }
}

#[test]
fn nonsense_in_a_page_is_refused_or_read() {
    let (mut column, mut pages) = (PageColumn::default(), Vec::new());
    for shape in 0..6i64 {
        column.clear();
        for row in 0..300i64 {
            let float =
                [7.0, (row / 50) as f64, (row * row) as f64, 1.0 / (row + 1) as f64, row as f64 / 10.0, (row % 3) as f64][shape as usize];
            column.floats.push(if shape == 4 && row % 40 == 3 { f64::NAN } else { float });
        }
        if shape > 2 {
            column.states.extend(
                (0..300).map(|row| [State::Value, State::Gap, State::Stale, State::Histogram][if row % 11 > 3 { 0 } else { row % 4 }]),
            );
        }
        let mut page = Vec::new();
        encode(&mut column, &mut page);
        pages.push(page);
    }
    let mut decoder = Decoder::default();
    for seed in 0..20_000u64 {
        let mut dice = Dice(seed);
        let mut page = pages[dice.below(6) as usize].clone();
        mutate(&mut page, &mut dice);
        let rows = if dice.below(4) == 0 { dice.below(1000) as usize } else { 300 };
        if decode(&page, rows, &mut decoder).is_ok() {
            assert_eq!(decoder.floats.len(), rows, "seed {seed}");
        }
    }
}
