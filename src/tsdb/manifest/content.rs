//! What the manifest says, read from its frames and spelled into them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{MAGIC, VERSION};
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_signed, put_varint};
use crate::tsdb::error::OpenError;
use crate::tsdb::frame::{self, Frames, Step};

const START: u8 = 1;
const EDIT: u8 = 2;
const LOGS: u8 = 3;
const TOMBSTONES: u8 = 4;

/// How far a file of the row log has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It grows.
    Grows,
    /// It has so many bytes, and none more come.
    Closed(u64),
    /// The same, and no row is among them: promlet was stopped in order.
    WithoutRows(u64),
}

/// A file of the row log that must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The newest sample's time when it was begun, in milliseconds; `i64::MIN` where there was none.
    pub after: i64,
    pub written: Written,
}

/// What of an unsealed segment is durable, so that the row log does not repeat it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsealed {
    pub bytes: u64,
    /// Of its samples, in milliseconds.
    pub min_time: i64,
    pub max_time: i64,
}

/// Changes of the files that are not sealed segments.
#[derive(Clone, Debug, Default)]
pub struct LogEdit {
    pub logs: Vec<(u64, LogFile)>,
    pub gone: Vec<u64>,
    pub unsealed: Vec<(u64, Unsealed)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The seed of series ids in this folder.
    pub seed: u64,
    pub live: BTreeSet<u64>,
    /// Taken off the list; their files may still be there.
    pub removed: BTreeSet<u64>,
    pub logs: BTreeMap<u64, LogFile>,
    pub unsealed: BTreeMap<u64, Unsealed>,
    /// Bytes that the tombstones' file has at least; none before the first deletion.
    pub tombstones: Option<u64>,
}

/// A manifest as it was found.
pub struct Found {
    pub content: Content,
    pub version: u8,
    /// Where its last whole frame ends.
    pub whole_until: usize,
}

/// None where there is no whole manifest.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Option<Found>, OpenError> {
    let Some((version, magic)) = bytes.get(..8).and_then(<[u8]>::split_last) else { return Ok(None) };
    if magic != MAGIC {
        return Ok(None);
    }
    if *version > VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found: *version, known: VERSION });
    }
    let mut content = None;
    let mut frames = Frames::new(bytes, 8);
    for step in frames.by_ref() {
        // What follows a damaged edit could contradict it: the footers tell more.
        let Step::Whole(_, body) = step else { return Ok(None) };
        if take(body, &mut content).is_err() {
            return Ok(None);
        }
    }
    Ok(content.map(|content| Found { content, version: *version, whole_until: frames.whole_until }))
}

fn take(body: &[u8], into: &mut Option<Content>) -> Decoded<()> {
    let mut reader = Reader::new(body);
    match (reader.u8()?, into) {
        (START, into) => *into = Some(Content { seed: reader.u64()?, ..Content::default() }),
        (EDIT, Some(content)) => {
            let add = (0..reader.count(1)?).map(|_| reader.varint()).collect::<Decoded<Vec<u64>>>()?;
            let remove = (0..reader.count(1)?).map(|_| reader.varint()).collect::<Decoded<Vec<u64>>>()?;
            content.edit(&add, &remove);
        }
        (LOGS, Some(content)) => content.edit_logs(&take_logs(&mut reader)?),
        (TOMBSTONES, Some(content)) => content.tombstones = Some(reader.varint()?),
        _ => {}
    }
    Ok(())
}

fn take_logs(reader: &mut Reader<'_>) -> Decoded<LogEdit> {
    let mut edit = LogEdit::default();
    for _ in 0..reader.count(3)? {
        let (number, after) = (reader.varint()?, reader.signed()?);
        let written = match reader.u8()? {
            0 => Written::Grows,
            1 => Written::Closed(reader.varint()?),
            2 => Written::WithoutRows(reader.varint()?),
            _ => return Err(Damaged("a log file in an unknown state")),
        };
        edit.logs.push((number, LogFile { after, written }));
    }
    for _ in 0..reader.count(1)? {
        edit.gone.push(reader.varint()?);
    }
    for _ in 0..reader.count(4)? {
        let id = reader.varint()?;
        edit.unsealed.push((id, Unsealed { bytes: reader.varint()?, min_time: reader.signed()?, max_time: reader.signed()? }));
    }
    Ok(edit)
}

impl Content {
    pub fn edit(&mut self, add: &[u64], remove: &[u64]) {
        for id in add {
            self.live.insert(*id);
            self.unsealed.remove(id);
        }
        for id in remove {
            self.live.remove(id);
            self.unsealed.remove(id);
            self.removed.insert(*id);
        }
    }

    pub fn edit_logs(&mut self, edit: &LogEdit) {
        self.logs.extend(edit.logs.iter().copied());
        self.logs.retain(|number, _| !edit.gone.contains(number));
        self.unsealed.extend(edit.unsealed.iter().copied());
    }

    /// The whole file.
    pub fn spell(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        let at = frame::start(&mut out);
        out.push(START);
        out.extend_from_slice(&self.seed.to_le_bytes());
        frame::finish(&mut out, at);
        let list = |ids: &BTreeSet<u64>| ids.iter().copied().collect::<Vec<_>>();
        put_edit(&mut out, &list(&self.live), &list(&self.removed));
        let (logs, unsealed) = (self.logs.iter().map(|(n, f)| (*n, *f)).collect(), self.unsealed.iter().map(|(n, u)| (*n, *u)).collect());
        put_logs(&mut out, &LogEdit { logs, gone: Vec::new(), unsealed });
        if let Some(bytes) = self.tombstones {
            put_tombstones(&mut out, bytes);
        }
        out
    }
}

pub fn put_edit(out: &mut Vec<u8>, add: &[u64], remove: &[u64]) {
    let at = frame::start(out);
    out.push(EDIT);
    for list in [add, remove] {
        put_varint(out, list.len() as u64);
        list.iter().for_each(|id| put_varint(out, *id));
    }
    frame::finish(out, at);
}

/// Nothing where nothing changes.
pub fn put_logs(out: &mut Vec<u8>, edit: &LogEdit) {
    if edit.logs.is_empty() && edit.gone.is_empty() && edit.unsealed.is_empty() {
        return;
    }
    let at = frame::start(out);
    out.push(LOGS);
    put_varint(out, edit.logs.len() as u64);
    for (number, file) in &edit.logs {
        put_varint(out, *number);
        put_signed(out, file.after);
        match file.written {
            Written::Grows => out.push(0),
            Written::Closed(bytes) => {
                out.push(1);
                put_varint(out, bytes);
            }
            Written::WithoutRows(bytes) => {
                out.push(2);
                put_varint(out, bytes);
            }
        }
    }
    put_varint(out, edit.gone.len() as u64);
    edit.gone.iter().for_each(|number| put_varint(out, *number));
    put_varint(out, edit.unsealed.len() as u64);
    for (id, unsealed) in &edit.unsealed {
        put_varint(out, *id);
        put_varint(out, unsealed.bytes);
        put_signed(out, unsealed.min_time);
        put_signed(out, unsealed.max_time);
    }
    frame::finish(out, at);
}

pub fn put_tombstones(out: &mut Vec<u8>, bytes: u64) {
    let at = frame::start(out);
    out.push(TOMBSTONES);
    put_varint(out, bytes);
    frame::finish(out, at);
}
