//! Measures the store by itself: `cargo bench --bench tsdb -- count|scrape|history|recording FOLDER|fed FOLDER`.
//!
//! `scrape` appends rows of 100 groups of 1000 series at 5 s and says what a cell costs in time, memory and bytes written.
//! `history` appends 24 h of 20 groups of 1000 series at 15 s and reads them back, as found and merged.
//! `fed FOLDER` reads a data folder that `fleet feed` filled. `recording FOLDER` replays pages of exporters (one folder an exporter, a file's name is its time in ms) and says what a sample keeps.
//! `count` counts instructions (`count.rs`) of appending, encoding, selecting, reading and decoding.

mod count;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use promlet::clock::Clock;
use promlet::model::{Labels, Matcher, TimeRange, TimestampMs};
use promlet::storage::{Append, Batch, Column, ColumnValues, GroupKey, GroupSource, Hints, Row, RowWriter, Select};
use promlet::telemetry::Registry;
use promlet::tsdb::disk::crashing::Dice;
use promlet::tsdb::{RealDisk, Tsdb, TsdbOptions};

const START_MS: i64 = 1_760_000_000_000;

/// How a series moves, after the kinds that exporters have.
#[derive(Clone, Copy)]
enum Motion {
    Constant(f64),
    Counter(f64),
    Seconds(f64),
    Gauge(f64, f64),
    Full(f64),
    Burst(f64),
}

fn unit(key: u64, step: u64) -> f64 {
    (Dice(key ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15)).roll() >> 11) as f64 / (1u64 << 53) as f64
}

fn motion(number: usize) -> Motion {
    match number % 20 {
        0..=3 => Motion::Constant(number as f64),
        4..=12 => Motion::Counter(0.05 * 1.6f64.powi((number % 13) as i32)),
        13..=14 => Motion::Seconds(0.3),
        15 => Motion::Gauge(4e9, 4096.0),
        16..=17 => Motion::Gauge(60.0, 0.01),
        18 => Motion::Full(0.5),
        _ => Motion::Burst(9.0),
    }
}

fn value(motion: Motion, key: u64, at: i64) -> f64 {
    let step = (at / 5000) as u64;
    let since = (step - START_MS as u64 / 5000) as f64 * 5.0 + 1e5;
    let noise = unit(key, step);
    match motion {
        Motion::Constant(value) => value,
        Motion::Counter(rate) => (rate * since + noise * rate * 5.0).floor(),
        Motion::Seconds(rate) => ((rate * since + noise * rate * 5.0) * 100.0).floor() / 100.0,
        Motion::Gauge(base, quantum) if quantum < 1.0 => {
            let per_unit = (1.0 / quantum).round();
            ((base + base * 0.3 * (step as f64 / 97.0).sin() + base * 0.1 * noise) * per_unit).round() / per_unit
        }
        Motion::Gauge(base, quantum) => {
            ((base + base * 0.04 * (step as f64 / 97.0).sin() + base * 0.02 * noise) / quantum).round() * quantum
        }
        Motion::Full(base) => base + 0.3 * (step as f64 / 61.0).sin() + 0.2 * noise,
        Motion::Burst(height) => {
            if noise > 0.97 {
                (height * unit(key, step + 1)).ceil()
            } else {
                0.0
            }
        }
    }
}

fn labels(target: usize, number: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", format!("node_metric_{:03}_total", number / 16)),
        ("device", format!("dev{}", number % 16)),
        ("instance", format!("box-{target}")),
        ("job", "fleet".to_owned()),
        ("mode", format!("mode{}", number % 5)),
    ])
}

struct Fleet {
    writers: Vec<(Box<dyn RowWriter>, Vec<Column>)>,
    row: Row,
}

impl Fleet {
    fn new(db: &Tsdb, targets: usize, series: usize) -> Self {
        let open = |target: usize| {
            let shared = Labels::from_pairs([("instance", format!("box-{target}")), ("job", "fleet".to_owned())]);
            let key = GroupKey { source: GroupSource::Scrape, name: format!("http://box-{target}/metrics"), labels: shared };
            let mut writer = db.writer(&key).expect("a writer");
            let columns = (0..series).map(|number| writer.column(&labels(target, number)).expect("a column")).collect();
            (writer, columns)
        };
        Self { writers: (0..targets).map(open).collect(), row: Row::default() }
    }

    /// Appends the rows of one round; the time that making the values took is not counted.
    fn round(&mut self, at: i64) -> Duration {
        let mut spent = Duration::ZERO;
        for (target, (writer, columns)) in self.writers.iter_mut().enumerate() {
            let at = at + target as i64 * 7;
            self.row.clear(TimestampMs(at));
            for (number, column) in columns.iter().enumerate() {
                self.row.push(*column, value(motion(number), (target * 1_000_003 + number) as u64, at));
            }
            let started = busy();
            committed(&mut **writer, &self.row);
            spent += busy() - started;
        }
        spent
    }
}

