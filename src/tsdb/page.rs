//! A page: the values of one column over the rows of one stripe, coded the cheapest of a few ways, bit-exact always.
//!
//! Layout in `docs/format/segment.md`. Integer streams with a frame of reference, patched exceptions and bit-packing
//! follow Lemire & Boytsov (2015) and ALP; what is coded is decimal mantissas or the floats' own bits.

pub mod decode;
pub mod encode;
pub mod ints;
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
/// Runs of states come first.
const HAS_STATES: u8 = 0x10;
/// Values that the mapping cannot say come behind the mapping byte.
const HAS_EXCEPTIONS: u8 = 0x20;
/// From here on the mapping byte says by how many zero bits the floats' bits were shifted.
const BITS_MAPPING: u8 = 64;

/// What a page with this first byte is coded with.
pub fn codec_name(first: u8) -> &'static str {
    match first & 0x0f {
        EMPTY => "empty",
        CONSTANT => "constant",
        SPARSE => "sparse",
        PACKED => "packed",
        RAW => "raw",
        _ => "unknown",
    }
}

/// Whether a page with this first byte says for each row what it holds; without, every row holds a value.
pub fn has_states(first: u8) -> bool {
    first & HAS_STATES != 0
}

#[cfg(test)]
mod tests;
