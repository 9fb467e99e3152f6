//! The admin API, shut unless `--web.enable-admin-api` opens it: deleting series, freeing their space, merging, snapshots.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::envelope::Success;
use super::error::ApiError;
use super::json::Object;
use super::params::Params;
use super::state::Ask;
use crate::model::number::quote;
use crate::model::{Matcher, TimeRange, TimestampMs};

/// What is to be deleted: the series of each list of matchers, in the range.
#[derive(Clone, Debug)]
pub struct Deletion {
    pub selectors: Vec<Vec<Matcher>>,
    pub range: TimeRange,
}

#[derive(Clone)]
pub struct AdminState {
    /// `--web.enable-admin-api`.
    pub enabled: bool,
    pub delete: Ask<Deletion, Result<(), String>>,
    pub clean: Ask<(), Result<(), String>>,
    /// Seals what is in memory and merges all segments: promlet's own, for those who want the space now.
    pub compact: Ask<(), Result<(), String>>,
    /// Whether to leave out what is not sealed yet; the snapshot's name comes back.
    pub snapshot: Ask<bool, Result<String, String>>,
}

pub fn routes(state: AdminState) -> Router {
    Router::new()
        .route("/admin/tsdb/delete_series", post(delete).put(delete))
        .route("/admin/tsdb/clean_tombstones", post(clean).put(clean))
        .route("/admin/tsdb/compact", post(compact).put(compact))
        .route("/admin/tsdb/snapshot", post(snapshot).put(snapshot))
        .with_state(state)
}

fn check(state: &AdminState) -> Result<(), ApiError> {
    if state.enabled { Ok(()) } else { Err(ApiError::Unavailable("admin APIs disabled".to_owned())) }
}

async fn delete(State(state): State<AdminState>, params: Params) -> Result<Response, ApiError> {
    check(&state)?;
    if params.all("match[]").next().is_none() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let range = TimeRange::new(params.time_or("start", TimestampMs::MIN)?, params.time_or("end", TimestampMs::MAX)?);
    let parsed = params.all("match[]").map(|text| super::selector::parse(text).map_err(|problem| ApiError::parameter("match[]", problem)));
    let selectors = parsed.collect::<Result<Vec<_>, _>>()?;
    (state.delete)(Deletion { selectors, range }).await.map_err(ApiError::Internal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn clean(State(state): State<AdminState>) -> Result<Response, ApiError> {
    check(&state)?;
    (state.clean)(()).await.map_err(ApiError::Internal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn compact(State(state): State<AdminState>) -> Result<Response, ApiError> {
    check(&state)?;
    (state.compact)(()).await.map_err(ApiError::Internal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn snapshot(State(state): State<AdminState>, params: Params) -> Result<Success, ApiError> {
    check(&state)?;
    let skip_head = boolean(params.get("skip_head")).map_err(|problem| ApiError::parameter("skip_head", problem))?;
    let name = (state.snapshot)(skip_head).await.map_err(ApiError::Internal)?;
    Ok(Success::new(|out| {
        let mut object = Object::open(out);
        object.text("name", &name);
        object.close();
    }))
}

/// As Go reads it; nothing at all is false.
fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        other => Err(format!("unable to parse boolean: strconv.ParseBool: parsing {}: invalid syntax", quote(other))),
    }
}
