//! What exporters say of their metrics: `metadata` over everything, `targets/metadata` target by target.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;

use super::envelope::Success;
use super::error::ApiError;
use super::json::{self, Object};
use super::params::Params;
use super::query::QueryState;
use super::state::Lookup;
use crate::model::{Metadata, TimeRange};
use crate::scrape::view::TargetView;

#[derive(Clone)]
pub struct MetadataState {
    pub active: Lookup<Vec<TargetView>>,
    /// The store remembers what pushed series and gone targets said.
    pub query: QueryState,
}

pub fn routes(state: MetadataState) -> Router {
    Router::new().route("/metadata", get(by_metric)).route("/targets/metadata", get(by_target)).with_state(state)
}

/// A count that is absent, or below zero for "all".
fn count(params: &Params, name: &str) -> Result<usize, ApiError> {
    match params.get(name) {
        "" => Ok(usize::MAX),
        text => match text.parse::<i64>() {
            Ok(number) => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
            Err(_) => Err(ApiError::BadData(format!("{name} must be a number"))),
        },
    }
}

fn fields(object: &mut Object<'_>, metadata: &Metadata) {
    object.text("type", metadata.metric_type.as_str()).text("unit", &metadata.unit).text("help", &metadata.help);
}

async fn by_metric(State(state): State<MetadataState>, uri: Uri) -> Result<Success, ApiError> {
    let params = Params::of_uri(&uri);
    let limit = count(&params, "limit")?;
    let per_metric = count(&params, "limit_per_metric")?;
    let metric = params.get("metric").to_owned();
    let select = state.query.select.clone();
    let active = state.active.clone();
    let work = move || -> Result<Success, ApiError> {
        let wanted = |name: &str| metric.is_empty() || name == metric;
        let mut found: BTreeMap<String, Vec<Metadata>> = BTreeMap::new();
        let stored = select.open(TimeRange::ALL)?.metadata()?;
        let live = (active)().into_iter().flat_map(|target| target.metadata);
        for (name, metadata) in live.chain(stored).filter(|(name, _)| wanted(name)) {
            let said = found.entry(name).or_default();
            if said.len() < per_metric && !said.contains(&metadata) {
                said.push(metadata);
            }
        }
        Ok(Success::new(|out| {
            let mut object = Object::open(out);
            for (name, said) in found.iter().take(limit) {
                json::list(object.any_key(name), said, |out, metadata| {
                    let mut object = Object::open(out);
                    fields(&mut object, metadata);
                    object.close();
                });
            }
            object.close();
        }))
    };
    state.query.pool.aside(state.query.timeout, move |_| work()).await
}

async fn by_target(State(state): State<MetadataState>, uri: Uri) -> Result<Success, ApiError> {
    let params = Params::of_uri(&uri);
    let limit = count(&params, "limit")?;
    let matchers = match params.get("match_target") {
        "" => Vec::new(),
        text => super::selector::parse(text).map_err(|problem| ApiError::parameter("match_target", problem))?,
    };
    let metric = params.get("metric");
    let targets = (state.active)();
    let mut found = Vec::new();
    for target in &targets {
        if matchers.iter().all(|matcher| matcher.matches(target.labels.get(&matcher.name).unwrap_or(""))) {
            found.extend(target.metadata.iter().filter(|(name, _)| metric.is_empty() || name == metric).map(|said| (target, said)));
        }
    }
    found.truncate(limit);
    Ok(Success::new(|out| {
        json::list(out, found, |out, (target, (name, metadata))| {
            let mut object = Object::open(out);
            object.labels("target", &target.labels);
            if metric.is_empty() {
                object.text("metric", name);
            }
            object.text("type", metadata.metric_type.as_str()).text("help", &metadata.help).text("unit", &metadata.unit);
            object.close();
        });
    }))
}
