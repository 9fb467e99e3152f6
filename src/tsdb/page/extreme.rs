//! The least or greatest value of a page without decoding it, where the page says it.

use super::decode::take_value;
use super::mapping::{Kind, Mapping};
use super::{CODED, CONSTANT, HAS_EXCEPTIONS, HAS_EXTREMES, HAS_STATES, PACKED, SMALL_CONSTANT, SPARSE};
use crate::tsdb::bytes::{Decoded, Reader};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    Least,
    Greatest,
}

/// None where the page has to be decoded to know.
pub fn extreme(page: &[u8], wanted: Extreme) -> Decoded<Option<f64>> {
    let mut reader = Reader::new(page);
    let head = reader.u8()?;
    if head & SMALL_CONSTANT != 0 {
        return Ok(Some(f64::from(head & !SMALL_CONSTANT)));
    }
    if head & (HAS_STATES | HAS_EXCEPTIONS) != 0 {
        return Ok(None);
    }
    let kind = head & 0x0f;
    if kind == CONSTANT {
        return take_value(&mut reader).map(Some);
    }
    let is_stated = matches!(kind, PACKED | CODED) && head & HAS_EXTREMES != 0;
    if kind != SPARSE && !is_stated {
        return Ok(None);
    }
    let mapping = Mapping::take(&mut reader)?;
    if mapping.is_corrected || matches!(mapping.kind, Kind::Bits(_)) {
        return Ok(None);
    }
    let (least, greatest) = if kind == SPARSE { of_changes(&mut reader)? } else { stated(&mut reader)? };
    Ok(Some(mapping.value(if wanted == Extreme::Least { least } else { greatest })))
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
