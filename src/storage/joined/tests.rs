//! Two stores in memory, joined, compared with one that has everything.

use super::*;
use crate::storage::memory::MemoryStore;
use crate::storage::{Append, GroupKey, GroupSource, Row};

/// Writes `(series, time, value)`.
fn fill(store: &MemoryStore, samples: &[(&str, i64, f64)]) {
    let key = GroupKey { source: GroupSource::Push, name: "test".to_owned(), labels: Labels::empty() };
    let mut writer = store.writer(&key).unwrap();
    for (series, at, value) in samples {
        let column = writer.column(&Labels::from_pairs([("__name__", "m"), ("s", *series)])).unwrap();
        let mut row = Row::new(TimestampMs(*at));
        row.push(column, *value);
        writer.commit(&row).unwrap();
    }
}

/// Series text, then its samples.
fn everything(snapshot: &Arc<dyn Snapshot>, rows_at_once: usize) -> BTreeMap<String, Vec<(i64, u64)>> {
    let mut found = BTreeMap::new();
    let mut values = ColumnValues::default();
    for batch in snapshot.select(&[Matcher::equal("__name__", "m")], &Hints::default()).unwrap() {
        for index in 0..batch.len() {
            let text =
                batch.labels(index).iter().map(|p| format!("{}={},", snapshot.text(p.name), snapshot.text(p.value))).collect::<String>();
            let mut samples = Vec::new();
            for start in (0..batch.times().len()).step_by(rows_at_once) {
                let end = (start + rows_at_once).min(batch.times().len());
                batch.read(index, start..end, &mut values).unwrap();
                let present = (start..end).filter(|row| values.is_present(row - start));
                samples.extend(present.map(|row| (batch.times()[row].0, values.floats[row - start].to_bits())));
            }
            assert!(found.insert(text, samples).is_none(), "a series in two batches");
        }
    }
    found
}

#[test]
fn two_stores_answer_as_one() {
    let (older, main, one) = (MemoryStore::default(), MemoryStore::default(), MemoryStore::default());
    let before: Vec<_> = (0..100).map(|n| (["a", "b", "gone"][n % 3], n as i64 / 3 * 10, n as f64)).collect();
    let after: Vec<_> = (0..200).map(|n| (["a", "b", "new", "later"][n % 4], 300 + n as i64 / 4 * 10, -(n as f64))).collect();
    fill(&older, &before);
    fill(&main, &after);
    // What both have at one time counts once, as the main store has it.
    let of_older = before.iter().filter(|(s, at, _)| !after.iter().any(|(t, o, _)| s == t && at == o));
    let mut both: Vec<_> = of_older.chain(&after).copied().collect();
    both.sort_by_key(|(_, at, _)| *at);
    fill(&one, &both);
    let joined = Joined::new(Arc::new(main.clone()), Arc::new(older), Box::new(|range| range.min.0 < 340));
    let (snapshot, expected) = (joined.open(TimeRange::ALL).unwrap(), one.open(TimeRange::ALL).unwrap());
    for rows_at_once in [1000, 7, 1] {
        assert_eq!(everything(&snapshot, rows_at_once), everything(&expected, rows_at_once));
    }
    assert_eq!(snapshot.label_values("s", &[], TimeRange::ALL).unwrap(), ["a", "b", "gone", "later", "new"]);
    assert_eq!(snapshot.series(&[], TimeRange::ALL).unwrap().len(), 5);
    let gone = snapshot.symbol("gone").unwrap();
    assert_eq!(&*snapshot.text(gone), "gone");
    assert_ne!(snapshot.version(TimeRange::ALL), main.open(TimeRange::ALL).unwrap().version(TimeRange::ALL));
    let late = TimeRange::new(TimestampMs(400), TimestampMs::MAX);
    assert_eq!(joined.open(late).unwrap().version(late), main.open(late).unwrap().version(late), "the older store is not asked");
}
