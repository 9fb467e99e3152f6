//! Templates against vectors made with Go's own text/template and html/template, and with amtool (`tests/template`).

mod limits;
mod rule;

use promlet::model::{Labels, TimestampMs};
use promlet::template::data::{NotificationAlert, NotificationData};
use promlet::template::notification_functions::notification_functions;
use promlet::template::{Function, Functions, Kind, Limits, Template, TemplateSet, Value};
use serde_json::Value as Json;

fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::NilInterface,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap_or(f64::NAN)), Value::Int),
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(value_of)),
        Json::Object(entries) => Value::map(entries.iter().map(|(key, item)| (key.as_str(), value_of(item)))),
    }
}

/// The two functions that the HTML vectors use beside the language's own.
fn safe_functions() -> Functions {
    use promlet::template::value::Markup;
    let text = |args: &[Value]| args[0].as_text().unwrap_or("").to_owned();
    let mut set = Functions::default();
    set.set("safeHtml", Function::bound(&[Kind::Text], move |args| Ok(Value::Safe(Markup::Html, text(args).into()))));
    set.set("safeUrl", Function::bound(&[Kind::Text], move |args| Ok(Value::Safe(Markup::Url, text(args).into()))));
    set
}

fn read(file: &str) -> Json {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/template").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Written by hand, construct by construct.
#[test]
fn language_as_go() {
    agree_with_go("language.json");
}

/// Random templates, sound and broken ones: a sample of 49 500 on which the engines agreed, but for the depth at which recursion ends.
#[test]
fn generated_templates_as_go() {
    agree_with_go("generated.json");
}

fn agree_with_go(file: &str) {
    let vectors = read(file);
    let data = value_of(&vectors["data"]);
    let mut wrong = Vec::new();
    for case in vectors["cases"].as_array().unwrap() {
        let html = case["html"].as_bool().unwrap_or(false);
        let functions = if html { safe_functions() } else { Functions::default() };
        let text = case["template"].as_str().unwrap();
        let got = Template::parse("t", text, &functions).and_then(|template| {
            let limits = Limits::default();
            if html { template.render_html(&data, &functions, limits) } else { template.render_text(&data, &functions, limits) }
        });
        let expected = match (case["text"].as_str(), case["error"].as_str()) {
            (Some(text), _) => Ok(text.to_owned()),
            (None, error) => Err(error.unwrap_or("").to_owned()),
        };
        let got = got.map_err(|error| error.to_string());
        if got != expected {
            wrong.push(format!("{text:?}\n  ours {got:?}\n  Go's {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} vectors differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn labels_of(json: &Json) -> Labels {
    Labels::from_pairs(json.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())))
}

fn time_of(json: &Json) -> TimestampMs {
    TimestampMs(json.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn notification_of(json: &Json) -> NotificationData {
    let text = |json: &Json, key: &str| json[key].as_str().unwrap().to_owned();
    let alert = |json: &Json| NotificationAlert {
        status: text(json, "status"),
        labels: labels_of(&json["labels"]),
        annotations: labels_of(&json["annotations"]),
        starts_at: time_of(&json["startsAt"]),
        ends_at: Some(time_of(&json["endsAt"])).filter(|at| at.0 > 0),
        generator_url: text(json, "generatorURL"),
        fingerprint: text(json, "fingerprint"),
    };
    NotificationData {
        receiver: text(json, "receiver"),
        status: text(json, "status"),
        alerts: json["alerts"].as_array().unwrap().iter().map(alert).collect(),
        group_labels: labels_of(&json["groupLabels"]),
        common_labels: labels_of(&json["commonLabels"]),
        common_annotations: labels_of(&json["commonAnnotations"]),
        external_url: text(json, "externalURL"),
        ..NotificationData::default()
    }
}

#[test]
fn notifications_as_alertmanager() {
    let vectors = read("notification.json");
    let data = notification_of(&vectors["data"]).to_value();
    let functions = notification_functions(TimestampMs(0), &Labels::empty());
    let mut wrong = Vec::new();
    for case in vectors["cases"].as_array().unwrap() {
        let text = case["template"].as_str().unwrap();
        let set = TemplateSet::new();
        let limits = Limits::default();
        let got = match case["html"].as_bool() {
            Some(true) => set.render_html_with(text, &data, &functions, limits),
            _ => set.render_text_with(text, &data, &functions, limits),
        };
        let expected = match (case["text"].as_str(), case["error"].as_str()) {
            (Some(text), _) => Ok(text.to_owned()),
            (None, error) => Err(error.unwrap_or("").to_owned()),
        };
        let got = got.map_err(|error| error.to_string());
        if got != expected {
            wrong.push(format!("{text:?}\n  ours  {got:?}\n  Go's {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} vectors differ:\n{}", wrong.len(), wrong.join("\n"));
}
