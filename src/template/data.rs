//! The data of notification templates, as Alertmanager hands it to its receivers' texts.

use crate::model::{Labels, TimestampMs};

use super::functions::{Function, Kind, text_at};
use super::time::Time;
use super::value::{Absent, Class, Map, Value};

/// One alert of a notification.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotificationAlert {
    /// `firing` or `resolved`.
    pub status: String,
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: TimestampMs,
    /// None while it fires: Go's zero time.
    pub ends_at: Option<TimestampMs>,
    pub generator_url: String,
    /// 16 hexadecimal digits.
    pub fingerprint: String,
}

/// What a notification's templates see as `.`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NotificationData {
    pub receiver: String,
    /// `firing` or `resolved`.
    pub status: String,
    pub alerts: Vec<NotificationAlert>,
    pub group_labels: Labels,
    pub common_labels: Labels,
    pub common_annotations: Labels,
    pub route_labels: Labels,
    pub notification_reason: String,
    /// Without a slash at the end.
    pub external_url: String,
}

static KV: Class = Class { name: "template.KV", method: kv_method, print: Some(print_kv) };
static PAIRS: Class = Class { name: "template.Pairs", method: pairs_method, print: Some(print_pairs) };
static PAIR: Class = Class::plain("template.Pair");
static ALERT: Class = Class::plain("template.Alert");
static ALERTS: Class = Class { name: "template.Alerts", method: alerts_method, print: None };
static DATA: Class = Class::plain("*template.Data");
static STRINGS: Class = Class { name: "[]string", method: strings_method, print: None };

impl NotificationData {
    pub fn to_value(&self) -> Value {
        Value::record(
            &DATA,
            [
                ("Receiver", Value::text(&self.receiver)),
                ("Status", Value::text(&self.status)),
                ("Alerts", Value::list_of(&ALERTS, self.alerts.iter().map(NotificationAlert::to_value))),
                ("NotificationReason", Value::text(&self.notification_reason)),
                ("GroupLabels", kv(&self.group_labels)),
                ("CommonLabels", kv(&self.common_labels)),
                ("CommonAnnotations", kv(&self.common_annotations)),
                ("RouteLabels", kv(&self.route_labels)),
                ("ExternalURL", Value::text(&self.external_url)),
            ],
        )
    }
}

impl NotificationAlert {
    pub fn to_value(&self) -> Value {
        let ends_at = self.ends_at.map_or_else(Time::zero, Time::utc);
        Value::record(
            &ALERT,
            [
                ("Status", Value::text(&self.status)),
                ("Labels", kv(&self.labels)),
                ("Annotations", kv(&self.annotations)),
                ("StartsAt", Value::Time(Time::utc(self.starts_at))),
                ("EndsAt", Value::Time(ends_at)),
                ("GeneratorURL", Value::text(&self.generator_url)),
                ("Fingerprint", Value::text(&self.fingerprint)),
            ],
        )
    }
}

/// A label set with Alertmanager's methods (`SortedPairs`, `Remove`, `Names`, `Values`).
pub fn kv(labels: &Labels) -> Value {
    Value::map_of(&KV, Absent::EmptyText, labels.iter().map(|(name, value)| (name, Value::text(value))))
}

fn entries(map: &Map) -> impl Iterator<Item = (&str, &str)> {
    map.entries.iter().map(|(name, value)| (name.as_ref(), value.as_text().unwrap_or("")))
}

/// By name, but `alertname` first.
fn sorted(map: &Map) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = entries(map).collect();
    pairs.sort_by_key(|(name, _)| (*name != "alertname", *name));
    pairs
}

fn pairs(map: &Map) -> Value {
    let pair = |(name, value): (&str, &str)| Value::record(&PAIR, [("Name", Value::text(name)), ("Value", Value::text(value))]);
    Value::list_of(&PAIRS, sorted(map).into_iter().map(pair))
}

fn strings<'a>(items: impl Iterator<Item = &'a str>) -> Value {
    Value::list_of(&STRINGS, items.map(Value::text))
}

fn kv_method(receiver: &Value, name: &str) -> Option<Function> {
    let Value::Map(map) = receiver.clone() else { return None };
    match name {
        "SortedPairs" => Some(Function::bound(&[], move |_| Ok(pairs(&map)))),
        "Names" => Some(Function::bound(&[], move |_| Ok(strings(sorted(&map).into_iter().map(|(name, _)| name))))),
        "Values" => Some(Function::bound(&[], move |_| Ok(strings(sorted(&map).into_iter().map(|(_, value)| value))))),
        "Remove" => Some(Function::bound(&[Kind::TextList], move |args| {
            let Some(Value::List(names)) = args.first() else { return Ok(Value::Map(map.clone())) };
            let unwanted = |name: &str| names.items.iter().any(|item| item.as_text() == Some(name));
            let kept = entries(&map).filter(|(name, _)| !unwanted(name)).map(|(name, value)| (name, Value::text(value)));
            Ok(Value::map_of(&KV, Absent::EmptyText, kept))
        })),
        "String" => Some(Function::bound(&[], move |_| Ok(Value::from(print_pairs(&pairs(&map)))))),
        _ => None,
    }
}

fn pairs_method(receiver: &Value, name: &str) -> Option<Function> {
    let Value::List(list) = receiver.clone() else { return None };
    let column = match name {
        "Names" => "Name",
        "Values" => "Value",
        "String" => {
            let receiver = receiver.clone();
            return Some(Function::bound(&[], move |_| Ok(Value::from(print_pairs(&receiver)))));
        }
        _ => return None,
    };
    Some(Function::bound(&[], move |_| Ok(strings(list.items.iter().map(|pair| field_text(pair, column))))))
}

fn strings_method(receiver: &Value, name: &str) -> Option<Function> {
    let Value::List(list) = receiver.clone() else { return None };
    (name == "Join").then(|| {
        Function::bound(&[Kind::Text], move |args| {
            let items: Vec<&str> = list.items.iter().filter_map(Value::as_text).collect();
            Ok(Value::from(items.join(text_at(args, 0))))
        })
    })
}

fn alerts_method(receiver: &Value, name: &str) -> Option<Function> {
    let Value::List(list) = receiver.clone() else { return None };
    let status = match name {
        "Firing" => "firing",
        "Resolved" => "resolved",
        _ => return None,
    };
    Some(Function::bound(&[], move |_| {
        let chosen = list.items.iter().filter(|alert| field_text(alert, "Status") == status).cloned();
        // Upstream returns a plain slice of alerts here: no further `.Firing` on it.
        Ok(Value::list_of(&ALERT_SLICE, chosen))
    }))
}

static ALERT_SLICE: Class = Class::plain("[]template.Alert");

fn field_text<'a>(record: &'a Value, name: &str) -> &'a str {
    match record {
        Value::Record(record) => record.get(name).and_then(Value::as_text).unwrap_or(""),
        _ => "",
    }
}

/// `a=b, c=d`.
fn print_pairs(pairs: &Value) -> String {
    let Value::List(list) = pairs else { return String::new() };
    let shown: Vec<String> = list.items.iter().map(|pair| format!("{}={}", field_text(pair, "Name"), field_text(pair, "Value"))).collect();
    shown.join(", ")
}

fn print_kv(value: &Value) -> String {
    match value {
        Value::Map(map) => print_pairs(&pairs(map)),
        _ => String::new(),
    }
}
