//! `query`, `query_range` and the small endpoints about expressions, on the query pool.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::compress;
use super::envelope::{self, Success};
use super::error::{ApiError, Help};
use super::explain;
use super::limits::{POINTS_MAX, WHOLE_BYTES_MAX};
use super::params::Params;
use super::pieces::{self, Pieces};
use super::pool::{Job, Pool, Turn};
use super::result;
use super::selector;
use super::series::truncate;
use super::server::Peer;
use super::state::Lookup;
use crate::clock::Clock;
use crate::model::DurationMs;
use crate::promql::{self, Answer, Asked, Engine, Expr, Moment, Query, QueryError, QueryOptions, Running, Value};
use crate::storage::{Select, SelectError};

/// What every endpoint that reads the store is given.
#[derive(Clone)]
pub struct QueryState {
    pub select: Arc<dyn Select>,
    /// Another one after a reload.
    pub engine: Lookup<Arc<Engine>>,
    pub pool: Pool,
    pub clock: Clock,
    /// `--query.timeout`: the most that a request may ask for.
    pub timeout: Duration,
}

pub fn routes(state: QueryState) -> Router {
    Router::new()
        .route("/query", get(instant).post(instant))
        .route("/query_range", get(range).post(range))
        .route("/format_query", get(format).post(format))
        .route("/parse_query", get(tree).post(tree))
        .with_state(state)
}

/// What both kinds of query may ask for.
struct Wishes {
    expr: String,
    limit: usize,
    timeout: Duration,
    lookback: Option<DurationMs>,
    stats: bool,
    per_step: bool,
    explain: bool,
    cache: bool,
    gzip: bool,
}

impl Wishes {
    fn read(params: &Params, state: &QueryState, headers: &HeaderMap) -> Result<Self, ApiError> {
        let lookback = match params.get("lookback_delta") {
            "" => None,
            text => Some(
                super::params::parse_duration(text)
                    .map_err(|problem| ApiError::BadData(format!("error parsing lookback delta duration: {problem}")))?,
            ),
        };
        let timeout = params.duration_opt("timeout")?.map_or(state.timeout, |wish| wish.to_std().min(state.timeout));
        Ok(Self {
            expr: params.get("query").to_owned(),
            limit: params.limit()?,
            timeout,
            lookback: lookback.filter(|lookback| lookback.0 > 0),
            stats: !params.get("stats").is_empty(),
            per_step: params.get("stats") == "all" && (state.engine)().options().features.per_step_stats,
            explain: matches!(params.get("explain"), "true" | "1"),
            // Statistics are of the evaluation, so that there must be one.
            cache: params.get("stats").is_empty() && matches!(params.get("nocache"), "" | "0" | "false"),
            gzip: compress::is_wanted(headers),
        })
    }

    fn options(&self, state: &QueryState, turn: &Turn, running: &Running) -> QueryOptions {
        let left = turn.deadline.saturating_sub(state.clock.monotonic());
        let timeout = Some(DurationMs(i64::try_from(left.as_millis()).unwrap_or(i64::MAX)));
        let (lookback, cache, per_step) = (self.lookback, self.cache, self.per_step);
        QueryOptions { lookback, timeout, cancel: turn.cancel.clone(), cache, usage: running.usage(), per_step, apart: false }
    }
}

async fn instant(State(state): State<QueryState>, request: Request) -> Response {
    let (headers, client) = (request.headers().clone(), client_of(&request));
    let read = async {
        let params = Params::of(request).await?;
        let at = params.time_or("time", state.clock.now())?;
        Ok::<_, ApiError>((at, Wishes::read(&params, &state, &headers)?))
    };
    match read.await {
        Err(error) => error.into_response(),
        Ok((at, wishes)) => {
            let select = Arc::clone(&state.select);
            let asked = Asked { query: wishes.expr.clone(), client, start: at, end: at, step: None };
            answer(state, wishes, asked, Moment::At(at), move |engine, expr, options| engine.instant(&*select, expr, at, options)).await
        }
    }
}

