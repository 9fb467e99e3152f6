//! A page to values.

use std::ops::Range;

use super::coded::take_coded;
use super::ints::{Order, take_blocks, undo};
use super::mapping::{Kind, Mapping};
use super::{CODED, CONSTANT, EMPTY, HAS_EXCEPTIONS, HAS_EXTREMES, HAS_STATES, PACKED, RAW, SMALL_CONSTANT, SPARSE, State};
use crate::model::STALE_NAN;
use crate::tsdb::bytes::{Damaged, Decoded, Reader};
use crate::tsdb::decimal::{POWERS, from_mantissa};

/// What a page says: floats one a row (stale markers as their NaN), and states where not every row holds a float.
#[derive(Default)]
pub struct Decoder {
    pub floats: Vec<f64>,
    /// Empty: every row holds a float.
    pub states: Vec<State>,
    ints: Vec<i64>,
    offs: Vec<i64>,
    buffer: Vec<u8>,
}

/// Reads a page of `rows` rows into `into`.
pub fn decode(page: &[u8], rows: usize, into: &mut Decoder) -> Decoded<()> {
    let mut floats = std::mem::take(&mut into.floats);
    floats.clear();
    let read = decode_rows(page, rows, 0..rows, into, &mut floats);
    into.floats = floats;
    read
}

/// Reads some rows of a page of `rows` rows: appends their floats to `out`, and leaves their states in `into`.
pub fn decode_rows(page: &[u8], rows: usize, wanted: Range<usize>, into: &mut Decoder, out: &mut Vec<f64>) -> Decoded<()> {
    let mut reader = Reader::new(page);
    let head = reader.u8()?;
    let start = out.len();
    into.states.clear();
    if wanted.start > wanted.end || wanted.end > rows {
        return Err(Damaged("a page of too few rows"));
    }
    if head & SMALL_CONSTANT != 0 {
        out.resize(start + wanted.len(), f64::from(head & !SMALL_CONSTANT));
        return Ok(());
    }
    let mut count = rows;
    if head & HAS_STATES != 0 {
        count = take_states(&mut reader, rows, &mut into.states)?;
    }
    // Which value belongs to which row is known only where every row has one.
    let values = if into.states.is_empty() { wanted.clone() } else { 0..count };
    match head & 0x0f {
        EMPTY if count == 0 => {}
        CONSTANT => {
            let value = take_value(&mut reader)?;
            out.resize(start + values.len(), value);
        }
        RAW => {
            let bytes = reader.bytes(count.checked_mul(8).ok_or(Damaged("too many rows"))?)?;
            let wanted = bytes.as_chunks::<8>().0.get(values).ok_or(Damaged("a page of too few rows"))?;
            out.extend(wanted.iter().map(|b| f64::from_le_bytes(*b)));
        }
        _ => take_varying(&mut reader, head, count, values, into, out)?,
    }
    if !into.states.is_empty() {
        spread(&into.states, start, out);
        out.truncate(start + wanted.end);
        out.drain(start..start + wanted.start);
        into.states.truncate(wanted.end);
        into.states.drain(..wanted.start);
    }
    Ok(())
}

fn take_states(reader: &mut Reader<'_>, rows: usize, states: &mut Vec<State>) -> Decoded<usize> {
    let runs = reader.count(1)?;
    let mut values = 0usize;
    for _ in 0..runs {
        let run = reader.varint()?;
        let length = usize::try_from(run >> 2).unwrap_or(usize::MAX);
        if length > rows - states.len() {
            return Err(Damaged("more states than rows"));
        }
        let state = [State::Value, State::Gap, State::Stale, State::Histogram][(run & 3) as usize];
        if state == State::Value {
            values += length;
        }
        states.resize(states.len() + length, state);
    }
    if states.len() != rows {
        return Err(Damaged("fewer states than rows"));
    }
    Ok(values)
}

pub(super) fn take_value(reader: &mut Reader<'_>) -> Decoded<f64> {
    match reader.u8()? {
        u8::MAX => Ok(f64::from_bits(reader.u64()?)),
        exponent if usize::from(exponent) < POWERS.len() => Ok(from_mantissa(reader.signed()?, exponent)),
        _ => Err(Damaged("an unknown exponent")),
    }
}

/// The integers of a stream of this kind, at least the first `until`, into `ints`, before their order is undone.
fn take_kind(
    reader: &mut Reader<'_>,
    kind: u8,
    (count, until): (usize, usize),
    ints: &mut Vec<i64>,
    buffer: &mut Vec<u8>,
) -> Decoded<Order> {
    match kind {
        SPARSE => take_sparse(reader, count, ints).map(|()| Order::Plain),
        PACKED => take_blocks(reader, count, until, ints),
        CODED => take_coded(reader, count, ints, buffer),
        _ => Err(Damaged("an unknown page codec")),
    }
}

