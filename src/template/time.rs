//! Points in time as Go's templates know them: formatting by a reference layout, and the printing of durations.

use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use crate::model::TimestampMs;

/// Go's zero time, 0001-01-01T00:00:00Z, in Unix seconds.
const ZERO_SECONDS: i64 = -62_135_596_800;
/// How Go prints a time by default.
const DEFAULT_LAYOUT: &str = "2006-01-02 15:04:05.999999999 -0700 MST";
const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A moment and the zone it is shown in.
#[derive(Clone, Debug)]
pub struct Time {
    pub at: jiff::Timestamp,
    pub zone: TimeZone,
}

/// A part of a layout that stands for a part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    ShortMonth,
    Month { zero: bool },
    LongDay,
    ShortDay,
    Day { pad: Option<char> },
    YearDay { pad: char },
    Hour24,
    Hour12 { zero: bool },
    Minute { zero: bool },
    Second { zero: bool },
    LongYear,
    ShortYear,
    HalfDay { upper: bool },
    ZoneName,
    Offset { z: bool, colon: bool, minutes: bool, seconds: bool },
    Fraction { mark: char, digits: usize, trims: bool },
}

impl Time {
    pub fn utc(at: TimestampMs) -> Self {
        let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX });
        Self { at, zone: TimeZone::UTC }
    }

    pub fn from_nanos(nanos: i128) -> Option<Self> {
        Some(Self { at: jiff::Timestamp::from_nanosecond(nanos).ok()?, zone: TimeZone::UTC })
    }

    pub fn zero() -> Self {
        Self { at: jiff::Timestamp::from_second(ZERO_SECONDS).unwrap_or(jiff::Timestamp::MIN), zone: TimeZone::UTC }
    }

    pub fn is_zero(&self) -> bool {
        self.at.as_nanosecond() == i128::from(ZERO_SECONDS) * 1_000_000_000
    }

    pub fn in_zone(&self, zone: TimeZone) -> Self {
        Self { at: self.at, zone }
    }

    pub fn civil(&self) -> civil::DateTime {
        self.zone.to_datetime(self.at)
    }

    pub fn offset(&self) -> Offset {
        self.zone.to_offset(self.at)
    }

    pub fn zone_name(&self) -> String {
        self.zone.to_offset_info(self.at).abbreviation().to_owned()
    }

    /// Nanoseconds since the epoch.
    pub fn nanos(&self) -> i128 {
        self.at.as_nanosecond()
    }

    /// Later by so many nanoseconds; stays within the years -9999 to 9999.
    pub fn plus(&self, nanos: i64) -> Self {
        let limit = if nanos < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        let at = jiff::Timestamp::from_nanosecond(self.nanos() + i128::from(nanos)).unwrap_or(limit);
        Self { at, zone: self.zone.clone() }
    }

    /// By Go's reference time, Mon Jan 2 15:04:05 MST 2006.
    pub fn format(&self, layout: &str) -> String {
        let (now, mut out, mut rest) = (self.civil(), String::new(), layout);
        while let Some((before, part, after)) = next_part(rest) {
            out.push_str(before);
            self.write(part, now, &mut out);
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn write(&self, part: Part, now: civil::DateTime, out: &mut String) {
        let padded = |value: i64, zero: bool| if zero { format!("{value:02}") } else { value.to_string() };
        let hour12 = i64::from((now.hour() + 11) % 12 + 1);
        let text = match part {
            Part::LongMonth => month_name(now.month()).to_owned(),
            Part::ShortMonth => month_name(now.month())[..3].to_owned(),
            Part::Month { zero } => padded(now.month().into(), zero),
            Part::LongDay => weekday_name(now.weekday()).to_owned(),
            Part::ShortDay => weekday_name(now.weekday())[..3].to_owned(),
            Part::Day { pad: None } => now.day().to_string(),
            Part::Day { pad: Some('0') } => format!("{:02}", now.day()),
            Part::Day { .. } => format!("{:2}", now.day()),
            Part::YearDay { pad: '0' } => format!("{:03}", now.day_of_year()),
            Part::YearDay { .. } => format!("{:3}", now.day_of_year()),
            Part::Hour24 => format!("{:02}", now.hour()),
            Part::Hour12 { zero } => padded(hour12, zero),
            Part::Minute { zero } => padded(now.minute().into(), zero),
            Part::Second { zero } => padded(now.second().into(), zero),
            Part::LongYear => format!("{:04}", now.year()),
            Part::ShortYear => format!("{:02}", now.year().rem_euclid(100)),
            Part::HalfDay { upper: true } => if now.hour() >= 12 { "PM" } else { "AM" }.to_owned(),
            Part::HalfDay { upper: false } => if now.hour() >= 12 { "pm" } else { "am" }.to_owned(),
            Part::ZoneName => self.zone_name(),
            Part::Offset { z, colon, minutes, seconds } => offset_text(self.offset().seconds(), z, colon, minutes, seconds),
            Part::Fraction { mark, digits, trims } => fraction(now.subsec_nanosecond().unsigned_abs(), mark, digits, trims),
        };
        out.push_str(&text);
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.format(DEFAULT_LAYOUT))
    }
}

