//! Texts to times by a Go layout (`toDate`, `mustToDate`).

use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use super::time::{Part, Time, month_name, next_part, weekday_name};
use crate::model::number::quote;

struct Fields {
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanos: i32,
    half: Option<bool>,
    zone: Option<TimeZone>,
}

/// Reads a time; without a zone in the text it is in `local`. The error is Go's sentence.
pub fn parse_time(layout: &str, text: &str, local: &TimeZone) -> Result<Time, String> {
    let fail = |expected: &str, at: &str| {
        format!("parsing time {} as {}: cannot parse {} as {}", quote(text), quote(layout), quote(at), quote(expected))
    };
    let mut fields = Fields { year: 0, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanos: 0, half: None, zone: None };
    let (mut layout_rest, mut rest) = (layout, text);
    while let Some((before, part, after)) = next_part(layout_rest) {
        rest = rest.strip_prefix(before).ok_or_else(|| fail(before, rest))?;
        let spelled = &layout_rest[before.len()..layout_rest.len() - after.len()];
        rest = fields.take(part, rest).ok_or_else(|| fail(spelled, rest))?;
        if matches!(part, Part::Second { .. }) && !matches!(next_part(after), Some(("", Part::Fraction { .. }, _))) {
            rest = fields.take_fraction(rest).unwrap_or(rest);
        }
        layout_rest = after;
    }
    if rest != layout_rest {
        return match rest.strip_prefix(layout_rest) {
            Some(extra) => Err(format!("parsing time {}: extra text: {}", quote(text), quote(extra))),
            None => Err(fail(layout_rest, rest)),
        };
    }
    fields.build(local).ok_or_else(|| format!("parsing time {}: day out of range", quote(text)))
}

