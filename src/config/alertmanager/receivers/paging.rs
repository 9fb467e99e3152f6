//! Pagers, tickets and queues.

use super::aws;
use super::given::Given;
use crate::model::DurationMs;
use crate::notify::options::{
    IncidentioOptions, Integration, JiraOptions, JiraText, OpsgenieOptions, PagerdutyImage, PagerdutyKey, PagerdutyLink, PagerdutyOptions,
    PushoverOptions, Responder, SnsOptions, SnsTarget, VictoropsOptions,
};
use crate::yaml::{Node, Problems};

/// None where the kind is another, or where something is missing, which is told elsewhere.
pub fn read(kind: &str, node: &Node, problems: &mut Problems<'_>) -> Option<Integration> {
    let given = Given(node);
    Some(match kind {
        "pagerduty_configs" => Integration::Pagerduty(Box::new(pagerduty(&given, problems)?)),
        "opsgenie_configs" => Integration::Opsgenie(Box::new(opsgenie(&given, problems)?)),
        "victorops_configs" => Integration::Victorops(Box::new(victorops(&given, problems)?)),
        "pushover_configs" => Integration::Pushover(Box::new(pushover(&given, problems)?)),
        "sns_configs" => Integration::Sns(Box::new(sns(&given, problems)?)),
        "jira_configs" => Integration::Jira(Box::new(jira(&given, problems))),
        "incidentio_configs" => Integration::Incidentio(Box::new(incidentio(&given, problems)?)),
        _ => return None,
    })
}

fn pagerduty(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<PagerdutyOptions> {
    let service = given.secret("service_key").map(PagerdutyKey::Service);
    Some(PagerdutyOptions {
        sending: given.sending(true, problems),
        key: service.or_else(|| given.secret("routing_key").map(PagerdutyKey::Routing))?,
        url: given.text("url"),
        client: given.open("client"),
        client_url: given.open("client_url"),
        description: given.open("description"),
        source: given.open("source"),
        severity: given.or("severity", "error"),
        class: given.text("class"),
        component: given.text("component"),
        group: given.text("group"),
        details: given.values("details"),
        images: given.items("images", |image| PagerdutyImage { src: image.text("src"), alt: image.text("alt"), href: image.text("href") }),
        links: given.items("links", |link| PagerdutyLink { href: link.text("href"), text: link.text("text") }),
    })
}

fn opsgenie(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<OpsgenieOptions> {
    Some(OpsgenieOptions {
        sending: given.sending(true, problems),
        api_key: given.secret("api_key")?,
        api_url: given.text("api_url"),
        message: given.open("message"),
        description: given.open("description"),
        source: given.open("source"),
        details: given.0.get("details").map(|_| given.0.pairs("details")).unwrap_or_default(),
        entity: given.text("entity"),
        responders: given.items("responders", |responder| Responder {
            id: responder.text("id"),
            name: responder.text("name"),
            username: responder.text("username"),
            kind: responder.text("type"),
        }),
        actions: given.text("actions"),
        tags: given.text("tags"),
        note: given.text("note"),
        priority: given.text("priority"),
        update_alerts: given.flag("update_alerts"),
    })
}

fn victorops(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<VictoropsOptions> {
    Some(VictoropsOptions {
        sending: given.sending(true, problems),
        api_key: given.secret("api_key")?,
        api_url: given.text("api_url"),
        routing_key: given.text("routing_key"),
        message_type: given.or("message_type", "CRITICAL"),
        state_message: given.open("state_message"),
        entity_display_name: given.open("entity_display_name"),
        monitoring_tool: given.open("monitoring_tool"),
        custom_fields: given.0.pairs("custom_fields"),
    })
}

fn pushover(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<PushoverOptions> {
    Some(PushoverOptions {
        sending: given.sending(true, problems),
        user_key: given.secret("user_key")?,
        token: given.secret("token")?,
        title: given.open("title"),
        message: given.open("message"),
        url: given.open("url"),
        url_title: given.text("url_title"),
        device: given.text("device"),
        sound: given.text("sound"),
        priority: given.or("priority", "{{ if eq .Status \"firing\" }}2{{ else }}0{{ end }}"),
        retry: given.go_duration("retry", DurationMs::seconds(60)),
        expire: given.go_duration("expire", DurationMs::seconds(3600)),
        ttl: given.go_duration("ttl", DurationMs::ZERO),
        html: given.flag("html"),
        monospace: given.flag("monospace"),
    })
}

fn sns(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<SnsOptions> {
    let target = given.open("topic_arn").map(SnsTarget::Topic);
    let target = target.or_else(|| given.open("phone_number").map(SnsTarget::Phone));
    let target = target.or_else(|| given.open("target_arn").map(SnsTarget::Target))?;
    let signing = given.0.get("sigv4").map(Given);
    let environment = |name: &str| std::env::var(name).unwrap_or_default();
    let keys = aws::keys(signing.as_ref(), &environment, problems);
    let region = signing.as_ref().map(|signing| signing.text("region")).unwrap_or_default();
    let arn = match &target {
        SnsTarget::Topic(arn) | SnsTarget::Target(arn) => arn.split(':').nth(3).unwrap_or(""),
        SnsTarget::Phone(_) => "",
    };
    let regions = [region, environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"), keys.region, arn.to_owned()];
    let region = regions.into_iter().find(|region| !region.is_empty()).unwrap_or_else(|| "us-east-1".to_owned());
    Some(SnsOptions {
        sending: given.sending(true, problems),
        api_url: given.text("api_url"),
        region,
        access_key: keys.access_key,
        secret_key: keys.secret_key,
        session_token: keys.session_token,
        target,
        subject: given.open("subject"),
        message: given.open("message"),
        attributes: given.0.pairs("attributes"),
    })
}

fn jira(given: &Given<'_>, problems: &mut Problems<'_>) -> JiraOptions {
    JiraOptions {
        sending: given.sending(true, problems),
        api_url: given.text("api_url"),
        api_type: given.or("api_type", "auto"),
        project: given.text("project"),
        issue_type: given.text("issue_type"),
        summary: jira_text(given, "summary"),
        description: jira_text(given, "description"),
        labels: given.0.texts("labels"),
        priority: given.open("priority"),
        resolve_transition: given.text("resolve_transition"),
        reopen_transition: given.text("reopen_transition"),
        reopen_duration: given.0.duration("reopen_duration").unwrap_or(DurationMs::ZERO),
        wont_fix_resolution: given.text("wont_fix_resolution"),
        fields: given.values("fields"),
    }
}

/// A text, or a mapping with the text under `template`. The tree holds upstream's default where the file says nothing.
fn jira_text(given: &Given<'_>, key: &str) -> JiraText {
    let node = given.0.get(key);
    let standing = format!("{{{{ template \"jira.default.{key}\" . }}}}");
    let template = node.and_then(|node| node.as_text().map(str::to_owned).or_else(|| Given(node).open("template")));
    JiraText {
        template: template.filter(|template| *template != standing),
        enable_update: node.and_then(|node| node.flag("enable_update")).unwrap_or(true),
    }
}

fn incidentio(given: &Given<'_>, problems: &mut Problems<'_>) -> Option<IncidentioOptions> {
    Some(IncidentioOptions {
        sending: given.sending(true, problems),
        url: given.secret("url")?,
        token: given.secret("alert_source_token"),
        max_alerts: given.0.unsigned("max_alerts").unwrap_or(0),
    })
}
