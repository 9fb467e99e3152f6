//! The store on a disk that crashes: a seed chooses rows, restarts and the moment of the crash; afterwards the store is
//! compared with a plain map of what was acknowledged.
//!
//! `PROMLET_CRASH_SEEDS=from..until` runs other seeds than the usual ones.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, Matcher, STALE_NAN, TimeRange, TimestampMs};
use promlet::storage::{Append, Column, ColumnValues, GroupKey, GroupSource, Hints, Row, RowWriter, Select};
use promlet::telemetry::Registry;
use promlet::tsdb::disk::crashing::{Crash, Dice};
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

const SEEDS: Range<u64> = 0..600;

type Samples = BTreeMap<String, BTreeMap<i64, u64>>;

/// What is known about what the store must hold.
#[derive(Default)]
struct Expected {
    /// Acknowledged, and durable whatever happens.
    safe: Samples,
    /// Acknowledged, but a power cut may take it.
    acknowledged: Vec<(String, i64, u64)>,
    /// Sent, without an answer.
    perhaps: Vec<(String, i64, u64)>,
    /// For each series with deleted samples the newest time they may reach to.
    deleted: BTreeMap<String, i64>,
}

impl Expected {
    /// Whether there is a sample already, which a late one does not replace, or the time is deleted.
    fn is_taken(&self, labels: &str, at: i64) -> bool {
        let is = |(l, t, _): &(String, i64, u64)| l == labels && *t == at;
        self.deleted.get(labels).is_some_and(|until| at <= *until)
            || self.safe.get(labels).is_some_and(|samples| samples.contains_key(&at))
            || self.acknowledged.iter().any(is)
            || self.perhaps.iter().any(is)
    }

    /// All samples of a series are deleted, or perhaps they are.
    fn delete(&mut self, labels: &str, is_sure: bool, now: i64) {
        self.deleted.insert(labels.to_owned(), now);
        let safe = self.safe.remove(labels).unwrap_or_default();
        let acknowledged = self.acknowledged.extract_if(.., |(l, ..)| l == labels);
        self.perhaps.extend(acknowledged);
        self.perhaps.extend(safe.into_iter().map(|(at, bits)| (labels.to_owned(), at, bits)));
        if is_sure {
            self.perhaps.retain(|(l, ..)| l != labels);
        }
    }
}

struct Run {
    dice: Dice,
    disk: CrashingDisk,
    clock: Clock,
    options: TsdbOptions,
    expected: Expected,
    time: i64,
}

/// A writer, and the columns it was asked for so far.
struct Writer {
    rows: Box<dyn RowWriter>,
    columns: Vec<Option<(Column, String)>>,
}

impl Writer {
    fn column(&mut self, group: u64, number: u64) -> Option<&(Column, String)> {
        let at = number as usize;
        self.columns.resize(self.columns.len().max(at + 1), None);
        if self.columns[at].is_none() {
            let labels = labels(group, number);
            self.columns[at] = Some((self.rows.column(&labels).ok()?, labels.to_string()));
        }
        self.columns[at].as_ref()
    }

    fn forget(&mut self, number: usize) {
        if let Some((column, _)) = self.columns.get_mut(number).and_then(Option::take) {
            self.rows.retire(&[column]);
        }
    }
}

