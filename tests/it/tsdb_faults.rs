//! Full disks, failed syncs, damaged and foreign files: refused or served around with a clear error, never a panic, never wrong data.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, TimeRange, TimestampMs};
use promlet::storage::{Append, AppendError, ColumnValues, GroupKey, GroupSource, Hints, Row, Select, SelectError};
use promlet::telemetry::Registry;
use promlet::tsdb::disk::crashing::{Crash, Dice};
use promlet::tsdb::{CrashingDisk, Disk, RealDisk, Tsdb, TsdbOptions};

const START: i64 = 1_000_000_000;

fn options(folder: &str) -> TsdbOptions {
    let mut options = TsdbOptions::new(folder);
    options.no_lockfile = true;
    options.sync_interval = DurationMs::ZERO;
    options.sizes.stripe_rows = 10;
    options
}

fn open(disk: &CrashingDisk, clock: &Clock) -> Tsdb {
    Tsdb::open(options("data"), Arc::new(disk.clone()), clock.clone(), &Registry::default()).expect("a store")
}

fn key(name: &str) -> GroupKey {
    GroupKey { source: GroupSource::Scrape, name: name.to_owned(), labels: Labels::from_pairs([("instance", name)]) }
}

/// One row of ten series, each holding the row's number.
fn commit(db: &Tsdb, name: &str, number: i64) -> Result<usize, AppendError> {
    let mut writer = db.writer(&key(name))?;
    let mut row = Row::new(TimestampMs(START + number * 1000));
    for n in 0..10 {
        let column = writer.column(&Labels::from_pairs([("__name__", "m"), ("instance", name), ("n", n.to_string().as_str())]))?;
        row.push(column, number as f64);
    }
    writer.commit(&row).map(|report| report.accepted)
}

/// Samples by the row's number, of all series together; wrong values are a failure of the test.
fn count(db: &Tsdb) -> Result<usize, SelectError> {
    let snapshot = Select::open(db, TimeRange::ALL)?;
    let (mut found, mut values) = (0usize, ColumnValues::default());
    for batch in snapshot.select(&[], &Hints::default())? {
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values)?;
            for (row, time) in batch.times().iter().enumerate().filter(|(row, _)| values.is_present(*row)) {
                assert_eq!(values.floats[row], ((time.0 - START) / 1000) as f64, "a wrong value was served");
                found += 1;
            }
        }
    }
    Ok(found)
}

#[test]
fn a_full_disk_stops_samples_and_nothing_else_until_there_is_space() {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START)));
    let db = open(&disk, &clock);
    (1..=25).for_each(|number| assert_eq!(commit(&db, "a", number).expect("space"), 10));
    disk.set_space(Some(100));
    let (refused, taken) = (26..).find_map(|number| commit(&db, "a", number).err().map(|error| (error, number - 1))).expect("no space");
    let taken = usize::try_from(taken).expect("a count");
    assert!(matches!(&refused, AppendError::ReadOnly(text) if text.contains("free some space")), "{refused}");
    assert_eq!(count(&db).expect("served"), taken * 10);
    db.maintain(TimestampMs(START));
    assert!(commit(&db, "a", 40).is_err() && db.read_only().is_some());
    disk.set_space(None);
    clock.advance(DurationMs::seconds(6));
    db.maintain(clock.now());
    assert_eq!(db.read_only(), None);
    assert_eq!(commit(&db, "a", 40).expect("space again"), 10);
    assert_eq!(count(&db).expect("served"), taken * 10 + 10);
    drop(db);
    assert_eq!(count(&open(&disk, &clock)).expect("served"), taken * 10 + 10, "after a restart");
}

#[test]
fn a_start_on_a_full_disk_serves_what_is_there() {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START)));
    let db = open(&disk, &clock);
    (1..=25).for_each(|number| assert_eq!(commit(&db, "a", number).expect("space"), 10));
    drop(db);
    let disk = disk.crash(Crash::Kill, &mut Dice(1));
    disk.set_space(Some(0));
    let db = open(&disk, &clock);
    assert!(db.read_only().is_some_and(|text| text.contains("free some space")));
    assert_eq!(count(&db).expect("served"), 250);
    disk.set_space(None);
    clock.advance(DurationMs::seconds(6));
    db.maintain(clock.now());
    assert_eq!(commit(&db, "a", 26).expect("space again"), 10);
    db.compact().expect("space again");
    assert_eq!(count(&db).expect("served"), 260);
    drop(db);
    assert_eq!(count(&open(&disk, &clock)).expect("served"), 260, "after a restart");
}

