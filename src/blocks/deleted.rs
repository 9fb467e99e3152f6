//! What was deleted of a Prometheus folder: stretches of time by series, kept in a file of promlet's own, since Prometheus's files
//! are never altered. Drawn in `docs/format/prometheus-deleted.md`.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::bytes::{Reader, put_text, put_uvarint, put_varint};
use super::error::Decoded;
use crate::model::Labels;

/// In promlet's own folder.
pub const NAME: &str = "prometheus-deleted";
const MAGIC: &[u8; 8] = b"promdel\x01";
/// Length and checksum of a record.
const HEAD: usize = 8;

/// First and last time of each deleted stretch, by series.
pub type BySeries = HashMap<Labels, Vec<(i64, i64)>>;

pub struct Deleted {
    path: PathBuf,
    current: RwLock<Arc<BySeries>>,
    /// One deletion at a time.
    writing: Mutex<()>,
}

impl Deleted {
    /// Of promlet's own folder within a data folder; nothing where it has no such file.
    pub fn read(own_folder: &Path) -> io::Result<Self> {
        let path = own_folder.join(NAME);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let (mut found, mut damaged) = (BySeries::new(), 0usize);
        walk(&bytes, |record| match record.and_then(|body| decode(body).ok()) {
            Some((labels, stretch)) => found.entry(labels).or_default().push(stretch),
            None => damaged += 1,
        });
        if damaged > 0 {
            tracing::error!("{}: {damaged} damaged records; what was deleted there is served again", path.display());
        }
        Ok(Self { path, current: RwLock::new(Arc::new(found)), writing: Mutex::default() })
    }

    pub fn current(&self) -> Arc<BySeries> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Deletes, durable when it returns.
    pub fn add(&self, deletions: Vec<(Labels, (i64, i64))>) -> io::Result<()> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        deletions.iter().for_each(|(labels, stretch)| put(&mut out, labels, *stretch));
        self.append(&out)?;
        let mut next = BySeries::clone(&self.current());
        for (labels, stretch) in deletions {
            next.entry(labels).or_default().push(stretch);
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    fn append(&self, records: &[u8]) -> io::Result<()> {
        let is_new = !self.path.exists();
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&self.path)?;
        // What an interrupted deletion left would hide those after it.
        let whole = if is_new { 0 } else { walk(&std::fs::read(&self.path)?, |_| {}) } as u64;
        file.set_len(whole)?;
        let head: &[u8] = if whole == 0 { MAGIC } else { &[] };
        let written = file.write_all(&[head, records].concat()).and_then(|()| file.sync_all());
        if let Err(error) = written {
            file.set_len(whole)?;
            return Err(error);
        }
        match self.path.parent().filter(|_| is_new) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn put(out: &mut Vec<u8>, labels: &Labels, (first, last): (i64, i64)) {
    let mut body = Vec::new();
    put_varint(&mut body, first);
    put_varint(&mut body, last);
    put_uvarint(&mut body, labels.len() as u64);
    for (name, value) in labels {
        put_text(&mut body, name);
        put_text(&mut body, value);
    }
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
    out.extend_from_slice(&body);
}

fn decode(body: &[u8]) -> Decoded<(Labels, (i64, i64))> {
    let mut reader = Reader::new(body);
    let stretch = (reader.varint()?, reader.varint()?);
    let mut pairs = Vec::new();
    for _ in 0..reader.count(2)? {
        pairs.push((reader.text()?, reader.text()?));
    }
    Ok((Labels::from_pairs(pairs), stretch))
}

/// Calls with each record's body, or none where its checksum does not match; returns where the last record ended.
fn walk<'a>(bytes: &'a [u8], mut each: impl FnMut(Option<&'a [u8]>)) -> usize {
    if !bytes.starts_with(MAGIC) {
        return 0;
    }
    let mut at = MAGIC.len();
    while let Some(head) = bytes.get(at..at + HEAD) {
        let mut reader = Reader::new(head);
        let (Ok(length), Ok(sum)) = (reader.u32(), reader.u32()) else { break };
        let Some(body) = bytes.get(at + HEAD..(at + HEAD).saturating_add(length as usize)) else { break };
        each((crc32c::crc32c(body) == sum).then_some(body));
        at += HEAD + body.len();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_in_the_format_is_true_and_damage_is_only_itself() {
        let text = include_str!("../../docs/format/prometheus-deleted.md");
        let hex: String = text.split("```hex").nth(1).and_then(|rest| rest.split("```").next()).unwrap().split_whitespace().collect();
        let bytes: Vec<u8> = (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap()).collect();
        let folder = tempfile::tempdir().unwrap();
        let (up, down) = (Labels::from_pairs([("__name__", "up"), ("job", "x")]), Labels::from_pairs([("__name__", "down")]));
        let deleted = Deleted::read(folder.path()).unwrap();
        deleted.add(vec![(up.clone(), (1000, 3000))]).unwrap();
        let path = folder.path().join(NAME);
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        // A torn record is cut before the next is written.
        std::fs::write(&path, [&bytes[..], &[0, 0, 0, 9, 1]].concat()).unwrap();
        let deleted = Deleted::read(folder.path()).unwrap();
        deleted.add(vec![(up.clone(), (-5, -4)), (down.clone(), (0, 0))]).unwrap();
        let expected = BySeries::from([(up, vec![(1000, 3000), (-5, -4)]), (down, vec![(0, 0)])]);
        assert_eq!(*deleted.current(), expected);
        assert_eq!(*Deleted::read(folder.path()).unwrap().current(), expected);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 4;
            std::fs::write(&path, damaged).unwrap();
            let found = Deleted::read(folder.path()).unwrap();
            assert!(found.current().values().map(Vec::len).sum::<usize>() < 3, "byte {at}");
        }
    }
}
