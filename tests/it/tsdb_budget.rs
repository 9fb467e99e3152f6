//! Near its memory budget the store sheds in a stated order, says what, and is itself again afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, TimeRange, TimestampMs};
use promlet::storage::{Append, AppendError, GroupKey, GroupSource, Row, RowWriter, Select, SelectError};
use promlet::telemetry::Registry;
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

const START: i64 = 1_000_000_000;

fn writer(db: &Tsdb, name: &str) -> Box<dyn RowWriter> {
    db.writer(&GroupKey { source: GroupSource::Scrape, name: name.to_owned(), labels: Labels::from_pairs([("job", name)]) })
        .expect("a writer")
}

/// Commits one row of so many series.
fn commit(writer: &mut Box<dyn RowWriter>, name: &str, series: usize, second: i64) -> Result<usize, AppendError> {
    let mut row = Row::new(TimestampMs(START + second * 1000));
    for n in 0..series {
        row.push(writer.column(&Labels::from_pairs([("__name__", "m"), ("job", name), ("n", n.to_string().as_str())]))?, n as f64);
    }
    writer.commit(&row).map(|report| report.accepted)
}

#[test]
fn load_is_shed_in_order_and_said() {
    let (clock, registry, used) = (Clock::manual(TimestampMs(START)), Registry::default(), Arc::new(AtomicU64::new(50)));
    let mut options = TsdbOptions::new("data");
    options.no_lockfile = true;
    let db = Tsdb::open(options, Arc::new(CrashingDisk::default()), clock.clone(), &registry).expect("a store");
    let probe = used.clone();
    db.set_memory_budget(100, Arc::new(move || Some(probe.load(Ordering::Relaxed))), &registry);
    let at = |share: u64| {
        used.store(share, Ordering::Relaxed);
        clock.advance(DurationMs::seconds(6));
        db.maintain(clock.now());
    };
    let shed = |what| registry.counter("promlet_memory_shed_total", "", &[("what", what)]).get();
    let (mut quiet, mut growing) = (writer(&db, "quiet"), writer(&db, "growing"));
    (1..20).for_each(|second| assert_eq!(commit(&mut quiet, "quiet", 10, second).expect("space"), 10));
    assert_eq!(commit(&mut growing, "growing", 10, 20).expect("space"), 10);
    at(50);
    assert_eq!(shed("tails"), 0);
    let open_before = db.stats(0).open_segment_bytes;
    at(82);
    assert_eq!(shed("tails"), 1);
    assert!(db.stats(0).open_segment_bytes > open_before, "tails are in the open segment");
    assert_eq!(commit(&mut growing, "growing", 500, 21).expect("not yet"), 500);
    assert_eq!(commit(&mut quiet, "quiet", 12, 21).expect("not yet"), 12);
    at(92);
    let refused = commit(&mut growing, "growing", 600, 22).expect_err("it grew most").to_string();
    assert!(refused.contains("grew most, by 490 series") && refused.contains("--storage.memory-budget"), "{refused}");
    assert_eq!(commit(&mut growing, "growing", 500, 23).expect("what is known goes on"), 500);
    assert_eq!(commit(&mut quiet, "quiet", 14, 23).expect("others grow"), 14);
    assert_eq!(registry.counter("promlet_memory_refused_series_total", "", &[("group", "growing")]).get(), 1);
    assert!(Select::open(&db, TimeRange::ALL).is_ok(), "queries go on");
    at(98);
    assert!(matches!(commit(&mut quiet, "quiet", 16, 24), Err(AppendError::Limit(_))), "nobody gets new series");
    assert_eq!(commit(&mut quiet, "quiet", 14, 25).expect("what is known goes on"), 14);
    assert!(matches!(Select::open(&db, TimeRange::ALL), Err(SelectError::Busy(text)) if text.contains("memory budget")));
    assert_eq!(shed("queries"), 1);
    assert!(db.for_rules().open(TimeRange::ALL).is_ok(), "alerts go on");
    at(70);
    assert!(Select::open(&db, TimeRange::ALL).is_ok());
    assert_eq!(commit(&mut growing, "growing", 600, 26).expect("calm again"), 600);
    assert_eq!(registry.gauge("promlet_memory_pressure", "", &[]).get(), 0.0);
}
