//! For each label pair the series that have it: ascending numbers, as varint differences.

use super::bytes::{Decoded, Reader, put_varint};

/// Lists for the first `covered` series; later ones are looked at one by one until the next rebuild.
#[derive(Default, Clone)]
pub struct Postings {
    pub covered: u32,
    /// One more than there were pairs: where each list starts.
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

impl Postings {
    /// `pairs_of` calls its second argument with every pair of a series.
    pub fn build(series: u32, pairs: usize, pairs_of: impl Fn(u32, &mut dyn FnMut(u32))) -> Self {
        // Two passes: bytes per list, then the lists; no list is ever an allocation of its own.
        let mut last = vec![u32::MAX; pairs];
        let mut starts = vec![0u32; pairs + 1];
        for number in 0..series {
            pairs_of(number, &mut |pair| {
                let pair = pair as usize;
                starts[pair + 1] += super::bytes::varint_len(u64::from(number.wrapping_sub(last[pair]).wrapping_sub(1))) as u32;
                last[pair] = number;
            });
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut bytes = vec![0u8; starts.last().copied().unwrap_or(0) as usize];
        let mut ends: Vec<u32> = starts[..pairs].to_vec();
        last.fill(u32::MAX);
        let mut code = Vec::with_capacity(8);
        for number in 0..series {
            pairs_of(number, &mut |pair| {
                let pair = pair as usize;
                code.clear();
                put_varint(&mut code, u64::from(number.wrapping_sub(last[pair]).wrapping_sub(1)));
                let at = ends[pair] as usize;
                bytes[at..at + code.len()].copy_from_slice(&code);
                ends[pair] += code.len() as u32;
                last[pair] = number;
            });
        }
        Self { covered: series, starts, bytes }
    }

    /// The covered series with this pair, ascending.
    pub fn list(&self, pair: u32, into: &mut Vec<u32>) {
        let at = pair as usize;
        let (Some(start), Some(end)) = (self.starts.get(at), self.starts.get(at + 1)) else { return };
        let mut reader = Reader::new(&self.bytes[*start as usize..*end as usize]);
        let mut before = u32::MAX;
        while let Ok(step) = reader.varint() {
            before = before.wrapping_add(step as u32).wrapping_add(1);
            into.push(before);
        }
    }

    /// Roughly how long a list is: its bytes.
    pub fn weight(&self, pair: u32) -> usize {
        let at = pair as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => (end - start) as usize,
            _ => 0,
        }
    }

    pub fn size_bytes(&self) -> usize {
        self.starts.capacity() * 4 + self.bytes.capacity()
    }

    pub fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, u64::from(self.covered));
        put_varint(out, self.starts.len() as u64);
        for pair in self.starts.windows(2) {
            put_varint(out, u64::from(pair[1] - pair[0]));
        }
        put_varint(out, self.bytes.len() as u64);
        out.extend_from_slice(&self.bytes);
    }

    pub fn take(reader: &mut Reader<'_>) -> Decoded<Self> {
        let covered = reader.varint32()?;
        let count = reader.count(1)?;
        let mut starts = Vec::with_capacity(count);
        let mut at = 0u32;
        if count > 0 {
            starts.push(0);
        }
        for _ in 1..count {
            at = at.saturating_add(reader.varint32()?);
            starts.push(at);
        }
        let length = reader.count(1)?;
        if length < at as usize {
            return Err(super::bytes::Damaged("postings are shorter than their lists"));
        }
        Ok(Self { covered, starts, bytes: reader.bytes(length)?.to_vec() })
    }
}
