//! A page: the values of one column over the rows of one stripe, coded the cheapest of a few ways, bit-exact always.
//!
//! Layout in `docs/format/segment.md`. Integer streams with a frame of reference, patched exceptions and bit-packing
//! follow Lemire & Boytsov (2015) and ALP; entropy-coded classes follow Duda's tANS. What is coded is decimal mantissas, in steps
//! of their greatest common divisor, or the floats' own bits.

pub mod ans;
pub mod coded;
pub mod decode;
pub mod encode;
pub mod extreme;
pub mod ints;
pub mod mapping;
mod unpack;

pub use encode::{PageColumn, encode};

/// What a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    Value = 0,
    Gap = 1,
    Stale = 2,
    Histogram = 3,
}

/// The low four bits of a page's first byte.
const EMPTY: u8 = 0;
const CONSTANT: u8 = 1;
const SPARSE: u8 = 2;
const PACKED: u8 = 3;
const RAW: u8 = 4;
const CODED: u8 = 5;
/// Runs of states come first.
const HAS_STATES: u8 = 0x10;
/// Values that the mapping cannot say come behind the mapping byte.
const HAS_EXCEPTIONS: u8 = 0x20;
/// The least and the greatest integer come behind mapping and exceptions.
const HAS_EXTREMES: u8 = 0x40;
/// The whole page is this byte: a small whole number in all rows.
const SMALL_CONSTANT: u8 = 0x80;

/// Shorter pages are decoded as fast as their extremes are found.
const EXTREMES_FROM: usize = 240;
/// The mapping byte is this and a third of the exponent where values are a few floats off their decimals; corrections come behind.
const CORRECTED_MAPPING: u8 = 23;
/// From here on the mapping byte says which negative power of ten is multiplied by.
const MULTIPLY_MAPPING: u8 = 32;
/// From here on the mapping byte says by how many zero bits the floats' bits were shifted.
const BITS_MAPPING: u8 = 64;
/// Integers count steps from the first one.
const STEPPED: u8 = 0x80;

/// What a page with this first byte is coded with.
pub fn codec_name(first: u8) -> &'static str {
    if first & SMALL_CONSTANT != 0 {
        return "constant";
    }
    match first & 0x0f {
        EMPTY => "empty",
        CONSTANT => "constant",
        SPARSE => "sparse",
        PACKED => "packed",
        RAW => "raw",
        CODED => "coded",
        _ => "unknown",
    }
}

/// Whether a page with this first byte says for each row what it holds; without, every row holds a value.
pub fn has_states(first: u8) -> bool {
    first & SMALL_CONSTANT == 0 && first & HAS_STATES != 0
}

#[cfg(test)]
mod tests;
