//! Pagers, tickets and queues. Texts are templates; an `Option` is `None` where the configuration leaves the text to the defaults.

use serde_json::Value;

use super::Sending;
use crate::client::SecretSource;
use crate::model::{DurationMs, Secret};

#[derive(Clone, Debug)]
pub struct PagerdutyOptions {
    pub sending: Sending,
    pub key: PagerdutyKey,
    /// Of Events API v2.
    pub url: String,
    pub client: Option<String>,
    pub client_url: Option<String>,
    pub description: Option<String>,
    pub source: Option<String>,
    pub severity: String,
    pub class: String,
    pub component: String,
    pub group: String,
    /// Name and value, in order of name; texts are templates.
    pub details: serde_json::Map<String, Value>,
    pub images: Vec<PagerdutyImage>,
    pub links: Vec<PagerdutyLink>,
}

/// A service's key stands for the Events API v1.
#[derive(Clone, Debug)]
pub enum PagerdutyKey {
    Routing(SecretSource),
    Service(SecretSource),
}

#[derive(Clone, Debug)]
pub struct PagerdutyImage {
    pub src: String,
    pub alt: String,
    pub href: String,
}

#[derive(Clone, Debug)]
pub struct PagerdutyLink {
    pub href: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct OpsgenieOptions {
    pub sending: Sending,
    pub api_key: SecretSource,
    pub api_url: String,
    pub message: Option<String>,
    pub description: Option<String>,
    pub source: Option<String>,
    pub details: Vec<(String, String)>,
    pub entity: String,
    pub responders: Vec<Responder>,
    pub actions: String,
    pub tags: String,
    pub note: String,
    pub priority: String,
    pub update_alerts: bool,
}

#[derive(Clone, Debug)]
pub struct Responder {
    pub id: String,
    pub name: String,
    pub username: String,
    pub kind: String,
}

#[derive(Clone, Debug)]
pub struct VictoropsOptions {
    pub sending: Sending,
    pub api_key: SecretSource,
    pub api_url: String,
    pub routing_key: String,
    pub message_type: String,
    pub state_message: Option<String>,
    pub entity_display_name: Option<String>,
    pub monitoring_tool: Option<String>,
    pub custom_fields: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct PushoverOptions {
    pub sending: Sending,
    pub user_key: SecretSource,
    pub token: SecretSource,
    pub title: Option<String>,
    pub message: Option<String>,
    pub url: Option<String>,
    pub url_title: String,
    pub device: String,
    pub sound: String,
    pub priority: String,
    pub retry: DurationMs,
    pub expire: DurationMs,
    /// 0 for none.
    pub ttl: DurationMs,
    pub html: bool,
    pub monospace: bool,
}

#[derive(Clone, Debug)]
pub struct SnsOptions {
    pub sending: Sending,
    /// Empty for the region's own.
    pub api_url: String,
    pub region: String,
    /// Empty for those of the environment.
    pub access_key: String,
    pub secret_key: Secret,
    pub session_token: Secret,
    pub target: SnsTarget,
    pub subject: Option<String>,
    pub message: Option<String>,
    pub attributes: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
pub enum SnsTarget {
    Topic(String),
    Phone(String),
    Target(String),
}

#[derive(Clone, Debug)]
pub struct JiraOptions {
    pub sending: Sending,
    /// Ends with the version of the API.
    pub api_url: String,
    /// `auto`, `cloud` or `datacenter`.
    pub api_type: String,
    pub project: String,
    pub issue_type: String,
    pub summary: JiraText,
    pub description: JiraText,
    pub labels: Vec<String>,
    pub priority: Option<String>,
    pub resolve_transition: String,
    pub reopen_transition: String,
    pub reopen_duration: DurationMs,
    pub wont_fix_resolution: String,
    pub fields: serde_json::Map<String, Value>,
}

#[derive(Clone, Debug)]
pub struct JiraText {
    pub template: Option<String>,
    /// Whether an issue that is there already gets it anew.
    pub enable_update: bool,
}

#[derive(Clone, Debug)]
pub struct IncidentioOptions {
    pub sending: Sending,
    pub url: SecretSource,
    pub token: Option<SecretSource>,
    /// 0 means all.
    pub max_alerts: u64,
}
