//! The open end of a group's columns: codes of changed cells in small linked blocks of one arena, so that an unchanged column costs nothing a row.

use super::bytes::{Damaged, Decoded, Reader};
use super::cell::{Code, Coder, put_gap, put_skip};
use super::page::{PageColumn, State};

/// Bytes of one block: payload, then the number of the next block.
const BLOCK: usize = 24;
const PAYLOAD: usize = BLOCK - 4;
const NONE: u32 = u32::MAX;

/// The blocks of all columns of one group.
#[derive(Default)]
pub struct Arena {
    bytes: Vec<u8>,
}

/// One column's chain of blocks.
#[derive(Clone, Copy, Debug)]
pub struct Chain {
    first: u32,
    /// Where the next byte goes.
    end: u32,
}

impl Default for Chain {
    fn default() -> Self {
        Self { first: NONE, end: NONE }
    }
}

impl Chain {
    pub fn is_empty(self) -> bool {
        self.first == NONE
    }
}

impl Arena {
    pub fn size_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Gives the memory back; all chains into it must be dropped too.
    pub fn clear(&mut self) {
        self.bytes = Vec::new();
    }

    fn new_block(&mut self) -> u32 {
        let at = self.bytes.len();
        if at + BLOCK > self.bytes.capacity() {
            // Growth by an eighth: tails are most of the store's memory, doubling would waste a third of it.
            self.bytes.reserve_exact((at / 8).max(4 * BLOCK));
        }
        self.bytes.extend_from_slice(&[0; PAYLOAD]);
        self.bytes.extend_from_slice(&NONE.to_le_bytes());
        at as u32
    }

    pub fn push(&mut self, chain: &mut Chain, mut code: &[u8]) {
        if chain.first == NONE && !code.is_empty() {
            chain.first = self.new_block();
            chain.end = chain.first;
        }
        while !code.is_empty() {
            let (block, used) = (chain.end as usize / BLOCK * BLOCK, chain.end as usize % BLOCK);
            let taken = code.len().min(PAYLOAD - used);
            self.bytes[block + used..block + used + taken].copy_from_slice(&code[..taken]);
            chain.end += taken as u32;
            code = &code[taken..];
            // A full block is left only when something follows, so that `end` always lies within a block.
            if !code.is_empty() {
                let next = self.new_block();
                self.bytes[block + PAYLOAD..block + BLOCK].copy_from_slice(&next.to_le_bytes());
                chain.end = next;
            }
        }
    }

    /// Appends all bytes of a chain.
    pub fn read(&self, chain: Chain, into: &mut Vec<u8>) {
        let mut block = chain.first as usize;
        if chain.is_empty() {
            return;
        }
        let (last, used) = (chain.end as usize / BLOCK * BLOCK, chain.end as usize % BLOCK);
        while block != last {
            into.extend_from_slice(&self.bytes[block..block + PAYLOAD]);
            let next = self.bytes[block + PAYLOAD..block + BLOCK].first_chunk::<4>().map_or(NONE, |b| u32::from_le_bytes(*b));
            block = next as usize;
        }
        into.extend_from_slice(&self.bytes[block..block + used]);
    }
}

/// A reader of the chain knows a value that differences can start from.
const HAS_BASE: u8 = 1;
/// Claimed by another group as well: appends go through the checked path.
const CONTESTED: u8 = 2;
/// Its writer has forgotten it: it may go once it has ended.
const RETIRED: u8 = 4;
/// Some row of this tail holds no float: a gap, a stale marker or a histogram.
const HAS_STATES: u8 = 8;

/// One column of a group: 24 bytes that every live series costs.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Bits of the last value.
    last: u64,
    pub series: u32,
    chain: Chain,
    /// Row of the last code in the chain.
    item_row: u16,
    exponent: u8,
    flags: u8,
}

impl Column {
    pub fn new(series: u32) -> Self {
        let Coder { last, exponent } = Coder::default();
        Self { last, series, chain: Chain::default(), item_row: 0, exponent, flags: 0 }
    }

    pub fn last(&self) -> u64 {
        self.last
    }

    pub fn coder(&self) -> Coder {
        Coder { last: self.last, exponent: self.exponent }
    }

    pub fn set_coder(&mut self, coder: Coder) {
        (self.last, self.exponent) = (coder.last, coder.exponent);
    }

    pub fn is_contested(&self) -> bool {
        self.flags & CONTESTED != 0
    }

    pub fn set_contested(&mut self, is_contested: bool) {
        self.set(CONTESTED, is_contested);
    }

    pub fn is_retired(&self) -> bool {
        self.flags & RETIRED != 0
    }

    pub fn set_retired(&mut self, is_retired: bool) {
        self.set(RETIRED, is_retired);
    }

