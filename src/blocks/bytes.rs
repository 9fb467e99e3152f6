//! Numbers as Prometheus's files spell them: big-endian words, and Go's varints (base 128, low bits first, zigzag for signed ones).

use super::error::{Damaged, Decoded};

/// Takes values off the front of a slice, and knows where it is.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub fn damaged<T>(&self, what: &'static str) -> Decoded<T> {
        Err(Damaged::new(self.at, what))
    }

    #[inline]
    pub fn bytes(&mut self, count: usize) -> Decoded<&'a [u8]> {
        match self.bytes[self.at..].get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => self.damaged("it ends too early"),
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        match self.bytes[self.at..].first_chunk::<N>() {
            Some(taken) => {
                self.at += N;
                Ok(*taken)
            }
            None => self.damaged("it ends too early"),
        }
    }

    #[inline]
    pub fn u8(&mut self) -> Decoded<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Decoded<u32> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    #[inline]
    pub fn u64(&mut self) -> Decoded<u64> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Decoded<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub fn f64(&mut self) -> Decoded<f64> {
        Ok(f64::from_bits(self.u64()?))
    }

    #[inline]
    pub fn uvarint(&mut self) -> Decoded<u64> {
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.u8()?;
            if shift == 63 && byte > 1 {
                return self.damaged("a varint is too long");
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return self.damaged("a varint is too long");
            }
        }
    }

    #[inline]
    pub fn varint(&mut self) -> Decoded<i64> {
        let value = self.uvarint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub fn uvarint32(&mut self) -> Decoded<u32> {
        let value = self.uvarint()?;
        u32::try_from(value).or_else(|_| self.damaged("a number is too large"))
    }

    pub fn varint32(&mut self) -> Decoded<i32> {
        let value = self.varint()?;
        i32::try_from(value).or_else(|_| self.damaged("a number is too large"))
    }

    /// A count of things that take at least `each` bytes, so that no count makes us allocate more than the input could hold.
    pub fn count(&mut self, each: usize) -> Decoded<usize> {
        let count = self.uvarint()?;
        match usize::try_from(count) {
            Ok(count) if count.saturating_mul(each) <= self.left() => Ok(count),
            _ => self.damaged("a count is larger than what follows"),
        }
    }

    pub fn text(&mut self) -> Decoded<&'a str> {
        let length = self.count(1)?;
        let start = self.at;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| Damaged::new(start, "a text is not UTF-8"))
    }
}

pub fn put_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn put_varint(out: &mut Vec<u8>, value: i64) {
    put_uvarint(out, ((value << 1) ^ (value >> 63)) as u64);
}

pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_uvarint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// The checksum of all these formats (CRC-32C), big-endian.
pub fn put_sum(out: &mut Vec<u8>, of: &[u8]) {
    out.extend_from_slice(&crc32c::crc32c(of).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_bad_ones_say_where() {
        let mut out = Vec::new();
        let signed = [0, -1, 1, i64::MIN, i64::MAX, -64, 64];
        signed.iter().for_each(|value| put_varint(&mut out, *value));
        put_text(&mut out, "text");
        let mut reader = Reader::new(&out);
        for value in signed {
            assert_eq!(reader.varint(), Ok(value));
        }
        assert_eq!((reader.text(), reader.is_empty()), (Ok("text"), true));
        assert_eq!(Reader::new(&[0x80; 12]).uvarint().map_err(|e| e.what), Err("a varint is too long"));
        assert_eq!(Reader::new(&[1, 0xff]).text().map_err(|e| e.at), Err(1));
        assert!(Reader::new(&[200, 1, b'a']).count(1).is_err());
    }
}
