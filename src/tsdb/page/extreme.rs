//! The least or greatest value of a page without decoding it, where the page says it.

use super::decode::take_value;
use super::{BITS_MAPPING, CONSTANT, HAS_EXCEPTIONS, HAS_EXTREMES, HAS_STATES, PACKED, SPARSE};
use crate::tsdb::bytes::{Damaged, Decoded, Reader};
use crate::tsdb::decimal::{POWERS, from_mantissa};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    Least,
    Greatest,
}

/// None where the page has to be decoded to know.
pub fn extreme(page: &[u8], wanted: Extreme) -> Decoded<Option<f64>> {
    let mut reader = Reader::new(page);
    let head = reader.u8()?;
    if head & (HAS_STATES | HAS_EXCEPTIONS) != 0 {
        return Ok(None);
    }
    let kind = head & 0x0f;
    if kind == CONSTANT {
        return take_value(&mut reader).map(Some);
    }
    if kind != SPARSE && (kind != PACKED || head & HAS_EXTREMES == 0) {
        return Ok(None);
    }
    let mapping = reader.u8()?;
    if mapping >= BITS_MAPPING {
        return Ok(None);
    }
    if usize::from(mapping) >= POWERS.len() {
        return Err(Damaged("an unknown mapping"));
    }
    let (least, greatest) = if kind == SPARSE { of_changes(&mut reader)? } else { stated(&mut reader)? };
    Ok(Some(from_mantissa(if wanted == Extreme::Least { least } else { greatest }, mapping)))
}

fn stated(reader: &mut Reader<'_>) -> Decoded<(i64, i64)> {
    let least = reader.signed()?;
    Ok((least, least.wrapping_add(reader.varint()? as i64)))
}

fn of_changes(reader: &mut Reader<'_>) -> Decoded<(i64, i64)> {
    let mut value = reader.signed()?;
    let (mut least, mut greatest) = (value, value);
    for _ in 0..reader.count(2)? {
        reader.varint()?;
        value = value.wrapping_add(reader.signed()?);
        (least, greatest) = (least.min(value), greatest.max(value));
    }
    Ok((least, greatest))
}
