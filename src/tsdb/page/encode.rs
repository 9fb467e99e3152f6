//! Values to a page.

use super::ints::put_stream;
use super::{BITS_MAPPING, CONSTANT, EMPTY, EXTREMES_FROM, HAS_EXCEPTIONS, HAS_EXTREMES, HAS_STATES, PACKED, RAW, SPARSE, State};
use crate::tsdb::bytes::{put_signed, put_varint, varint_len, zigzag};
use crate::tsdb::decimal::{find_exponent, mantissa};

/// At most one in so many values may be an exception of the mapping.
const EXCEPTION_SHARE: usize = 16;

/// The values of one column, and buffers that are used again from column to column.
#[derive(Default)]
pub struct PageColumn {
    /// One a row; looked at only where the row's state is [`State::Value`].
    pub floats: Vec<f64>,
    /// One a row; empty means that every row holds a value.
    pub states: Vec<State>,
    bits: Vec<u64>,
    ints: Vec<i64>,
    scratch: Vec<i64>,
    changes: Vec<(usize, i64)>,
    exceptions: Vec<(usize, u64)>,
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

/// The mapping under which all but a few values are integers; fills `ints` and `exceptions`.
fn map(column: &mut PageColumn) -> u8 {
    if let Some(exponent) = decimal_exponent(column) {
        return exponent;
    }
    column.exceptions.clear();
    let zeros = column.bits.iter().fold(0u64, |or, bits| or | bits).trailing_zeros().min(63);
    column.ints.clear();
    column.ints.extend(column.bits.iter().map(|bits| (bits >> zeros) as i64));
    BITS_MAPPING + zeros as u8
}

fn decimal_exponent(column: &mut PageColumn) -> Option<u8> {
    let allowed = column.bits.len() / EXCEPTION_SHARE;
    let mut exponent = 0u8;
    let mut unlike = 0usize;
    for bits in &column.bits {
        let value = f64::from_bits(*bits);
        if mantissa(value, exponent).is_none() {
            match find_exponent(value, exponent) {
                Some((wider, _)) => exponent = wider,
                None => {
                    unlike += 1;
                    if unlike > allowed {
                        return None;
                    }
                }
            }
        }
    }
    column.ints.clear();
    column.exceptions.clear();
    let mut before = 0i64;
    for (at, bits) in column.bits.iter().enumerate() {
        match mantissa(f64::from_bits(*bits), exponent) {
            Some(whole) => before = whole,
            None => column.exceptions.push((at, *bits)),
        }
        column.ints.push(before);
    }
    (column.exceptions.len() <= allowed).then_some(exponent)
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
        out[start] |= CONSTANT;
        put_value(out, first);
        return;
    }
    encode_varying(column, out, start);
}

fn encode_varying(column: &mut PageColumn, out: &mut Vec<u8>, start: usize) {
    let mapping = map(column);
    column.changes.clear();
    let (mut at_before, mut sparse_cost) = (0usize, 0usize);
    for (at, pair) in column.ints.windows(2).enumerate() {
        if pair[0] != pair[1] {
            let difference = pair[1].wrapping_sub(pair[0]);
            sparse_cost += varint_len((at + 1 - at_before) as u64) + varint_len(zigzag(difference));
            column.changes.push((at + 1 - at_before, difference));
            at_before = at + 1;
        }
    }
    let body = out.len();
    out.push(mapping);
    if !column.exceptions.is_empty() {
        out[start] |= HAS_EXCEPTIONS;
        put_exceptions(out, &column.exceptions);
    }
    let before = out.len();
    let extremes = extremes(column, mapping);
    if let Some((least, greatest)) = extremes {
        put_signed(out, least);
        put_varint(out, greatest.wrapping_sub(least) as u64);
    }
    let stream = out.len();
    put_stream(out, &column.ints, &mut column.scratch);
    let packed_cost = out.len() - stream;
    let sparse_total = sparse_cost + varint_len(zigzag(column.ints[0])) + varint_len(column.changes.len() as u64);
    if sparse_total < packed_cost {
        out.truncate(before);
        put_signed(out, column.ints[0]);
        put_varint(out, column.changes.len() as u64);
        for (skip, difference) in &column.changes {
            put_varint(out, *skip as u64);
            put_signed(out, *difference);
        }
        out[start] |= SPARSE;
    } else {
        out[start] |= PACKED;
        if extremes.is_some() {
            out[start] |= HAS_EXTREMES;
        }
    }
    if out.len() - body > column.bits.len() * 8 {
        out.truncate(body);
        out[start] = out[start] & HAS_STATES | RAW;
        for bits in &column.bits {
            out.extend_from_slice(&bits.to_le_bytes());
        }
    }
}

/// Only of decimals: floats' bits have another order than floats.
fn extremes(column: &PageColumn, mapping: u8) -> Option<(i64, i64)> {
    let is_worth_it = column.ints.len() >= EXTREMES_FROM && mapping < BITS_MAPPING && column.exceptions.is_empty();
    let ints = column.ints.iter().copied();
    ints.clone().min().zip(ints.max()).filter(|_| is_worth_it)
}

fn put_exceptions(out: &mut Vec<u8>, exceptions: &[(usize, u64)]) {
    put_varint(out, exceptions.len() as u64);
    let mut before = 0usize;
    for (at, bits) in exceptions {
        put_varint(out, (at - before) as u64);
        out.extend_from_slice(&bits.to_le_bytes());
        before = *at;
    }
}
