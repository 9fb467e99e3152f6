//! Prometheus's data folder: blocks that were written are read again, logs in every form are replayed, damage is said and never a panic.

mod admin;
mod damage;
mod logs;
mod promql;

use std::path::Path;
use std::sync::Arc;

use promlet::blocks::{BlockWriter, Imported, PrometheusFolder, Samples};
use promlet::clock::Clock;
use promlet::model::{Histogram, Labels, Matcher, TimeRange, TimestampMs, Value};
use promlet::storage::{Batch, ColumnValues, Hints, Select, Snapshot};

/// Labels, then time and value of every sample.
pub type Everything = Vec<(Labels, Vec<(i64, Value)>)>;

pub fn open(folder: &Path) -> Option<PrometheusFolder> {
    PrometheusFolder::open(folder, &Imported::default(), Clock::manual(TimestampMs(0))).expect("a folder")
}

pub fn labels_of(snapshot: &dyn Snapshot, batch: &dyn Batch, index: usize) -> Labels {
    Labels::from_pairs(batch.labels(index).iter().map(|pair| (snapshot.text(pair.name), snapshot.text(pair.value))))
}

/// Samples of every series that satisfies the matchers.
pub fn read(select: &dyn Select, matchers: &[Matcher], range: TimeRange) -> Result<Everything, String> {
    let snapshot = select.open(range).map_err(|error| error.to_string())?;
    let (mut found, mut values) = (Everything::new(), ColumnValues::default());
    for batch in snapshot.select(matchers, &Hints { range: Some(range), ..Hints::default() }).map_err(|error| error.to_string())? {
        for index in 0..batch.len() {
            batch.read(index, 0..batch.times().len(), &mut values).map_err(|error| error.to_string())?;
            let value = |row: usize| match values.histograms.iter().find(|(of, _)| *of as usize == row) {
                Some((_, held)) => Value::Histogram(held.clone()),
                None => Value::Float(values.floats[row]),
            };
            let rows = (0..batch.times().len()).filter(|row| values.is_present(*row));
            let samples = rows.map(|row| (batch.times()[row].0, value(row))).collect();
            found.push((labels_of(snapshot.as_ref(), batch.as_ref(), index), samples));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// What one store has becomes a block in the folder.
pub fn write_block(folder: &Path, everything: &Everything) {
    let mut writer = BlockWriter::new(folder, TimestampMs(0)).expect("a folder");
    let times = || everything.iter().flat_map(|(_, samples)| samples.iter().map(|(at, _)| *at));
    for (labels, list) in everything {
        let mut samples = Samples::default();
        for (at, value) in list {
            match value {
                Value::Float(value) => samples.push(*at, *value),
                Value::Histogram(histogram) => samples.push_histogram(*at, histogram.clone()),
            }
        }
        writer.series(labels, &samples).expect("a series");
    }
    writer.finish(times().min().unwrap_or(0), times().max().map_or(1, |last| last + 1)).expect("a block");
}

/// Equal to the bit but for what says whether a counter began anew, which blocks know better.
pub fn assert_same(found: &Everything, expected: &Everything) {
    assert_eq!(found.iter().map(|(l, s)| (l, s.len())).collect::<Vec<_>>(), expected.iter().map(|(l, s)| (l, s.len())).collect::<Vec<_>>());
    for ((labels, found), (_, expected)) in found.iter().zip(expected) {
        for ((at, value), (expected_at, expected)) in found.iter().zip(expected) {
            let same = match (value, expected) {
                (Value::Histogram(a), Value::Histogram(b)) => a.same_bits(&Histogram { reset_hint: a.reset_hint, ..Histogram::clone(b) }),
                (a, b) => a.same_bits(b),
            };
            assert!(at == expected_at && same, "{labels} at {at}: {value:?} instead of {expected:?} at {expected_at}");
        }
    }
}

/// Floats and histograms of several kinds, some ending, some starting late.
pub fn mixed() -> Everything {
    let mut everything = Everything::new();
    for n in 0..40i64 {
        let labels = Labels::from_pairs([("__name__", format!("m_{}", n % 5)), ("instance", format!("i{}", n % 3)), ("n", n.to_string())]);
        let at = |row: i64| row * 15_000 + n % 3 * 100 + if n % 7 == 0 { row * row % 50 } else { 0 };
        let value = |row: i64| match n % 4 {
            0 => Value::Float((row * n) as f64),
            1 => Value::Float((row as f64 * 0.1 + n as f64).sin()),
            2 => Value::Float(if row % 9 == 0 { f64::from_bits(0x7ff0_0000_0000_0002) } else { 42.5 }),
            _ => Value::Histogram(Arc::new(logs::histogram(row as f64 + if n % 8 == 3 { 0.5 } else { 0.0 }))),
        };
        everything.push((labels, (n..400 - n).map(|row| (at(row), value(row))).collect()));
    }
    everything.sort_by(|a, b| a.0.cmp(&b.0));
    everything
}

#[test]
fn a_written_block_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let everything = mixed();
    write_block(folder.path(), &everything);
    let found = open(folder.path()).unwrap();
    assert_same(&read(&found, &[], TimeRange::ALL).unwrap(), &everything);
    let wanted = [Matcher::equal("__name__", "m_2"), Matcher::equal("gone", "")];
    let expected: Everything = everything.iter().filter(|(labels, _)| labels.metric_name() == "m_2").cloned().collect();
    assert_same(&read(&found, &wanted, TimeRange::ALL).unwrap(), &expected);
    let range = TimeRange::new(TimestampMs(1_000_000), TimestampMs(2_000_050));
    let mut cut = everything.clone();
    cut.iter_mut().for_each(|(_, samples)| samples.retain(|(at, _)| range.contains(TimestampMs(*at))));
    cut.retain(|(_, samples)| !samples.is_empty());
    assert_same(&read(&found, &[], range).unwrap(), &cut);
    let verified = promlet::blocks::verify::folder(&found);
    assert_eq!((verified.problems, verified.series), (Vec::<String>::new(), 40));
}

#[test]
fn a_folder_that_a_prometheus_works_on_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(promlet::blocks::folder::lock(folder.path()).unwrap().is_none(), "no lock file: nobody is there, and none is made");
    let file = std::fs::File::create(folder.path().join("lock")).unwrap();
    let ours = promlet::blocks::folder::lock(folder.path()).unwrap();
    assert!(ours.is_some());
    drop(ours);
    file.try_lock().unwrap();
    let refused = promlet::blocks::folder::lock(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("lock is locked") && refused.contains("stop it"), "{refused}");
}

#[test]
fn old_blocks_go_and_the_rest_stays() {
    let folder = tempfile::tempdir().unwrap();
    let day = 86_400_000;
    for start in [0, 5 * day] {
        let labels = Labels::from_pairs([("__name__", "m")]);
        write_block(folder.path(), &vec![(labels, (0..10).map(|n| (start + n * 1000, Value::Float(n as f64))).collect())]);
    }
    let found = open(folder.path()).unwrap();
    let retention = promlet::model::DurationMs(3 * day);
    assert!(!found.has_expired(TimestampMs(3 * day), retention));
    let before = found.changes();
    assert_eq!(found.expire(TimestampMs(5 * day), retention), 1);
    assert!(found.changes() > before, "answers that were kept hold no more");
    assert_eq!(read(&found, &[], TimeRange::ALL).unwrap()[0].1.first().map(|(at, _)| *at), Some(5 * day));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
