//! `targets` and `scrape_pools`: what is scraped and how it goes.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;

use super::envelope::Success;
use super::json::{self, Object};
use super::params::Params;
use super::state::{Addresses, Lookup};
use super::time::rfc3339_or_never;
use crate::scrape::view::{DroppedTarget, TargetHealth, TargetView};

#[derive(Clone)]
pub struct TargetState {
    pub active: Lookup<Vec<TargetView>>,
    /// The dropped targets that are kept for display.
    pub dropped: Lookup<Vec<DroppedTarget>>,
    /// Every scrape pool's name and how many targets relabeling dropped, by name.
    pub pools: Lookup<Vec<(String, u64)>>,
    pub addresses: Addresses,
}

pub fn routes(state: TargetState) -> Router {
    Router::new().route("/targets", get(targets)).route("/scrape_pools", get(pools)).with_state(state)
}

async fn pools(State(state): State<TargetState>) -> Success {
    let mut names: Vec<String> = (state.pools)().into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    Success::new(|out| {
        let mut object = Object::open(out);
        object.list("scrapePools", &names, |out, name| json::text(out, name));
        object.close();
    })
}

async fn targets(State(state): State<TargetState>, uri: Uri) -> Success {
    let params = Params::of_uri(&uri);
    let wanted = params.get("state").to_lowercase();
    let pool = params.get("scrapePool");
    let shows = |kind: &str| matches!(wanted.as_str(), "" | "any") || wanted == kind;
    let in_pool = |name: &str| pool.is_empty() || name == pool;
    let mut active = if shows("active") { (state.active)() } else { Vec::new() };
    active.retain(|target| in_pool(&target.pool));
    active.sort_by(|a, b| a.pool.cmp(&b.pool));
    let (mut dropped, mut counts) = (Vec::new(), None);
    if shows("dropped") {
        dropped = (state.dropped)();
        dropped.retain(|target| in_pool(&target.pool));
        dropped.sort_by(|a, b| a.pool.cmp(&b.pool));
        let mut by_pool = (state.pools)();
        by_pool.sort();
        counts = Some(by_pool);
    }
    Success::new(|out| {
        let mut object = Object::open(out);
        object.list("activeTargets", &active, |out, target| active_target(out, target, &state.addresses));
        object.list("droppedTargets", &dropped, |out, target| {
            let mut object = Object::open(out);
            object.labels("discoveredLabels", &target.discovered_labels).text("scrapePool", &target.pool);
            object.close();
        });
        match &counts {
            None => {
                object.raw("droppedTargetCounts", "null");
            }
            Some(counts) => {
                let mut inner = Object::open(object.key("droppedTargetCounts"));
                // Of every pool, whichever was asked for, as Prometheus has it.
                for (name, count) in counts {
                    json::integer(inner.any_key(name), i64::try_from(*count).unwrap_or(i64::MAX));
                }
                inner.close();
            }
        }
        object.close();
    })
}

fn active_target(out: &mut Vec<u8>, target: &TargetView, addresses: &Addresses) {
    let health = match target.health {
        TargetHealth::Unknown => "unknown",
        TargetHealth::Up => "up",
        TargetHealth::Down => "down",
    };
    let mut object = Object::open(out);
    object
        .labels("discoveredLabels", &target.discovered_labels)
        .labels("labels", &target.labels)
        .text("scrapePool", &target.pool)
        .text("scrapeUrl", &target.url)
        .text("globalUrl", &global_url(&target.url, addresses))
        .text("lastError", &target.last_error)
        .text("lastScrape", &rfc3339_or_never(target.last_scrape))
        .float("lastScrapeDuration", target.last_duration.as_secs_f64())
        .text("health", health)
        .text("scrapeInterval", &target.interval.to_string())
        .text("scrapeTimeout", &target.timeout.to_string());
    object.close();
}

/// The target's address as somebody on another machine would write it: a loopback name becomes this server's own.
fn global_url(url: &str, addresses: &Addresses) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = split_port(authority);
    if !matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1") {
        return url.to_owned();
    }
    let Some((own_scheme, own_rest)) = addresses.external_url.split_once("://") else { return url.to_owned() };
    let own_authority = own_rest.split('/').next().unwrap_or(own_rest);
    let own_port = split_port(&addresses.listen).1;
    if port.is_some() && port == own_port {
        // our own page: a proxy in front may have another scheme and port
        return format!("{own_scheme}://{own_authority}{path}");
    }
    let own_host = split_port(own_authority).0;
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{own_host}{port}{path}")
}

fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_targets_are_shown_under_our_own_name() {
        let addresses = Addresses { external_url: "https://box.example/prom".to_owned(), listen: "0.0.0.0:9090".to_owned() };
        for (url, shown) in [
            ("http://localhost:9090/metrics", "https://box.example/metrics"),
            ("http://127.0.0.1:9100/metrics?a=b", "http://box.example:9100/metrics?a=b"),
            ("http://[::1]:1/metrics", "http://box.example:1/metrics"),
            ("http://other:9100/metrics", "http://other:9100/metrics"),
        ] {
            assert_eq!(global_url(url, &addresses), shown);
        }
    }
}