/// January is 1.
pub fn month_name(month: i8) -> &'static str {
    MONTHS[(i32::from(month) - 1).rem_euclid(12) as usize]
}

pub fn weekday_name(day: civil::Weekday) -> &'static str {
    DAYS[day.to_sunday_zero_offset() as usize % 7]
}

fn offset_text(total: i32, z: bool, colon: bool, minutes: bool, seconds: bool) -> String {
    if z && total == 0 {
        return "Z".to_owned();
    }
    let (sign, size) = (if total < 0 { '-' } else { '+' }, total.abs());
    let mark = if colon { ":" } else { "" };
    let mut out = format!("{sign}{:02}", size / 3600);
    if minutes {
        out.push_str(&format!("{mark}{:02}", size / 60 % 60));
    }
    if seconds {
        out.push_str(&format!("{mark}{:02}", size % 60));
    }
    out
}

fn fraction(nanos: u32, mark: char, digits: usize, trims: bool) -> String {
    let all = format!("{nanos:09}");
    let shown = &all[..digits.min(9)];
    let shown = if trims { shown.trim_end_matches('0') } else { shown };
    if shown.is_empty() { String::new() } else { format!("{mark}{shown}") }
}

/// The next part of a layout: what is before it, the part, what is behind it.
pub(super) fn next_part(layout: &str) -> Option<(&str, Part, &str)> {
    for (at, _) in layout.char_indices() {
        if let Some((skip, length, part)) = part_at(&layout[at..]) {
            return Some((&layout[..at + skip], part, &layout[at + skip + length..]));
        }
    }
    None
}

/// Bytes to leave as they are, bytes of the part, the part.
fn part_at(text: &str) -> Option<(usize, usize, Part)> {
    let lower_at = |at: usize| text[at..].starts_with(|c: char| c.is_ascii_lowercase());
    let table =
        |entries: &[(&str, Part)]| entries.iter().find(|(word, _)| text.starts_with(word)).map(|(word, part)| (0, word.len(), *part));
    match text.as_bytes().first()? {
        b'J' if text.starts_with("January") => Some((0, 7, Part::LongMonth)),
        b'J' if text.starts_with("Jan") && !lower_at(3) => Some((0, 3, Part::ShortMonth)),
        b'M' if text.starts_with("Monday") => Some((0, 6, Part::LongDay)),
        b'M' if text.starts_with("Mon") && !lower_at(3) => Some((0, 3, Part::ShortDay)),
        b'M' => table(&[("MST", Part::ZoneName)]),
        b'0' => table(&[
            ("002", Part::YearDay { pad: '0' }),
            ("01", Part::Month { zero: true }),
            ("02", Part::Day { pad: Some('0') }),
            ("03", Part::Hour12 { zero: true }),
            ("04", Part::Minute { zero: true }),
            ("05", Part::Second { zero: true }),
            ("06", Part::ShortYear),
        ]),
        b'1' => table(&[("15", Part::Hour24), ("1", Part::Month { zero: false })]),
        b'2' => table(&[("2006", Part::LongYear), ("2", Part::Day { pad: None })]),
        b'_' if text.starts_with("_2006") => Some((1, 4, Part::LongYear)),
        b'_' => table(&[("__2", Part::YearDay { pad: ' ' }), ("_2", Part::Day { pad: Some(' ') })]),
        b'3' => Some((0, 1, Part::Hour12 { zero: false })),
        b'4' => Some((0, 1, Part::Minute { zero: false })),
        b'5' => Some((0, 1, Part::Second { zero: false })),
        b'P' => table(&[("PM", Part::HalfDay { upper: true })]),
        b'p' => table(&[("pm", Part::HalfDay { upper: false })]),
        b'-' | b'Z' => zone_at(text),
        b'.' | b',' => fraction_at(text),
        _ => None,
    }
}

