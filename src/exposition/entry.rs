//! What a page consists of, and what can be wrong with it.

use std::borrow::Cow;
use std::fmt;

use crate::model::{Exemplar, Labels, MetricType, TimestampMs};

use super::metric::{self, Part};

/// The formats of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4 and 1.0.0.
    Text,
    /// OpenMetrics 0.0.1 and 1.0.0; must end with `# EOF`.
    OpenMetrics,
}

/// One meaningful line of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    Help { family: Cow<'a, str>, text: Cow<'a, str> },
    Type { family: Cow<'a, str>, metric_type: MetricType },
    Unit { family: Cow<'a, str>, unit: Cow<'a, str> },
    Series(SeriesLine<'a>),
}

/// A label's name and value, unescaped.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A sample as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesLine<'a> {
    /// Name and labels, exactly the bytes of the page.
    pub metric: &'a [u8],
    /// What the last `# TYPE` line above said.
    pub metric_type: MetricType,
    pub format: Format,
    pub tail: Tail<'a>,
}

/// What follows the name and labels of a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail<'a> {
    /// Every NaN has the bits of [`super::NORMAL_NAN`].
    pub value: f64,
    pub at: Option<TimestampMs>,
    pub exemplar: Option<ExemplarText<'a>>,
}

/// An exemplar whose labels are not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct ExemplarText<'a> {
    /// With the braces.
    pub labels: &'a [u8],
    pub value: f64,
    pub at: Option<TimestampMs>,
}

impl ExemplarText<'_> {
    pub fn read(&self) -> Result<Exemplar, String> {
        let mut pairs = Vec::new();
        metric::scan_labels(self.labels, 0, Format::OpenMetrics, &mut |part| pairs.push(part.text())).map_err(|fault| fault.what)?;
        let pairs: Result<Vec<_>, String> = pairs.into_iter().collect();
        Ok(Exemplar { labels: Labels::from_pairs(pairs?), value: self.value, at: self.at })
    }
}

impl<'a> SeriesLine<'a> {
    /// Label names and values in the order of the page, `__name__` among them and empty values kept; `le` of histograms and
    /// `quantile` of summaries as Prometheus 3 writes them (`1` becomes `1.0`).
    ///
    /// The error is a sentence: a label twice, text that is not UTF-8.
    pub fn pairs(&self) -> Result<Vec<Pair<'a>>, String> {
        let mut pairs: Vec<Pair<'a>> = Vec::new();
        let mut failed = None;
        metric::scan(self.metric, 0, self.format, &mut |part: Part<'a>| match part.text() {
            Ok((name, value)) => pairs.push((name, value)),
            Err(error) => failed = Some(error),
        })
        .map_err(|fault| fault.what)?;
        if let Some(error) = failed {
            return Err(error);
        }
        for (at, (name, _)) in pairs.iter().enumerate() {
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(format!("label name {} is not unique", crate::model::number::quote(name)));
            }
        }
        let normalised = match self.metric_type {
            MetricType::Histogram => "le",
            MetricType::Summary => "quantile",
            _ => return Ok(pairs),
        };
        for (name, value) in &mut pairs {
            if name == normalised
                && let Some(float) = super::number::read_float(value.as_bytes())
            {
                *value = Cow::Owned(crate::model::number::format_open_metrics(float));
            }
        }
        Ok(pairs)
    }

    pub fn labels(&self) -> Result<Labels, String> {
        Ok(Labels::from_pairs(self.pairs()?))
    }
}

/// Why a page cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// What is wrong, and the line's text, shortened.
    pub reason: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for ParseError {}

/// A fault at a byte offset; becomes a [`ParseError`] when somebody is told.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub at: usize,
    pub what: String,
}

impl Fault {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }

    /// "expected X, found Y".
    pub(super) fn expected(text: &[u8], at: usize, what: &str) -> Self {
        let found = match text.get(at) {
            None => "the end of the page".to_owned(),
            Some(b'\n') => "the end of the line".to_owned(),
            Some(_) => {
                let rest = &text[at..];
                let length = rest.iter().take(20).take_while(|b| !matches!(b, b' ' | b'\n')).count().max(1);
                crate::model::number::quote(&String::from_utf8_lossy(&rest[..length]))
            }
        };
        Self::new(at, format!("expected {what}, found {found}"))
    }
}
