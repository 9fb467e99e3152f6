//! The end of a segment: its index and footer, written when it is sealed or when a crash left it open.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::directory::{GroupEntry, SegmentIndex};
use super::stripe::{self, StripeHead, StripeRef};
use super::{FOOTER, GROUP, INDEX, MAGIC_BYTES, SERIES, STRIPE, VERSION, magic, version};
use crate::model::Labels;
use crate::storage::GroupKey;
use crate::tsdb::bytes::{Damaged, Decoded, Reader, put_varint};
use crate::tsdb::disk::DiskFile;
use crate::tsdb::frame::{self, Frames, Step};
use crate::tsdb::index::{SeriesIndex, id_of};
use crate::tsdb::log::record::take_label_sets;
use crate::tsdb::texts::take_key;

/// Footer's length and the magic: the last bytes of a sealed segment.
pub const END: usize = 12;
const FOOTER_BODY: usize = 1 + 1 + 8 * 10;

/// What a sealed segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    pub id: u64,
    pub level: u8,
    /// Ids of the oldest and newest segment that were merged into it; its own where it was not merged.
    pub oldest_input: u64,
    pub newest_input: u64,
    pub index_offset: u64,
    pub index_bytes: u64,
    pub min_time: i64,
    pub max_time: i64,
    pub samples: u64,
    pub series: u64,
    /// The folder's seed for ids.
    pub seed: u64,
}

impl Footer {
    fn put(&self, out: &mut Vec<u8>, version: u8) {
        let at = frame::start(out);
        out.push(FOOTER);
        out.push(self.level);
        let (min_time, max_time) = (self.min_time as u64, self.max_time as u64);
        let fields = [
            self.id,
            self.oldest_input,
            self.newest_input,
            self.index_offset,
            self.index_bytes,
            min_time,
            max_time,
            self.samples,
            self.series,
            self.seed,
        ];
        fields.iter().for_each(|field| out.extend_from_slice(&field.to_le_bytes()));
        frame::finish(out, at);
        out.extend_from_slice(&((frame::HEAD + FOOTER_BODY) as u32).to_le_bytes());
        out.extend_from_slice(&magic(version));
    }

    fn take(body: &[u8]) -> Decoded<Self> {
        let mut reader = Reader::new(body);
        if reader.u8()? != FOOTER {
            return Err(Damaged("no footer"));
        }
        let level = reader.u8()?;
        let (id, oldest_input, newest_input) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let (index_offset, index_bytes) = (reader.u64()?, reader.u64()?);
        let (min_time, max_time) = (reader.i64()?, reader.i64()?);
        Ok(Self {
            id,
            level,
            oldest_input,
            newest_input,
            index_offset,
            index_bytes,
            min_time,
            max_time,
            samples: reader.u64()?,
            series: reader.u64()?,
            seed: reader.u64()?,
        })
    }

    /// Reads the footer at the end of a file; none where it has none (it was open when the process ended).
    pub fn read(file: &dyn DiskFile) -> io::Result<Option<Self>> {
        let size = file.size()?;
        let length = (END + frame::HEAD + FOOTER_BODY) as u64;
        if size < length {
            return Ok(None);
        }
        let mut bytes = vec![0; length as usize];
        file.read_at(&mut bytes, size - length)?;
        if version(&bytes[bytes.len() - MAGIC_BYTES..]).is_none() {
            return Ok(None);
        }
        Ok(frame::body(&bytes).and_then(|body| Self::take(body).ok()).filter(|f| f.index_offset.saturating_add(f.index_bytes) <= size))
    }
}

/// What goes into a footer beside what the index says.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    pub id: u64,
    pub level: u8,
    pub oldest_input: u64,
    pub newest_input: u64,
    pub samples: u64,
    pub seed: u64,
    /// What the file's beginning says.
    pub version: u8,
}

/// Index and footer for a file of `size` bytes of stripes.
pub fn ending(index: &SegmentIndex, about: Identity, size: u64) -> (Vec<u8>, Footer) {
    let mut out = Vec::new();
    let at = frame::start(&mut out);
    out.push(INDEX);
    index.put(&mut out);
    frame::finish(&mut out, at);
    let stripes = || index.groups.iter().flat_map(|g| &g.stripes);
    let footer = Footer {
        id: about.id,
        level: about.level,
        oldest_input: about.oldest_input,
        newest_input: about.newest_input,
        index_offset: size,
        index_bytes: (out.len() - frame::HEAD) as u64,
        min_time: stripes().map(|s| s.min_time).min().unwrap_or(0),
        max_time: stripes().map(|s| s.max_time).max().unwrap_or(0),
        samples: about.samples,
        series: index.series.len() as u64,
        seed: about.seed,
    };
    footer.put(&mut out, about.version);
    (out, footer)
}

/// A group's definition: number in the segment, id, subgroup, key.
pub fn put_group(out: &mut Vec<u8>, number: u32, id: u64, subgroup: u32, key: &GroupKey) {
    let at = frame::start(out);
    out.push(GROUP);
    put_varint(out, u64::from(number));
    out.extend_from_slice(&id.to_le_bytes());
    put_varint(out, u64::from(subgroup));
    crate::tsdb::texts::put_key(out, key);
    frame::finish(out, at);
}

/// Definitions of series, numbered from `first` on.
pub fn put_series<'a>(out: &mut Vec<u8>, first: u32, sets: impl ExactSizeIterator<Item = &'a Labels>) {
    let at = frame::start(out);
    out.push(SERIES);
    put_varint(out, u64::from(first));
    crate::tsdb::log::record::put_label_sets(out, sets);
    frame::finish(out, at);
}

