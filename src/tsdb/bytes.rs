//! Little-endian numbers, varints and texts: how every file of the store is spelled.

use std::fmt;

/// Bytes that do not say what they should; the text says where in the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged(pub &'static str);

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "damaged data: {}", self.0)
    }
}

pub type Decoded<T> = Result<T, Damaged>;

/// Seven bits a byte, low bits first, the high bit says that more follow (LEB128).
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Small magnitudes of either sign become small numbers.
#[inline]
pub fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[inline]
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, zigzag(value));
}

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// How many bytes a varint takes.
#[inline]
pub fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// Takes values off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub fn bytes(&mut self, count: usize) -> Decoded<&'a [u8]> {
        if count > self.rest.len() {
            return Err(Damaged("it ends too early"));
        }
        let (taken, rest) = self.rest.split_at(count);
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Damaged("it ends too early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    pub fn u8(&mut self) -> Decoded<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u16(&mut self) -> Decoded<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Decoded<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Decoded<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Decoded<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    #[inline]
    pub fn varint(&mut self) -> Decoded<u64> {
        let (mut value, mut shift) = (0u64, 0u32);
        for (at, byte) in self.rest.iter().enumerate() {
            if shift == 63 && *byte > 1 {
                return Err(Damaged("a varint is too long"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return Err(Damaged("a varint is too long"));
            }
        }
        Err(Damaged("a varint has no end"))
    }

    #[inline]
    pub fn signed(&mut self) -> Decoded<i64> {
        Ok(unzigzag(self.varint()?))
    }

    /// A count of things that take at least `each` bytes, so that no count makes us allocate more than the input could hold.
    pub fn count(&mut self, each: usize) -> Decoded<usize> {
        let count = self.varint()?;
        match usize::try_from(count) {
            Ok(count) if count.saturating_mul(each) <= self.rest.len() => Ok(count),
            _ => Err(Damaged("a count is larger than what follows")),
        }
    }

    /// A number that must fit in 32 bits.
    pub fn varint32(&mut self) -> Decoded<u32> {
        u32::try_from(self.varint()?).map_err(|_| Damaged("a number is too large"))
    }

    pub fn text(&mut self) -> Decoded<&'a str> {
        let length = self.count(1)?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Damaged("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let mut out = Vec::new();
        let values = [0, 1, 127, 128, 300, u64::MAX, 1 << 63, (1 << 63) - 1];
        for value in values {
            let before = out.len();
            put_varint(&mut out, value);
            assert_eq!(out.len() - before, varint_len(value), "{value}");
        }
        let signed = [0, -1, 1, i64::MIN, i64::MAX, -64, 64];
        for value in signed {
            put_signed(&mut out, value);
        }
        let mut reader = Reader::new(&out);
        for value in values {
            assert_eq!(reader.varint(), Ok(value));
        }
        for value in signed {
            assert_eq!(reader.signed(), Ok(value));
        }
        assert!(reader.is_empty());
    }

    #[test]
    fn bad_bytes_are_errors() {
        assert!(Reader::new(&[0x80; 11]).varint().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).varint().is_err());
        assert!(Reader::new(&[0x80]).varint().is_err());
        assert!(Reader::new(&[200, 1, b'a']).text().is_err());
        assert!(Reader::new(&[2, 0xff, 0xff]).text().is_err());
    }
}
