//! Writes JSON straight into the body, byte for byte as Prometheus does: no tree in between.

use crate::model::{Labels, TimestampMs};

/// A JSON object under construction; `close` writes the brace.
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes the name; the caller writes the value. The name must need no escaping.
    pub fn key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// As `key`, for a name that comes from outside.
    pub fn any_key(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        text(self.out, name);
        self.out.push(b':');
        self.out
    }

    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        text(self.key(name), value);
        self
    }

    pub fn integer(&mut self, name: &str, value: i64) -> &mut Self {
        integer(self.key(name), value);
        self
    }

    pub fn float(&mut self, name: &str, value: f64) -> &mut Self {
        float(self.key(name), value);
        self
    }

    pub fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// Writes `value` as it is.
    pub fn raw(&mut self, name: &str, value: &str) -> &mut Self {
        self.key(name).extend_from_slice(value.as_bytes());
        self
    }

    pub fn labels(&mut self, name: &str, value: &Labels) -> &mut Self {
        labels(self.key(name), value);
        self
    }

    pub fn list<T>(&mut self, name: &str, items: impl IntoIterator<Item = T>, write: impl FnMut(&mut Vec<u8>, T)) -> &mut Self {
        list(self.key(name), items, write);
        self
    }

    pub fn close(self) {
        self.out.push(b'}');
    }
}

/// A JSON array of whatever `write` puts down for each item.
pub fn list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// A string in which `<`, `>` and `&` are escaped too, as Go's encoder does.
pub fn text(out: &mut Vec<u8>, value: &str) {
    escape(out, value, true);
}

/// A string as Prometheus's own stream writer puts down label names and values.
pub fn plain_text(out: &mut Vec<u8>, value: &str) {
    escape(out, value, false);
}

fn escape(out: &mut Vec<u8>, value: &str, html: bool) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = value.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().copied().enumerate() {
        let plain = byte >= 0x20 && byte != b'"' && byte != b'\\' && !(html && matches!(byte, b'<' | b'>' | b'&'));
        // U+2028 and U+2029 end a line in JavaScript: Go's encoder escapes them.
        let separator = html && byte == 0xe2 && matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xa8 | 0xa9]));
        if plain && !separator {
            continue;
        }
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0xe2 => {
                out.extend_from_slice(if bytes[at + 2] == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                from = at + 3;
            }
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
        }
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

pub fn integer(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A number as Go's encoder writes a float64: fixed notation, an exponent below 1e-6 and from 1e21 on (`1e-7`, not `1e-07`).
pub fn float(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-6..1e21).contains(&size) {
        let printed = format!("{value:e}");
        let (digits, exponent) = printed.split_once('e').unwrap_or((&printed, "0"));
        let sign = if exponent.starts_with('-') { "" } else { "+" };
        out.extend_from_slice(format!("{digits}e{sign}{exponent}").as_bytes());
    } else if value.is_finite() {
        out.extend_from_slice(crate::model::number::format_fixed(value).as_bytes());
    } else {
        out.push(b'0');
    }
}

/// `{"a":"b",…}`, names in order.
pub fn labels(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    for (at, (name, value)) in labels.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        plain_text(out, name);
        out.push(b':');
        plain_text(out, value);
    }
    out.push(b'}');
}

/// Unix seconds; three decimals where the milliseconds are not zero.
pub fn seconds(out: &mut Vec<u8>, at: TimestampMs) {
    if at.0 < 0 {
        out.push(b'-');
    }
    let ms = at.0.unsigned_abs();
    let mut buffer = itoa::Buffer::new();
    out.extend_from_slice(buffer.format(ms / 1000).as_bytes());
    let rest = (ms % 1000) as u32;
    if rest > 0 {
        let digit = |n: u32| b'0' + (n % 10) as u8;
        out.extend_from_slice(&[b'.', digit(rest / 100), digit(rest / 10), digit(rest)]);
    }
}

/// A sample's value as a JSON string.
pub fn sample_value(out: &mut Vec<u8>, value: f64) {
    out.push(b'"');
    push_sample(out, value);
    out.push(b'"');
}

/// The same text as `model::number::format_sample`, without allocating.
pub fn push_sample(out: &mut Vec<u8>, value: f64) {
    const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;
    if value.abs() < EXACT_INTEGERS && (value as i64) as f64 == value {
        if value == 0.0 && value.is_sign_negative() {
            out.push(b'-');
        }
        return integer(out, value as i64);
    }
    if !value.is_finite() {
        let word: &[u8] = if value.is_nan() {
            b"NaN"
        } else if value > 0.0 {
            b"+Inf"
        } else {
            b"-Inf"
        };
        return out.extend_from_slice(word);
    }
    // in between the crate's shortest digits stand without an exponent, as Go's do; outside the two part ways
    if (1e-4..1e15).contains(&value.abs()) {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(crate::model::number::format_sample(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::number::format_sample;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn strings_escape_as_go_does() {
        let all = "a<b>&\"c\\\n\u{1}\u{e9}\u{2028}";
        assert_eq!(written(|out| text(out, all)), "\"a\\u003cb\\u003e\\u0026\\\"c\\\\\\n\\u0001\u{e9}\\u2028\"");
        assert_eq!(written(|out| plain_text(out, all)), "\"a<b>&\\\"c\\\\\\n\\u0001\u{e9}\u{2028}\"");
    }

    #[test]
    fn times_have_three_decimals_or_none() {
        for (ms, printed) in
            [(1_435_781_430_781, "1435781430.781"), (5000, "5"), (5010, "5.010"), (-1, "-0.001"), (-62_135_596_800_000, "-62135596800")]
        {
            assert_eq!(written(|out| seconds(out, TimestampMs(ms))), printed);
        }
    }

    #[test]
    fn numbers_print_as_go_does() {
        for (value, printed) in [(0.000065027, "0.000065027"), (0.0, "0"), (1e-7, "1e-7"), (1e21, "1e+21"), (2.0, "2")] {
            assert_eq!(written(|out| float(out, value)), printed);
        }
    }

    proptest! {
        #[test]
        fn the_fast_writer_agrees_with_the_plain_one(bits in any::<u64>(), small in any::<i32>(), shift in 0i32..40) {
            for value in [f64::from_bits(bits), f64::from(small), f64::from(small) / f64::powi(10.0, shift), f64::from(small) * f64::powi(10.0, shift)] {
                prop_assert_eq!(written(|out| push_sample(out, value)), format_sample(value));
            }
        }
    }
}