/// Appends the values at the places `wanted` of `count`.
fn take_varying(
    reader: &mut Reader<'_>,
    head: u8,
    count: usize,
    wanted: Range<usize>,
    into: &mut Decoder,
    out: &mut Vec<f64>,
) -> Decoded<()> {
    let start = out.len();
    let mapping = Mapping::take(reader)?;
    let exceptions = if head & HAS_EXCEPTIONS != 0 { skip_exceptions(reader)? } else { Reader::new(&[]) };
    if head & HAS_EXTREMES != 0 {
        reader.varint()?;
        reader.varint()?;
    }
    let Decoder { ints, offs, buffer, .. } = into;
    // Corrections lie behind all integers.
    let until = if mapping.is_corrected { count } else { wanted.end };
    let order = take_kind(reader, head & 0x0f, (count, until), ints, buffer)?;
    let values = undo(order, ints).get_mut(wanted.clone()).ok_or(Damaged("a page of too few rows"))?;
    if (mapping.first, mapping.step) != (0, 1) {
        values.iter_mut().for_each(|n| *n = mapping.whole(*n));
    }
    match mapping.kind {
        Kind::Whole => put_decimals(values, 1.0, out),
        Kind::Divide(power) => put_decimals(values, power, out),
        Kind::Multiply(power) => out.extend(values.iter().map(|v| *v as f64 * power)),
        Kind::Bits(shift) => out.extend(values.iter().map(|v| f64::from_bits((*v as u64) << shift))),
    }
    if mapping.is_corrected {
        let kind = reader.u8()?;
        let order = take_kind(reader, kind, (count, wanted.end), offs, buffer)?;
        let offs = undo(order, offs).get(wanted.clone()).ok_or(Damaged("a page of too few rows"))?;
        for (float, off) in out[start..].iter_mut().zip(offs) {
            *float = f64::from_bits(float.to_bits().wrapping_add(*off as u64));
        }
    }
    patch(exceptions, count, wanted.start, &mut out[start..])
}

/// Appends each mantissa divided by a power of ten.
fn put_decimals(mantissas: &[i64], power: f64, out: &mut Vec<f64>) {
    /// Integers whose size is below this can stand in the low bits of a float of this size and a half.
    const SMALL: i64 = 1 << 51;
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    // Without an early end, and then without the processor's conversion, which takes one number at a time: loops over whole registers.
    let is_small = mantissas.iter().fold(0, |all, v| all | (v.wrapping_add(SMALL) as u64)) < 1 << 52;
    match (is_small, power == 1.0) {
        (true, true) => out.extend(mantissas.iter().map(|v| f64::from_bits(MAGIC.to_bits().wrapping_add(*v as u64)) - MAGIC)),
        (true, false) => out.extend(mantissas.iter().map(|v| (f64::from_bits(MAGIC.to_bits().wrapping_add(*v as u64)) - MAGIC) / power)),
        (false, _) => out.extend(mantissas.iter().map(|v| *v as f64 / power)),
    }
}

fn skip_exceptions<'a>(reader: &mut Reader<'a>) -> Decoded<Reader<'a>> {
    let start = *reader;
    let count = reader.count(9)?;
    for _ in 0..count {
        reader.varint()?;
        reader.bytes(8)?;
    }
    Ok(start)
}

/// Exceptions among `count` values, of which `floats` holds some from the place `first` on.
fn patch(mut exceptions: Reader<'_>, count: usize, first: usize, floats: &mut [f64]) -> Decoded<()> {
    if exceptions.is_empty() {
        return Ok(());
    }
    let number = exceptions.count(9)?;
    let mut at = 0usize;
    for _ in 0..number {
        at = at.saturating_add(usize::try_from(exceptions.varint()?).unwrap_or(usize::MAX));
        let bits = exceptions.u64()?;
        if at >= count {
            return Err(Damaged("an exception behind its page"));
        }
        if let Some(place) = at.checked_sub(first).and_then(|at| floats.get_mut(at)) {
            *place = f64::from_bits(bits);
        }
    }
    Ok(())
}

fn take_sparse(reader: &mut Reader<'_>, count: usize, ints: &mut Vec<i64>) -> Decoded<()> {
    ints.clear();
    let mut value = reader.signed()?;
    let changes = reader.count(2)?;
    for _ in 0..changes {
        let skip = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        if skip > count - ints.len() {
            return Err(Damaged("a change behind its page"));
        }
        ints.resize(ints.len() + skip, value);
        value = value.wrapping_add(reader.signed()?);
    }
    ints.resize(count, value);
    Ok(())
}

/// Moves the values that were coded densely to the rows they belong to.
fn spread(states: &[State], start: usize, floats: &mut Vec<f64>) {
    let mut from = floats.len();
    floats.resize(start + states.len(), 0.0);
    for at in (0..states.len()).rev() {
        floats[start + at] = match states[at] {
            State::Value => {
                from -= 1;
                floats[from]
            }
            State::Stale => STALE_NAN,
            State::Gap | State::Histogram => 0.0,
        };
    }
}
