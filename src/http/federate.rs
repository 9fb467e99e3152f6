//! `/federate`: the newest sample of every selected series, with its own time, in text format 0.0.4.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::around::when_ready;
use super::error::{ApiError, plain};
use super::params::Params;
use super::pool::Turn;
use super::query::QueryState;
use super::selector;
use super::state::{ExternalLabels, Readiness};
use crate::model::number::format_general;
use crate::model::{DurationMs, Labels, METRIC_NAME, Matcher, TimeRange, TimestampMs, is_stale};
use crate::storage::{Batch, ColumnValues, Hints, Select, SelectError, Snapshot};

#[derive(Clone)]
pub struct FederateState {
    pub query: QueryState,
    pub external_labels: ExternalLabels,
}

/// Rows that are decoded at a time while the newest sample is looked for from the end.
const ROWS_AT_A_TIME: usize = 64;

pub fn routes(state: FederateState, readiness: Readiness) -> Router {
    Router::new().route("/federate", get(federate).post(federate)).layer(from_fn_with_state(readiness, when_ready)).with_state(state)
}

async fn federate(State(state): State<FederateState>, request: Request) -> Response {
    let params = match Params::of(request).await {
        Ok(params) => params,
        Err(error) => return plain(error.status(), error.message()),
    };
    let texts = params.all("match[]").map(str::to_owned).collect();
    let mut selectors = match selector::parse_all(&state.query, texts, ApiError::BadData).await {
        Ok(selectors) => selectors,
        Err(error) => return plain(error.status(), error.message()),
    };
    let (now, lookback) = (state.query.clock.now(), (state.query.engine)().options().lookback);
    let external = (state.external_labels)();
    let select = state.query.select.clone();
    let work = move |turn: &Turn| -> Result<Vec<u8>, ApiError> {
        selector::with_fuse(&mut selectors, &turn.fuse());
        let found = newest(&*select, &selectors, now, lookback, turn)?;
        Ok(write(&found, &external))
    };
    match state.query.pool.run(state.query.timeout, work).await {
        Err(error) => plain(error.status(), error.message()),
        Ok(body) => {
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
            ([(header::CONTENT_TYPE, kind)], body).into_response()
        }
    }
}

/// By label set, so that a series that two selectors name comes once.
fn newest(
    select: &dyn Select,
    selectors: &[Vec<Matcher>],
    now: TimestampMs,
    lookback: DurationMs,
    turn: &Turn,
) -> Result<BTreeMap<Labels, (TimestampMs, f64)>, ApiError> {
    // the lookback window is open on its left
    let range = TimeRange::new(now - lookback + DurationMs(1), now);
    let snapshot = select.open(range)?;
    let mut found = BTreeMap::new();
    for matchers in selectors {
        turn.check()?;
        for batch in snapshot.select(matchers, &Hints { range: Some(range), ..Hints::default() })? {
            for index in 0..batch.len() {
                if let Some(sample) = last(&*batch, index)? {
                    found.insert(labels(&*snapshot, &*batch, index), sample);
                }
            }
        }
    }
    Ok(found)
}

fn labels(snapshot: &dyn Snapshot, batch: &dyn Batch, index: usize) -> Labels {
    Labels::from_pairs(batch.labels(index).iter().map(|pair| (snapshot.text(pair.name), snapshot.text(pair.value))))
}

/// The last sample of a series, unless it is a stale marker or a native histogram, which the text format cannot carry.
fn last(batch: &dyn Batch, index: usize) -> Result<Option<(TimestampMs, f64)>, SelectError> {
    let mut values = ColumnValues::default();
    let mut end = batch.times().len();
    while end > 0 {
        let start = end.saturating_sub(ROWS_AT_A_TIME);
        batch.read(index, start..end, &mut values)?;
        if let Some(row) = (0..end - start).rev().find(|row| values.is_present(*row)) {
            let is_histogram = values.histograms.iter().any(|(at, _)| *at as usize == row);
            let value = values.floats.get(row).copied().filter(|value| !is_histogram && !is_stale(*value));
            return Ok(value.map(|value| (batch.times()[start + row], value)));
        }
        end = start;
    }
    Ok(None)
}

fn write(found: &BTreeMap<Labels, (TimestampMs, f64)>, external: &Labels) -> Vec<u8> {
    let mut rows: Vec<(&str, &Labels, &(TimestampMs, f64))> =
        found.iter().map(|(labels, sample)| (labels.metric_name(), labels, sample)).filter(|(name, _, _)| !name.is_empty()).collect();
    rows.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let (mut out, mut family) = (String::new(), None);
    for (metric, labels, (at, value)) in rows {
        let name = plain_name(metric, true);
        if family != Some(metric) {
            family = Some(metric);
            out.push_str(&format!("# TYPE {name} untyped\n"));
        }
        out.push_str(&name);
        let mut separator = '{';
        let own = labels.iter().filter(|(name, _)| *name != METRIC_NAME);
        let added = external.iter().filter(|(name, _)| labels.get(name).is_none());
        // a series without an instance must not get that of this server
        let no_instance = (labels.get("instance").is_none() && external.get("instance").is_none()).then_some(("instance", ""));
        for (name, value) in own.chain(added).chain(no_instance) {
            out.push_str(&format!("{separator}{}=\"{}\"", plain_name(name, false), escaped(value)));
            separator = ',';
        }
        // Prometheus's writer of this format has no negative zero.
        let value = if *value == 0.0 { 0.0 } else { *value };
        out.push_str(&format!("}} {} {}\n", format_general(value), at.0));
    }
    out.into_bytes()
}

/// Names that the old format cannot write get underscores.
fn plain_name(name: &str, metric: bool) -> String {
    let fits = |at: usize, c: char| c == '_' || c.is_ascii_alphabetic() || (at > 0 && c.is_ascii_digit()) || (metric && c == ':');
    name.chars().enumerate().map(|(at, c)| if fits(at, c) { c } else { '_' }).collect()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_sign() {
        let labels = Labels::from_pairs([(METRIC_NAME, "a"), ("instance", "i")]);
        let found = BTreeMap::from([(labels, (TimestampMs(5), -0.0))]);
        assert_eq!(write(&found, &Labels::empty()), b"# TYPE a untyped\na{instance=\"i\"} 0 5\n");
    }
}
