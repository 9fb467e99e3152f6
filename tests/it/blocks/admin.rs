//! Deleting in, copying and shrinking a folder that a Prometheus left: its own files stay as they are.

use std::collections::BTreeMap;
use std::path::Path;

use promlet::blocks::PrometheusFolder;
use promlet::blocks::target::Origin;
use promlet::model::{Labels, Matcher, TimeRange, TimestampMs, Value};
use promlet::storage::Select;

use super::{Everything, open, read, write_block};

const MINUTE: i64 = 60_000;

fn series(name: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("instance", "i"), ("job", "j")])
}

/// Three blocks of an hour with two series, a sample a minute.
fn folder(at: &Path) {
    std::fs::create_dir_all(at.join("promlet")).expect("a folder");
    for hour in 0..3 {
        let samples = |start: i64| (0..60).map(|n| ((hour * 60 + n) * MINUTE, Value::Float((start + n) as f64))).collect();
        write_block(at, &vec![(series("a"), samples(0)), (series("b"), samples(1000))]);
    }
}

/// Every file but promlet's own, with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("promlet") {
                folders.push(path);
            } else if path.is_file() {
                found.insert(path.strip_prefix(folder).expect("below").display().to_string(), std::fs::read(&path).expect("bytes"));
            }
        }
    }
    found
}

fn counts(select: &dyn Select, range: TimeRange) -> Vec<(String, usize)> {
    let everything: Everything = read(select, &[], range).expect("samples");
    everything.iter().map(|(labels, samples)| (labels.metric_name().to_owned(), samples.len())).collect()
}

fn names(select: &dyn Select, range: TimeRange) -> Vec<String> {
    let mut names = select.open(range).expect("a snapshot").label_values("__name__", &[], range).expect("names");
    names.sort();
    names
}

fn range(from: i64, until: i64) -> TimeRange {
    TimeRange::new(TimestampMs(from * MINUTE), TimestampMs(until * MINUTE))
}

#[test]
fn what_is_deleted_is_hidden_and_no_file_is_altered() {
    let place = tempfile::tempdir().expect("a folder");
    folder(place.path());
    let before = files(place.path());
    let prometheus = open(place.path()).expect("blocks");
    let a = [Matcher::equal("__name__", "a")];
    assert_eq!(prometheus.delete(&a, range(30, 89)).expect("a deletion"), 1);
    assert_eq!(prometheus.delete(&a, range(500, 900)).expect("nothing"), 0);
    let b = [Matcher::equal("__name__", "b")];
    assert_eq!(prometheus.delete(&b, range(60, 119)).expect("a deletion"), 1);
    for prometheus in [prometheus, open(place.path()).expect("blocks")] {
        assert_eq!(counts(&prometheus, TimeRange::ALL), [("a".to_owned(), 120), ("b".to_owned(), 120)]);
        assert_eq!(counts(&prometheus, range(60, 119)), [("a".to_owned(), 30)]);
        assert_eq!(names(&prometheus, range(60, 119)), ["a"], "a series of which nothing is left is not there");
        assert_eq!(names(&prometheus, range(62, 80)), Vec::<String>::new());
        let mut imported = 0;
        for block in prometheus.blocks() {
            let origin = Origin::Block(block);
            for target in origin.targets().expect("targets") {
                let each = |rows: &promlet::blocks::target::Rows| {
                    imported += rows.columns.iter().flat_map(|(_, v)| &v.present).map(|word| word.count_ones() as usize).sum::<usize>();
                    Ok::<(), promlet::blocks::BlockError>(())
                };
                origin.each_rows(&target, &prometheus.deleted(), 50, each).expect("rows");
            }
        }
        assert_eq!(imported, 240, "an import leaves it out, too");
    }
    assert_eq!(files(place.path()), before);
}

#[test]
fn a_copy_is_served_as_the_folder_is() {
    let place = tempfile::tempdir().expect("a folder");
    folder(place.path());
    std::fs::create_dir_all(place.path().join("wal")).expect("a folder");
    std::fs::write(place.path().join("wal/00000000"), []).expect("a file");
    let prometheus = open(place.path()).expect("blocks");
    prometheus.delete(&[Matcher::equal("__name__", "b")], range(0, 59)).expect("a deletion");
    for (name, skip_head) in [("whole", false), ("blocks", true)] {
        let copy = place.path().join("snapshots").join(name);
        std::fs::create_dir_all(copy.join("promlet")).expect("a folder");
        prometheus.copy_to(&copy, skip_head).expect("a copy");
        let copied = open(&copy).expect("blocks");
        let text = |folder: &PrometheusFolder| format!("{:?}", read(folder, &[], TimeRange::ALL).expect("samples"));
        assert_eq!(text(&copied), text(&prometheus));
        assert_eq!(copied.has_head(), !skip_head && prometheus.has_head());
    }
    let blocked = place.path().join("snapshots/blocked");
    std::fs::write(&blocked, b"a file in the way").expect("a file");
    let error = prometheus.copy_to(&blocked, true).expect_err("no folder").to_string();
    assert!(error.contains("snapshots/blocked"), "{error}");
}

#[test]
fn the_oldest_blocks_go_when_the_folder_is_too_large() {
    let place = tempfile::tempdir().expect("a folder");
    folder(place.path());
    let prometheus = open(place.path()).expect("blocks");
    assert_eq!(prometheus.shrink(1, TimestampMs(30 * MINUTE)), 0, "none is that old");
    let freed = prometheus.shrink(1, TimestampMs(100 * MINUTE));
    assert!(freed > 100, "{freed}");
    assert_eq!(counts(&prometheus, TimeRange::ALL), [("a".to_owned(), 120), ("b".to_owned(), 120)]);
    assert!(prometheus.shrink(u64::MAX, TimestampMs::MAX) > freed, "all others");
    assert!(!files(place.path()).keys().any(|name| name.contains("chunks")));
}

#[test]
fn forms_that_are_not_known_are_named_with_the_way_out() {
    let place = tempfile::tempdir().expect("a folder");
    folder(place.path());
    let blocks = open(place.path()).expect("blocks").blocks();
    let index = blocks[0].folder.join("index");
    let mut bytes = std::fs::read(&index).expect("an index");
    bytes[4] = 1;
    std::fs::write(&index, bytes).expect("a file");
    let chunks = blocks[1].folder.join("chunks/000001");
    let mut bytes = std::fs::read(&chunks).expect("chunks");
    // After the file's head: length (of one byte or two), encoding, data, checksum of both.
    let (length, at) = match bytes[8] {
        short @ 0..0x80 => (usize::from(short), 9),
        low => (usize::from(low & 0x7f) | usize::from(bytes[9]) << 7, 10),
    };
    bytes[at] = 4;
    let end = at + 1 + length;
    let sum = crc32c::crc32c(&bytes[at..end]).to_be_bytes();
    bytes[end..end + 4].copy_from_slice(&sum);
    std::fs::write(&chunks, bytes).expect("a file");
    let prometheus = open(place.path()).expect("blocks");
    let first = prometheus.unreadable()[0].to_string();
    let second = read(&prometheus, &[], TimeRange::ALL).expect_err("an unknown chunk");
    for (text, path, what) in [(first, index, "index format 1"), (second, chunks, "encoding 4")] {
        assert!(text.contains(&path.display().to_string()) && text.contains(what) && text.contains("create-blocks-from"), "{text}");
    }
    assert_eq!(counts(&prometheus, range(120, 179)), [("a".to_owned(), 60), ("b".to_owned(), 60)], "what others hold is served");
}
