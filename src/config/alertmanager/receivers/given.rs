//! What a receiver's tree says, in the few shapes that all receivers use.

use serde_json::{Map, Value};

use crate::client::options::SecretSource;
use crate::config::http_client::{client, secret};
use crate::model::{DurationMs, Secret};
use crate::notify::options::{Sending, SlackField};
use crate::yaml::{Node, Problems, scalar, value};

/// One receiver's tree, completed with the globals.
pub struct Given<'a>(pub &'a Node);

impl Given<'_> {
    /// Client, deadline, and whether ends are told where the file does not say.
    pub fn sending(&self, resolved: bool, problems: &mut Problems<'_>) -> Sending {
        Sending {
            send_resolved: self.0.flag("send_resolved").unwrap_or(resolved),
            client: self.0.get("http_config").map(|given| client(given, problems)).unwrap_or_default(),
            timeout: self.go_duration("timeout", DurationMs::ZERO),
        }
    }

    /// Empty where it is not set.
    pub fn text(&self, key: &str) -> String {
        self.0.text(key).unwrap_or("").to_owned()
    }

    /// Set, even to nothing, or left to the defaults.
    pub fn open(&self, key: &str) -> Option<String> {
        self.0.get(key).and_then(Node::as_text).map(str::to_owned)
    }

    pub fn or(&self, key: &str, default: &str) -> String {
        self.open(key).unwrap_or_else(|| default.to_owned())
    }

    /// Inline or in the file of its twin.
    pub fn secret(&self, key: &str) -> Option<SecretSource> {
        secret(self.0, key, &format!("{key}_file"))
    }

    /// The same for a whole number, however it is written.
    pub fn number(&self, key: &str) -> Option<SecretSource> {
        match self.0.get(key).and_then(scalar::integer) {
            Some(number) => Some(SecretSource::Inline(Secret::new(number.to_string()))),
            None => self.secret(key),
        }
    }

    pub fn flag(&self, key: &str) -> bool {
        self.0.flag(key).unwrap_or(false)
    }

    pub fn go_duration(&self, key: &str, default: DurationMs) -> DurationMs {
        self.open(key).and_then(|text| scalar::go_duration(&text).ok()).unwrap_or(default)
    }

    pub fn items<T>(&self, key: &str, read: impl Fn(&Given<'_>) -> T) -> Vec<T> {
        self.0.get(key).map(Node::items).unwrap_or_default().iter().filter(|item| !item.is_null()).map(|item| read(&Given(item))).collect()
    }

    pub fn fields(&self) -> Vec<SlackField> {
        self.items("fields", |field| SlackField { title: field.text("title"), value: field.text("value"), short: field.0.flag("short") })
    }

    /// A mapping of anything.
    pub fn values(&self, key: &str) -> Map<String, Value> {
        match self.0.get(key).map(value::json) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }
}
