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
use crate::promql::QueryError;
use crate::promql::memory::{Memory, Reserved};
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
    async fn read(state: &QueryState, params: &Params, refuse: fn(String) -> ApiError) -> Result<Self, ApiError> {
        let limit = params.limit()?;
        let min = params.time_or("start", TimestampMs::MIN)?;
        let max = params.time_or("end", TimestampMs::MAX)?;
        let selectors = selector::parse_all(state, params.all("match[]").map(str::to_owned).collect(), refuse).await?;
        Ok(Self { range: TimeRange::new(min, max), limit, selectors })
    }
}

/// `series` names the parameter in its complaint, the label endpoints do not.
fn of_parameter(problem: String) -> ApiError {
    ApiError::parameter("match[]", problem)
}

async fn names(State(state): State<QueryState>, params: Params) -> Result<Success, ApiError> {
    let request = Request::read(&state, &params, ApiError::BadData).await?;
    let read = |snapshot: &dyn Snapshot, matchers: &[Matcher], range| snapshot.label_names(matchers, range);
    texts(&state, request, read).await
}

async fn values(State(state): State<QueryState>, Path(name): Path<String>, uri: Uri) -> Response {
    let name = match escaped_name(&name) {
        Ok(name) => name,
        Err(problem) => return ApiError::BadData(problem).into_response(),
    };
    let request = match Request::read(&state, &Params::of_uri(&uri), ApiError::BadData).await {
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
    let (select, engine) = (state.select.clone(), (state.engine)());
    let work = move |turn: &Turn| -> Result<Success, ApiError> {
        let Request { range, limit, mut selectors } = request;
        selector::with_fuse(&mut selectors, &turn.fuse());
        let snapshot = select.open(range)?;
        let mut union = Union::new(engine.memory(), turn, String::len);
        for matchers in selectors.iter().map(Vec::as_slice).chain(selectors.is_empty().then_some(&[][..])) {
            union.add(read(&*snapshot, matchers, range)?)?;
        }
        let mut found = union.sorted()?;
        let warnings = truncate(&mut found, limit);
        Ok(Success::annotated(|out| json::list(out, &found, |out, text| json::text(out, text)), &warnings, &[]))
    };
    state.pool.run(state.timeout, work).await
}

async fn series(State(state): State<QueryState>, params: Params) -> Result<Success, ApiError> {
    if params.all("match[]").next().is_none() {
        return Err(ApiError::BadData("no match[] parameter provided".to_owned()));
    }
    let Request { range, limit, mut selectors } = Request::read(&state, &params, of_parameter).await?;
    let (select, engine) = (state.select.clone(), (state.engine)());
    let work = move |turn: &Turn| -> Result<Success, ApiError> {
        selector::with_fuse(&mut selectors, &turn.fuse());
        let snapshot = select.open(range)?;
        // A label set shares its text with the store or with an equal one: what is reckoned is the most that it can take.
        let mut union = Union::new(engine.memory(), turn, Labels::size_bytes);
        for matchers in &selectors {
            union.add(snapshot.series(matchers, range)?)?;
        }
        let mut found = union.sorted()?;
        let warnings = truncate(&mut found, limit);
        Ok(Success::annotated(|out| json::list(out, &found, json::labels), &warnings, &[]))
    };
    state.pool.run(state.timeout, work).await
}

/// What several selectors find, each once, within the memory for queries.
struct Union<'t, T> {
    found: Vec<T>,
    /// How much of it is known to be in order and without repetition.
    unique: usize,
    lists: usize,
    turn: &'t Turn,
    held: Reserved,
    bytes_of: fn(&T) -> usize,
}

impl<'t, T: Ord> Union<'t, T> {
    fn new(memory: &Memory, turn: &'t Turn, bytes_of: fn(&T) -> usize) -> Self {
        Self { found: Vec::new(), unique: 0, lists: 0, turn, held: memory.reserved(), bytes_of }
    }

    fn add(&mut self, more: Vec<T>) -> Result<(), ApiError> {
        self.turn.check()?;
        self.lists += 1;
        let bytes: usize = more.iter().map(|one| std::mem::size_of::<T>() + (self.bytes_of)(one)).sum();
        if !self.held.grow(bytes as u64) {
            return Err(super::query::failure("", QueryError::of_memory(bytes as u64, self.held.limit())));
        }
        self.found.extend(more);
        // Repetitions go as soon as they may be half of it.
        if self.found.len() > 2 * self.unique && self.lists > 1 {
            self.unite();
        }
        Ok(())
    }

    fn unite(&mut self) {
        self.found.sort_unstable();
        self.found.dedup();
        self.unique = self.found.len();
        let bytes: usize = self.found.iter().map(|one| std::mem::size_of::<T>() + (self.bytes_of)(one)).sum();
        self.held.shrink_to(bytes as u64);
    }

    /// One selector gives each once, in the store's order; several may overlap.
    fn sorted(mut self) -> Result<Vec<T>, ApiError> {
        if self.lists > 1 {
            self.unite();
        }
        self.turn.check()?;
        Ok(self.found)
    }
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
