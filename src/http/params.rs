//! Request parameters: the query string and, for a POST, the form in the body; times and durations as the API reads them.

use axum::extract::{FromRequest, Request};
use axum::http::{Method, Uri, header};
use http_body_util::{BodyExt, Limited};

use super::error::ApiError;
use super::limits::{FORM_BYTES_MAX, READ_TIMEOUT};
use crate::model::number::quote;
use crate::model::{DurationMs, TimestampMs};

/// Parameters in order; those of the body stand before those of the address, as Go's forms have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn of_uri(uri: &Uri) -> Self {
        Self(decode(uri.query().unwrap_or("").as_bytes()))
    }

    /// The first value of that name; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
    }

    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A time that must be there and well formed.
    pub fn time(&self, name: &str) -> Result<TimestampMs, ApiError> {
        parse_time(self.get(name)).map_err(|problem| ApiError::parameter(name, problem))
    }

    /// A time that may be left out.
    pub fn time_or(&self, name: &str, default: TimestampMs) -> Result<TimestampMs, ApiError> {
        match self.get(name) {
            "" => Ok(default),
            text => parse_time(text).map_err(|problem| ApiError::parameter(name, format!("invalid time value for '{name}': {problem}"))),
        }
    }

    pub fn duration(&self, name: &str) -> Result<DurationMs, ApiError> {
        parse_duration(self.get(name)).map_err(|problem| ApiError::parameter(name, problem))
    }

    /// None when it is left out.
    pub fn duration_opt(&self, name: &str) -> Result<Option<DurationMs>, ApiError> {
        if self.get(name).is_empty() { Ok(None) } else { self.duration(name).map(Some) }
    }

    /// `limit`: 0 or left out means all.
    pub fn limit(&self) -> Result<usize, ApiError> {
        let text = self.get("limit");
        if text.is_empty() {
            return Ok(0);
        }
        let number: i64 =
            text.parse().map_err(|_| ApiError::parameter("limit", format!("strconv.Atoi: parsing {}: invalid syntax", quote(text))))?;
        usize::try_from(number).map_err(|_| ApiError::parameter("limit", "limit must be non-negative"))
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Self::of(request).await
    }
}

impl Params {
    /// The body counts only where it is a form.
    pub async fn of(request: Request) -> Result<Self, ApiError> {
        let is_form = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            value.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        });
        let of_address = decode(request.uri().query().unwrap_or("").as_bytes());
        if !is_form || !matches!(*request.method(), Method::POST | Method::PUT) {
            return Ok(Self(of_address));
        }
        let problem = |text: String| ApiError::BadData(format!("error parsing form values: {text}"));
        let read = tokio::time::timeout(READ_TIMEOUT, Limited::new(request.into_body(), FORM_BYTES_MAX).collect());
        let body = match read.await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(problem(format!("http: POST too large: the limit is {FORM_BYTES_MAX} bytes")));
            }
            Ok(Err(error)) => return Err(problem(error.to_string())),
            Err(_) => return Err(problem(format!("no complete body within {} s", READ_TIMEOUT.as_secs()))),
        };
        let mut pairs = decode(&body);
        pairs.extend(of_address);
        Ok(Self(pairs))
    }
}

/// `a=b&c=d` with `+` and `%XX`; bytes that are not UTF-8 become the replacement character.
fn decode(form: &[u8]) -> Vec<(String, String)> {
    form.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            (unescape(&pair[..at], true), unescape(pair.get(at + 1..).unwrap_or_default(), true))
        })
        .collect()
}

/// Percent escapes; `+` is a space in forms and itself in paths.
pub fn unescape(text: &[u8], plus_is_space: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let escaped = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (byte, escaped) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
                continue;
            }
            (b'+', _) if plus_is_space => out.push(b' '),
            _ => out.push(*byte),
        }
        at += 1;
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Unix seconds with a fraction, RFC 3339, or the two texts that stand for the ends of time.
pub fn parse_time(text: &str) -> Result<TimestampMs, String> {
    // Go's earliest and latest times in Prometheus's notation
    match text {
        "-292273086-05-16T16:47:06Z" => return Ok(TimestampMs::MIN),
        "292277025-08-18T07:12:54.999999999Z" => return Ok(TimestampMs::MAX),
        _ => {}
    }
    if let Some(seconds) = parse_float(text).filter(|seconds| seconds.is_finite()) {
        return Ok(TimestampMs::from_seconds(seconds));
    }
    let unreadable = || format!("cannot parse {} to a valid timestamp", quote(text));
    if text.as_bytes().get(10).is_none_or(|byte| !matches!(byte, b'T' | b't')) {
        return Err(unreadable());
    }
    text.parse::<jiff::Timestamp>().map(|at| TimestampMs(at.as_millisecond())).map_err(|_| unreadable())
}

/// Seconds with a fraction, or Prometheus's notation.
pub fn parse_duration(text: &str) -> Result<DurationMs, String> {
    if let Some(seconds) = parse_float(text) {
        let nanoseconds = seconds * 1e9;
        // the bounds of Go's durations
        if !(-9.223_372_036_854_775e18..=9.223_372_036_854_775e18).contains(&nanoseconds) {
            return Err(format!("cannot parse {} to a valid duration. It overflows int64", quote(text)));
        }
        return Ok(DurationMs((seconds * 1000.0) as i64));
    }
    DurationMs::parse(text).map_err(|_| format!("cannot parse {} to a valid duration", quote(text)))
}

fn parse_float(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_forms() {
        let params = Params(decode(b"match[]=up%7Ba%3D%22b+c%22%7D&match%5B%5D=x&empty&=y&bad=%zz%4"));
        assert_eq!(params.all("match[]").collect::<Vec<_>>(), ["up{a=\"b c\"}", "x"]);
        assert_eq!(params.get("empty"), "");
        assert_eq!(params.get("bad"), "%zz%4");
    }

    #[test]
    fn reads_times_and_durations() {
        assert_eq!(parse_time("1435781430.781"), Ok(TimestampMs(1_435_781_430_781)));
        assert_eq!(parse_time("2015-07-01T20:10:30.781Z"), Ok(TimestampMs(1_435_781_430_781)));
        assert_eq!(parse_time("2015-07-01T22:10:30.781+02:00"), Ok(TimestampMs(1_435_781_430_781)));
        for bad in ["", "x", "NaN", "2015-07-01", "2015-07-01T20:10:30"] {
            assert_eq!(parse_time(bad), Err(format!("cannot parse \"{bad}\" to a valid timestamp")));
        }
        assert_eq!(parse_duration("1.5"), Ok(DurationMs(1500)));
        assert_eq!(parse_duration("5m"), Ok(DurationMs(300_000)));
        assert_eq!(parse_duration("-1"), Ok(DurationMs(-1000)));
        assert!(parse_duration("1e300").unwrap_err().ends_with("It overflows int64"));
        assert!(parse_duration("x").is_err());
    }
}
