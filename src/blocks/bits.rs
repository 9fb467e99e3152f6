//! Streams of bits, high bits first, and the variable widths that chunks are made of.

use super::error::{Damaged, Decoded};

/// Widths of a varbit number: the prefix has one 1 for each place, then a 0 (the last two prefixes are eight bits long).
const WIDTHS: [u32; 9] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

pub struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next byte that is not in `held`.
    next: usize,
    /// Bits read ahead, from the top.
    held: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0, held: 0, count: 0 }
    }

    /// Bytes from the start to the current bit.
    pub fn at(&self) -> usize {
        self.next - (self.count / 8) as usize
    }

    pub fn left(&self) -> usize {
        (self.bytes.len() - self.next) * 8 + self.count as usize
    }

    pub fn damaged(&self, what: &'static str) -> Damaged {
        Damaged::new(self.at(), what)
    }

    fn fill(&mut self) {
        while self.count <= 56
            && let Some(byte) = self.bytes.get(self.next)
        {
            self.held |= u64::from(*byte) << (56 - self.count);
            self.count += 8;
            self.next += 1;
        }
    }

    /// Up to 64 bits as a number.
    #[inline]
    pub fn read(&mut self, bits: u32) -> Decoded<u64> {
        if bits > 56 {
            let high = self.read(bits - 32)?;
            return Ok(high << 32 | self.read(32)?);
        }
        if bits == 0 {
            return Ok(0);
        }
        if self.count < bits {
            self.fill();
            if self.count < bits {
                return Err(self.damaged("it ends too early"));
            }
        }
        let value = self.held >> (64 - bits);
        self.held <<= bits;
        self.count -= bits;
        Ok(value)
    }

    #[inline]
    pub fn bit(&mut self) -> Decoded<bool> {
        Ok(self.read(1)? == 1)
    }

    pub fn f64(&mut self) -> Decoded<f64> {
        Ok(f64::from_bits(self.read(64)?))
    }

    /// Go's uvarint at any bit.
    pub fn uvarint(&mut self) -> Decoded<u64> {
        let (mut value, mut shift) = (0u64, 0u32);
        while shift <= 63 {
            let byte = self.read(8)?;
            value |= (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
        Err(self.damaged("a varint is too long"))
    }

    pub fn varint(&mut self) -> Decoded<i64> {
        let value = self.uvarint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// How many ones there are before a zero, at most `max`.
    #[inline]
    pub fn ones(&mut self, max: usize) -> Decoded<usize> {
        let mut count = 0;
        while count < max && self.bit()? {
            count += 1;
        }
        Ok(count)
    }

    pub fn varbit_uint(&mut self) -> Decoded<u64> {
        let width = WIDTHS[self.ones(8)?];
        self.read(width)
    }

    pub fn varbit_int(&mut self) -> Decoded<i64> {
        let width = WIDTHS[self.ones(8)?];
        Ok(signed(self.read(width)?, width))
    }
}

/// A number of that many bits whose range goes from `-2^(n-1) + 1` to `2^(n-1)`.
pub fn signed(value: u64, bits: u32) -> i64 {
    if bits > 0 && bits < 64 && value > 1 << (bits - 1) { value as i64 - (1i64 << bits) } else { value as i64 }
}

/// Whether a number can be said in that many bits, as [`signed`] reads them.
pub fn fits(value: i64, bits: u32) -> bool {
    bits == 64 || (-((1i64 << (bits - 1)) - 1)..=1i64 << (bits - 1)).contains(&value)
}

#[derive(Clone, Debug, Default)]
pub struct BitWriter {
    pub bytes: Vec<u8>,
    /// Bits of the last byte that are still free.
    free: u32,
}

impl BitWriter {
    pub fn write(&mut self, value: u64, mut bits: u32) {
        while bits > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let taken = bits.min(self.free);
            let part = (value >> (bits - taken)) as u8 & (0xffu16 >> (8 - taken)) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << (self.free - taken);
            }
            self.free -= taken;
            bits -= taken;
        }
    }

    pub fn uvarint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.write(value & 0x7f | 0x80, 8);
            value >>= 7;
        }
        self.write(value, 8);
    }

    pub fn varint(&mut self, value: i64) {
        self.uvarint(((value << 1) ^ (value >> 63)) as u64);
    }

    fn prefix(&mut self, place: usize) {
        if place == 8 { self.write(0xff, 8) } else { self.write((1 << (place + 1)) - 2, place as u32 + 1) }
    }

    pub fn varbit_uint(&mut self, value: u64) {
        let place = WIDTHS.iter().position(|width| *width == 64 || value < 1 << *width).unwrap_or(8);
        self.prefix(place);
        self.write(value, WIDTHS[place]);
    }

    pub fn varbit_int(&mut self, value: i64) {
        let place = if value == 0 { 0 } else { (1..9).find(|place| fits(value, WIDTHS[*place])).unwrap_or(8) };
        self.prefix(place);
        self.write(value as u64, WIDTHS[place]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_comes_back() {
        let mut writer = BitWriter::default();
        let mut numbers = vec![0i64, 1, -1, i64::MIN, i64::MAX];
        for width in [2, 3, 5, 6, 8, 9, 11, 12, 17, 18, 24, 25, 55, 56, 62] {
            numbers.extend([(1 << width) - 1, 1 << width, (1 << width) + 1, -(1 << width), 1 - (1 << width)]);
        }
        writer.write(1, 1);
        for number in &numbers {
            writer.varbit_int(*number);
            writer.varbit_uint(*number as u64);
            writer.varint(*number);
        }
        let mut reader = BitReader::new(&writer.bytes);
        assert_eq!(reader.read(1), Ok(1));
        for number in &numbers {
            assert_eq!((reader.varbit_int(), reader.varbit_uint(), reader.varint()), (Ok(*number), Ok(*number as u64), Ok(*number)));
        }
        assert!(reader.left() < 8);
        assert!(reader.read(8).is_err());
    }
}
