//! Samples behind their series' newest: refused as Prometheus refuses them, or taken within the out-of-order window, wherever they are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use promlet::clock::Clock;
use promlet::model::{DurationMs, Labels, STALE_NAN, TimeRange, TimestampMs};
use promlet::storage::{Append, Column, ColumnValues, GroupKey, GroupSource, Hints, Rejected, Row, RowWriter, Select, Snapshot};
use promlet::telemetry::Registry;
use promlet::tsdb::{CrashingDisk, Tsdb, TsdbOptions};

const START: i64 = 1_000_000_000;
const MINUTE: i64 = 60_000;

struct Store {
    disk: CrashingDisk,
    options: TsdbOptions,
    registry: Registry,
    db: Tsdb,
}

impl Store {
    fn new(window_minutes: i64) -> Self {
        let mut options = TsdbOptions::new("data");
        options.no_lockfile = true;
        options.sizes.stripe_rows = 12;
        options.out_of_order_window = DurationMs(window_minutes * MINUTE);
        options.bounds = Some(DurationMs(60 * MINUTE));
        Self::with(CrashingDisk::default(), options)
    }

    fn with(disk: CrashingDisk, options: TsdbOptions) -> Self {
        let (clock, registry) = (Clock::manual(TimestampMs(START)), Registry::default());
        let db = Tsdb::open(options.clone(), Arc::new(disk.clone()), clock, &registry).expect("a store");
        Self { disk, options, registry, db }
    }

    fn restart(self) -> Self {
        let Self { disk, options, db, .. } = self;
        drop(db);
        Self::with(disk, options)
    }

    fn figure(&self, name: &str) -> u64 {
        self.registry.counter(name, "", &[("type", "float")]).get()
    }
}

fn writer(db: &Tsdb, name: &str) -> Box<dyn RowWriter> {
    db.writer(&GroupKey { source: GroupSource::Push, name: name.to_owned(), labels: Labels::from_pairs([("job", "j")]) }).expect("a writer")
}

fn column(writer: &mut Box<dyn RowWriter>, name: &str) -> Column {
    writer.column(&Labels::from_pairs([("__name__", name), ("job", "j")])).expect("a column")
}

/// Commits at so many minutes after the start; what was refused comes back.
fn commit(writer: &mut Box<dyn RowWriter>, minute: i64, cells: &[(Column, f64)]) -> Vec<Rejected> {
    let mut row = Row::new(TimestampMs(START + minute * MINUTE));
    cells.iter().for_each(|(column, value)| row.push(*column, *value));
    writer.commit(&row).expect("a commit").rejected.into_iter().map(|(_, why)| why).collect()
}

/// Minutes and values by metric name.
fn read(snapshot: &dyn Snapshot) -> BTreeMap<String, Vec<(i64, f64)>> {
    let (mut found, mut values) = (BTreeMap::new(), ColumnValues::default());
    for batch in snapshot.select(&[], &Hints::default()).expect("a selection") {
        assert!(batch.times().windows(2).all(|w| w[0] < w[1]), "times go forward");
        for at in 0..batch.len() {
            batch.read(at, 0..batch.times().len(), &mut values).expect("values");
            let rows = batch.times().iter().enumerate().filter(|(row, _)| values.is_present(*row));
            let samples = rows.map(|(row, time)| ((time.0 - START) / MINUTE, values.floats[row])).collect();
            let name = batch.labels(at).iter().find(|pair| &*snapshot.text(pair.name) == "__name__").map(|pair| snapshot.text(pair.value));
            assert!(found.insert(name.expect("a name").to_string(), samples).is_none(), "each series comes once");
        }
    }
    found
}

fn all(db: &Tsdb) -> BTreeMap<String, Vec<(i64, f64)>> {
    read(Select::open(db, TimeRange::ALL).expect("a snapshot").as_ref())
}

#[test]
fn without_a_window_prometheus_reasons() {
    let store = Store::new(0);
    let mut pushed = writer(&store.db, "a");
    let (m, n) = (column(&mut pushed, "m"), column(&mut pushed, "n"));
    assert_eq!(commit(&mut pushed, 100, &[(m, 1.0)]), []);
    assert_eq!(commit(&mut pushed, 99, &[(m, 1.0)]), [Rejected::OutOfOrder]);
    assert_eq!(commit(&mut pushed, 100, &[(m, 2.0)]), [Rejected::Duplicate]);
    assert_eq!(commit(&mut pushed, 40, &[(n, 1.0)]), [], "an hour behind the newest");
    assert_eq!(commit(&mut pushed, 39, &[(m, 1.0), (n, 1.0)]), [Rejected::OutOfBounds; 2]);
    assert_eq!(store.figure("prometheus_tsdb_out_of_order_samples_total"), 1);
    assert_eq!(store.figure("prometheus_tsdb_out_of_bound_samples_total"), 2);
    assert_eq!(all(&store.db), BTreeMap::from([("m".to_owned(), vec![(100, 1.0)]), ("n".to_owned(), vec![(40, 1.0)])]));
}