    fn set(&mut self, flag: u8, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    pub fn chain(&self) -> Chain {
        self.chain
    }

    /// The tail's row from which the column, if it is live, holds its last value.
    pub fn last_change(&self) -> usize {
        if self.chain.is_empty() { 0 } else { usize::from(self.item_row) }
    }

    pub fn has_codes(&self) -> bool {
        !self.chain.is_empty()
    }

    /// Whether some row of this tail holds no float. Where none does, a live column has one in every row.
    pub fn has_states(&self) -> bool {
        self.flags & HAS_STATES != 0
    }

    /// The tail was encoded: codes start anew.
    pub fn restart(&mut self) {
        self.chain = Chain::default();
        self.item_row = 0;
        self.set(HAS_BASE | HAS_STATES, false);
    }

    /// Before the first code of this tail: what the column held in the rows before, if it was live.
    fn put_base(&mut self, arena: &mut Arena, scratch: &mut Vec<u8>, was_live: bool) {
        scratch.clear();
        let mut coder = Coder { last: 0, exponent: self.exponent };
        if was_live {
            coder.put_absolute(scratch, self.last);
        } else {
            put_gap(scratch);
            self.set(HAS_STATES, true);
        }
        arena.push(&mut self.chain, scratch);
        self.set(HAS_BASE, was_live);
        self.item_row = 0;
    }

    /// Takes the value of row `row` (counted in this tail), whose code after the value before is `code`.
    pub fn put_value(&mut self, arena: &mut Arena, scratch: &mut Vec<u8>, row: u16, was_live: bool, code: &[u8], after: Coder) {
        if self.chain.is_empty() && row > 0 {
            self.put_base(arena, scratch, was_live);
        }
        self.put_skip(arena, scratch, row);
        if self.flags & HAS_BASE != 0 {
            arena.push(&mut self.chain, code);
        } else {
            // A reader of this tail knows no value before: the code must stand by itself.
            scratch.clear();
            let mut coder = Coder { last: 0, exponent: after.exponent };
            coder.put_absolute(scratch, after.last);
            arena.push(&mut self.chain, scratch);
            self.set(HAS_BASE, true);
        }
        self.set_coder(after);
    }

    /// Takes a gap, a stale marker or a histogram in row `row`.
    pub fn put_state(&mut self, arena: &mut Arena, scratch: &mut Vec<u8>, row: u16, was_live: bool, code: &[u8]) {
        if self.chain.is_empty() && row > 0 {
            self.put_base(arena, scratch, was_live);
        }
        self.put_skip(arena, scratch, row);
        self.set(HAS_STATES, true);
        arena.push(&mut self.chain, code);
    }

    fn put_skip(&mut self, arena: &mut Arena, scratch: &mut Vec<u8>, row: u16) {
        if !self.chain.is_empty() {
            let skip = row - self.item_row;
            if skip != 1 {
                scratch.clear();
                put_skip(scratch, u64::from(skip));
                arena.push(&mut self.chain, scratch);
            }
        }
        self.item_row = row;
    }
}

/// Decodes the first `rows` rows of a column whose codes are `codes`; without any, a live column holds `last` throughout.
pub fn decode(codes: &[u8], live_value: Option<u64>, rows: usize, into: &mut PageColumn) -> Decoded<()> {
    into.clear();
    if codes.is_empty() {
        match live_value {
            Some(bits) => into.floats.resize(rows, f64::from_bits(bits)),
            None => {
                into.floats.resize(rows, 0.0);
                into.states.resize(rows, State::Gap);
            }
        }
        return Ok(());
    }
    let (mut reader, mut coder) = (Reader::new(codes), Coder::default());
    let (mut row, mut skip, mut is_first) = (0usize, 1usize, true);
    // What a row holds where no code says otherwise: the last value, or nothing.
    let mut held = None;
    while !reader.is_empty() {
        let code = coder.take(&mut reader)?;
        if let Code::Skip(rows) = code {
            skip = usize::try_from(rows).map_err(|_| Damaged("a skip is too long"))?;
            continue;
        }
        let at = if is_first { 0 } else { row + std::mem::replace(&mut skip, 1) };
        if at >= rows {
            break;
        }
        fill(into, at, held);
        // A second code for a row completes it.
        into.floats.truncate(at);
        into.states.truncate(at);
        (row, is_first) = (at, false);
        held = match code {
            Code::Value(bits) => Some(bits),
            _ => None,
        };
        push(into, code);
    }
    fill(into, rows, held);
    if into.states.iter().all(|s| *s == State::Value) {
        into.states.clear();
    }
    Ok(())
}

fn fill(into: &mut PageColumn, until: usize, held: Option<u64>) {
    let missing = until.saturating_sub(into.floats.len());
    let (float, state) = held.map_or((0.0, State::Gap), |bits| (f64::from_bits(bits), State::Value));
    into.floats.resize(into.floats.len() + missing, float);
    into.states.resize(into.states.len() + missing, state);
}

fn push(into: &mut PageColumn, code: Code) {
    let (float, state) = match code {
        Code::Value(bits) => (f64::from_bits(bits), State::Value),
        Code::Stale => (crate::model::STALE_NAN, State::Stale),
        Code::Histogram => (0.0, State::Histogram),
        Code::Gap | Code::Skip(_) => (0.0, State::Gap),
    };
    into.floats.push(float);
    into.states.push(state);
}

#[cfg(test)]
mod tests;
