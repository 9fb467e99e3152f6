//! `status/active_queries`: the queries that are under way, and the end of one.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get};

use super::envelope::Success;
use super::error::ApiError;
use super::json::{self, Object};
use super::query::QueryState;
use crate::promql::ActiveQuery;

pub fn routes(state: QueryState) -> Router {
    Router::new().route("/status/active_queries", get(list)).route("/status/active_queries/{id}", delete(kill)).with_state(state)
}

/// The oldest first.
async fn list(State(state): State<QueryState>) -> Success {
    let queries = (state.engine)().active().list();
    Success::new(|out| json::list(out, &queries, one))
}

fn one(out: &mut Vec<u8>, query: &ActiveQuery) {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let asked = &query.asked;
    let mut object = Object::open(out);
    object
        .integer("id", number(query.id))
        .text("query", &asked.query)
        .text("client", &asked.client)
        .text("state", if query.runs { "running" } else { "waiting" })
        .text("since", &query.since.rfc3339())
        .float("age", query.age.as_secs_f64());
    json::seconds(object.key("start"), asked.start);
    json::seconds(object.key("end"), asked.end);
    match asked.step {
        Some(step) => object.float("step", step.0 as f64 / 1000.0),
        None => object.raw("step", "null"),
    };
    object.integer("samples", number(query.samples)).integer("heldSamples", number(query.held)).integer("peakSamples", number(query.peak));
    object.close();
}

/// The query itself answers with an error once it notices.
async fn kill(State(state): State<QueryState>, Path(id): Path<String>) -> Result<Success, ApiError> {
    let number: u64 = id.parse().map_err(|_| ApiError::BadData(format!("the number of a query was expected, not \"{id}\"")))?;
    if !(state.engine)().active().kill(number) {
        return Err(ApiError::NotFound(format!("there is no query number {number} under way: see /api/v1/status/active_queries")));
    }
    Ok(Success::new(|out| out.extend_from_slice(b"null")))
}
