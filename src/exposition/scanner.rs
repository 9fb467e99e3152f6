//! Walks a page line by line.

use std::borrow::Cow;

use memchr::memchr;

use crate::model::MetricType;
use crate::model::number::quote;

use super::entry::{Entry, Fault, Format, ParseError, SeriesLine, Tail};
use super::metric::{self, Token, unescape};
use super::tail;

/// So many bytes of a bad line are shown.
const SHOWN_BYTES: usize = 100;

/// A streaming reader over one page. As an iterator it ends after the first error.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    format: Format,
    metric_type: MetricType,
    ended: bool,
}

impl<'a> Scanner<'a> {
    pub fn new(format: Format, text: &'a [u8]) -> Self {
        Self { text, at: 0, format, metric_type: MetricType::Unknown, ended: false }
    }

    /// What has not been read yet; outside of an error it begins at a line's start.
    pub fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    pub fn offset(&self) -> usize {
        self.at
    }

    /// Skips bytes whose meaning the caller knows; they must be whole lines.
    pub fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Reads the rest of a line of which the caller knows that its first `metric_bytes` are a whole metric.
    /// None, without moving, where the rest needs the whole grammar: go on with [`Iterator::next`].
    #[inline]
    pub fn tail_after(&mut self, metric_bytes: usize) -> Option<Tail<'a>> {
        let (tail, next) = tail::read(self.text, self.at + metric_bytes, self.format).ok()?;
        self.at = next;
        Some(tail)
    }

    /// Whether the OpenMetrics end line has been read.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    fn error(&mut self, fault: Fault) -> ParseError {
        self.ended = true;
        let at = fault.at.min(self.text.len());
        let line = memchr::memchr_iter(b'\n', &self.text[..at]).count() + 1;
        let start = memchr::memrchr(b'\n', &self.text[..at]).map_or(0, |found| found + 1);
        let end = memchr(b'\n', &self.text[start..]).map_or(self.text.len(), |found| start + found);
        let shown = String::from_utf8_lossy(&self.text[start..end.min(start + SHOWN_BYTES)]).into_owned();
        let cut = if end > start + SHOWN_BYTES { "..." } else { "" };
        self.at = self.text.len();
        ParseError { line, reason: format!("{} in {}{cut}", fault.what, quote(&shown)) }
    }

    fn next_entry(&mut self) -> Result<Option<Entry<'a>>, Fault> {
        loop {
            if self.format == Format::Text {
                self.at += self.rest().iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n')).count();
            }
            match self.rest().first() {
                None if self.format == Format::OpenMetrics => {
                    return Err(Fault::new(self.at, "data does not end with # EOF"));
                }
                None => return Ok(None),
                Some(b'#') => {
                    if let Some(entry) = self.comment()? {
                        return Ok(Some(entry));
                    }
                    if self.ended {
                        return Ok(None);
                    }
                }
                Some(_) => return self.series().map(Some),
            }
        }
    }

    fn series(&mut self) -> Result<Entry<'a>, Fault> {
        let end = metric::scan(self.text, self.at, self.format, &mut |_| {})?;
        let metric = &self.text[self.at..end];
        let (tail, next) = tail::read(self.text, end, self.format)?;
        self.at = next;
        Ok(Entry::Series(SeriesLine { metric, metric_type: self.metric_type, format: self.format, tail }))
    }

    /// A line that starts with `#`; none where it says nothing.
    fn comment(&mut self) -> Result<Option<Entry<'a>>, Fault> {
        let start = self.at;
        let length = memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
        let line = &self.text[start..start + length];
        self.at = (start + length + 1).min(self.text.len());
        if self.format == Format::OpenMetrics && line == b"# EOF" {
            self.ended = true;
            return if self.at == self.text.len() { Ok(None) } else { Err(Fault::new(self.at, "unexpected data after # EOF")) };
        }
        let Some((keyword, words)) = split_keyword(line) else {
            return self.other_comment(start);
        };
        let words_at = start + line.len() - words.len();
        match keyword {
            b"HELP" => self.meta(words_at, start + length).and_then(|(family, text)| {
                let text = utf8(text, words_at, "the help text")?;
                Ok(Some(Entry::Help { family, text: unescape(text, self.format == Format::OpenMetrics) }))
            }),
            b"TYPE" => {
                let (family, text) = self.meta(words_at, start + length)?;
                self.metric_type = metric_type(text, self.format)
                    .ok_or_else(|| Fault::new(words_at, format!("invalid metric type {}", quote(&String::from_utf8_lossy(text)))))?;
                Ok(Some(Entry::Type { family, metric_type: self.metric_type }))
            }
            b"UNIT" if self.format == Format::OpenMetrics => {
                let (family, text) = self.meta(words_at, start + length)?;
                let unit = utf8(text, words_at, "the unit")?;
                let fits = unit.is_empty() || family.strip_suffix(unit).is_some_and(|base| base.ends_with('_') && base.len() > 1);
                if !fits {
                    return Err(Fault::new(words_at, format!("unit {} is not a suffix of metric {}", quote(unit), quote(&family))));
                }
                Ok(Some(Entry::Unit { family, unit: Cow::Borrowed(unit) }))
            }
            _ => self.other_comment(start),
        }
    }

    fn other_comment(&self, start: usize) -> Result<Option<Entry<'a>>, Fault> {
        match self.format {
            Format::Text => Ok(None),
            Format::OpenMetrics => Err(Fault::new(start, "expected # HELP, # TYPE, # UNIT or # EOF")),
        }
    }

    /// Family and text of a line whose words begin at `at` and end at `end`.
    fn meta(&self, at: usize, end: usize) -> Result<(Cow<'a, str>, &'a [u8]), Fault> {
        let line = &self.text[..end];
        let (token, after) = if line.get(at) == Some(&b'"') {
            let close = metric::quoted_end(line, at)?;
            (Token { bytes: &line[at + 1..close - 1], quoted: true }, close)
        } else {
            let close = metric::name_end(line, at, true);
            if close == at {
                return Err(Fault::expected(self.text, at, "a metric name"));
            }
            (Token { bytes: &line[at..close], quoted: false }, close)
        };
        let family = token.text().map_err(|what| Fault::new(at, what))?;
        match line.get(after) {
            None => Ok((family, &[])),
            Some(b' ' | b'\t') => Ok((family, &line[after + 1..])),
            Some(_) => Err(Fault::expected(self.text, after, "a blank after the metric name")),
        }
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Result<Entry<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.next_entry() {
            Ok(Some(entry)) => Some(Ok(entry)),
            Ok(None) => {
                self.ended = true;
                None
            }
            Err(fault) => Some(Err(self.error(fault))),
        }
    }
}

