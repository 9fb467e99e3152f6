//! Answers of the API, taken apart.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::explain::Story;
use super::outcome::AskError;
use crate::model::Labels;

/// A value as the server writes it; a native histogram as its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Unix seconds, as the server writes them.
    pub at: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Scalar(Point),
    Text(Point),
    Vector(Vec<(Labels, Point)>),
    Matrix(Vec<(Labels, Vec<Point>)>),
}

impl Answer {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::Text(_) => false,
            Self::Vector(rows) => rows.is_empty(),
            Self::Matrix(rows) => rows.is_empty(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub answer: Answer,
    /// The `data` field as it came.
    pub json: String,
    pub warnings: Vec<String>,
    pub infos: Vec<String>,
    pub story: Option<Story>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    status: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    error_type: Option<String>,
    error: Option<String>,
    hint: Option<String>,
    explain: Option<Story>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    infos: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct Pair(Box<RawValue>, Box<RawValue>);

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: Option<Pair>,
    histogram: Option<Pair>,
    #[serde(default)]
    values: Vec<Pair>,
    #[serde(default)]
    histograms: Vec<Pair>,
}

impl From<Pair> for Point {
    fn from(Pair(at, value): Pair) -> Self {
        let value = serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned());
        Self { at: at.get().to_owned(), value }
    }
}

fn foreign(error: &serde_json::Error) -> AskError {
    AskError::NotTheApi(format!("the answer is not Prometheus's JSON: {error}"))
}

/// An error that the server states in its JSON; none where it is a success or no such JSON.
pub fn refusal(text: &str) -> Option<AskError> {
    let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
    let error = |envelope: Envelope<'_>| AskError::Refused {
        kind: envelope.error_type.unwrap_or_default(),
        message: envelope.error.unwrap_or_default(),
        hint: envelope.hint,
    };
    (envelope.status == "error").then(|| error(envelope))
}

/// The data of any endpoint.
pub fn data<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, AskError> {
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| foreign(&error))?;
    serde_json::from_str(envelope.data.map_or("null", RawValue::get)).map_err(|error| foreign(&error))
}

/// Metric, type, help, by metric.
pub fn metadata(text: &str) -> Result<Vec<(String, String, String)>, AskError> {
    #[derive(Deserialize)]
    struct Said {
        r#type: String,
        help: String,
    }
    let found: BTreeMap<String, Vec<Said>> = data(text)?;
    let first = |(name, said): (String, Vec<Said>)| said.into_iter().next().map(|said| (name, said.r#type, said.help));
    Ok(found.into_iter().filter_map(first).collect())
}

/// A query's answer.
pub fn read(text: &str) -> Result<Reply, AskError> {
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| foreign(&error))?;
    let json = envelope.data.map_or("null", RawValue::get);
    let data: Data<'_> = serde_json::from_str(json).map_err(|error| foreign(&error))?;
    let answer = answer(&data).map_err(|error| foreign(&error))?;
    Ok(Reply { answer, json: json.to_owned(), warnings: envelope.warnings, infos: envelope.infos, story: envelope.explain })
}

fn answer(data: &Data<'_>) -> Result<Answer, serde_json::Error> {
    let result = data.result.get();
    let one = |result| serde_json::from_str::<Pair>(result).map(Point::from);
    Ok(match data.result_type.as_str() {
        "scalar" => Answer::Scalar(one(result)?),
        "string" => Answer::Text(one(result)?),
        "vector" => {
            let series: Vec<Series> = serde_json::from_str(result)?;
            let item = |one: Series| Some((Labels::from_pairs(one.metric), Point::from(one.value.or(one.histogram)?)));
            Answer::Vector(series.into_iter().filter_map(item).collect())
        }
        _ => {
            let series: Vec<Series> = serde_json::from_str(result)?;
            let seconds = |point: &Point| point.at.parse::<f64>().unwrap_or(0.0);
            let item = |one: Series| {
                let mut points: Vec<Point> = one.values.into_iter().chain(one.histograms).map(Point::from).collect();
                points.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
                (Labels::from_pairs(one.metric), points)
            };
            Answer::Matrix(series.into_iter().map(item).collect())
        }
    })
}