#[test]
fn a_failed_sync_is_not_tried_again_as_if_nothing_had_happened() {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START)));
    let db = open(&disk, &clock);
    commit(&db, "a", 1).expect("a good disk");
    disk.fail_syncs(true);
    let refused = commit(&db, "a", 2).expect_err("the sync failed");
    assert!(refused.to_string().contains("restart promlet"), "{refused}");
    disk.fail_syncs(false);
    clock.advance(DurationMs::seconds(3600));
    db.maintain(clock.now());
    assert!(commit(&db, "a", 3).is_err(), "the store stays read-only");
    assert!(count(&db).is_ok());
}

fn segment_paths(disk: &CrashingDisk) -> Vec<PathBuf> {
    disk.paths().into_iter().filter(|path| path.to_string_lossy().contains("segment-")).collect()
}

/// Two sealed segments of two groups.
fn two_segments(clock: &Clock) -> CrashingDisk {
    let disk = CrashingDisk::default();
    for part in 0..2 {
        let db = open(&disk, clock);
        for number in part * 50 + 1..=part * 50 + 50 {
            commit(&db, "a", number).expect("space");
            commit(&db, "b", number).expect("space");
        }
        db.close().expect("a clean end");
    }
    disk
}

#[test]
fn damage_is_found_and_said_and_wrong_data_is_never_served() {
    let clock = Clock::manual(TimestampMs(START));
    let disk = two_segments(&clock);
    assert_eq!(count(&open(&disk, &clock)).expect("whole"), 2000);
    let paths = segment_paths(&disk);
    assert_eq!(paths.len(), 2);
    for seed in 0..200 {
        let mut dice = Dice(seed);
        let damaged = two_segments(&clock);
        let path = &paths[dice.below(2) as usize];
        damaged.damage(path, |bytes| {
            let at = dice.below(bytes.len() as u64) as usize;
            match dice.below(3) {
                0 => bytes[at] ^= 1 << dice.below(8),
                1 => bytes.truncate(at),
                _ => bytes[at..].iter_mut().take(16).for_each(|b| *b = 0),
            }
        });
        let db = open(&damaged, &clock);
        // Either an error that names the file, or what is left; `count` looks at every value.
        match count(&db) {
            Ok(found) => assert!(found <= 2000, "seed {seed}: {found}"),
            Err(error) => assert!(error.to_string().contains("segment-"), "seed {seed}: {error}"),
        }
    }
}

#[test]
fn a_missing_segment_or_manifest_is_survived() {
    let clock = Clock::manual(TimestampMs(START));
    let disk = two_segments(&clock);
    disk.remove(Path::new("data/promlet/manifest")).expect("a manifest");
    assert_eq!(count(&open(&disk, &clock)).expect("made again from the footers"), 2000);
    disk.remove(&segment_paths(&disk)[0]).expect("a segment");
    assert_eq!(count(&open(&disk, &clock)).expect("the other one"), 1000);
}

fn path_of(disk: &CrashingDisk, kind: &str) -> PathBuf {
    disk.paths().into_iter().rfind(|path| path.to_string_lossy().contains(kind)).expect("a file")
}

#[test]
fn a_log_that_is_gone_is_said_with_its_time_and_the_rest_is_served() {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START)));
    let db = open(&disk, &clock);
    (1..=25).for_each(|number| assert_eq!(commit(&db, "a", number).expect("space"), 10));
    assert!(db.losses().is_empty());
    drop(db);
    let log = path_of(&disk, "log-");
    disk.remove(&log).expect("a log");
    let registry = Registry::default();
    let db = Tsdb::open(options("data"), Arc::new(disk.clone()), clock.clone(), &registry).expect("a store");
    let said = db.losses().join("\n");
    assert!(said.contains(&*log.to_string_lossy()) && said.contains("from the beginning until the end of that run"), "{said}");
    assert_eq!(registry.gauge("promlet_tsdb_missing_files", "", &[]).get(), 1.0);
    let kept = count(&db).expect("the stripes");
    assert!((100..250).contains(&kept), "{kept}");
    (31..=35).for_each(|number| assert_eq!(commit(&db, "a", number).expect("space"), 10));
    drop(db);
    // The file's number is not given again, and it is still missing.
    let db = open(&disk, &clock);
    assert_eq!((db.losses().len(), count(&db).expect("served")), (1, kept + 50));
    db.close().expect("a clean end");
    drop(db);
    let db = open(&disk, &clock);
    assert_eq!((db.losses(), count(&db).expect("served")), (&[][..], kept + 50), "segments hold everything");
    db.close().expect("a clean end");
    drop(db);
    disk.remove(&path_of(&disk, "log-")).expect("a log");
    let db = open(&disk, &clock);
    assert!(db.losses().join("\n").contains("no sample is missing"), "{:?}", db.losses());
    assert_eq!(count(&db).expect("served"), kept + 50);
}

