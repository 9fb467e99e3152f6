//! Values to a page.

use super::coded::{Coder, SAVES};
use super::ints::{cheapest_order, put_blocks};
use super::mapping::Mapped;
use super::{CODED, CONSTANT, EMPTY, HAS_EXCEPTIONS, HAS_EXTREMES, HAS_STATES, PACKED, RAW, SMALL_CONSTANT, SPARSE, State};
use crate::tsdb::bytes::{put_signed, put_varint, varint_len, zigzag};
use crate::tsdb::decimal::find_exponent;

/// Bytes that the head of a stream in classes takes at least.
const CODED_HEAD: u64 = 18;
/// Streams whose changes take so few bytes are not worth a try of other codecs.
const SPARSE_UNTRIED: usize = 12;
/// Where more than three in four integers differ from the one before and so many more, nobody looks how many bytes the changes take.
const MANY_CHANGES: usize = 32;

/// The values of one column, and buffers that are used again from column to column.
#[derive(Default)]
pub struct PageColumn {
    /// One a row; looked at only where the row's state is [`State::Value`].
    pub floats: Vec<f64>,
    /// One a row; empty means that every row holds a value.
    pub states: Vec<State>,
    bits: Vec<u64>,
    mapped: Mapped,
    streams: Streams,
}

/// Buffers of streams of integers.
#[derive(Default)]
struct Streams {
    applied: Vec<i64>,
    changes: Vec<(usize, i64)>,
    coder: Coder,
}

impl PageColumn {
    pub fn clear(&mut self) {
        self.floats.clear();
        self.states.clear();
    }
}

fn put_states(out: &mut Vec<u8>, states: &[State]) {
    let runs = states.chunk_by(|a, b| a == b);
    put_varint(out, runs.clone().count() as u64);
    for run in runs {
        put_varint(out, (run.len() as u64) << 2 | run[0] as u64);
    }
}

/// One value by itself: an exponent and a mantissa, or 255 and its bits.
fn put_value(out: &mut Vec<u8>, bits: u64) {
    match find_exponent(f64::from_bits(bits), 0) {
        Some((exponent, whole)) => {
            out.push(exponent);
            put_signed(out, whole);
        }
        None => {
            out.push(u8::MAX);
            out.extend_from_slice(&bits.to_le_bytes());
        }
    }
}

/// Appends the page of this column.
pub fn encode(column: &mut PageColumn, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(0);
    column.bits.clear();
    if column.states.iter().all(|s| *s == State::Value) {
        column.bits.extend(column.floats.iter().map(|v| v.to_bits()));
    } else {
        put_states(out, &column.states);
        out[start] = HAS_STATES;
        let held = column.floats.iter().zip(&column.states).filter(|(_, state)| **state == State::Value);
        column.bits.extend(held.map(|(value, _)| value.to_bits()));
    }
    let Some(first) = column.bits.first().copied() else {
        out[start] |= EMPTY;
        return;
    };
    if column.bits.iter().all(|bits| *bits == first) {
        let small = (0..SMALL_CONSTANT).find(|n| f64::from(*n).to_bits() == first).filter(|_| out[start] == 0);
        match small {
            Some(small) => out[start] = SMALL_CONSTANT | small,
            None => {
                out[start] |= CONSTANT;
                put_value(out, first);
            }
        }
        return;
    }
    encode_varying(column, out, start);
}

fn encode_varying(column: &mut PageColumn, out: &mut Vec<u8>, start: usize) {
    let body = out.len();
    let mapped = &mut column.mapped;
    mapped.find(&column.bits);
    mapped.put(out);
    if !mapped.exceptions.is_empty() {
        out[start] |= HAS_EXCEPTIONS;
    }
    let before = out.len();
    let extremes = mapped.extremes();
    if let Some((least, greatest)) = extremes {
        put_signed(out, least);
        put_varint(out, greatest.wrapping_sub(least) as u64);
    }
    let stream = out.len();
    let kind = column.streams.put(out, &mapped.ints);
    out[start] |= kind;
    if kind == SPARSE {
        // Its few changes say them.
        out.drain(before..stream);
    } else if extremes.is_some() {
        out[start] |= HAS_EXTREMES;
    }
    if !mapped.corrections.is_empty() {
        let kind = out.len();
        out.push(0);
        out[kind] = column.streams.put(out, &mapped.corrections);
    }
    if out.len() - body > column.bits.len() * 8 {
        out.truncate(body);
        out[start] = out[start] & HAS_STATES | RAW;
        for bits in &column.bits {
            out.extend_from_slice(&bits.to_le_bytes());
        }
    }
}

/// Whether classes can take fewer bytes than `bound`: beside the bits of its distance each integer costs its sign and its class.
fn might_be_coded(spread: u64, count: usize, bound: usize) -> bool {
    let about = spread + spread.min(count as u64 * 7 / 4);
    about / 8 + CODED_HEAD < bound as u64
}

impl Streams {
    /// Appends integers the cheapest way and says which that is.
    fn put(&mut self, out: &mut Vec<u8>, ints: &[i64]) -> u8 {
        let sparse = self.sparse(ints);
        if sparse <= SPARSE_UNTRIED && self.changes.len() < ints.len() / 8 {
            self.put_sparse(out, ints);
            return SPARSE;
        }
        let start = out.len();
        let (order, spread) = cheapest_order(ints, &mut self.applied);
        put_blocks(out, order, &self.applied);
        let packed = out.len() - start;
        let least = packed.min(sparse);
        let leads = order.leads().min(self.applied.len());
        if might_be_coded(spread, ints.len(), least.saturating_sub(ints.len() / SAVES)) {
            let (about, saves) = self.coder.plan(&self.applied[leads..], spread);
            let bound = least.saturating_sub(saves);
            if about < bound {
                out.truncate(start);
                self.coder.put(out, order, &self.applied);
                if out.len() - start < bound {
                    return CODED;
                }
                out.truncate(start);
                put_blocks(out, order, &self.applied);
            }
        }
        if sparse < packed {
            out.truncate(start);
            self.put_sparse(out, ints);
            return SPARSE;
        }
        PACKED
    }

    /// Finds the changes; how many bytes they take.
    fn sparse(&mut self, ints: &[i64]) -> usize {
        self.changes.clear();
        let (mut at_before, mut cost) = (0usize, 0usize);
        for (at, pair) in ints.windows(2).enumerate() {
            if self.changes.len() > at / 4 * 3 + MANY_CHANGES {
                return usize::MAX;
            }
            if pair[0] != pair[1] {
                let difference = pair[1].wrapping_sub(pair[0]);
                cost += varint_len((at + 1 - at_before) as u64) + varint_len(zigzag(difference));
                self.changes.push((at + 1 - at_before, difference));
                at_before = at + 1;
            }
        }
        cost + ints.first().map_or(0, |first| varint_len(zigzag(*first))) + varint_len(self.changes.len() as u64)
    }

    fn put_sparse(&self, out: &mut Vec<u8>, ints: &[i64]) {
        put_signed(out, ints.first().copied().unwrap_or(0));
        put_varint(out, self.changes.len() as u64);
        for (skip, difference) in &self.changes {
            put_varint(out, *skip as u64);
            put_signed(out, *difference);
        }
    }
}
