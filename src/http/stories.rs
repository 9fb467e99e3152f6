//! `alerts/explain`: why someone did or did not hear of an alert, from the rules, the routes and the ledger.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::routing::get;

use super::envelope::Success;
use super::error::ApiError;
use super::json::Object;
use super::params::Params;
use super::promlet::delivery;
use super::selector;
use super::state::Lookup;
use crate::alerts::Alerting;
use crate::alerts::view::{AlertStanding, IntegrationStanding, RouteStanding, Standing, Story, TrailView};
use crate::model::{DurationMs, Labels, Matcher, TimestampMs};
use crate::rules::view::{ActiveAlert, AlertState, AlertingView, GroupView, RuleHealth, RuleView};

#[derive(Clone)]
pub struct StoryState {
    pub alerting: Alerting,
    pub groups: Lookup<Vec<GroupView>>,
}

pub fn routes(state: StoryState) -> Router {
    Router::new().route("/alerts/explain", get(explain)).with_state(state)
}

async fn explain(State(state): State<StoryState>, uri: Uri) -> Result<Success, ApiError> {
    let params = Params::of_uri(&uri);
    let mut texts = params.all("match[]");
    let matchers = match (texts.next(), texts.next()) {
        (None, _) => Vec::new(),
        (Some(text), None) => selector::parse(text).map_err(|problem| ApiError::parameter("match[]", problem))?,
        (Some(_), Some(_)) => return Err(ApiError::parameter("match[]", "one selector at a time, such as {alertname=\"HighLoss\"}")),
    };
    let (alerting, wanted) = (state.alerting.clone(), matchers.clone());
    let stories = tokio::task::spawn_blocking(move || alerting.stories(&wanted)).await;
    let stories = stories.map_err(|error| ApiError::Internal(error.to_string()))?.map_err(ApiError::Internal)?;
    let groups = (state.groups)();
    Ok(Success::new(|out| {
        let mut object = Object::open(out);
        object.list("rules", asked_rules(&groups, &matchers), |out, (group, rule, alerting)| {
            write_rule(out, group, rule, alerting, &matchers)
        });
        object.list("alerts", &stories, write_story);
        object.close();
    }))
}

/// The alerting rules that could give such an alert: by name and by the labels that the rule sets.
fn asked_rules<'a>(groups: &'a [GroupView], matchers: &[Matcher]) -> Vec<(&'a GroupView, &'a RuleView, &'a AlertingView)> {
    let could = |rule: &RuleView| {
        matchers.iter().all(|matcher| match matcher.name.as_str() {
            "alertname" => matcher.matches(&rule.name),
            // A label that holds a template may become anything.
            name => rule.labels.get(name).is_none_or(|value| value.contains("{{") || matcher.matches(value)),
        })
    };
    let all = groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    all.filter_map(|(group, rule)| rule.alerting.as_ref().filter(|_| could(rule)).map(|alerting| (group, rule, alerting))).collect()
}

fn has(labels: &Labels, matchers: &[Matcher]) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or("")))
}

fn write_rule(out: &mut Vec<u8>, group: &GroupView, rule: &RuleView, alerting: &AlertingView, matchers: &[Matcher]) {
    let active: Vec<&ActiveAlert> = alerting.alerts.iter().filter(|alert| has(&alert.labels, matchers)).collect();
    let mut object = Object::open(out);
    object
        .text("name", &rule.name)
        .text("group", &group.name)
        .text("file", &group.file.to_string_lossy())
        .text("query", &rule.query)
        .float("for_seconds", alerting.hold.as_seconds())
        .text("text", &rule_text(group, rule, alerting, &active))
        .list("active", active, |out, alert| {
            let mut object = Object::open(out);
            let state = if alert.state == AlertState::Firing { "firing" } else { "pending" };
            object.labels("labels", &alert.labels).text("state", state).text("active_at", &alert.active_at.rfc3339());
            object
                .text("fires_at", &(alert.active_at + alerting.hold).rfc3339())
                .text("value", &crate::model::number::format_general(alert.value));
            object.close();
        });
    object.close();
}