/// Digits, at least one and at most `most`.
fn digits(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let length = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if length < least {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

fn name_of(text: &str, names: impl Iterator<Item = &'static str>) -> Option<(usize, &str)> {
    names.enumerate().find_map(|(index, name)| {
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (index, &text[name.len()..]))
    })
}

impl Fields {
    fn take<'a>(&mut self, part: Part, text: &'a str) -> Option<&'a str> {
        let small = |range: std::ops::RangeInclusive<i32>, zero: bool, text: &'a str| -> Option<(i8, &'a str)> {
            let (value, rest) = digits(text, if zero { 2 } else { 1 }, 2)?;
            range.contains(&value).then_some((value as i8, rest))
        };
        let mut number = |slot: fn(&mut Self) -> &mut i8, range, zero, text| {
            let (value, rest) = small(range, zero, text)?;
            *slot(self) = value;
            Some(rest)
        };
        match part {
            Part::Month { zero } => number(|f| &mut f.month, 1..=12, zero, text),
            Part::Day { pad } => {
                number(|f| &mut f.day, 1..=31, pad == Some('0'), text.strip_prefix(' ').filter(|_| pad == Some(' ')).unwrap_or(text))
            }
            Part::Hour24 => number(|f| &mut f.hour, 0..=23, false, text),
            Part::Hour12 { zero } => number(|f| &mut f.hour, 0..=12, zero, text),
            Part::Minute { zero } => number(|f| &mut f.minute, 0..=59, zero, text),
            Part::Second { zero } => number(|f| &mut f.second, 0..=59, zero, text),
            Part::LongYear | Part::ShortYear => self.take_year(part == Part::LongYear, text),
            Part::LongMonth | Part::ShortMonth => self.take_month(part == Part::LongMonth, text),
            Part::LongDay => name_of(text, (0..7).map(|day| weekday_name(weekday(day)))).map(|(_, rest)| rest),
            Part::ShortDay => name_of(text, (0..7).map(|day| &weekday_name(weekday(day))[..3])).map(|(_, rest)| rest),
            Part::YearDay { .. } => digits(text.trim_start_matches(' '), 1, 3).map(|(_, rest)| rest),
            Part::HalfDay { .. } => {
                let (index, rest) = name_of(text, ["AM", "PM"].into_iter())?;
                self.half = Some(index == 1);
                Some(rest)
            }
            Part::Fraction { .. } => self.take_fraction(text).or(Some(text)),
            Part::ZoneName => self.take_zone_name(text),
            Part::Offset { z, colon, minutes, seconds } => self.take_offset(z, colon, minutes, seconds, text),
        }
    }

    fn take_year<'a>(&mut self, long: bool, text: &'a str) -> Option<&'a str> {
        let width = if long { 4 } else { 2 };
        let (year, rest) = digits(text, width, width)?;
        self.year = match (long, year) {
            (true, year) => year as i16,
            (false, 69..) => year as i16 + 1900,
            (false, _) => year as i16 + 2000,
        };
        Some(rest)
    }

    fn take_month<'a>(&mut self, long: bool, text: &'a str) -> Option<&'a str> {
        let (index, rest) = name_of(text, (1..=12).map(|month| if long { month_name(month) } else { &month_name(month)[..3] }))?;
        self.month = index as i8 + 1;
        Some(rest)
    }

    /// `.123` behind seconds, whether the layout asks for it or not.
    fn take_fraction<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let inner = text.strip_prefix(['.', ','])?;
        let length = inner.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return None;
        }
        let nine: String = inner[..length].chars().chain("000000000".chars()).take(9).collect();
        self.nanos = nine.parse().ok()?;
        Some(&inner[length..])
    }

    fn take_zone_name<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let length = text.bytes().take_while(u8::is_ascii_uppercase).count();
        if !(3..=5).contains(&length) {
            return None;
        }
        // Other abbreviations name no offset: as in Go they count as UTC.
        self.zone = Some(TimeZone::UTC);
        Some(&text[length..])
    }

    fn take_offset<'a>(&mut self, z: bool, colon: bool, minutes: bool, seconds: bool, text: &'a str) -> Option<&'a str> {
        if z && let Some(rest) = text.strip_prefix('Z') {
            self.zone = Some(TimeZone::UTC);
            return Some(rest);
        }
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let (hours, mut rest) = digits(text.strip_prefix(['+', '-'])?, 2, 2)?;
        let mut total = hours * 3600;
        for (wanted, unit) in [(minutes, 60), (seconds, 1)] {
            if wanted {
                let (value, after) = digits(if colon { rest.strip_prefix(':')? } else { rest }, 2, 2)?;
                total += value * unit;
                rest = after;
            }
        }
        self.zone = Some(TimeZone::fixed(Offset::from_seconds(sign * total).ok()?));
        Some(rest)
    }

    fn build(self, local: &TimeZone) -> Option<Time> {
        let hour = match self.half {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let date = civil::DateTime::new(self.year, self.month, self.day, hour, self.minute, self.second, self.nanos).ok()?;
        let zone = self.zone.unwrap_or_else(|| local.clone());
        let at = zone.to_ambiguous_zoned(date).compatible().ok()?.timestamp();
        Some(Time { at, zone })
    }
}

fn weekday(from_sunday: i8) -> civil::Weekday {
    civil::Weekday::from_sunday_zero_offset(from_sunday).unwrap_or(civil::Weekday::Sunday)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_by_layout() {
        let read = |layout: &str, text: &str| parse_time(layout, text, &TimeZone::UTC).map(|time| time.to_string());
        assert_eq!(read("2006-01-02T15:04:05Z07:00", "2024-01-02T03:04:05.25+02:00"), Ok("2024-01-02 03:04:05.25 +0200 +02".to_owned()));
        assert_eq!(read("Jan _2 2006 3:04PM", "Feb  9 2024 12:30AM"), Ok("2024-02-09 00:30:00 +0000 UTC".to_owned()));
        assert_eq!(read("2006", "20x4"), Err("parsing time \"20x4\" as \"2006\": cannot parse \"20x4\" as \"2006\"".to_owned()));
        assert_eq!(read("2006", "2024!"), Err("parsing time \"2024!\": extra text: \"!\"".to_owned()));
        assert!(read("2006-01-02", "2024-02-30").is_err());
    }
}
