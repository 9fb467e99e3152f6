//! The worked examples of `docs/format/`: what is drawn there is what is written, and what is written is read back.

use super::*;
use crate::model::Histogram;
use crate::model::histogram::BucketSpan;
use crate::tsdb::disk::read_all;
use crate::tsdb::histogram::column;
use crate::tsdb::log::record::{Record, take};
use crate::tsdb::log::{HEADER, Header};
use crate::tsdb::row::RowCode;
use crate::tsdb::segment::Segment;

/// The bytes of a document's example: hex pairs at the start of lines, before three spaces and what they mean.
pub fn example(document: &str) -> Vec<u8> {
    hex_lines(document, "## An example")
}

/// The same of any section.
fn hex_lines(document: &str, heading: &str) -> Vec<u8> {
    let text = document.split(heading).nth(1).and_then(|text| text.split("\n## ").next()).expect("an example");
    let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
    let bytes = lines.flat_map(|line| line.split("   ").next().unwrap_or("").split(' ').filter(|b| !b.is_empty()));
    bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{byte} is no byte"))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.chunks(24).map(|line| format!("    {}\n", line.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" "))).collect()
}

fn file(disk: &CrashingDisk, name: &str) -> Vec<u8> {
    let path = disk.paths().into_iter().find(|path| path.to_string_lossy().contains(name)).expect("a file");
    read_all(disk.open(&path).expect("a file").as_ref()).expect("its bytes")
}

/// Three rows of a counter and a gauge.
fn write(disk: &CrashingDisk) -> Tsdb {
    let db = open(disk, 10_000);
    let mut writer = db
        .writer(&GroupKey { source: GroupSource::Scrape, name: "t".to_owned(), labels: Labels::from_pairs([("job", "j")]) })
        .expect("a writer");
    let series = ["a", "b"].map(|name| Labels::from_pairs([("__name__", name), ("job", "j")]));
    let columns = series.map(|labels| writer.column(&labels).expect("a column"));
    for (at, a, b) in [(1000, 7.0, 0.25), (2000, 9.0, 0.25), (3000, 12.0, STALE_NAN)] {
        let mut row = Row::new(TimestampMs(at));
        row.push(columns[0], a);
        row.push(columns[1], b);
        writer.commit(&row).expect("a commit");
    }
    db
}

#[test]
fn the_row_logs_example_is_what_is_written() {
    let disk = CrashingDisk::default();
    let db = write(&disk);
    let bytes = file(&disk, "log-");
    drop(db);
    assert_eq!(example(include_str!("../../../docs/format/row-log.md")), bytes, "the document should say\n{}", hex(&bytes));
    assert_eq!(Header::read(&bytes), Some(Header { number: 1, first_segment: 1 }));
    let bodies: Vec<&[u8]> =
        frame::Frames::new(&bytes, HEADER).filter_map(|s| if let frame::Step::Whole(_, body) = s { Some(body) } else { None }).collect();
    assert!(matches!(take(bodies[0]), Ok(Record::Group { number: 0, subgroup: 0, columns, .. }) if columns.len() == 2));
    let Ok(Record::Row { mut body, .. }) = take(bodies[1]) else { panic!("no row") };
    let mut row = RowCode::default();
    assert_eq!(row.take(&mut body, 0, 0, |_| Some(cell::Coder::default())), Ok(true));
    assert_eq!((row.at, row.number, row.is_keyframe, row.changed.len()), (1000, 0, true, 2));
    assert_eq!(f64::from_bits(row.changed[1].after.last), 0.25);
}

#[test]
fn the_segments_example_is_what_is_written() {
    let disk = CrashingDisk::default();
    let db = write(&disk);
    db.close().expect("a clean end");
    let mut bytes = file(&disk, "segment-");
    // The folder's seed is random: here it is 9, in the ids and in the footer.
    let index = db.store.segments().sealed[0].index().expect("an index");
    for series in 0..index.series.len() as u32 {
        let (random, fixed) = (index.series.id(series), index::id_of(&index.series.labels(series), 9));
        replace(&mut bytes, random, fixed);
    }
    replace(&mut bytes, db.store.seed, 9);
    let bytes = resummed(&bytes);
    assert_eq!(example(include_str!("../../../docs/format/segment.md")), bytes, "the document should say\n{}", hex(&bytes));
    let read = CrashingDisk::default();
    read.create(Path::new("d/segment-00000001")).expect("a file").append(&bytes).expect("space");
    let segment = Segment::open(&read, Path::new("d"), 1).expect("a file").expect("a footer");
    assert_eq!((segment.footer.seed, segment.footer.series, segment.footer.max_time), (9, 2, 3000));
    let index = segment.index().expect("an index");
    assert_eq!(index.series.labels(1).to_string(), "b{job=\"j\"}");
    let head = segment.file.stripe_head(&index.groups[0].stripes[0]).expect("a stripe");
    assert_eq!(*head.times, [1000, 2000, 3000]);
}

#[test]
fn the_histograms_example_is_what_is_written() {
    let histogram = |counts: &[f64]| Histogram {
        schema: 3,
        count: counts.iter().sum(),
        sum: counts.len() as f64,
        positive_spans: vec![BucketSpan { offset: 4, length: counts.len() as u32 }],
        positive_counts: counts.to_vec(),
        ..Histogram::default()
    };
    let counts: [&[f64]; 4] = [&[1.0, 300.0], &[1.0, 301.0], &[2.0, 303.0, 1.0], &[2.0, 304.0, 1.0]];
    let rows: Vec<_> = counts.iter().zip(0..).map(|(counts, row)| (0, row, Arc::new(histogram(counts)))).collect();
    let mut bytes = Vec::new();
    column::put(&mut bytes, &rows, &mut column::Buffers::default());
    let document = include_str!("../../../docs/format/segment.md");
    assert_eq!(hex_lines(document, "## Another example"), bytes, "the document should say\n{}", hex(&bytes));
}

fn replace(bytes: &mut [u8], from: u64, to: u64) {
    let (from, to) = (from.to_le_bytes(), to.to_le_bytes());
    let places: Vec<usize> = bytes.windows(8).enumerate().filter(|(_, w)| *w == from).map(|(at, _)| at).collect();
    places.into_iter().for_each(|at| bytes[at..at + 8].copy_from_slice(&to));
}

/// The same frames with checksums that fit.
pub fn resummed(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (bytes[..8].to_vec(), 8);
    while let Some((length, _)) = frame::head(&bytes[at..]) {
        let start = frame::start(&mut out);
        out.extend_from_slice(&bytes[at + frame::HEAD..at + frame::HEAD + length]);
        frame::finish(&mut out, start);
        at += frame::HEAD + length;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

#[test]
fn the_manifests_example_is_what_is_written() {
    let disk = CrashingDisk::default();
    let mut manifest =
        manifest::Manifest::open(Arc::new(disk.clone()), Path::new("d"), || Ok((9, Default::default()))).expect("a new one").0;
    manifest.edit(&[3], &[]).expect("space");
    let begun = manifest::LogFile { after: 7, written: manifest::Written::Grows };
    let closed = manifest::LogFile { after: i64::MIN, written: manifest::Written::Closed(300) };
    manifest.edit_logs(&manifest::LogEdit { logs: vec![(2, begun), (1, closed)], ..Default::default() }).expect("space");
    let bytes = file(&disk, "manifest");
    assert_eq!(example(include_str!("../../../docs/format/manifest.md")), bytes, "the document should say\n{}", hex(&bytes));
}
