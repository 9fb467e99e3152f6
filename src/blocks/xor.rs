//! Chunks of floats: delta-of-delta times and XORed values (Pelkonen et al., "Gorilla", VLDB 2015, with Prometheus's widths).

use super::bits::{BitReader, BitWriter, fits, signed};
use super::error::{Damaged, Decoded};
use super::samples::Samples;

/// Widths of a difference of time differences, after the prefixes 10, 110, 1110 and 1111; a single 0 says none.
const TIME_WIDTHS: [u32; 5] = [0, 14, 17, 20, 64];

/// A value that is coded by what differs from the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Xored {
    pub bits: u64,
    leading: u32,
    trailing: u32,
    /// The writer has no window of bits yet.
    is_open: bool,
}

impl Xored {
    pub fn new(value: f64) -> Self {
        Self { bits: value.to_bits(), leading: 0, trailing: 0, is_open: true }
    }

    pub fn value(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    #[inline]
    pub fn read(&mut self, bits: &mut BitReader<'_>) -> Decoded<()> {
        if !bits.bit()? {
            return Ok(());
        }
        if bits.bit()? {
            let leading = bits.read(5)? as u32;
            let width = match bits.read(6)? as u32 {
                0 => 64,
                width => width,
            };
            if leading + width > 64 {
                return Err(bits.damaged("a value of more than 64 bits"));
            }
            (self.leading, self.trailing) = (leading, 64 - leading - width);
        }
        self.bits ^= bits.read(64 - self.leading - self.trailing)? << self.trailing;
        Ok(())
    }

    pub fn write(&mut self, value: f64, out: &mut BitWriter) {
        let difference = self.bits ^ value.to_bits();
        self.bits = value.to_bits();
        if difference == 0 {
            return out.write(0, 1);
        }
        let (leading, trailing) = (difference.leading_zeros().min(31), difference.trailing_zeros());
        if !self.is_open && leading >= self.leading && trailing >= self.trailing {
            out.write(0b10, 2);
        } else {
            (self.leading, self.trailing, self.is_open) = (leading, trailing, false);
            let width = 64 - leading - trailing;
            out.write(0b11, 2);
            out.write(u64::from(leading), 5);
            out.write(u64::from(width & 63), 6);
        }
        out.write(difference >> self.trailing, 64 - self.leading - self.trailing);
    }
}

/// The samples of a chunk's data. They are appended to what is there.
pub fn decode(data: &[u8], into: &mut Samples) -> Decoded<()> {
    let Some((head, stream)) = data.split_first_chunk::<2>() else { return Err(Damaged::new(0, "a chunk without a count")) };
    let behind_head = |error: Damaged| Damaged::new(error.at + 2, error.what);
    decode_stream(u16::from_be_bytes(*head), &mut BitReader::new(stream), into).map_err(behind_head)
}

fn decode_stream(count: u16, bits: &mut BitReader<'_>, into: &mut Samples) -> Decoded<()> {
    if count == 0 {
        return Ok(());
    }
    let mut at = bits.varint()?;
    let mut value = Xored::new(bits.f64()?);
    into.push(at, value.value());
    let mut step = 0i64;
    for number in 1..count {
        if number == 1 {
            step = bits.uvarint()? as i64;
        } else {
            let width = TIME_WIDTHS[bits.ones(4)?];
            step = step.wrapping_add(signed(bits.read(width)?, width));
        }
        value.read(bits)?;
        if step <= 0 || at.checked_add(step).is_none() {
            return Err(bits.damaged("times do not increase"));
        }
        at += step;
        into.push(at, value.value());
    }
    Ok(())
}

/// A chunk of floats that grows.
#[derive(Clone, Debug)]
pub struct XorWriter {
    out: BitWriter,
    pub count: u16,
    pub min_time: i64,
    pub max_time: i64,
    step: i64,
    value: Xored,
}

impl XorWriter {
    pub fn new(at: i64, value: f64) -> Self {
        let mut out = BitWriter::default();
        out.varint(at);
        out.write(value.to_bits(), 64);
        Self { out, count: 1, min_time: at, max_time: at, step: 0, value: Xored::new(value) }
    }

    /// The time must be later than the one before.
    pub fn push(&mut self, at: i64, value: f64) {
        let step = at.wrapping_sub(self.max_time);
        if self.count == 1 {
            self.out.uvarint(step as u64);
        } else {
            let change = step.wrapping_sub(self.step);
            let place = if change == 0 { 0 } else { (1..5).find(|place| fits(change, TIME_WIDTHS[*place])).unwrap_or(4) };
            match place {
                4 => self.out.write(0b1111, 4),
                _ => self.out.write((1 << (place + 1)) - 2, place as u32 + 1),
            }
            self.out.write(change as u64, TIME_WIDTHS[place]);
        }
        self.value.write(value, &mut self.out);
        (self.step, self.max_time) = (step, at);
        self.count += 1;
    }

    /// The chunk's data.
    pub fn finish(&self) -> Vec<u8> {
        let mut data = self.count.to_be_bytes().to_vec();
        data.extend_from_slice(&self.out.bytes);
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::STALE_NAN;

    #[test]
    fn floats_come_back_to_the_bit() {
        let odd = [1.0, 1.0, -0.0, f64::NAN, STALE_NAN, f64::INFINITY, 5e-324, 1.7e308, 0.1, 0.1 + 0.2, 12345.678, 0.0];
        let mut expected = Samples::default();
        let mut at = -1_000_000;
        for (number, step) in
            [1i64, 15_000, 15_000, 15_001, 8_192, 70_000, 70_000, 700_000, 1 << 40, 3].iter().cycle().take(300).enumerate()
        {
            at += step;
            expected.push(at, odd[number % odd.len()] * if number % 7 == 0 { 3.0 } else { 1.0 });
        }
        let mut writer = XorWriter::new(expected.times[0], expected.floats[0]);
        (1..300).for_each(|row| writer.push(expected.times[row], expected.floats[row]));
        let data = writer.finish();
        let mut read = Samples::default();
        decode(&data, &mut read).expect("what was written");
        assert_eq!(read.times, expected.times);
        let bits = |s: &Samples| s.floats.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read), bits(&expected));
        for cut in 0..data.len() {
            assert!(decode(&data[..cut], &mut Samples::default()).is_err(), "cut at {cut}");
        }
    }

    /// The first two samples of a chunk as Prometheus 3.5.3 writes them: 1 at time 0, 1 at time 15000.
    #[test]
    fn the_bytes_are_prometheus_bytes() {
        let mut writer = XorWriter::new(0, 1.0);
        writer.push(15_000, 1.0);
        assert_eq!(writer.finish(), [0, 2, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0x98, 0x75, 0]);
    }
}
