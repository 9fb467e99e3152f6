//! What a query did, part by part, and where and why its answer became empty.

use std::time::Duration;

use crate::model::Span;

/// The whole story of one query.
#[derive(Clone, Debug)]
pub struct Explanation {
    pub tree: Node,
    /// Present where the answer is empty.
    pub empty: Option<Emptiness>,
    /// What the query would better be, though it has an answer.
    pub hints: Vec<String>,
}

/// One part of the expression, measured by evaluating it alone.
#[derive(Clone, Debug)]
pub struct Node {
    /// Canonical text.
    pub expr: String,
    pub span: Span,
    /// `scalar`, `vector`, `matrix` or `string`.
    pub kind: &'static str,
    /// Series that its parts yield; of a selector none.
    pub series_in: u64,
    pub series_out: u64,
    /// Points of those series, over all steps.
    pub points: u64,
    /// All of them are NaN.
    pub is_nan: bool,
    /// Samples read for it and all below it.
    pub samples: u64,
    /// Spent on it and all below it.
    pub took: Duration,
    pub parts: Vec<Node>,
}

/// Where the answer became empty: everything below this place had something to give.
#[derive(Clone, Debug)]
pub struct Emptiness {
    pub expr: String,
    pub span: Span,
    pub reason: Reason,
    /// The reason for people: what is wrong, with names and numbers, and what to do.
    pub text: String,
    /// Other places: where both sides of an operator are empty, each is one.
    pub also: Vec<Emptiness>,
}

/// Why nothing came out of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    NoSuchMetric,
    NoSuchLabels,
    NoSampleInTime,
    TooFewSamples,
    NoMatch,
    FilteredByComparison,
    NoBuckets,
    /// Native histograms where numbers are looked at, or the other way round.
    WrongType,
    PresentAfterAll,
    Other,
}

impl Reason {
    /// As the HTTP API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchMetric => "no_such_metric",
            Self::NoSuchLabels => "no_such_labels",
            Self::NoSampleInTime => "no_sample_in_time",
            Self::TooFewSamples => "too_few_samples",
            Self::NoMatch => "no_match",
            Self::FilteredByComparison => "filtered_by_comparison",
            Self::NoBuckets => "no_buckets",
            Self::WrongType => "wrong_type",
            Self::PresentAfterAll => "present_after_all",
            Self::Other => "other",
        }
    }
}
