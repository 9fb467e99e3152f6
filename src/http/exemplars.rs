//! `query_exemplars`: the exemplars of every series that an expression selects.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::envelope::Success;
use super::error::ApiError;
use super::json::{self, Object};
use super::params::Params;
use super::query::{QueryState, parsed};
use crate::model::{Exemplar, Labels, Matcher, TimeRange, TimestampMs};
use crate::promql::{Expr, ExprKind};

/// Exemplars of the series that satisfy all matchers: series, time, exemplar.
pub type FindExemplars = Arc<dyn Fn(&[Matcher], TimeRange) -> Vec<(Labels, TimestampMs, Exemplar)> + Send + Sync>;

#[derive(Clone)]
pub struct ExemplarState {
    pub query: QueryState,
    /// Finds none where exemplars are not kept (`--enable-feature=exemplar-storage`).
    pub find: FindExemplars,
}

pub fn routes(state: ExemplarState) -> Router {
    Router::new().route("/query_exemplars", get(exemplars).post(exemplars)).with_state(state)
}

async fn exemplars(State(state): State<ExemplarState>, params: Params) -> Result<Success, ApiError> {
    let start = params.time_or("start", TimestampMs::MIN)?;
    let end = params.time_or("end", TimestampMs::MAX)?;
    if end < start {
        return Err(ApiError::BadData("end timestamp must not be before start timestamp".to_owned()));
    }
    let range = TimeRange::new(start, end);
    let find = Arc::clone(&state.find);
    let work = move |expr: &Expr| {
        let mut found: BTreeMap<Labels, Vec<(TimestampMs, Exemplar)>> = BTreeMap::new();
        expr.walk(&mut |node| {
            let selector = match &node.kind {
                ExprKind::Selector(selector) => selector,
                ExprKind::Range(range) => &range.selector,
                _ => return,
            };
            for (series, at, exemplar) in find(&selector.matchers, range) {
                let list = found.entry(series).or_default();
                // two selectors of one expression may name the same series
                if !list.iter().any(|(known, same)| *known == at && *same == exemplar) {
                    list.push((at, exemplar));
                }
            }
        });
        Success::new(|out| json::list(out, &found, |out, (labels, exemplars)| series(out, labels, exemplars)))
    };
    // the complaint about the expression names no parameter here
    let named = ApiError::parameter("query", "");
    parsed(&state.query, params.get("query").to_owned(), work).await.map_err(|error| match error.plain() {
        ApiError::BadData(text) => ApiError::BadData(text.strip_prefix(named.message()).unwrap_or(&text).to_owned()),
        other => other,
    })
}

fn series(out: &mut Vec<u8>, labels: &Labels, exemplars: &[(TimestampMs, Exemplar)]) {
    let mut object = Object::open(out);
    object.labels("seriesLabels", labels).list("exemplars", exemplars, |out, (at, exemplar)| {
        let mut object = Object::open(out);
        object.labels("labels", &exemplar.labels);
        json::sample_value(object.key("value"), exemplar.value);
        json::seconds(object.key("timestamp"), *at);
        object.close();
    });
    object.close();
}