#[test]
fn within_the_window_late_samples_are_kept_at_every_stage() {
    let store = Store::new(30);
    let mut pushed = writer(&store.db, "a");
    let (m, n) = (column(&mut pushed, "m"), column(&mut pushed, "n"));
    (0..40)
        .filter(|minute| minute % 2 == 0)
        .for_each(|minute| assert_eq!(commit(&mut pushed, minute, &[(m, minute as f64), (n, 0.5)]), []));
    // Backwards, so that no two of them follow each other.
    for minute in (9..38).rev().filter(|minute| minute % 2 == 1) {
        assert_eq!(commit(&mut pushed, minute, &[(m, minute as f64)]), [], "{minute}");
    }
    assert_eq!(commit(&mut pushed, 7, &[(m, 1.0)]), [Rejected::TooOld]);
    assert_eq!(commit(&mut pushed, 38, &[(m, 1.0)]), [Rejected::Duplicate], "the newest is compared");
    assert_eq!(commit(&mut pushed, 37, &[(m, 99.0)]), [], "a late one that is there is left as it is");
    assert_eq!(commit(&mut pushed, 35, &[(n, STALE_NAN)]), []);
    assert_eq!(store.figure("prometheus_tsdb_too_old_samples_total"), 1);
    assert_eq!(store.figure("prometheus_tsdb_out_of_order_samples_total"), 0);
    let of_m: Vec<(i64, f64)> = (0..39).filter(|minute| minute % 2 == 0 || *minute >= 9).map(|minute| (minute, minute as f64)).collect();
    let check = |db: &Tsdb, stage: &str| {
        let found = all(db);
        assert_eq!(found["m"], of_m, "{stage}");
        let (at, marker) = found["n"][18];
        assert!(found["n"].len() == 21 && at == 35 && marker.is_nan(), "{stage}: {:?}", found["n"]);
    };
    check(&store.db, "as written");
    drop(pushed);
    let store = store.restart();
    check(&store.db, "after a kill");
    let mut pushed = writer(&store.db, "a");
    let m = column(&mut pushed, "m");
    assert_eq!(commit(&mut pushed, 20, &[(m, 99.0)]), [], "what an earlier run took is newer");
    check(&store.db, "after a late duplicate");
    store.db.maintain(TimestampMs(START + 40 * MINUTE));
    store.db.compact().expect("a merge");
    check(&store.db, "after a merge");
    check(&store.restart().db, "after another start");
}

#[test]
fn a_snapshot_does_not_see_what_comes_late_after_it() {
    let store = Store::new(30);
    let mut pushed = writer(&store.db, "a");
    let m = column(&mut pushed, "m");
    (0..3).for_each(|minute| assert_eq!(commit(&mut pushed, minute * 10, &[(m, 1.0)]), []));
    assert_eq!(commit(&mut pushed, 5, &[(m, 2.0)]), []);
    let snapshot = Select::open(&store.db, TimeRange::ALL).expect("a snapshot");
    assert_eq!(commit(&mut pushed, 6, &[(m, 3.0)]), []);
    assert_eq!(read(snapshot.as_ref())["m"], [(0, 1.0), (5, 2.0), (10, 1.0), (20, 1.0)]);
    assert_eq!(all(&store.db)["m"].len(), 5);
}

#[test]
fn the_window_can_be_opened_and_shut_while_it_runs() {
    let store = Store::new(0);
    let mut pushed = writer(&store.db, "a");
    let m = column(&mut pushed, "m");
    assert_eq!(commit(&mut pushed, 10, &[(m, 1.0)]), []);
    assert_eq!(commit(&mut pushed, 9, &[(m, 1.0)]), [Rejected::OutOfOrder]);
    store.db.set_out_of_order_window(DurationMs(5 * MINUTE));
    assert_eq!(commit(&mut pushed, 9, &[(m, 1.0)]), []);
    store.db.set_out_of_order_window(DurationMs::ZERO);
    assert_eq!(commit(&mut pushed, 8, &[(m, 1.0)]), [Rejected::OutOfOrder]);
    assert_eq!(all(&store.db)["m"], [(9, 1.0), (10, 1.0)]);
}
