//! Reads everything of a Prometheus folder and says what is not as it should be: checksums, order, and what index and `meta.json` promise.

use super::block::Block;
use super::error::BlockError;
use super::folder::PrometheusFolder;
use super::index::Entry;
use super::samples::Samples;
use crate::model::TimeRange;

#[derive(Debug, Default)]
pub struct Verified {
    pub blocks: usize,
    pub series: u64,
    pub chunks: u64,
    pub samples: u64,
    /// One sentence each.
    pub problems: Vec<String>,
}

impl Verified {
    fn problem(&mut self, error: &BlockError) {
        self.problems.push(error.to_string());
    }
}

pub fn folder(folder: &PrometheusFolder) -> Verified {
    let mut found = Verified::default();
    folder.unreadable().iter().for_each(|error| found.problem(error));
    for block in folder.blocks() {
        found.blocks += 1;
        if let Err(error) = of_block(&block, &mut found) {
            found.problem(&error);
        }
    }
    match folder.head() {
        Ok(None) => {}
        Err(error) => found.problem(&error),
        Ok(Some(head)) => {
            head.damage.iter().for_each(|error| found.problem(error));
            for number in 0..head.series.len() as u32 {
                let mut samples = Samples::default();
                found.series += 1;
                found.chunks += (head.series[number as usize].mapped.len() + head.series[number as usize].held.len()) as u64;
                if let Err(error) = head.decode(number, TimeRange::ALL, &mut samples) {
                    found.problem(&error);
                }
                found.samples += samples.len() as u64;
            }
        }
    }
    found
}

fn of_block(block: &Block, found: &mut Verified) -> Result<(), BlockError> {
    let tables = block.tables(0)?;
    let all = block.matching(&tables, &[])?;
    for name in tables.names() {
        for (_, offset) in tables.values(name) {
            let list = block.index.postings(offset)?;
            if list.iter().any(|reference| all.binary_search(reference).is_err()) {
                found.problems.push(format!("{} at byte {offset}: postings of a series that is not there", block.index.path().display()));
            }
        }
    }
    let (mut samples_of_block, mut series, mut chunks) = (0u64, 0u64, 0u64);
    let mut problems = Vec::new();
    block.index.series(&all, |reference, entry| {
        series += 1;
        chunks += entry.chunks.len() as u64;
        samples_of_block += of_series(block, reference, entry, &mut problems);
        Ok(())
    })?;
    found.problems.extend(problems);
    let promised = &block.meta.stats;
    for (what, said, is) in [
        ("series", promised.num_series, series),
        ("chunks", promised.num_chunks, chunks),
        ("samples", promised.num_samples, samples_of_block),
    ] {
        if said != is {
            found.problems.push(format!("{}: meta.json says {said} {what}, and there are {is}", block.folder.display()));
        }
    }
    found.series += series;
    found.chunks += chunks;
    found.samples += samples_of_block;
    Ok(())
}

/// Counts a series' samples.
fn of_series(block: &Block, reference: u32, entry: &Entry, problems: &mut Vec<String>) -> u64 {
    let (mut count, mut samples) = (0u64, Samples::default());
    if entry.labels.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        problems.push(format!("{}: labels of series {reference} are not in order", block.index.path().display()));
    }
    for chunk in &entry.chunks {
        samples.clear();
        if let Err(error) = block.chunks.decode(chunk.reference, &mut samples) {
            problems.push(error.to_string());
            continue;
        }
        count += samples.len() as u64;
        if (samples.times.first(), samples.times.last()) != (Some(&chunk.min_time), Some(&chunk.max_time)) {
            let path = block.folder.display();
            problems.push(format!("{path}: a chunk of series {reference} covers another time than the index says"));
        }
    }
    count
}
