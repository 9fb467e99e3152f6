//! promlet's own endpoints, for its pages: overview, dashboards, deliveries.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::envelope::{self, Success};
use super::error::ApiError;
use super::json::{self, Object};
use super::limits::DELIVERIES_MAX;
use super::params::Params;
use super::state::{Ask, DashboardView, Lookup, Overview};
use crate::alerts::view::{DeliveryOutcome, DeliveryView};

/// Deliveries when no limit is given.
const DELIVERIES: usize = 200;

#[derive(Clone)]
pub struct PromletState {
    pub overview: Lookup<Overview>,
    pub dashboards: Lookup<Vec<DashboardView>>,
    /// The file's text by the dashboard's name.
    pub dashboard: Ask<String, Option<Vec<u8>>>,
    /// The newest first, as many as asked for; the error says why the ledger cannot be read.
    pub deliveries: Ask<usize, Result<Vec<DeliveryView>, String>>,
}

pub fn routes(state: PromletState) -> Router {
    Router::new()
        .route("/promlet/overview", get(overview))
        .route("/promlet/dashboards", get(dashboards))
        .route("/promlet/dashboards/{name}", get(dashboard))
        .route("/promlet/deliveries", get(deliveries))
        .with_state(state)
}

async fn overview(State(state): State<PromletState>) -> Success {
    let view = (state.overview)();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    Success::new(|out| {
        let mut object = Object::open(out);
        object.text("version", &view.version).text("mode", view.mode.as_str());
        match &view.demo_url {
            Some(url) => object.text("demo_url", url),
            None => object.raw("demo_url", "null"),
        };
        object
            .list("demo_script", &view.demo_script, |out, (at, what)| {
                let mut step = Object::open(out);
                step.integer("at_seconds", i64::try_from(*at).unwrap_or(i64::MAX)).text("what", what);
                step.close();
            })
            .text("started_at", &view.started_at.rfc3339())
            .float("scrape_interval_seconds", view.scrape_interval_seconds);
        let mut alerting = Object::open(object.key("alerting"));
        alerting.flag("configured", view.alerting_configured).text("hint", &view.alerting_hint);
        alerting.close();
        object.list("notes", &view.notes, |out, note| {
            let mut object = Object::open(out);
            object
                .text("file", &note.file)
                .integer("line", number(note.line))
                .integer("column", number(note.column))
                .text("text", &note.text);
            object.close();
        });
        object.list("problems", &view.problems, |out, problem| json::text(out, problem));
        object.close();
    })
}

async fn dashboards(State(state): State<PromletState>) -> Success {
    let all = (state.dashboards)();
    Success::new(|out| {
        json::list(out, &all, |out, view| {
            let mut object = Object::open(out);
            object
                .text("name", &view.name)
                .text("title", &view.title)
                .list("tags", &view.tags, |out, tag| json::text(out, tag))
                .text("file", &view.file);
            match &view.error {
                Some(error) => object.text("error", error),
                None => object.raw("error", "null"),
            };
            object.close();
        });
    })
}

async fn dashboard(State(state): State<PromletState>, Path(name): Path<String>) -> Response {
    match (state.dashboard)(name.clone()).await {
        Some(text) => envelope::respond(StatusCode::OK, text),
        None => ApiError::NotFound(format!("there is no dashboard named \"{name}\"")).into_response(),
    }
}

async fn deliveries(State(state): State<PromletState>, uri: Uri) -> Result<Success, ApiError> {
    let limit = match Params::of_uri(&uri).limit()? {
        0 => DELIVERIES,
        limit => limit.min(DELIVERIES_MAX),
    };
    let found = (state.deliveries)(limit).await.map_err(ApiError::Internal)?;
    Ok(Success::new(|out| json::list(out, &found, delivery)))
}

pub(super) fn delivery(out: &mut Vec<u8>, view: &DeliveryView) {
    let outcome = match view.outcome {
        DeliveryOutcome::Delivered => "delivered",
        DeliveryOutcome::Retrying => "retrying",
        DeliveryOutcome::Failed => "failed",
    };
    let mut object = Object::open(out);
    object
        .text("at", &view.at.rfc3339())
        .text("receiver", &view.receiver)
        .text("integration", &view.integration)
        .labels("group_labels", &view.group_labels)
        .text("status", &view.status)
        .text("reason", &view.reason)
        .list("alerts", &view.alerts, json::labels)
        .text("outcome", outcome)
        .integer("attempts", i64::from(view.attempts))
        .text("detail", &view.detail)
        .text("id", &view.id);
    object.close();
}
