//! Spans of time in milliseconds, with Prometheus's notation (`1h30m`, `15s`, `250ms`).

use std::fmt;

/// A length of time in milliseconds; negative where an offset may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationMs(pub i64);

const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl DurationMs {
    pub const ZERO: Self = Self(0);

    pub fn seconds(seconds: i64) -> Self {
        Self(seconds * 1000)
    }

    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// As a `std` duration; a negative length becomes zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.max(0) as u64)
    }

    /// Reads Prometheus's notation: units from large to small, each at most once, no decimals; `0` alone is allowed.
    ///
    /// The error is Prometheus's own sentence.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("not a valid duration string: {}", super::number::quote(text));
        match text {
            "" => return Err("empty duration string".to_owned()),
            "0" => return Ok(Self(0)),
            _ => {}
        }
        let (mut rest, mut total, mut next_unit) = (text, 0i64, 0usize);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let (number, unit) = (&rest[..digits], &rest[digits..digits + letters]);
            let foreign = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(&rest[digits..], |end| &rest[digits..digits + end]);
            if digits == 0 || foreign.is_empty() {
                return Err(invalid());
            }
            let unknown = || format!("unknown unit {} in duration {}", super::number::quote(foreign), super::number::quote(text));
            let at = UNITS.iter().position(|(name, _)| *name == unit && foreign == unit).ok_or_else(unknown)?;
            if at < next_unit {
                return Err(invalid());
            }
            let out_of_range = || "duration out of range".to_owned();
            let count: i64 = number.parse().map_err(|_| out_of_range())?;
            total = count.checked_mul(UNITS[at].1).and_then(|ms| total.checked_add(ms)).ok_or_else(out_of_range)?;
            next_unit = at + 1;
            rest = &rest[digits + letters..];
        }
        // Go keeps a duration in nanoseconds: the same bound holds here.
        if total > i64::MAX / 1_000_000 {
            return Err("duration out of range".to_owned());
        }
        Ok(Self(total))
    }
}

impl fmt::Display for DurationMs {
    /// Prometheus's shortest notation: years and weeks only where they divide the rest evenly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs() as i64;
        for (unit, length) in UNITS {
            let exact_only = matches!(unit, "y" | "w");
            if rest >= length && (!exact_only || rest % length == 0) {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints_prometheus_notation() {
        for (text, ms) in [("1h30m", 5_400_000), ("15s", 15_000), ("250ms", 250), ("2d", 172_800_000), ("1w", 604_800_000), ("0", 0)] {
            assert_eq!(DurationMs::parse(text), Ok(DurationMs(ms)), "{text}");
        }
        for bad in ["", "1", "1.5h", "10x", "1m1h", "h", "1h1h", "-1s"] {
            assert!(DurationMs::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(DurationMs::parse("10x"), Err("unknown unit \"x\" in duration \"10x\"".to_owned()));
        assert_eq!(DurationMs::parse("1m1h"), Err("not a valid duration string: \"1m1h\"".to_owned()));
        for (ms, text) in
            [(5_400_000, "1h30m"), (86_400_000, "1d"), (90_000_000, "1d1h"), (691_200_000, "8d"), (1_500, "1s500ms"), (0, "0s")]
        {
            assert_eq!(DurationMs(ms).to_string(), text);
        }
    }
}