async fn range(State(state): State<QueryState>, request: Request) -> Response {
    let (headers, client) = (request.headers().clone(), client_of(&request));
    let read = async {
        let params = Params::of(request).await?;
        let (start, end) = (params.time("start")?, params.time("end")?);
        if end < start {
            return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
        }
        let step = params.duration("step")?;
        if step.0 <= 0 {
            let problem = "zero or negative query resolution step widths are not accepted. Try a positive integer";
            return Err(ApiError::parameter("step", problem));
        }
        if (end - start).0 / step.0 > POINTS_MAX {
            let problem = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
            return Err(ApiError::BadData(problem.to_owned()));
        }
        Ok::<_, ApiError>(((start, end), step, Wishes::read(&params, &state, &headers)?))
    };
    match read.await {
        Err(error) => error.into_response(),
        Ok((bounds, step, wishes)) => {
            let select = Arc::clone(&state.select);
            let moment = Moment::Range { start: bounds.0, end: bounds.1, step };
            let asked = Asked { query: wishes.expr.clone(), client, start: bounds.0, end: bounds.1, step: Some(step) };
            answer(state, wishes, asked, moment, move |engine, expr, options| engine.range(&*select, expr, bounds, step, options)).await
        }
    }
}

fn client_of(request: &Request) -> String {
    request.extensions().get::<Peer>().map_or_else(String::new, |peer| peer.0.to_string())
}

/// An answer as it goes out, and whether it is compressed.
enum Written {
    Whole(Vec<u8>, bool),
    Pieces(Pieces, bool),
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let (mut response, compressed) = match self {
            Self::Whole(body, compressed) => (envelope::respond(StatusCode::OK, body), compressed),
            Self::Pieces(body, compressed) => (envelope::respond(StatusCode::OK, Body::new(body)), compressed),
        };
        if compressed {
            response.headers_mut().insert(header::CONTENT_ENCODING, header::HeaderValue::from_static("gzip"));
        }
        response
    }
}

