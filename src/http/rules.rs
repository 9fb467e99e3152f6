//! `rules` and `alerts`: rule groups with their state, and the alerts that are pending or firing.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::envelope::Success;
use super::error::ApiError;
use super::json::{self, Object};
use super::params::Params;
use super::state::{AlertmanagersView, Lookup};
use super::time::rfc3339_or_never;
use crate::model::Matcher;
use crate::model::number::{format_exponent, quote};
use crate::rules::view::{ActiveAlert, AlertState, AlertingView, GroupView, RuleHealth, RuleView};

#[derive(Clone)]
pub struct RuleState {
    /// In the order of files and groups.
    pub groups: Lookup<Vec<GroupView>>,
    pub alertmanagers: Lookup<AlertmanagersView>,
}

pub fn routes(state: RuleState) -> Router {
    Router::new().route("/rules", get(rules)).route("/alerts", get(alerts)).route("/alertmanagers", get(alertmanagers)).with_state(state)
}

/// Which groups and rules were asked for.
struct Filter {
    alerting: bool,
    recording: bool,
    names: Vec<String>,
    groups: Vec<String>,
    files: Vec<String>,
    selectors: Vec<Vec<Matcher>>,
    with_alerts: bool,
    /// Groups a page, and the token of the first one of this page.
    page: Option<(usize, String)>,
}

impl Filter {
    fn read(params: &Params) -> Result<Self, ApiError> {
        let kind = params.get("type").to_lowercase();
        if !matches!(kind.as_str(), "" | "alert" | "record") {
            return Err(ApiError::parameter("type", format!("not supported value {}", quote(&kind))));
        }
        let with_alerts = match params.get("exclude_alerts") {
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => true,
            "1" | "t" | "T" | "true" | "TRUE" | "True" => false,
            other => {
                let problem = format!("error converting exclude_alerts: strconv.ParseBool: parsing {}: invalid syntax", quote(other));
                return Err(ApiError::parameter("exclude_alerts", problem));
            }
        };
        let texts = |name: &str| params.all(name).map(str::to_owned).collect::<Vec<_>>();
        let mut selectors = Vec::new();
        for text in params.all("match[]") {
            selectors.push(super::selector::parse(text).map_err(|problem| ApiError::parameter("match[]", problem))?);
        }
        Ok(Self {
            alerting: kind != "record",
            recording: kind != "alert",
            names: texts("rule_name[]"),
            groups: texts("rule_group[]"),
            files: texts("file[]"),
            selectors,
            with_alerts,
            page: page(params)?,
        })
    }

    fn takes_group(&self, group: &GroupView) -> bool {
        let among = |list: &[String], text: &str| list.is_empty() || list.iter().any(|item| item == text);
        among(&self.groups, &group.name) && among(&self.files, &group.file.to_string_lossy())
    }

    fn takes_rule(&self, rule: &RuleView) -> bool {
        let kind = if rule.alerting.is_some() { self.alerting } else { self.recording };
        let fits = |matchers: &Vec<Matcher>| matchers.iter().all(|m| m.matches(rule.labels.get(&m.name).unwrap_or("")));
        kind && (self.names.is_empty() || self.names.contains(&rule.name)) && (self.selectors.is_empty() || self.selectors.iter().any(fits))
    }
}

fn page(params: &Params) -> Result<Option<(usize, String)>, ApiError> {
    let token = params.get("group_next_token");
    let limit = match params.get("group_limit") {
        "" if token.is_empty() => return Ok(None),
        "" => {
            return Err(ApiError::parameter("group_limit", "group_limit needs to be set in order to paginate over the groups"));
        }
        text => text
            .parse::<i64>()
            .map_err(|_| ApiError::parameter("group_limit", format!("strconv.ParseInt: parsing {}: invalid syntax", quote(text))))?,
    };
    match usize::try_from(limit) {
        Ok(limit) if limit > 0 => Ok(Some((limit, token.to_owned()))),
        _ => Err(ApiError::parameter("group_limit", "group_limit needs to be greater than 0")),
    }
}

/// Names a group in `group_next_token`.
fn token(group: &GroupView) -> String {
    let text = format!("{};{}", group.file.to_string_lossy(), group.name);
    format!("{:016x}", xxhash_rust::xxh64::xxh64(text.as_bytes(), 0))
}

