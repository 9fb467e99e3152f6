//! The receiver against a store that writes down what it is given.

use super::*;
use crate::model::{DurationMs, TimestampMs};
use crate::storage::{AppendError, GroupKey, Rejected, Row, RowReport, RowWriter};

type Log = Arc<Mutex<Vec<String>>>;

/// Notes every call; a value of 13 is refused as out of order.
#[derive(Default, Clone)]
struct Notebook {
    log: Log,
    columns: Arc<Mutex<HashMap<String, Vec<String>>>>,
    failing: Arc<std::sync::atomic::AtomicBool>,
}

struct NotebookWriter {
    group: String,
    book: Notebook,
}

impl Append for Notebook {
    fn writer(&self, key: &GroupKey) -> Result<Box<dyn RowWriter>, AppendError> {
        let group = format!("{}{}", key.name, key.labels);
        self.log.lock().unwrap().push(format!("open {group}"));
        Ok(Box::new(NotebookWriter { group, book: self.clone() }))
    }
}

impl RowWriter for NotebookWriter {
    fn column(&mut self, labels: &Labels) -> Result<Column, AppendError> {
        let mut columns = self.book.columns.lock().unwrap();
        let names = columns.entry(self.group.clone()).or_default();
        let name = labels.to_string();
        let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name.clone());
            self.book.log.lock().unwrap().push(format!("column {name}"));
            names.len() - 1
        });
        Ok(Column(at as u32))
    }

    fn describe(&mut self, family: &str, metadata: &Metadata) -> Result<(), AppendError> {
        self.book.log.lock().unwrap().push(format!("describe {family} {} {}", metadata.metric_type.as_str(), metadata.help));
        Ok(())
    }

    fn commit(&mut self, row: &Row) -> Result<RowReport, AppendError> {
        if self.book.failing.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(AppendError::ReadOnly("the disk is full".to_owned()));
        }
        let mut report = RowReport::default();
        let mut cells = Vec::new();
        for cell in &row.cells {
            let Value::Float(value) = cell.value else { continue };
            cells.push(format!("{}={value}", cell.column.0));
            if value == 13.0 {
                report.rejected.push((cell.column, Rejected::OutOfOrder));
            } else {
                report.accepted += 1;
            }
        }
        self.book.log.lock().unwrap().push(format!("row {} at {}: {}", self.group, row.at.0, cells.join(" ")));
        Ok(report)
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn part(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    varint(&mut out, bytes.len() as u64);
    out.extend_from_slice(bytes);
    out
}

fn one(labels: &[(&str, &str)], samples: &[(f64, i64)]) -> Vec<u8> {
    let mut message = Vec::new();
    for (name, value) in labels {
        message.extend(part(0x0a, &[part(0x0a, name.as_bytes()), part(0x12, value.as_bytes())].concat()));
    }
    for (value, at) in samples {
        let mut sample = vec![0x09];
        sample.extend_from_slice(&value.to_le_bytes());
        sample.push(0x10);
        varint(&mut sample, *at as u64);
        message.extend(part(0x12, &sample));
    }
    part(0x0a, &message)
}

fn pack(parts: &[Vec<u8>]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(&parts.concat()).unwrap()
}

fn receiver() -> (Receiver, Notebook, Clock) {
    let (book, clock) = (Notebook::default(), Clock::manual(TimestampMs(1_000_000)));
    (Receiver::new(Arc::new(book.clone()), clock.clone(), &Registry::default()), book, clock)
}

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn said(book: &Notebook) -> Vec<String> {
    std::mem::take(&mut *book.log.lock().unwrap())
}