#[test]
fn a_log_that_was_cut_between_two_records_is_said() {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START)));
    let mut options = options("data");
    (options.sizes.log_file_bytes, options.sizes.stripe_rows) = (600, 100);
    let open = || Tsdb::open(options.clone(), Arc::new(disk.clone()), clock.clone(), &Registry::default()).expect("a store");
    let db = open();
    (1..=40).for_each(|number| assert_eq!(commit(&db, "a", number).expect("space"), 10));
    drop(db);
    assert!(open().losses().is_empty());
    let log = disk.paths().into_iter().find(|path| path.to_string_lossy().contains("log-")).expect("a log");
    let mut last = 0;
    disk.damage(&log, |bytes| {
        last = bytes.windows(2).rposition(|pair| pair == [0xa7, 0x5e]).expect("a frame");
        bytes.truncate(last);
    });
    let said = open().losses().join("\n");
    assert!(said.contains(&format!("has {last} bytes of at least")), "{said}");
}

#[test]
fn an_open_segment_that_the_log_relies_on_is_missed() {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START)));
    let mut options = options("data");
    options.sizes.log_file_bytes = 600;
    let open = || Tsdb::open(options.clone(), Arc::new(disk.clone()), clock.clone(), &Registry::default()).expect("a store");
    let db = open();
    for number in 1..=60 {
        assert_eq!(commit(&db, "a", number).expect("space"), 10);
        db.maintain(clock.now());
    }
    drop(db);
    let whole = open();
    assert_eq!((whole.losses(), count(&whole).expect("served")), (&[][..], 600));
    drop(whole);
    // The start has sealed that one: again with one that is open.
    let db = open();
    for number in 61..=120 {
        assert_eq!(commit(&db, "a", number).expect("space"), 10);
        db.maintain(clock.now());
    }
    drop(db);
    let segment = path_of(&disk, "segment-");
    disk.remove(&segment).expect("a segment");
    let db = open();
    let said = db.losses().join("\n");
    assert!(said.contains(&*segment.to_string_lossy()) && said.contains("samples from 1970-01-12T"), "{said}");
    assert!((600..1200).contains(&count(&db).expect("the rest")));
}

#[test]
fn tombstones_that_are_gone_are_said() {
    let clock = Clock::manual(TimestampMs(START));
    let disk = two_segments(&clock);
    let db = open(&disk, &clock);
    assert_eq!(db.delete(&[], TimeRange::ALL).expect("deleted"), 20);
    drop(db);
    let db = open(&disk, &clock);
    assert_eq!((db.losses(), count(&db).expect("served")), (&[][..], 0));
    drop(db);
    let path = path_of(&disk, "tombstones");
    let bytes = std::cell::Cell::new(0);
    disk.damage(&path, |file| {
        bytes.set(file.len());
        file.clear();
    });
    assert!(open(&disk, &clock).losses().join("\n").contains(&format!("has 0 bytes of at least {}", bytes.get())));
    disk.remove(&path).expect("a file");
    let db = open(&disk, &clock);
    assert!(db.losses().join("\n").contains("deleted are served again"), "{:?}", db.losses());
    db.delete(&[], TimeRange::ALL).expect("deleted");
    db.clean_tombstones().expect("cleaned");
    drop(db);
    assert!(open(&disk, &clock).losses().is_empty());
}

