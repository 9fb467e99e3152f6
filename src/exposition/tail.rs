//! What follows a sample's name and labels: value, timestamp, exemplar, end of line.

use crate::model::TimestampMs;

use super::entry::{ExemplarText, Fault, Format, Tail};
use super::metric;
use super::number;

/// Reads from just after the metric; gives the offset after the line's newline (or of the end).
#[inline]
pub(super) fn read(text: &[u8], at: usize, format: Format) -> Result<(Tail<'_>, usize), Fault> {
    // The usual line: one blank, a value, a newline.
    if text.get(at) == Some(&b' ')
        && let Some((value, end)) = number::read_prefix(text, at + 1)
        && text.get(end) == Some(&b'\n')
    {
        return Ok((Tail { value, at: None, exemplar: None }, end + 1));
    }
    match format {
        Format::Text => read_text(text, at),
        Format::OpenMetrics => read_open_metrics(text, at),
    }
}

fn value_at(text: &[u8], at: usize) -> Result<(f64, usize), Fault> {
    match text.get(at) {
        None | Some(b'\n') => Err(Fault::expected(text, at, "a value")),
        Some(_) => number::read_prefix(text, at).ok_or_else(|| Fault::expected(text, at, "a number as the value")),
    }
}

fn blanks(text: &[u8], at: usize) -> usize {
    at + text.get(at..).unwrap_or_default().iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

fn line_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at) {
        None => Some(at),
        Some(b'\n') => Some(at + 1),
        Some(_) => None,
    }
}

fn read_text(text: &[u8], at: usize) -> Result<(Tail<'_>, usize), Fault> {
    let (value, end) = value_at(text, blanks(text, at))?;
    let at = blanks(text, end);
    if let Some(next) = line_end(text, at) {
        return Ok((Tail { value, at: None, exemplar: None }, next));
    }
    let length = text[at..].iter().take_while(|b| !matches!(b, b' ' | b'\n' | b'\t')).count();
    let time = std::str::from_utf8(&text[at..at + length]).ok().and_then(|token| token.parse::<i64>().ok());
    let Some(time) = time.filter(|_| text[at] != b'+') else {
        return Err(Fault::expected(text, at, "a timestamp in whole milliseconds or the end of the line"));
    };
    let end = blanks(text, at + length);
    let next = line_end(text, end).ok_or_else(|| Fault::expected(text, end, "the end of the line after the timestamp"))?;
    Ok((Tail { value, at: Some(TimestampMs(time)), exemplar: None }, next))
}

fn read_open_metrics(text: &[u8], at: usize) -> Result<(Tail<'_>, usize), Fault> {
    if text.get(at) != Some(&b' ') {
        return Err(Fault::expected(text, at, "one blank before the value"));
    }
    let (value, mut at) = value_at(text, at + 1)?;
    let mut time = None;
    if text.get(at) == Some(&b' ') && text.get(at + 1) != Some(&b'#') {
        let (seconds, end) = seconds_at(text, at + 1)?;
        time = Some(seconds);
        at = end;
    }
    let mut exemplar = None;
    if text.get(at..).is_some_and(|rest| rest.starts_with(b" # {")) {
        let (found, end) = read_exemplar(text, at + 3)?;
        exemplar = Some(found);
        at = end;
    }
    let next = line_end(text, at).ok_or_else(|| Fault::expected(text, at, "a timestamp, an exemplar or the end of the line"))?;
    Ok((Tail { value, at: time, exemplar }, next))
}

/// OpenMetrics states times in seconds; Prometheus cuts below the millisecond.
fn seconds_at(text: &[u8], at: usize) -> Result<(TimestampMs, usize), Fault> {
    number::read_prefix(text, at)
        .filter(|(seconds, _)| seconds.is_finite())
        .map(|(seconds, end)| (TimestampMs((seconds * 1000.0) as i64), end))
        .ok_or_else(|| Fault::expected(text, at, "a timestamp in seconds"))
}

fn read_exemplar(text: &[u8], open: usize) -> Result<(ExemplarText<'_>, usize), Fault> {
    let mut named = false;
    let close = metric::scan_labels(text, open, Format::OpenMetrics, &mut |part| named |= part.value.is_none())?;
    if named {
        return Err(Fault::new(open, "an exemplar has no name"));
    }
    if text.get(close) != Some(&b' ') {
        return Err(Fault::expected(text, close, "one blank before the exemplar's value"));
    }
    let (value, mut at) = value_at(text, close + 1)?;
    let mut time = None;
    if text.get(at) == Some(&b' ') {
        let (seconds, end) = seconds_at(text, at + 1)?;
        time = Some(seconds);
        at = end;
    }
    Ok((ExemplarText { labels: &text[open..close], value, at: time }, at))
}