/// `# KEYWORD rest`, with any blanks between in the text format.
fn split_keyword(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(b"#")?;
    let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let rest = &rest[blanks..];
    let end = rest.iter().position(|b| matches!(b, b' ' | b'\t'))?;
    let more = rest[end..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    (blanks > 0).then_some((&rest[..end], &rest[end + more..]))
}

fn utf8<'a>(text: &'a [u8], at: usize, what: &str) -> Result<&'a str, Fault> {
    std::str::from_utf8(text).map_err(|_| Fault::new(at, format!("{what} is not valid UTF-8")))
}

fn metric_type(text: &[u8], format: Format) -> Option<MetricType> {
    Some(match (text.trim_ascii(), format) {
        (b"counter", _) => MetricType::Counter,
        (b"gauge", _) => MetricType::Gauge,
        (b"histogram", _) => MetricType::Histogram,
        (b"summary", _) => MetricType::Summary,
        (b"untyped", Format::Text) => MetricType::Unknown,
        (b"unknown", Format::OpenMetrics) => MetricType::Unknown,
        (b"info", Format::OpenMetrics) => MetricType::Info,
        (b"stateset", Format::OpenMetrics) => MetricType::StateSet,
        (b"gaugehistogram", Format::OpenMetrics) => MetricType::GaugeHistogram,
        _ => return None,
    })
}