fn zone_at(text: &str) -> Option<(usize, usize, Part)> {
    let z = text.starts_with('Z');
    let forms = [
        ("070000", false, true, true),
        ("07:00:00", true, true, true),
        ("0700", false, true, false),
        ("07:00", true, true, false),
        ("07", false, false, false),
    ];
    let (form, colon, minutes, seconds) = forms.into_iter().find(|(form, ..)| text[1..].starts_with(form))?;
    Some((0, 1 + form.len(), Part::Offset { z, colon, minutes, seconds }))
}

fn fraction_at(text: &str) -> Option<(usize, usize, Part)> {
    let bytes = text.as_bytes();
    let digit = *bytes.get(1).filter(|b| matches!(b, b'0' | b'9'))?;
    let digits = bytes[1..].iter().take_while(|b| **b == digit).count();
    if bytes.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((0, 1 + digits, Part::Fraction { mark: bytes[0] as char, digits, trims: digit == b'9' }))
}

/// Go's `time.Duration.String()`: `1h0m1.5s`, `2ms`, `0s`.
pub fn duration_text(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let size = nanos.unsigned_abs();
    let decimals = |value: u64, unit: u64| {
        let digits = unit.ilog10() as usize;
        let text = format!("{}.{:0digits$}", value / unit, value % unit);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match size {
        0..1_000 => format!("{sign}{size}ns"),
        1_000..1_000_000 => format!("{sign}{}\u{b5}s", decimals(size, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimals(size, 1_000_000)),
        _ => {
            let minutes = size / 60_000_000_000;
            let seconds = decimals(size % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, m) => format!("{sign}{m}m{seconds}s"),
                (h, m) => format!("{sign}{h}h{m}m{seconds}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Vectors made with Go's time package.
    #[test]
    fn formats_by_layout() {
        let time = Time::utc(TimestampMs(1_704_164_645_120));
        for (layout, text) in [
            ("2006-01-02T15:04:05.999999999Z07:00", "2024-01-02T03:04:05.12Z"),
            ("Mon, 02 Jan 2006 15:04:05 MST", "Tue, 02 Jan 2024 03:04:05 UTC"),
            ("3:04PM _2 Monday January .000 002 06 __2", "3:04AM  2 Tuesday January .120 002 24   2"),
            ("-0700 -07:00 -07 Janet 1/2 5.000000", "+0000 +00:00 +00 Janet 1/2 5.120000"),
        ] {
            assert_eq!(time.format(layout), text, "{layout}");
        }
        assert_eq!(Time::zero().to_string(), "0001-01-01 00:00:00 +0000 UTC");
    }

    #[test]
    fn prints_durations() {
        for (nanos, text) in
            [(0, "0s"), (1, "1ns"), (1_500, "1.5\u{b5}s"), (2_000_000, "2ms"), (90_000_000_000, "1m30s"), (-3_600_500_000_000, "-1h0m0.5s")]
        {
            assert_eq!(duration_text(nanos), text);
        }
    }
}
