//! Reads protobuf's wire format (the public encoding rules) without copying: field after field of one message.

/// What is wrong with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A field goes on behind the end of its message.
    Truncated,
    /// A number of more than ten bytes.
    Varint,
    /// A wire type that is not in use, or a field number of zero.
    Tag,
    /// A field has another wire type than its message says.
    Type,
}

impl Malformed {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "unexpected EOF",
            Self::Varint => "proto: integer overflow",
            Self::Tag => "proto: illegal tag or wire type",
            Self::Type => "proto: wrong wire type for a field",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Field<'a> {
    pub fn bytes(self) -> Result<&'a [u8], Malformed> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed::Type) }
    }

    pub fn varint(self) -> Result<u64, Malformed> {
        if let Self::Varint(value) = self { Ok(value) } else { Err(Malformed::Type) }
    }

    pub fn double(self) -> Result<f64, Malformed> {
        if let Self::Fixed64(bits) = self { Ok(f64::from_bits(bits)) } else { Err(Malformed::Type) }
    }

    /// Zigzag numbers (`sint32`, `sint64`).
    pub fn zigzag(self) -> Result<i64, Malformed> {
        self.varint().map(unzigzag)
    }
}

pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// The rest of a message.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next field's number and value; none at the end.
    #[inline]
    pub fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed::Tag)?;
        if number == 0 {
            return Err(Malformed::Tag);
        }
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
                Field::Bytes(self.take(length)?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(Malformed::Tag),
        };
        Ok(Some((number, field)))
    }

    #[inline]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        if let Some((&first, rest)) = self.rest.split_first()
            && first < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (at, byte) in self.rest.iter().copied().enumerate().take(10) {
            if at == 9 && byte > 1 {
                return Err(Malformed::Varint);
            }
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.rest = &self.rest[at + 1..];
                return Ok(value);
            }
        }
        Err(if self.rest.len() < 10 { Malformed::Truncated } else { Malformed::Varint })
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_wire_type_and_refuses_the_rest() {
        let message = [0x08, 0x96, 0x01, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x1a, 1, b'x', 0x25, 1, 0, 0, 0];
        let mut reader = Reader::new(&message);
        assert_eq!(reader.next(), Ok(Some((1, Field::Varint(150)))));
        assert_eq!(reader.next().unwrap().unwrap().1.double(), Ok(1.0));
        assert_eq!(reader.next(), Ok(Some((3, Field::Bytes(b"x")))));
        assert_eq!(reader.next(), Ok(Some((4, Field::Fixed32(1)))));
        assert_eq!(reader.next(), Ok(None));
        for (bad, why) in [
            (&[0xff, 0xff][..], Malformed::Truncated),
            (&[0x0a, 5, 1], Malformed::Truncated),
            (&[0x0b], Malformed::Tag),
            (&[0x00, 0], Malformed::Tag),
            (&[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2], Malformed::Varint),
            (&[0x09, 1, 2], Malformed::Truncated),
        ] {
            assert_eq!(Reader::new(bad).next(), Err(why), "{bad:?}");
        }
        assert_eq!(Reader::new(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]).varint(), Ok(u64::MAX));
        assert_eq!((unzigzag(0), unzigzag(1), unzigzag(2), unzigzag(u64::MAX)), (0, -1, 1, i64::MIN));
    }
}