/// One sentence about what the rule does.
fn rule_text(group: &GroupView, rule: &RuleView, alerting: &AlertingView, active: &[&ActiveAlert]) -> String {
    if rule.health == RuleHealth::Err {
        return format!("The rule cannot be evaluated, so its alerts stay as they are: {}", rule.last_error);
    }
    let Some(last) = rule.last_evaluation.or(group.last_evaluation) else { return "The rule has not been evaluated yet.".to_owned() };
    let firing = active.iter().filter(|alert| alert.state == AlertState::Firing).count();
    let next = active.iter().filter(|alert| alert.state != AlertState::Firing).map(|alert| alert.active_at + alerting.hold).min();
    match (firing, next) {
        (0, None) => format!("Nothing that matches met the condition at {}: the query's answer had no such series.", last.rfc3339()),
        (0, Some(at)) => {
            format!("{} pending: the condition must hold for {}, the first fires at {}.", active.len(), alerting.hold, at.rfc3339())
        }
        (firing, None) => format!("{firing} firing."),
        (firing, Some(at)) => format!("{firing} firing, {} pending; the next fires at {}.", active.len() - firing, at.rfc3339()),
    }
}

fn write_story(out: &mut Vec<u8>, story: &Story) {
    let mut object = Object::open(out);
    object.labels("labels", &story.labels).text("fingerprint", &story.fingerprint);
    match &story.standing {
        Some(standing) => write_standing(&mut object, standing),
        None => {
            object.text("state", "over").list("routes", &[] as &[RouteStanding], write_route);
        }
    }
    object.list("trail", &story.trail, write_trail).list("deliveries", &story.deliveries, delivery);
    object.close();
}

fn write_standing(object: &mut Object<'_>, standing: &AlertStanding) {
    let alert = &standing.alert.alert;
    object
        .text("state", if standing.ended { "ended" } else { "firing" })
        .labels("annotations", &alert.annotations)
        .text("starts_at", &alert.starts_at.rfc3339())
        .text("ends_at", &alert.ends_at.rfc3339())
        .list("routes", &standing.routes, write_route);
}

fn write_route(out: &mut Vec<u8>, route: &RouteStanding) {
    let seconds = DurationMs::as_seconds;
    let mut object = Object::open(out);
    object
        .text("receiver", &route.receiver)
        .text("route", &route.route)
        .labels("group_labels", &route.group_labels)
        .float("group_wait_seconds", seconds(route.group_wait))
        .float("group_interval_seconds", seconds(route.group_interval))
        .float("repeat_interval_seconds", seconds(route.repeat_interval));
    optional_time(&mut object, "next_look", route.next_look);
    match &route.held_by {
        Some((word, text)) => {
            let mut held = Object::open(object.key("held_by"));
            held.text("reason", word).text("text", text);
            held.close();
        }
        None => drop(object.raw("held_by", "null")),
    }
    object.list("integrations", &route.integrations, write_integration);
    object.close();
}

fn write_integration(out: &mut Vec<u8>, one: &IntegrationStanding) {
    let word = match one.standing {
        Standing::Told => "told",
        Standing::Waiting => "waiting",
        Standing::Sending => "sending",
        Standing::Failing => "failing",
        Standing::Held => "held",
        Standing::Unwanted => "unwanted",
    };
    let mut object = Object::open(out);
    object.text("integration", &one.integration).text("standing", word).text("text", &one.text);
    optional_time(&mut object, "told_at", one.told_at);
    object.integer("attempts", i64::from(one.attempts));
    optional_time(&mut object, "next_attempt", one.next_attempt);
    object.close();
}

fn write_trail(out: &mut Vec<u8>, line: &TrailView) {
    let mut object = Object::open(out);
    object.text("at", &line.at.rfc3339()).text("receiver", &line.receiver).text("decision", &line.decision).text("detail", &line.detail);
    object.close();
}

fn optional_time(object: &mut Object<'_>, name: &str, at: Option<TimestampMs>) {
    match at {
        Some(at) => object.text(name, &at.rfc3339()),
        None => object.raw(name, "null"),
    };
}
