//! A running server (promlet or Prometheus) as history: range queries over HTTP, and what it says of its own settings.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value as Json;

use super::history::{Refusal, not_a_vector};
use crate::client::Outbound;
use crate::commands::http_flags::HttpFlags;
use crate::model::{DurationMs, Labels, TimeRange, TimestampMs};
use crate::promql::MatrixSeries;
use crate::rules::{QueryResult, ResultSample};

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(150);
/// Longest answer, in bytes: a longer one is asked for in smaller pieces.
const ANSWER_BYTES_MAX: usize = 256 << 20;

pub struct Server {
    client: Outbound,
    runtime: tokio::runtime::Runtime,
    base: String,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(default)]
    error: String,
    #[serde(borrow)]
    data: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(borrow)]
    result: &'a serde_json::value::RawValue,
}

type Point<'a> = (f64, std::borrow::Cow<'a, str>);

#[derive(Deserialize)]
struct Series<'a> {
    metric: BTreeMap<String, String>,
    #[serde(default, borrow)]
    values: Vec<Point<'a>>,
    #[serde(default, borrow)]
    value: Option<Point<'a>>,
}

impl Server {
    pub fn new(url: &str, http: &HttpFlags) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        Ok(Self { client: http.client(TIMEOUT)?, runtime, base: url.trim_end_matches('/').to_owned() })
    }

    /// Status and body.
    fn ask(&self, path: &str, form: Option<&[(&str, &str)]>) -> Result<(u16, Vec<u8>), Refusal> {
        let url = format!("{}{path}", self.base);
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let request = self.runtime.block_on(self.client.request(method, &url));
        let request = request.map_err(|error| Refusal::Broken(format!("{url} cannot be asked: {error}")))?;
        let sent = async {
            let request = match form {
                None => request,
                Some(form) => request.form(form),
            };
            let mut answer = request.send().await?;
            let (status, mut body) = (answer.status().as_u16(), Vec::new());
            while let Some(piece) = answer.chunk().await? {
                body.extend_from_slice(&piece);
                if body.len() > ANSWER_BYTES_MAX {
                    break;
                }
            }
            Ok::<_, reqwest::Error>((status, body))
        };
        let (status, body) = self.runtime.block_on(sent).map_err(|error| match error.is_timeout() {
            true => Refusal::Query(format!("{url}: no answer within {TIMEOUT:?}")),
            false => Refusal::Broken(format!("{url} does not answer: {error}")),
        })?;
        match body.len() > ANSWER_BYTES_MAX {
            true => Err(Refusal::Query(format!("an answer of more than {ANSWER_BYTES_MAX} bytes"))),
            false => Ok((status, body)),
        }
    }

    fn query(&self, path: &str, form: &[(&str, &str)]) -> Result<(String, Vec<MatrixSeries>), Refusal> {
        let (status, body) = self.ask(path, Some(form))?;
        let foreign = |error: serde_json::Error| Refusal::Broken(format!("{}{path} is not Prometheus's API: {error}", self.base));
        if matches!(status, 401 | 403 | 404 | 407) {
            return Err(Refusal::Broken(format!("{}{path} answers {status}", self.base)));
        }
        let answer: Answer<'_> = serde_json::from_slice(&body).map_err(foreign)?;
        let Some(data) = answer.data.filter(|_| status < 400) else { return Err(Refusal::Query(answer.error)) };
        let data: Data<'_> = serde_json::from_str(data.get()).map_err(foreign)?;
        let series: Vec<Series<'_>> = match data.kind.as_str() {
            "scalar" => {
                let value: Point<'_> = serde_json::from_str(data.result.get()).map_err(foreign)?;
                vec![Series { metric: BTreeMap::new(), values: Vec::new(), value: Some(value) }]
            }
            "vector" | "matrix" => serde_json::from_str(data.result.get()).map_err(foreign)?,
            other => return Err(not_a_vector(other)),
        };
        let point = |point: &Point<'_>| Some((TimestampMs((point.0 * 1000.0).round() as i64), point.1.parse::<f64>().ok()?));
        let read = |series: Series<'_>| MatrixSeries {
            labels: Labels::from_pairs(&series.metric),
            floats: series.values.iter().chain(&series.value).filter_map(point).collect(),
            histograms: Vec::new(),
        };
        Ok((data.kind, series.into_iter().map(read).collect()))
    }

    pub fn range(&self, expr: &str, range: TimeRange, step: DurationMs) -> Result<Vec<MatrixSeries>, Refusal> {
        let (start, end, step) = (seconds(range.min.0), seconds(range.max.0), seconds(step.0));
        let form = [("query", expr), ("start", &start), ("end", &end), ("step", &step)];
        Ok(self.query("/api/v1/query_range", &form)?.1)
    }

    pub fn instant(&self, expr: &str, at: TimestampMs) -> Result<QueryResult, Refusal> {
        let (kind, series) = self.query("/api/v1/query", &[("query", expr), ("time", &seconds(at.0))])?;
        let value = |series: &MatrixSeries| series.floats.first().map(|(_, value)| *value);
        if kind == "scalar" {
            return Ok(QueryResult::Scalar(series.first().and_then(value).unwrap_or(f64::NAN)));
        }
        let samples = series.iter().filter_map(|series| Some(ResultSample::float(series.labels.clone(), value(series)?)));
        Ok(QueryResult::Vector(samples.collect()))
    }

    pub fn has_series(&self, selector: &str, range: TimeRange) -> Result<bool, Refusal> {
        let (start, end) = (seconds(range.min.0), seconds(range.max.0));
        let (_, body) = self.ask("/api/v1/series", Some(&[("match[]", selector), ("start", &start), ("end", &end), ("limit", "1")]))?;
        let answer: Json = serde_json::from_slice(&body).map_err(|error| Refusal::Broken(error.to_string()))?;
        Ok(answer["data"].as_array().is_none_or(|found| !found.is_empty()))
    }

    /// A document of the API; none where the server has no such page.
    pub fn document(&self, path: &str) -> Result<Option<Json>, String> {
        match self.ask(path, None) {
            Ok((200, body)) => Ok(serde_json::from_slice(&body).ok()),
            Ok(_) => Ok(None),
            Err(Refusal::Query(error) | Refusal::Broken(error)) => Err(error),
        }
    }
}

/// Milliseconds as seconds, exactly.
fn seconds(ms: i64) -> String {
    format!("{}{}.{:03}", if ms < 0 { "-" } else { "" }, ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)
}