fn labels(group: u64, series: u64) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("g", group.to_string().as_str()), ("s", series.to_string().as_str())])
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut options = TsdbOptions::new("data");
        options.no_lockfile = true;
        options.sync_interval = if dice.below(2) == 0 { DurationMs::ZERO } else { DurationMs::seconds(5) };
        options.sizes.stripe_rows = 4 + dice.below(12) as usize;
        options.sizes.log_file_bytes = 300 + dice.below(3000);
        options.sizes.sweep_from = dice.below(6) as usize;
        options.sizes.segment_bytes = 500 + dice.below(4000);
        options.out_of_order_window = if dice.below(3) == 0 { DurationMs::seconds(100) } else { DurationMs::ZERO };
        let start = 1_000_000_000;
        let clock = Clock::manual(TimestampMs(start));
        Self { dice, disk: CrashingDisk::default(), clock, options, expected: Expected::default(), time: start }
    }

    fn open(&self) -> Tsdb {
        let disk = Arc::new(self.disk.clone());
        let db =
            Tsdb::open(self.options.clone(), disk, self.clock.clone(), &Registry::default()).expect("the store opens after every crash");
        assert!(db.losses().is_empty(), "no crash takes a file away: {:?}", db.losses());
        db
    }

    fn value(&mut self) -> f64 {
        match self.dice.below(12) {
            0 => STALE_NAN,
            1 => -0.0,
            2 => f64::NAN,
            3 => 1.0 / (1.0 + self.dice.below(100) as f64),
            4..=7 => 42.0,
            _ => self.dice.below(10_000) as f64 / 4.0,
        }
    }

    /// Commits one row; false when the machine is off.
    fn commit(&mut self, writers: &mut [Writer]) -> bool {
        let group = self.dice.below(writers.len() as u64);
        let series = 1 + self.dice.below(12);
        let is_late = self.options.out_of_order_window.0 > 0 && self.dice.below(5) == 0;
        let time = if is_late { self.time - self.dice.below(60_000) as i64 } else { self.time };
        let mut row = Row::new(TimestampMs(time));
        let mut sent = Vec::new();
        for number in 0..series {
            if self.dice.below(8) == 0 {
                continue;
            }
            let value = self.value();
            let Some((column, labels)) = writers[group as usize].column(group, number) else { return false };
            row.push(*column, value);
            sent.push((*column, (labels.clone(), time, value.to_bits())));
        }
        match writers[group as usize].rows.commit(&row) {
            Ok(report) => {
                sent.retain(|(column, _)| !report.rejected.iter().any(|(refused, _)| refused == column));
                for (_, sample) in sent {
                    let list = if self.expected.is_taken(&sample.0, sample.1) {
                        &mut self.expected.perhaps
                    } else {
                        &mut self.expected.acknowledged
                    };
                    list.push(sample);
                }
                true
            }
            Err(_) => {
                self.expected.perhaps.extend(sent.into_iter().map(|(_, sample)| sample));
                false
            }
        }
    }

    /// Runs until the fuse blows, or to the end of the round.
    fn round(&mut self, db: &Tsdb) {
        let key = |group: u64| GroupKey {
            source: GroupSource::Scrape,
            name: format!("g{group}"),
            labels: Labels::from_pairs([("g", group.to_string())]),
        };
        let writer = |group| db.writer(&key(group)).map(|rows| Writer { rows, columns: Vec::new() });
        let Ok(mut writers) = (0..3).map(writer).collect::<Result<Vec<_>, _>>() else { return };
        for _ in 0..self.dice.below(120) {
            // Sometimes a row is completed, sometimes time goes on.
            if self.dice.below(6) > 0 {
                self.time += 1 + self.dice.below(4000) as i64;
            }
            self.clock.set(TimestampMs(self.time));
            if !self.commit(&mut writers) {
                return;
            }
            match self.dice.below(20) {
                0..=3 => {
                    db.maintain(TimestampMs(self.time));
                }
                4 if self.dice.below(4) == 0 => {
                    let _ = db.compact();
                }
                5..=7 => writers[self.dice.below(3) as usize].forget(self.dice.below(12) as usize),
                9 | 10 => {
                    let labels = labels(self.dice.below(3), self.dice.below(12));
                    let matchers: Vec<_> = labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
                    let deleted = db.delete(&matchers, TimeRange::ALL);
                    self.expected.delete(&labels.to_string(), deleted.is_ok(), self.time);
                    if deleted.is_err() {
                        return;
                    }
                }
                11 if self.dice.below(3) == 0 && db.clean_tombstones().is_err() => return,
                8 => writers[0] = Writer { rows: db.writer(&key(0)).expect("a writer"), columns: Vec::new() },
                _ => {}
            }
        }
        if self.dice.below(4) == 0 && db.close().is_ok() {
            self.settle(true);
        }
    }

    /// Acknowledged samples that nothing can take any more.
    fn settle(&mut self, all: bool) {
        if all {
            for (labels, at, bits) in self.expected.acknowledged.drain(..) {
                self.expected.safe.entry(labels).or_default().insert(at, bits);
            }
        }
    }

    /// Compares, and takes what is there as what is known from now on.
    fn compare(&mut self, db: &Tsdb) -> Result<(), String> {
        let mut found = read(db)?;
        for (labels, samples) in &self.expected.safe {
            for (at, bits) in samples {
                if found.get(labels).and_then(|s| s.get(at)) != Some(bits) {
                    return Err(format!("{labels} at {at}: acknowledged {bits:x}, found {:x?}", found.get(labels).and_then(|s| s.get(at))));
                }
            }
        }
        let optional = self.expected.acknowledged.iter().chain(&self.expected.perhaps);
        let mut allowed: BTreeMap<(&str, i64), Vec<u64>> = BTreeMap::new();
        optional.for_each(|(labels, at, bits)| allowed.entry((labels, *at)).or_default().push(*bits));
        for (labels, samples) in &found {
            for (at, bits) in samples {
                let is_safe = self.expected.safe.get(labels).is_some_and(|s| s.contains_key(at));
                if !is_safe && !allowed.get(&(labels.as_str(), *at)).is_some_and(|values| values.contains(bits)) {
                    return Err(format!("{labels} at {at}: {bits:x} was never sent"));
                }
            }
        }
        let deleted = std::mem::take(&mut self.expected.deleted);
        self.expected = Expected { safe: std::mem::take(&mut found), deleted, ..Expected::default() };
        Ok(())
    }
}