#[test]
fn rows_are_samples_of_equal_time_whatever_the_cut() {
    let (receiver, book, _) = receiver();
    let job = |name, instance, samples: &[(f64, i64)]| one(&[("__name__", name), ("instance", instance), ("job", "j")], samples);
    let body = pack(&[
        job("a", "x", &[(1.0, 10), (2.0, 20)]),
        job("b", "x", &[(3.0, 10)]),
        job("a", "y", &[(4.0, 11)]),
        job("c", "x", &[(5.0, 20)]),
    ]);
    assert_eq!(receiver.receive(HERE, &body), Ok(Taken { samples: 5, ..Taken::default() }));
    let x = "127.0.0.1{instance=\"x\", job=\"j\"}";
    let y = "127.0.0.1{instance=\"y\", job=\"j\"}";
    let rows: Vec<String> = said(&book).into_iter().filter(|line| line.starts_with("row")).collect();
    // in the order of time over all groups
    assert_eq!(rows, [format!("row {x} at 10: 0=1 1=3"), format!("row {y} at 11: 0=4"), format!("row {x} at 20: 0=2 2=5")]);
    // known series need neither group nor column again
    assert!(receiver.receive(HERE, &pack(&[job("c", "x", &[(6.0, 30)])])).is_ok());
    assert_eq!(said(&book), [format!("row {x} at 30: 2=6")]);
}

#[test]
fn what_is_wrong_is_named_and_the_rest_is_taken() {
    let (receiver, book, _) = receiver();
    let m = |a, samples: &[(f64, i64)]| one(&[("__name__", "m"), ("a", a)], samples);
    let body = pack(&[m("1", &[(13.0, 10)]), m("2", &[(1.0, 10), (1.0, 10), (2.0, 10)]), one(&[("a", "1")], &[(1.0, 10)])]);
    let Err(WriteError::Partial(text)) = receiver.receive(HERE, &body) else { panic!("not partial") };
    assert_eq!(
        text,
        "duplicate sample for timestamp: 1 not taken, the first of m{a=\"2\"} at 0.010; all others are stored; \
         out of order sample: 1 not taken, the first of m{a=\"1\"} at 0.010; all others are stored; \
         invalid labels: a series without a metric name: {a=\"1\"}"
    );
    assert_eq!(said(&book).last().map(String::as_str), Some("row 127.0.0.1{} at 10: 0=13 1=1"));
    book.failing.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(receiver.receive(HERE, &pack(&[m("2", &[(1.0, 20)])])), Err(WriteError::Unavailable("the disk is full".to_owned())));
}

#[test]
fn damage_is_refused_before_anything_is_allocated_or_taken() {
    let (receiver, book, _) = receiver();
    let refused = |body: &[u8]| match receiver.receive(HERE, body) {
        Err(WriteError::Malformed(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b""), "snappy: corrupt input");
    assert_eq!(refused(b"xx"), "snappy: corrupt input");
    assert_eq!(refused(&[0x80, 0x80, 0x80, 0x80, 0x08, 1]), "snappy: decoded length 2147483648 exceeds limit 33554432");
    let half = one(&[("__name__", "m")], &[(1.0, 1)]);
    assert_eq!(refused(&pack(&[one(&[("__name__", "m")], &[(1.0, 1)]), half[..half.len() - 1].to_vec()])), "unexpected EOF");
    assert_eq!(said(&book), [""; 0]);
}

#[test]
fn idle_series_and_groups_are_forgotten_and_found_again() {
    let (receiver, book, clock) = receiver();
    let push = |at: i64| receiver.receive(HERE, &pack(&[one(&[("__name__", "m"), ("job", "j")], &[(1.0, at)])]));
    push(1).unwrap();
    said(&book);
    let sweep = DurationMs(i64::try_from(SWEEP_EVERY.as_millis()).unwrap());
    clock.advance(sweep);
    push(2).unwrap();
    assert_eq!(said(&book), ["row 127.0.0.1{job=\"j\"} at 2: 0=1"]);
    for _ in 0..3 {
        clock.advance(sweep);
        receiver.receive(HERE, &pack(&[])).unwrap();
    }
    push(3).unwrap();
    assert_eq!(said(&book), ["open 127.0.0.1{job=\"j\"}", "row 127.0.0.1{job=\"j\"} at 3: 0=1"]);
}

#[test]
fn metadata_goes_to_the_senders_own_group() {
    let (receiver, book, _) = receiver();
    let message = [&[0x08, 1][..], &part(0x12, b"m_total"), &part(0x22, b"what it counts")].concat();
    receiver.receive(HERE, &pack(&[part(0x1a, &message)])).unwrap();
    assert_eq!(said(&book), ["open 127.0.0.1{}", "describe m_total counter what it counts"]);
}