async fn rules(State(state): State<RuleState>, params: Params) -> Result<Success, ApiError> {
    let filter = Filter::read(&params)?;
    let mut groups: Vec<GroupView> = (state.groups)();
    groups.retain_mut(|group| {
        if !filter.takes_group(group) {
            return false;
        }
        group.rules.retain(|rule| filter.takes_rule(rule));
        !group.rules.is_empty()
    });
    let mut next = None;
    if let Some((limit, from)) = &filter.page {
        let first = match from.as_str() {
            "" => 0,
            from => groups
                .iter()
                .position(|group| token(group) == *from)
                .ok_or_else(|| ApiError::parameter("group_next_token", "invalid group_next_token. were rule groups changed?"))?,
        };
        groups.drain(..first);
        next = groups.get(*limit).map(token);
        groups.truncate(*limit);
    }
    Ok(Success::new(|out| {
        let mut object = Object::open(out);
        object.list("groups", &groups, |out, one| group(out, one, filter.with_alerts));
        if let Some(next) = &next {
            object.text("groupNextToken", next);
        }
        object.close();
    }))
}

fn group(out: &mut Vec<u8>, group: &GroupView, with_alerts: bool) {
    let mut object = Object::open(out);
    object
        .text("name", &group.name)
        .text("file", &group.file.to_string_lossy())
        .list("rules", &group.rules, |out, one| rule(out, one, with_alerts))
        .float("interval", group.interval.as_seconds())
        .integer("limit", i64::try_from(group.limit).unwrap_or(i64::MAX))
        .float("evaluationTime", group.evaluation_time.as_secs_f64())
        .text("lastEvaluation", &rfc3339_or_never(group.last_evaluation));
    object.close();
}

fn rule(out: &mut Vec<u8>, rule: &RuleView, with_alerts: bool) {
    let mut object = Object::open(out);
    if let Some(alerting) = &rule.alerting {
        object.text("state", state_word(alerting.state));
    }
    object.text("name", &rule.name).text("query", &rule.query);
    if let Some(AlertingView { hold, keep_firing_for, .. }) = &rule.alerting {
        object.float("duration", hold.as_seconds()).float("keepFiringFor", keep_firing_for.as_seconds());
    }
    if rule.alerting.is_some() || !rule.labels.is_empty() {
        object.labels("labels", &rule.labels);
    }
    if let Some(alerting) = &rule.alerting {
        object.labels("annotations", &alerting.annotations);
        let shown: &[ActiveAlert] = if with_alerts { &alerting.alerts } else { &[] };
        object.list("alerts", shown, active);
    }
    object.text(
        "health",
        match rule.health {
            RuleHealth::Unknown => "unknown",
            RuleHealth::Ok => "ok",
            RuleHealth::Err => "err",
        },
    );
    if !rule.last_error.is_empty() {
        object.text("lastError", &rule.last_error);
    }
    object
        .float("evaluationTime", rule.evaluation_time.as_secs_f64())
        .text("lastEvaluation", &rfc3339_or_never(rule.last_evaluation))
        .text("type", if rule.alerting.is_some() { "alerting" } else { "recording" });
    object.close();
}

fn state_word(state: AlertState) -> &'static str {
    match state {
        AlertState::Unknown => "unknown",
        AlertState::Inactive => "inactive",
        AlertState::Pending => "pending",
        AlertState::Firing => "firing",
    }
}

fn active(out: &mut Vec<u8>, alert: &ActiveAlert) {
    let mut object = Object::open(out);
    object
        .labels("labels", &alert.labels)
        .labels("annotations", &alert.annotations)
        .text("state", state_word(alert.state))
        .text("activeAt", &alert.active_at.rfc3339());
    if let Some(since) = alert.keep_firing_since {
        object.text("keepFiringSince", &since.rfc3339());
    }
    object.text("value", &format_exponent(alert.value));
    object.close();
}

async fn alerts(State(state): State<RuleState>) -> Success {
    let groups = (state.groups)();
    let all = groups.iter().flat_map(|group| &group.rules).filter_map(|rule| rule.alerting.as_ref()).flat_map(|rule| &rule.alerts);
    Success::new(|out| {
        let mut object = Object::open(out);
        object.list("alerts", all, active);
        object.close();
    })
}

async fn alertmanagers(State(state): State<RuleState>) -> Success {
    let view = (state.alertmanagers)();
    let url = |out: &mut Vec<u8>, url: &String| {
        let mut object = Object::open(out);
        object.text("url", url);
        object.close();
    };
    Success::new(|out| {
        let mut object = Object::open(out);
        object.list("activeAlertmanagers", &view.active, url).list("droppedAlertmanagers", &view.dropped, url);
        json::Object::close(object);
    })
}
