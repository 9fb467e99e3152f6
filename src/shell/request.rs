//! What is asked and how the answer is shown.

use crate::model::{DurationMs, TimestampMs};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Table,
    Json,
    Csv,
}

impl Format {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "table" => Some(Self::Table),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// A stretch of time that ends at the moment asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub length: DurationMs,
    pub step: DurationMs,
}

/// Points that a window has at most where no step is given.
const POINTS: u64 = 240;

impl Window {
    /// Without a step: a round one that gives at most [`POINTS`] points.
    pub fn new(length: DurationMs, step: Option<DurationMs>) -> Self {
        const ROUND: [u64; 13] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
        let wanted = length.0.max(0).unsigned_abs().div_ceil(POINTS * 1000);
        let seconds = ROUND.into_iter().find(|step| *step >= wanted).unwrap_or(wanted.div_ceil(3600) * 3600);
        Self { length, step: step.unwrap_or(DurationMs::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000))) }
    }
}

/// One question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    pub expr: String,
    /// None means now.
    pub at: Option<TimestampMs>,
    /// None asks for one moment.
    pub window: Option<Window>,
    pub format: Format,
    /// Asks what each part did, and why nothing came out.
    pub explain: bool,
}

/// A moment as people give it: Unix seconds or RFC 3339.
pub fn parse_time(text: &str) -> Result<TimestampMs, String> {
    if let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        return Ok(TimestampMs::from_seconds(seconds));
    }
    let read = text.parse::<jiff::Timestamp>().map(|at| TimestampMs(at.as_millisecond()));
    read.map_err(|_| format!("\"{text}\" is no time: write Unix seconds or 2026-01-31T12:00:00Z"))
}

/// A length of time above zero: seconds or `1h30m`.
pub fn parse_length(text: &str) -> Result<DurationMs, String> {
    let read = text.parse::<f64>().ok().map(|seconds| DurationMs((seconds * 1000.0) as i64)).or_else(|| DurationMs::parse(text).ok());
    read.filter(|length| length.0 > 0).ok_or_else(|| format!("\"{text}\" is no length of time: write 15s, 5m, 1h30m or seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let step = |seconds| Window::new(DurationMs::seconds(seconds), None).step.0 / 1000;
        assert_eq!([60, 3600, 21_600, 86_400, 30 * 86_400].map(step), [1, 15, 120, 600, 10_800]);
    }

    #[test]
    fn reads_times_and_lengths() {
        assert_eq!(parse_time("1.5"), Ok(TimestampMs(1500)));
        assert_eq!(parse_time("1970-01-01T00:00:02Z"), Ok(TimestampMs(2000)));
        assert!(parse_time("noon").is_err());
        assert_eq!(parse_length("90"), Ok(DurationMs::seconds(90)));
        assert_eq!(parse_length("1h30m"), Ok(DurationMs::seconds(5400)));
        for bad in ["0", "-1", "x", "", "NaN"] {
            assert!(parse_length(bad).is_err(), "{bad}");
        }
    }
}
