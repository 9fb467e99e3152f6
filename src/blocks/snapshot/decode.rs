//! Samples of a series from all places that have some.

use super::{Found, Part, Sources};
use crate::blocks::error::BlockError;
use crate::blocks::samples::Samples;
use crate::blocks::tombstones::is_deleted;
use crate::model::{TimeRange, TimestampMs};

impl Sources {
    /// Every sample of the series in the range.
    pub fn decode(&self, found: &Found, range: TimeRange) -> Result<Samples, BlockError> {
        let mut samples = Samples::default();
        // Oldest first, so that what follows is mostly appended.
        let mut chunks: Vec<_> = Vec::new();
        for part in &found.parts {
            if let Part::Block(block, reference, of_block) = part {
                chunks.extend(of_block.iter().map(|chunk| (chunk, *block, *reference)));
            }
        }
        chunks.sort_by_key(|(chunk, block, _)| (chunk.min_time, *block));
        for (chunk, block, reference) in chunks {
            self.blocks[block as usize].decode(reference, chunk, &mut samples)?;
        }
        for part in &found.parts {
            if let (Part::Head(number), Some(head)) = (part, &self.head) {
                let mut of_head = Samples::default();
                head.decode(*number, range, &mut of_head)?;
                samples.add(&of_head);
            }
        }
        samples.retain(|at| range.contains(TimestampMs(at)) && !is_deleted(&found.deleted, at));
        Ok(samples)
    }
}