#[inline(never)]
fn committed(writer: &mut dyn RowWriter, row: &Row) {
    writer.commit(row).expect("a commit");
}

fn open(folder: &Path, registry: &Registry) -> Tsdb {
    Tsdb::open(TsdbOptions::new(folder), Arc::new(RealDisk), Clock::manual(TimestampMs(START_MS)), registry).expect("a store")
}

fn resident_mb() -> f64 {
    let pages: f64 = std::fs::read_to_string("/proc/self/statm").ok().and_then(|t| t.split(' ').nth(1)?.parse().ok()).unwrap_or(0.0);
    pages * 4096.0 / 1e6
}

fn figure(registry: &Registry, name: &str) -> f64 {
    registry.gather().iter().filter(|f| f.name == name).flat_map(|f| &f.samples).map(|(_, _, value)| *value).sum()
}

fn kept_bytes(folder: &Path) -> u64 {
    std::fs::read_dir(folder.join("promlet")).expect("a folder").flatten().filter_map(|e| e.metadata().ok()).map(|m| m.len()).sum()
}

fn scrape(folder: &Path) {
    let registry = Registry::default();
    let before = resident_mb();
    let db = open(folder, &registry);
    let mut fleet = Fleet::new(&db, 100, 1000);
    let after_series = resident_mb();
    let (mut spent, mut rows, mut maintained) = (Duration::ZERO, 0u64, Duration::ZERO);
    for round in 0..900i64 {
        spent += fleet.round(START_MS + round * 5000);
        rows += 1;
        let started = busy();
        db.maintain(TimestampMs(START_MS + round * 5000));
        maintained += busy() - started;
        if [1, 48, 180, 468, 899].contains(&round) {
            let cells = (rows * 100_000) as f64;
            let written =
                figure(&registry, "promlet_tsdb_log_written_bytes_total") + figure(&registry, "promlet_tsdb_segment_written_bytes_total");
            println!(
                "{:5.1} min: {:6.1} MB resident ({before:.1} before, {after_series:.1} with series), {:5.1} ns a cell, {:4.1} ns maintenance, {:.2} B written a sample (log {:.2})",
                round as f64 / 12.0,
                resident_mb(),
                spent.as_nanos() as f64 / cells,
                maintained.as_nanos() as f64 / cells,
                written / cells,
                figure(&registry, "promlet_tsdb_log_written_bytes_total") / cells,
            );
            println!("    {:?}", db.stats(1).memory);
        }
    }
    let cells = (rows * 100_000) as f64;
    drop(fleet);
    db.close().expect("a clean end");
    drop(db);
    println!("kept as found: {:.3} B a sample", kept_bytes(folder) as f64 / cells);
    print_codecs(&open(folder, &Registry::default()), cells);
    db_compact(folder, cells);
}

fn db_compact(folder: &Path, cells: f64) {
    let clock = Clock::system();
    let started = clock.monotonic();
    let copy = folder.join("merged");
    std::fs::create_dir_all(copy.join("promlet")).expect("a folder");
    for entry in std::fs::read_dir(folder.join("promlet")).expect("a folder").flatten() {
        std::fs::copy(entry.path(), copy.join("promlet").join(entry.file_name())).expect("a copy");
    }
    let db = open(&copy, &Registry::default());
    db.compact().expect("a merge");
    print_codecs(&db, cells);
    let took = clock.monotonic() - started;
    println!("kept merged: {:.3} B a sample (merging took {took:?}, {:.1} MB resident)", kept_bytes(&copy) as f64 / cells, resident_mb());
}

fn history(folder: &Path) {
    let (registry, clock) = (Registry::default(), Clock::system());
    let db = open(folder, &registry);
    let mut fleet = Fleet::new(&db, 20, 1000);
    let mut spent = Duration::ZERO;
    for round in 0..5760i64 {
        spent += fleet.round(START_MS + round * 15_000);
        if round % 50 == 0 {
            db.maintain(TimestampMs(START_MS + round * 15_000));
        }
    }
    let cells = 5760.0 * 20_000.0;
    println!(
        "append: {:.1} ns a cell, {:.1} MB resident, {} segments",
        spent.as_nanos() as f64 / cells,
        resident_mb(),
        db.stats(1).segments.len()
    );
    questions(&db);
    print_codecs(&db, cells);
    db.compact().expect("a merge");
    println!("merged: {} segments, {:.3} B a sample", db.stats(1).segments.len(), kept_bytes(folder) as f64 / cells);
    questions(&db);
    drop((fleet, db));
    let started = clock.monotonic();
    let db = open(folder, &registry);
    println!("opened in {:?}, {:.1} MB resident", clock.monotonic() - started, resident_mb());
    questions(&db);
}