/// Evaluates, writes and compresses on a thread of the pool: socket workers only send.
async fn answer(
    state: QueryState,
    wishes: Wishes,
    asked: Asked,
    moment: Moment,
    evaluate: impl FnOnce(&Engine, Query<'_>, &QueryOptions) -> Result<Answer, QueryError> + Send + 'static,
) -> Response {
    let pool = state.pool.clone();
    let timeout = wishes.timeout;
    let running = (state.engine)().active().begin(asked);
    let cancel = running.cancel();
    // What is wrong with the text is said before anything waits in line.
    let tree = match checked(&state, &wishes.expr).await {
        Ok(tree) => tree,
        Err(error) => return error.into_response(),
    };
    let work = move |turn: &Turn| -> Result<(Written, Option<Job>), ApiError> {
        running.has_turn();
        let engine = (state.engine)();
        let query = match &tree {
            Some(tree) => Query::Parsed(tree, &wishes.expr),
            None => Query::Text(&wishes.expr),
        };
        let mut answer = evaluate(&engine, query, &wishes.options(&state, turn, &running)).map_err(|error| failure(&wishes.expr, error))?;
        let truncated = match &mut answer.value {
            Value::Vector(rows) => truncate(rows, wishes.limit),
            Value::Matrix(rows) => truncate(rows, wishes.limit),
            Value::Scalar { .. } | Value::String { .. } => Vec::new(),
        };
        answer.warnings.extend(truncated);
        let stats = wishes.stats.then_some(result::Asked { waited: turn.waited, moment });
        // The text takes memory like the samples did; what it was made from is given back when it is complete.
        let (text, bytes) = (engine.memory().reserved(), result::bytes(&answer.value));
        if !text.grow(bytes) {
            let own = bytes.saturating_add(answer.memory.as_ref().map_or(0, |held| held.bytes()));
            return Err(failure(&wishes.expr, QueryError::of_memory(own, engine.memory().limit())));
        }
        if bytes > WHOLE_BYTES_MAX && !wishes.explain {
            let (mut pen, body) = pieces::pair(wishes.gzip);
            let write: Job = Box::new(move || {
                let mut out = envelope::OPENING.to_vec();
                result::write(&mut out, &answer, stats, &mut |out| pen.take(out));
                envelope::close(&mut out, &answer.warnings, &answer.infos);
                pen.finish(out);
                drop((text, running));
            });
            return Ok((Written::Pieces(body, wishes.gzip), Some(write)));
        }
        let write = |out: &mut Vec<u8>| result::write(out, &answer, stats, &mut |_| true);
        let Success(mut body) = Success::annotated(write, &answer.warnings, &answer.infos);
        if wishes.explain {
            let options = wishes.options(&state, turn, &running);
            let story = engine.explain(&*state.select, &wishes.expr, moment, &options).map_err(|error| failure(&wishes.expr, error))?;
            // The envelope is open again for one more field.
            body.pop();
            body.extend_from_slice(b",\"explain\":");
            explain::write(&mut body, &story);
            body.push(b'}');
        }
        let (body, compressed) = if wishes.gzip { compress::gzip(body) } else { (body, false) };
        Ok((Written::Whole(body, compressed), None))
    };
    match pool.run_and_on(cancel, timeout, work).await {
        Err(error) => error.into_response(),
        Ok(written) => written.into_response(),
    }
}

/// The error as the API words it, with its place and a hint.
pub fn failure(expr: &str, error: QueryError) -> ApiError {
    let text = match &error {
        // nothing has no first line
        QueryError::Parse(errors) if expr.is_empty() => {
            format!("unknown position: parse error: {}", errors.first().map_or("", |error| error.message.as_str()))
        }
        error => error.to_string(),
    };
    let hint = promql::hint::of(expr, &error);
    let place = match &error {
        QueryError::Parse(errors) => errors.first().filter(|e| e.line > 0).map(|e| [e.span.start, e.span.end, e.line, e.column]),
        _ => None,
    };
    let plain = match error {
        QueryError::Parse(_) | QueryError::BadRequest(_) => ApiError::parameter("query", text),
        QueryError::Execution(_) | QueryError::TooManySamples | QueryError::TooMuchMemory { .. } => ApiError::Execution(text),
        QueryError::MemoryInUse { .. } | QueryError::Storage(SelectError::Busy(_)) => ApiError::Overloaded(text),
        QueryError::Timeout => ApiError::Timeout(text),
        QueryError::Canceled | QueryError::Killed => ApiError::Canceled(text),
        QueryError::Storage(_) => ApiError::Internal(text),
    };
    if hint.is_none() && place.is_none() { plain } else { ApiError::Helped(Box::new(plain), Help { place, hint }) }
}

/// Reads an expression: a short one here, a long one off the socket workers; in neither case it waits for queries. The tree of a long one
/// is not kept, since many may wait in line.
async fn checked(state: &QueryState, expr: &str) -> Result<Option<Expr>, ApiError> {
    let features = (state.engine)().options().features;
    if selector::is_quick([expr]) {
        return promql::parse(expr, features).map(Some).map_err(|errors| failure(expr, QueryError::Parse(errors)));
    }
    parsed(state, expr.to_owned(), |_| None).await
}

/// Reads an expression off the socket workers, for it may be long.
pub async fn parsed<T: Send + 'static>(
    state: &QueryState,
    expr: String,
    then: impl FnOnce(&Expr) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let features = (state.engine)().options().features;
    let work = move |_: &Turn| {
        let parsed = promql::parse(&expr, features).map_err(|errors| failure(&expr, QueryError::Parse(errors)))?;
        Ok(then(&parsed))
    };
    state.pool.aside(state.timeout, work).await
}

async fn format(State(state): State<QueryState>, params: Params) -> Result<Success, ApiError> {
    let text = parsed(&state, params.get("query").to_owned(), promql::prettify).await?;
    Ok(Success::new(|out| super::json::text(out, &text)))
}

async fn tree(State(state): State<QueryState>, params: Params) -> Result<Success, ApiError> {
    let written = parsed(&state, params.get("query").to_owned(), |expr| {
        let mut out = Vec::new();
        super::tree::write(&mut out, expr);
        out
    });
    let written = written.await?;
    Ok(Success::new(|out| out.extend_from_slice(&written)))
}
