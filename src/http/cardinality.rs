//! `status/tsdb`: how many series there are, and which names, labels and pairs they are made of.

use std::cmp::Reverse;
use std::collections::HashMap;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;

use super::envelope::Success;
use super::error::ApiError;
use super::json::Object;
use super::params::Params;
use super::query::QueryState;
use super::state::{HeadFacts, Lookup};
use crate::model::{Labels, METRIC_NAME, TimeRange};

/// Rows of each table when no limit is given, and the highest limit.
const ROWS: usize = 10;
const ROWS_MAX: usize = 10_000;

#[derive(Clone)]
pub struct CardinalityState {
    pub query: QueryState,
    pub head: Lookup<HeadFacts>,
}

pub fn routes(state: CardinalityState) -> Router {
    Router::new().route("/status/tsdb", get(tables)).with_state(state)
}

async fn tables(State(state): State<CardinalityState>, uri: Uri) -> Result<Success, ApiError> {
    let limit = match Params::of_uri(&uri).get("limit") {
        "" => ROWS,
        text => match text.parse::<usize>() {
            Ok(limit) if (1..=ROWS_MAX).contains(&limit) => limit,
            Ok(limit) if limit > ROWS_MAX => return Err(ApiError::BadData(format!("limit must not exceed {ROWS_MAX}"))),
            _ => return Err(ApiError::BadData("limit must be a positive number".to_owned())),
        },
    };
    let head = (state.head)();
    let select = state.query.select.clone();
    let work = move || -> Result<Success, ApiError> {
        let range = TimeRange::new(head.min_time, head.max_time);
        let series = select.open(range)?.series(&[], range)?;
        let counts = Counts::of(&series);
        Ok(Success::new(|out| write(out, &head, series.len(), &counts, limit)))
    };
    state.query.pool.aside(state.query.timeout, move |_| work()).await
}

/// Series per label pair; everything else follows from it.
struct Counts<'a> {
    by_pair: HashMap<(&'a str, &'a str), u64>,
}

impl<'a> Counts<'a> {
    fn of(series: &'a [Labels]) -> Self {
        let mut by_pair = HashMap::new();
        for pair in series.iter().flat_map(Labels::iter) {
            *by_pair.entry(pair).or_insert(0) += 1;
        }
        Self { by_pair }
    }

    /// The largest first, equal ones by name.
    fn top<K: AsRef<str> + Ord>(rows: impl Iterator<Item = (K, u64)>, limit: usize) -> Vec<(K, u64)> {
        let mut rows: Vec<(K, u64)> = rows.collect();
        rows.sort_unstable_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
        rows.truncate(limit);
        rows
    }

    fn per_label(&self, weight: impl Fn(&str, u64) -> u64) -> HashMap<&'a str, u64> {
        let mut sums = HashMap::new();
        for ((name, value), count) in &self.by_pair {
            *sums.entry(*name).or_insert(0) += weight(value, *count);
        }
        sums
    }
}

fn write(out: &mut Vec<u8>, head: &HeadFacts, series: usize, counts: &Counts<'_>, limit: usize) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let mut object = Object::open(out);
    let mut stats = Object::open(object.key("headStats"));
    stats
        .integer("numSeries", number(series as u64))
        .integer("numLabelPairs", number(counts.by_pair.len() as u64))
        .integer("chunkCount", number(head.chunks))
        .integer("minTime", head.min_time.0)
        .integer("maxTime", head.max_time.0);
    stats.close();
    let metrics = counts.by_pair.iter().filter(|((name, _), _)| *name == METRIC_NAME).map(|((_, metric), count)| (*metric, *count));
    let pairs = counts.by_pair.iter().map(|((name, value), count)| (format!("{name}={value}"), *count));
    table(&mut object, "seriesCountByMetricName", Counts::top(metrics, limit));
    table(&mut object, "labelValueCountByLabelName", Counts::top(counts.per_label(|_, _| 1).into_iter(), limit));
    let bytes = counts.per_label(|value, count| value.len() as u64 * count);
    table(&mut object, "memoryInBytesByLabelName", Counts::top(bytes.into_iter(), limit));
    table(&mut object, "seriesCountByLabelValuePair", Counts::top(pairs, limit));
    object.close();
}

fn table<K: AsRef<str>>(object: &mut Object<'_>, name: &str, rows: Vec<(K, u64)>) {
    object.list(name, rows, |out, (name, value)| {
        let mut row = Object::open(out);
        row.text("name", name.as_ref()).integer("value", i64::try_from(value).unwrap_or(i64::MAX));
        row.close();
    });
}