fn read(db: &Tsdb) -> Result<Samples, String> {
    let snapshot = Select::open(db, TimeRange::ALL).map_err(|error| error.to_string())?;
    let (mut found, mut values) = (Samples::new(), ColumnValues::default());
    for batch in snapshot.select(&[], &Hints::default()).map_err(|error| error.to_string())? {
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values).map_err(|error| error.to_string())?;
            let labels = Labels::from_pairs(
                batch.labels(at).iter().map(|pair| (snapshot.text(pair.name).to_string(), snapshot.text(pair.value).to_string())),
            );
            let rows = batch.times().iter().enumerate().filter(|(row, _)| values.is_present(*row));
            let samples: BTreeMap<i64, u64> = rows.map(|(row, time)| (time.0, values.floats[row].to_bits())).collect();
            if samples.is_empty() || found.insert(labels.to_string(), samples).is_some() {
                return Err(format!("{labels} is empty or comes twice"));
            }
        }
    }
    Ok(found)
}

fn run(seed: u64) -> Result<(), String> {
    let mut run = Run::new(seed);
    for _ in 0..1 + run.dice.below(4) {
        let db = run.open();
        run.compare(&db)?;
        let fuse = run.dice.below(400);
        run.disk.set_fuse(Some(fuse));
        run.round(&db);
        // What the process still sees must be what it acknowledged, crash or not.
        drop(db);
        let kind = if run.dice.below(2) == 0 { Crash::Kill } else { Crash::PowerCut };
        run.settle(kind == Crash::Kill || run.options.sync_interval == DurationMs::ZERO);
        let mut dice = run.dice.clone();
        run.disk = run.disk.crash(kind, &mut dice);
        run.dice = dice;
    }
    let db = run.open();
    run.compare(&db)?;
    db.compact().map_err(|error| error.to_string())?;
    run.compare(&db)
}

fn seeds() -> Range<u64> {
    let asked = std::env::var("PROMLET_CRASH_SEEDS").ok();
    let parse = |text: &str| Some(text.split_once("..")?.0.parse().ok()?..text.split_once("..")?.1.parse().ok()?);
    asked.and_then(|text| parse(&text)).unwrap_or(SEEDS)
}

#[test]
fn nothing_acknowledged_is_lost_whenever_it_crashes() {
    let seeds = seeds();
    let workers = 4;
    let failed: Vec<String> = std::thread::scope(|scope| {
        let share = |worker| {
            let seeds = seeds.clone().skip(worker).step_by(workers);
            scope.spawn(move || seeds.filter_map(|seed| run(seed).err().map(|why| (seed, why))).take(3).collect::<Vec<_>>())
        };
        let threads: Vec<_> = (0..workers).map(share).collect();
        let all = threads.into_iter().flat_map(|thread| thread.join().expect("a seed panicked"));
        all.map(|(seed, why)| format!("{why}\n  replay: PROMLET_CRASH_SEEDS={seed}..{} cargo test --test it tsdb_crash", seed + 1))
            .collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