/// What a segment without a footer still holds.
pub struct Salvaged {
    pub index: SegmentIndex,
    pub samples: u64,
    /// Bytes up to the end of the last whole frame.
    pub size: u64,
    /// Stretches in between that could not be read.
    pub damaged: usize,
    pub seed: u64,
    pub version: u8,
}

/// Walks a file that was open when the process ended.
pub fn salvage(bytes: &[u8], seed: u64) -> Salvaged {
    let (mut found, mut damaged) = (Found { seed, ..Found::default() }, 0usize);
    // Where the beginning is damaged the newest version is the likeliest.
    let version = bytes.get(..MAGIC_BYTES).and_then(version).unwrap_or(VERSION);
    found.series.is_filling = true;
    found.base = found.series.base(&Labels::empty()).unwrap_or(0);
    let mut frames = Frames::new(bytes, MAGIC_BYTES);
    let mut size = frames.whole_until;
    for step in frames.by_ref() {
        let read = match step {
            Step::Whole(offset, body) => found.take(body, offset as u64),
            Step::Damaged => Err(Damaged("a stretch that is no frame")),
        };
        damaged += usize::from(read.is_err());
    }
    size = size.max(frames.whole_until);
    let Found { mut series, mut groups, samples, .. } = found;
    series.cover();
    for group in &mut groups {
        group.series.sort_unstable();
        group.series.dedup();
        group.stripes.sort_by_key(|s| s.first_row);
        group.next_row = group.stripes.last().map_or(0, |s| s.first_row + u64::from(s.rows));
    }
    Salvaged { index: SegmentIndex::new(series, groups), samples, size: size as u64, damaged, seed, version }
}

#[derive(Default)]
struct Found {
    seed: u64,
    series: SeriesIndex,
    base: u32,
    groups: Vec<GroupEntry>,
    /// Stripes whose rows have more columns that were not met yet: of which group, and what they would add.
    parts: Vec<(StripeRef, StripeHead)>,
    ordinal: u32,
    samples: u64,
}

impl Found {
    /// A definition after one that was lost is refused: numbers would mean something else.
    fn take(&mut self, body: &[u8], offset: u64) -> Decoded<()> {
        let mut reader = Reader::new(body);
        match reader.u8()? {
            SERIES => {
                if reader.varint32()? as usize != self.series.len() {
                    return Err(Damaged("definitions of series are missing"));
                }
                for labels in take_label_sets(&mut reader)? {
                    self.series.add(id_of(&labels, self.seed), &labels, self.base).ok_or(Damaged("too many symbols"))?;
                }
            }
            GROUP => {
                if reader.varint32()? as usize != self.groups.len() {
                    return Err(Damaged("definitions of groups are missing"));
                }
                let (id, subgroup) = (reader.u64()?, reader.varint32()?);
                let group = GroupEntry { id, subgroup, key: take_key(&mut reader)?, next_row: 0, series: Vec::new(), stripes: Vec::new() };
                self.base = self.series.base(&group.key.labels).ok_or(Damaged("too many symbols"))?;
                self.groups.push(group);
            }
            STRIPE => self.stripe(body, offset)?,
            _ => {}
        }
        Ok(())
    }

    /// Rows of which a column range is missing are left to the log, which still has them.
    fn stripe(&mut self, body: &[u8], offset: u64) -> Decoded<()> {
        let (stripe, head): (StripeRef, StripeHead) = stripe::parse(body, offset, self.ordinal)?;
        self.ordinal += 1;
        if head.runs.iter().any(|(first, length, _)| *first as usize + *length as usize > self.series.len()) {
            return Err(Damaged("a stripe of series that were not defined"));
        }
        if head.part == 0 {
            self.parts.clear();
        }
        let follows = self.parts.last().is_none_or(|(s, h)| s.first_row == stripe.first_row && h.group == head.group);
        if !follows || head.part as usize != self.parts.len() {
            return Err(Damaged("a stripe without the column ranges before it"));
        }
        let is_last = !head.has_more;
        self.parts.push((stripe, head));
        if !is_last {
            return Ok(());
        }
        for (stripe, head) in std::mem::take(&mut self.parts) {
            let group = self.groups.get_mut(head.group as usize).ok_or(Damaged("a stripe of a group that was not defined"))?;
            head.runs.iter().for_each(|(first, length, _)| group.series.extend(*first..*first + *length));
            group.stripes.push(stripe);
            self.samples += head.ends.len() as u64 * u64::from(stripe.rows);
        }
        Ok(())
    }
}

/// Writes index and footer behind what is there and makes it durable.
pub fn finish(file: &Arc<dyn DiskFile>, index: &SegmentIndex, about: Identity, size: u64) -> io::Result<Footer> {
    let (bytes, footer) = ending(index, about, size);
    file.append(&bytes)?;
    file.sync()?;
    Ok(footer)
}

/// Seals a file that a crash left open. The footer says what is in it also when it could not be written.
pub fn seal_salvaged(file: &Arc<dyn DiskFile>, salvaged: &Salvaged, id: u64) -> (Footer, io::Result<()>) {
    let Salvaged { samples, seed, version, .. } = *salvaged;
    let about = Identity { id, level: 0, oldest_input: id, newest_input: id, samples, seed, version };
    let (bytes, footer) = ending(&salvaged.index, about, salvaged.size);
    let written = file.truncate(salvaged.size).and_then(|()| file.append(&bytes)).and_then(|()| file.sync());
    (footer, written)
}

/// The path of a segment.
pub fn path(folder: &Path, id: u64) -> std::path::PathBuf {
    folder.join(super::file_name(id))
}

/// The path of a merge's output until it is whole; what a crash leaves there is of no use.
pub fn merging_path(folder: &Path, id: u64) -> std::path::PathBuf {
    folder.join(format!("{MERGING}{id:08}"))
}

pub const MERGING: &str = "merging-";
