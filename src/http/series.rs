//! What is in the store, without values: label names, label values, series.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::envelope::Success;
use super::error::ApiError;
use super::json;
use super::params::Params;
use super::pool::Turn;
use super::query::QueryState;
use super::selector;
use crate::model::number::quote;
use crate::model::{Labels, Matcher, TimeRange, TimestampMs};
use crate::storage::{SelectError, Snapshot};

const TRUNCATED: &str = "results truncated due to limit";

pub fn routes(state: QueryState) -> Router {
    Router::new()
        .route("/labels", get(names).post(names))
        .route("/label/{name}/values", get(values))
        .route("/series", get(series).post(series))
        .with_state(state)
}

struct Request {
    range: TimeRange,
    limit: usize,
    selectors: Vec<Vec<Matcher>>,
}

impl Request {
    /// `refuse` words what is wrong with a selector.
    fn read(params: &Params, refuse: fn(String) -> ApiError) -> Result<Self, ApiError> {
        let limit = params.limit()?;
        let min = params.time_or("start", TimestampMs::MIN)?;
        let max = params.time_or("end", TimestampMs::MAX)?;
        let mut selectors = Vec::new();
        for text in params.all("match[]") {
            selectors.push(selector::parse(text).map_err(refuse)?);
        }
        Ok(Self { range: TimeRange::new(min, max), limit, selectors })
    }
}

/// `series` names the parameter in its complaint, the label endpoints do not.
fn of_parameter(problem: String) -> ApiError {
    ApiError::parameter("match[]", problem)
}

async fn names(State(state): State<QueryState>, params: Params) -> Result<Success, ApiError> {
    let request = Request::read(&params, ApiError::BadData)?;
    let read = |snapshot: &dyn Snapshot, matchers: &[Matcher], range| snapshot.label_names(matchers, range);
    texts(&state, request, read).await
}

async fn values(State(state): State<QueryState>, Path(name): Path<String>, uri: Uri) -> Response {
    let name = match escaped_name(&name) {
        Ok(name) => name,
        Err(problem) => return ApiError::BadData(problem).into_response(),
    };
    let request = match Request::read(&Params::of_uri(&uri), ApiError::BadData) {
        Ok(request) => request,
        Err(error) => return error.into_response(),
    };
    let read = move |snapshot: &dyn Snapshot, matchers: &[Matcher], range| snapshot.label_values(&name, matchers, range);
    texts(&state, request, read).await.into_response()
}

/// Sorted texts of every selector's series together.
async fn texts(
    state: &QueryState,
    request: Request,
    read: impl Fn(&dyn Snapshot, &[Matcher], TimeRange) -> Result<Vec<String>, SelectError> + Send + 'static,
) -> Result<Success, ApiError> {
    let select = state.select.clone();
    let work = move |turn: &Turn| -> Result<Success, ApiError> {
        let Request { range, limit, mut selectors } = request;
        selector::with_fuse(&mut selectors, &turn.fuse());
        let snapshot = select.open(range)?;
        let mut found = match selectors.as_slice() {
            [] => read(&*snapshot, &[], range)?,
            [one] => read(&*snapshot, one, range)?,
            many => {
                let mut all = Vec::new();
                for matchers in many {
                    all.extend(read(&*snapshot, matchers, range)?);
                }
                all.sort_unstable();
                all.dedup();
                all
            }
        };
        let warnings = truncate(&mut found, limit);
        Ok(Success::annotated(|out| json::list(out, &found, |out, text| json::text(out, text)), &warnings, &[]))
    };
    state.pool.run(state.timeout, work).await
}

async fn series(State(state): State<QueryState>, params: Params) -> Result<Success, ApiError> {
    if params.all("match[]").next().is_none() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let Request { range, limit, mut selectors } = Request::read(&params, of_parameter)?;
    let select = state.select.clone();
    let work = move |turn: &Turn| -> Result<Success, ApiError> {
        selector::with_fuse(&mut selectors, &turn.fuse());
        let snapshot = select.open(range)?;
        let mut found: Vec<Labels> = Vec::new();
        for matchers in &selectors {
            found.extend(snapshot.series(matchers, range)?);
        }
        // one selector gives each series once, in the store's order; several may overlap
        if selectors.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
        let warnings = truncate(&mut found, limit);
        Ok(Success::annotated(|out| json::list(out, &found, json::labels), &warnings, &[]))
    };
    state.pool.run(state.timeout, work).await
}

/// Cuts to the limit (0: none) and says so.
pub fn truncate<T>(found: &mut Vec<T>, limit: usize) -> Vec<String> {
    if limit == 0 || found.len() <= limit {
        return Vec::new();
    }
    found.truncate(limit);
    vec![TRUNCATED.to_owned()]
}

/// A label name in an address: any text, or `U__` with `_HEX_` for each character that is not plain and `__` for an underscore.
fn escaped_name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(format!("invalid label name: {}", quote(text)));
    }
    let Some(escaped) = text.strip_prefix("U__") else { return Ok(text.to_owned()) };
    let mut name = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        name.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(end) = rest.find('_') else { return Ok(text.to_owned()) };
        if end == 0 {
            name.push('_');
        } else {
            match u32::from_str_radix(&rest[..end], 16).ok().and_then(char::from_u32) {
                Some(c) => name.push(c),
                None => return Ok(text.to_owned()),
            }
        }
        rest = &rest[end + 1..];
    }
    name.push_str(rest);
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_addresses_are_unescaped() {
        for (text, name) in [("job", "job"), ("U__a_2d_b", "a-b"), ("U__a__b", "a_b"), ("U__x_", "U__x_"), ("U___1F600_", "\u{1f600}")] {
            assert_eq!(escaped_name(text).as_deref(), Ok(name));
        }
        assert!(escaped_name("").is_err());
    }
}