#[test]
fn a_damaged_log_gives_what_is_whole() {
    let clock = Clock::manual(TimestampMs(START));
    for seed in 0..200 {
        let (mut dice, disk) = (Dice(seed), CrashingDisk::default());
        let db = open(&disk, &clock);
        for number in 1..=30 {
            commit(&db, "a", number).expect("space");
            commit(&db, "b", number).expect("space");
        }
        drop(db);
        let log = disk.paths().into_iter().find(|path| path.to_string_lossy().contains("log-")).expect("a log");
        disk.damage(&log, |bytes| {
            let at = dice.below(bytes.len() as u64) as usize;
            bytes[at..].iter_mut().take(1 + dice.below(40) as usize).for_each(|b| *b = dice.roll() as u8);
        });
        let found = count(&open(&disk, &clock)).expect("what is whole");
        assert!(found <= 600, "seed {seed}");
    }
}

#[test]
fn folders_that_cannot_be_used_are_refused_with_a_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_string_lossy().into_owned();
    let open = |no_lockfile: bool| {
        let mut options = options(&path);
        options.no_lockfile = no_lockfile;
        Tsdb::open(options, Arc::new(RealDisk), Clock::system(), &Registry::default())
    };
    let first = open(false).expect("a free folder");
    let text = open(false).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(text.contains("in use") && text.contains(&std::process::id().to_string()), "{text}");
    drop(first);
    let manifest = folder.path().join("promlet/manifest");
    let mut bytes = std::fs::read(&manifest).expect("a manifest");
    bytes[7] = 200;
    std::fs::write(&manifest, bytes).expect("a newer manifest");
    let text = open(false).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(text.contains("format version 200"), "{text}");
}

#[test]
fn files_of_prometheus_in_the_folder_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = ["wal/00000000", "chunks_head/000001", "01ARZ3NDEKTSV4RRFFQ69G5FAV/meta.json"];
    for file in foreign {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, file).expect("a file");
    }
    let mut options = options(&folder.path().to_string_lossy());
    options.retention_bytes = 1;
    let db = Tsdb::open(options, Arc::new(RealDisk), Clock::manual(TimestampMs(START)), &Registry::default()).expect("a store");
    (1..100).for_each(|number| assert_eq!(commit(&db, "a", number).expect("space"), 10));
    db.compact().expect("a merge");
    db.maintain(TimestampMs(START));
    db.close().expect("a clean end");
    for file in foreign {
        assert_eq!(std::fs::read_to_string(folder.path().join(file)).expect("still there"), file);
    }
}

/// Rows whose parts come in two commits, as remote write cuts them. Where a log file ends between the parts, the second part opens the next file,
/// and stands there without its first once the file before is cut. Each run is killed at such a moment: nothing is lost, nothing called damaged.
#[test]
fn rows_in_parts_outlast_kills_without_damage() {
    let (disk, clock) = (CrashingDisk::default(), Clock::manual(TimestampMs(START)));
    let log_files = || disk.paths().into_iter().filter(|path| path.to_string_lossy().contains("log-")).collect::<Vec<_>>();
    let (mut number, mut samples) = (0, 0);
    for kill in 0..30 {
        let registry = Registry::default();
        let mut options = options("data");
        options.sizes.log_file_bytes = 600 + 7 * kill;
        options.sizes.segment_span = DurationMs::seconds(90);
        let db = Tsdb::open(options, Arc::new(disk.clone()), clock.clone(), &registry).expect("a store");
        for counter in ["prometheus_tsdb_wal_corruptions_total", "promlet_tsdb_log_lost_rows_total"] {
            assert_eq!(registry.counter(counter, "", &[]).get(), 0, "nothing was damaged and nothing lost before start {kill}: {counter}");
        }
        let (mut begins_with_a_part, mut newest) = (false, log_files().pop());
        while !begins_with_a_part || log_files().len() > 1 {
            number += 1;
            let mut writer = db.writer(&key("a")).expect("a writer");
            // Every third row is whole with its first part, so that ends of files fall between parts as well as between rows.
            let parts = if number % 3 == 0 { &["a"][..] } else { &["a", "b", "c"] };
            samples += parts.len();
            for part in parts {
                let mut row = Row::new(TimestampMs(START + number * 1000));
                row.push(writer.column(&Labels::from_pairs([("__name__", part)])).expect("a column"), number as f64);
                assert_eq!(writer.commit(&row).expect("space").accepted, 1);
                clock.advance(DurationMs::seconds(1));
                db.maintain(clock.now());
                let last = log_files().pop();
                if last != newest {
                    (newest, begins_with_a_part) = (last, *part != "c" && parts.len() > 1);
                }
            }
            assert!(number < 100_000, "no log file began with a part");
        }
        assert_eq!(count(&db).expect("served"), samples, "before kill {kill}");
    }
}
