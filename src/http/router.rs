//! Puts the routes together: two APIs, management, pages; and what lies around them.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

use super::active;
use super::admin::{self, AdminState};
use super::around::{Figures, caught, figures, when_ready};
use super::cardinality::{self, CardinalityState};
use super::cors::{Cors, around_v1, around_v2};
use super::error::{method_not_allowed, not_found};
use super::exemplars::{self, ExemplarState};
use super::federate::{self, FederateState};
use super::limits::COMPRESS_BYTES_MIN;
use super::manage::{self, ManageState};
use super::metadata::{self, MetadataState};
use super::pages::{self, PageState};
use super::promlet::{self, PromletState};
use super::query::{self, QueryState};
use super::rules::{self, RuleState};
use super::series;
use super::state::{HeadFacts, Lookup};
use super::status::{self, StatusState};
use super::stories::{self, StoryState};
use super::targets::{self, TargetState};
use super::v2::{self, AlertState};
use super::write::{self, WriteState};
use crate::clock::Clock;
use crate::telemetry::Registry;

/// Everything that `app` hands over; each handler gets its own part only.
pub struct Parts {
    pub registry: Registry,
    pub clock: Clock,
    pub cors: Cors,
    /// `--web.route-prefix` as `/prefix`, empty for none.
    pub prefix: String,
    pub query: QueryState,
    pub exemplars: ExemplarState,
    pub federate: FederateState,
    pub head: Lookup<HeadFacts>,
    pub targets: TargetState,
    pub rules: RuleState,
    pub status: StatusState,
    pub admin: AdminState,
    pub manage: ManageState,
    pub promlet: PromletState,
    pub pages: PageState,
    pub write: WriteState,
    pub alerts: AlertState,
}

/// The whole server as one service.
pub fn router(parts: Parts) -> Router {
    let Parts {
        registry,
        clock,
        cors,
        prefix,
        query,
        exemplars,
        federate,
        head,
        targets,
        rules,
        status,
        admin,
        manage,
        promlet,
        pages,
        write,
        alerts,
    } = parts;
    let readiness = manage.readiness.clone();
    let home = (!prefix.is_empty()).then(|| pages::home(pages.clone()));
    let metadata = MetadataState { active: targets.active.clone(), query: query.clone() };
    let stories = StoryState { alerting: alerts.alerting.clone(), groups: rules.groups.clone() };
    let v1 = Router::new()
        .merge(query::routes(query.clone()))
        .merge(active::routes(query.clone()))
        .merge(exemplars::routes(exemplars))
        .merge(series::routes(query.clone()))
        .merge(metadata::routes(metadata))
        .merge(cardinality::routes(CardinalityState { query: query.clone(), head }))
        .merge(targets::routes(targets))
        .merge(rules::routes(rules))
        .merge(stories::routes(stories))
        .merge(status::routes(status))
        .merge(admin::routes(admin))
        .merge(promlet::routes(promlet))
        .merge(write::routes(write))
        .fallback(|| async { not_found() })
        .method_not_allowed_fallback(|| async { method_not_allowed() })
        .layer(from_fn_with_state(readiness.clone(), when_ready))
        .merge(status::early_routes())
        .layer(from_fn_with_state(cors, around_v1));
    let v2 = v2::routes(alerts).layer(from_fn_with_state(readiness.clone(), when_ready)).layer(from_fn(around_v2));
    let all = Router::new()
        .nest("/api/v1", v1)
        .nest("/api/v2", v2)
        .merge(manage::routes(manage))
        .merge(federate::routes(federate, readiness))
        .merge(pages::routes(pages));
    let placed = match home {
        None => all,
        Some(home) => {
            let location = format!("{prefix}/");
            let to_home = move || async move { (StatusCode::FOUND, [("location", location)]).into_response() };
            Router::new().nest(&prefix, all).merge(home).route("/", get(to_home)).fallback(|| async { not_found() })
        }
    };
    let small = u16::try_from(COMPRESS_BYTES_MIN).unwrap_or(u16::MAX);
    let compressed = SizeAbove::new(small).and(NotForContentType::GRPC).and(NotForContentType::IMAGES);
    placed
        .method_not_allowed_fallback(|| async { method_not_allowed() })
        .layer(CatchPanicLayer::custom(caught))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(compressed))
        .layer(from_fn_with_state(Figures { registry, clock, prefix: Arc::from(prefix) }, figures))
}
