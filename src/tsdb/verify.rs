//! Reads everything of a folder's own files and says what is not as it should be. Nothing is written, and the store need not be open.

use std::path::Path;

use super::disk::{Disk, read_all};
use super::error::OpenError;
use super::frame::{Frames, Step};
use super::page::decode::{Decoder, decode};
use super::recover::FOLDER;
use super::segment::{MAGIC_BYTES, Segment, StripeRef, id_of_name};
use super::{log, losses, manifest};
use crate::storage::SelectError;

#[derive(Debug, Default)]
pub struct Verified {
    pub segments: usize,
    pub series: u64,
    pub stripes: u64,
    pub pages: u64,
    pub log_files: usize,
    pub log_records: u64,
    /// One sentence each.
    pub problems: Vec<String>,
    /// What is no damage, but good to know.
    pub notes: Vec<String>,
}

/// Checks every file under the data folder's own part.
pub fn folder(data: &Path, disk: &dyn Disk) -> Result<Verified, OpenError> {
    let folder = data.join(FOLDER);
    let mut found = Verified::default();
    if !folder.is_dir() {
        found.notes.push(format!("{}: no such folder: promlet has written nothing here", folder.display()));
        return Ok(found);
    }
    let files = disk.list(&folder).map_err(|error| OpenError::io(&folder, "listing", error))?;
    match manifest::look(disk, &folder)? {
        None => {
            found.problems.push(format!("{}: missing or damaged; it is made anew at the next start", folder.join(manifest::NAME).display()))
        }
        Some(said) => found.problems.extend(losses::find(&folder, &said, &files)),
    }
    for (name, _) in &files {
        let path = folder.join(name);
        let failed = |error| OpenError::io(&path, "reading", error);
        if let Some(id) = id_of_name(name) {
            found.segments += 1;
            match Segment::open(disk, &folder, id).map_err(failed)? {
                Some(sealed) => segment(&sealed, &mut found).unwrap_or_else(|error| found.problems.push(error.to_string())),
                None => found.notes.push(format!("{}: not sealed; the next start does it", path.display())),
            }
        } else if log::number_of(name).is_some() {
            found.log_files += 1;
            let bytes = disk.open(&path).and_then(|file| read_all(file.as_ref())).map_err(failed)?;
            walk_log(&path, &bytes, &mut found);
        }
    }
    Ok(found)
}

fn walk_log(path: &Path, bytes: &[u8], found: &mut Verified) {
    if log::Header::read(bytes).is_none() {
        found.notes.push(format!("{}: it was just begun", path.display()));
        return;
    }
    let mut frames = Frames::new(bytes, log::HEADER);
    for step in frames.by_ref() {
        match step {
            Step::Whole(..) => found.log_records += 1,
            Step::Damaged => found.problems.push(format!("{}: a damaged stretch between whole records", path.display())),
        }
    }
    let left = bytes.len() - frames.whole_until;
    if left > 0 {
        found.notes.push(format!("{}: ends in {left} bytes that are no whole record", path.display()));
    }
}

fn segment(segment: &Segment, found: &mut Verified) -> Result<(), SelectError> {
    let index = segment.index()?;
    let footer = segment.footer;
    let mut problem = |what: &str| found.problems.push(format!("{}: {what}", segment.file.path.display()));
    if index.series.len() as u64 != footer.series {
        problem("the footer says another number of series than the index has");
    }
    let stripes = || index.groups.iter().flat_map(|group| &group.stripes);
    let times = (stripes().map(|s| s.min_time).min(), stripes().map(|s| s.max_time).max());
    if times != (Some(footer.min_time), Some(footer.max_time)) {
        problem("the footer says another time than the stripes have");
    }
    found.series += footer.series;
    let mut expected = MAGIC_BYTES as u64;
    for (number, group) in index.groups.iter().enumerate() {
        for stripe in &group.stripes {
            found.stripes += 1;
            of_stripe(segment, stripe, number as u32, &group.series, found)?;
            expected = expected.max(stripe.offset);
        }
    }
    if expected > footer.index_offset {
        found.problems.push(format!("{}: a stripe lies behind the index", segment.file.path.display()));
    }
    Ok(())
}

fn of_stripe(segment: &Segment, stripe: &StripeRef, group: u32, series: &[u32], found: &mut Verified) -> Result<(), SelectError> {
    // Every frame's sum is checked when it is read the first time.
    let head = segment.file.stripe_head(stripe)?;
    let side = segment.file.stripe_side(stripe)?;
    let pages = segment.file.read(stripe.pages_offset(), stripe.page_bytes as usize)?;
    let at = |what: &str| format!("{} at byte {}: {what}", segment.file.path.display(), stripe.offset);
    if head.group != group || head.times.len() != stripe.rows as usize || head.first_row != stripe.first_row {
        found.problems.push(at("the stripe is not the one that the index names"));
    }
    if head.times.windows(2).any(|pair| pair[0] >= pair[1]) {
        found.problems.push(at("times do not increase"));
    }
    let of_group = |number: u32| series.binary_search(&number).is_ok();
    if head.runs.iter().any(|(first, length, _)| !(*first..*first + *length).all(of_group)) {
        found.problems.push(at("a series that its group does not have"));
    }
    let mut decoder = Decoder::default();
    for position in 0..head.ends.len() {
        found.pages += 1;
        let bytes = head.page_range(position).and_then(|range| pages.get(range));
        match bytes.map(|bytes| decode(bytes, head.times.len(), &mut decoder)) {
            None => found.problems.push(at("a page behind its stripe")),
            Some(Err(what)) => found.problems.push(at(&what.to_string())),
            Some(Ok(())) => {}
        }
    }
    for (page, held) in side.histograms() {
        let held = held.map_err(|what| segment.file.damaged(stripe.offset, what))?;
        if page as usize >= head.ends.len() || held.iter().any(|(row, _)| *row >= stripe.rows) {
            found.problems.push(at("a histogram of a row or page that is not there"));
        }
    }
    Ok(())
}