/// Asks a copy of a folder that `fleet feed` filled with 24 h.
fn fed(folder: &Path, source: &Path) {
    std::fs::create_dir_all(folder.join("promlet")).expect("a folder");
    for entry in std::fs::read_dir(source.join("promlet")).expect("a folder").flatten() {
        std::fs::copy(entry.path(), folder.join("promlet").join(entry.file_name())).expect("a copy");
    }
    let db = open(folder, &Registry::default());
    let newest = db.stats(0).max_time.expect("samples");
    let all = TimeRange::new(TimestampMs(newest - 86_400_000), TimestampMs(newest));
    let last = TimeRange::new(TimestampMs(newest - 300_000), all.max);
    let name = |name: &str| vec![Matcher::equal("__name__", name)];
    let cases = [
        ("cpu, 24 h", name("node_cpu_seconds_total"), all),
        ("gpu temperature, 24 h", name("DCGM_FI_DEV_GPU_TEMP"), all),
        ("everything, 5 min", vec![Matcher::new("__name__", promlet::model::MatchOp::Regex, ".+").expect("a pattern")], last),
        ("load, 5 min", name("node_load1"), last),
    ];
    ask(&db, &cases);
    db.compact().expect("a merge");
    println!("merged");
    print_codecs(&db, 115_200_000.0);
    ask(&db, &cases);
}

fn questions(db: &Tsdb) {
    let all = TimeRange::new(TimestampMs(START_MS), TimestampMs(START_MS + 86_400_000));
    let regex = |name: &str, pattern: &str| Matcher::new(name, promlet::model::MatchOp::Regex, pattern).expect("a pattern");
    let cases = [
        ("2240 series, 24 h", vec![regex("__name__", "node_metric_00[0-6]_total")], all),
        ("160 series, 24 h", vec![regex("__name__", "node_metric_000_total"), regex("mode", "mode[12]")], all),
        ("20 k series, last 5 min", vec![regex("__name__", ".+")], TimeRange::new(TimestampMs(START_MS + 86_100_000), all.max)),
    ];
    ask(db, &cases);
}

fn ask(db: &Tsdb, cases: &[(&str, Vec<Matcher>, TimeRange)]) {
    for (name, matchers, range) in cases {
        let range = *range;
        let mut best = (Duration::MAX, Duration::MAX, 0u64);
        for _ in 0..7 {
            let started = busy();
            let snapshot = Select::open(db, range).expect("a snapshot");
            let batches = snapshot.select(matchers, &Hints { range: Some(range), ..Hints::default() }).expect("a selection");
            let selected = busy() - started;
            let (mut sum, mut samples, mut values) = (0.0, 0u64, ColumnValues::default());
            for batch in &batches {
                for at in 0..batch.len() {
                    batch.read(at, 0..batch.times().len(), &mut values).expect("values");
                    sum += values.floats.iter().sum::<f64>();
                    samples += values.floats.len() as u64;
                }
            }
            assert!(sum.is_finite());
            let took = busy() - started;
            if took < best.0 {
                best = (took, selected, samples);
            }
        }
        println!(
            "  {name}: {:?} (select {:?}), {} samples, {:.2} ns a sample",
            best.0,
            best.1,
            best.2,
            best.0.as_nanos() as f64 / best.2 as f64
        );
    }
}

const CASES: [count::Case; 6] = [
    count::Case { name: "append", function: "tsdb::committed*" },
    count::Case { name: "append: encode", function: "promlet::tsdb::page::encode::encode" },
    count::Case { name: "merge", function: "tsdb::merged*" },
    count::Case { name: "select", function: "tsdb::selected*" },
    count::Case { name: "read", function: "tsdb::values_read*" },
    count::Case { name: "extremes", function: "tsdb::values_read*" },
];

/// One case under valgrind: 8 h of 4 groups of 250 series at 15 s.
fn one(folder: &Path, case: &str) {
    const ROUNDS: i64 = 1920;
    let cells = ROUNDS as u64 * 1000;
    let db = open(folder, &Registry::default());
    let mut fleet = Fleet::new(&db, 4, 250);
    for round in 0..ROUNDS {
        fleet.round(START_MS + round * 15_000);
    }
    if case.starts_with("append") {
        return count::did(cells, "cells");
    }
    merged(&db);
    if case == "merge" {
        return count::did(cells, "cells");
    }
    let range = TimeRange::new(TimestampMs(START_MS), TimestampMs(START_MS + ROUNDS * 15_000));
    let function = (case == "extremes").then_some("max_over_time");
    let hints = Hints { range: Some(range), function, window: function.map(|_| range.max - range.min), ..Hints::default() };
    selected(&db, &hints);
    let batches = selected(&db, &hints);
    if case == "select" {
        return count::did(1000, "series");
    }
    count::did(values_read(&batches), "samples");
}

#[inline(never)]
fn merged(db: &Tsdb) {
    db.compact().expect("a merge");
}

#[inline(never)]
fn selected(db: &Tsdb, hints: &Hints) -> Vec<Box<dyn Batch>> {
    let snapshot = Select::open(db, hints.range.unwrap_or(TimeRange::ALL)).expect("a snapshot");
    snapshot.select(&[], hints).expect("a selection")
}

#[inline(never)]
fn values_read(batches: &[Box<dyn Batch>]) -> u64 {
    let (mut samples, mut values) = (0u64, ColumnValues::default());
    for batch in batches {
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values).expect("values");
            samples += values.floats.len() as u64;
        }
    }
    samples
}

/// Nanoseconds that this thread has been on a processor.
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// Name and labels of a sample line as one text, and its value.
fn sample_of(line: &str) -> Option<(&str, f64)> {
    if line.starts_with('#') || line.is_empty() {
        return None;
    }
    let split = line.rfind('}').map_or_else(|| line.find(' '), |at| Some(at + 1))?;
    let value = line[split..].split_whitespace().next()?;
    Some((&line[..split], value.parse().ok()?))
}

fn recording(folder: &Path, pages: &Path) {
    let registry = Registry::default();
    let db = open(folder, &registry);
    let mut samples = 0u64;
    for exporter in std::fs::read_dir(pages).expect("a folder of exporters").flatten().filter(|e| e.path().is_dir()) {
        let name = exporter.file_name().to_string_lossy().into_owned();
        let shared = Labels::from_pairs([("instance", name.as_str()), ("job", "recording")]);
        let mut writer = db.writer(&GroupKey { source: GroupSource::Scrape, name, labels: shared.clone() }).expect("a writer");
        let mut columns: HashMap<String, Column> = HashMap::new();
        let mut files: Vec<(i64, PathBuf)> = std::fs::read_dir(exporter.path())
            .expect("pages")
            .flatten()
            .filter_map(|e| Some((e.path().file_stem()?.to_str()?.parse().ok()?, e.path())))
            .collect();
        files.sort();
        let mut row = Row::default();
        for (at, path) in files {
            row.clear(TimestampMs(at));
            let text = std::fs::read_to_string(path).expect("a page");
            for (series, value) in text.lines().filter_map(sample_of) {
                let column = *columns.entry(series.to_owned()).or_insert_with(|| {
                    let mut full = shared.to_builder();
                    let (name, rest) = series.split_once('{').unwrap_or((series, "}"));
                    full.set("__name__", name);
                    for pair in rest.trim_end_matches('}').split("\",").filter(|p| !p.is_empty()) {
                        let (label, value) = pair.split_once("=\"").unwrap_or((pair, ""));
                        full.set(label, value.trim_end_matches('"'));
                    }
                    writer.column(&full.build()).expect("a column")
                });
                row.push(column, value);
            }
            samples += writer.commit(&row).expect("a commit").accepted as u64;
            db.maintain(TimestampMs(at));
        }
    }
    db.close().expect("a clean end");
    let written = figure(&registry, "promlet_tsdb_log_written_bytes_total") + figure(&registry, "promlet_tsdb_segment_written_bytes_total");
    println!(
        "{samples} samples; written {:.3} B a sample; kept as found {:.3}",
        written / samples as f64,
        kept_bytes(folder) as f64 / samples as f64
    );
    drop(db);
    print_codecs(&open(folder, &Registry::default()), samples as f64);
    db_compact(folder, samples as f64);
}

fn print_codecs(db: &Tsdb, samples: f64) {
    for codec in db.codecs().expect("whole segments") {
        println!(
            "  {:9} {:8} pages {:10} rows {:10} bytes, {:.3} B a sample of all",
            codec.codec,
            codec.pages,
            codec.rows,
            codec.bytes,
            codec.bytes as f64 / samples
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let folder = tempfile::tempdir().expect("a folder");
    match arguments.first().map(String::as_str) {
        Some("scrape") => scrape(folder.path()),
        Some("history") => history(folder.path()),
        Some("fed") => fed(folder.path(), Path::new(arguments.get(1).map_or(".", String::as_str))),
        Some("recording") => recording(folder.path(), Path::new(arguments.get(1).map_or(".", String::as_str))),
        Some("count") => count::table(CASES, arguments.get(1).map(String::as_str)),
        Some(count::ONE) => one(folder.path(), arguments.get(1).map_or("", String::as_str)),
        _ => println!("say what to measure: count, scrape, history, recording FOLDER, or fed FOLDER"),
    }
}
