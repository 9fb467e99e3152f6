//! `promlet template render`: one text with template files and an alert's data, as `amtool template render` does it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value as Json;

use crate::clock::Clock;
use crate::config::paths;
use crate::model::{DurationMs, Labels, TimestampMs};
use crate::template::data::{NotificationAlert, NotificationData};
use crate::template::notification_functions::notification_functions;
use crate::template::{Limits, TemplateSet};

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Escaping {
    #[default]
    Text,
    Html,
}

#[derive(Args, Debug)]
pub struct RenderFlags {
    /// Template files, as a pattern; may be given several times
    #[arg(long = "template.glob", value_name = "GLOB", required = true)]
    globs: Vec<String>,
    /// The text to render
    #[arg(long = "template.text", value_name = "TEXT")]
    text: String,
    /// How values are escaped
    #[arg(long = "template.type", value_name = "TYPE", value_enum, default_value_t)]
    kind: Escaping,
    /// JSON file with the notification's data [default: two made-up alerts]
    #[arg(long = "template.data", value_name = "FILE")]
    data: Option<PathBuf>,
}

/// The text on standard output, or what is wrong with it on standard error.
pub fn run(flags: &RenderFlags) -> ExitCode {
    let outcome = render(flags, Clock::system().now());
    let (text, code) = match outcome {
        Ok(text) => (io::stdout().lock().write_all(text.as_bytes()), ExitCode::SUCCESS),
        Err(error) => (writeln!(io::stderr(), "promlet template render: {error}"), ExitCode::FAILURE),
    };
    let _closed_pipe = text;
    code
}

/// The error is Go's sentence, or that of a file.
pub fn render(flags: &RenderFlags, now: TimestampMs) -> Result<String, String> {
    let data = match &flags.data {
        Some(path) => read(path)?,
        None => made_up(now),
    };
    let functions = notification_functions(now, &data.route_labels);
    let mut set = TemplateSet::new();
    for file in flags.globs.iter().flat_map(|glob| paths::expand(Path::new(glob))) {
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned());
        set.add(&name, &text, &functions).map_err(|error| error.to_string())?;
    }
    let (data, limits) = (data.to_value(), Limits::default());
    let rendered = match flags.kind {
        Escaping::Text => set.render_text_with(&flags.text, &data, &functions, limits),
        Escaping::Html => set.render_html_with(&flags.text, &data, &functions, limits),
    };
    rendered.map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<NotificationData, String> {
    let wrong = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let json: Json = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let text = |json: &Json, key: &str| json[key].as_str().unwrap_or("").to_owned();
    let alert = |json: &Json| {
        Ok(NotificationAlert {
            status: text(json, "status"),
            labels: labels(&json["labels"]),
            annotations: labels(&json["annotations"]),
            starts_at: moment(json, "startsAt").map_err(wrong)?.unwrap_or_default(),
            ends_at: moment(json, "endsAt").map_err(wrong)?,
            generator_url: text(json, "generatorURL"),
            fingerprint: text(json, "fingerprint"),
        })
    };
    Ok(NotificationData {
        receiver: text(&json, "receiver"),
        status: text(&json, "status"),
        alerts: json["alerts"].as_array().into_iter().flatten().map(alert).collect::<Result<_, String>>()?,
        group_labels: labels(&json["groupLabels"]),
        common_labels: labels(&json["commonLabels"]),
        common_annotations: labels(&json["commonAnnotations"]),
        route_labels: labels(&json["routeLabels"]),
        notification_reason: text(&json, "notification_reason"),
        external_url: text(&json, "externalURL"),
    })
}

fn labels(json: &Json) -> Labels {
    let pairs = json.as_object().into_iter().flatten();
    Labels::from_pairs(pairs.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))))
}

/// None where the time is missing or Go's zero.
fn moment(json: &Json, key: &str) -> Result<Option<TimestampMs>, String> {
    let Some(text) = json[key].as_str().filter(|text| !text.starts_with("0001-01-01T00:00:00")) else { return Ok(None) };
    let at: jiff::Timestamp = text.parse().map_err(|_| format!("{key}: not a time: {text}"))?;
    Ok(Some(TimestampMs(at.as_millisecond())))
}

/// One firing and one resolved alert, named as amtool's are.
fn made_up(now: TimestampMs) -> NotificationData {
    const COMMON: [(&str, &str); 2] = [("commonlabelkey1", "commonlabelvalue1"), ("commonlabelkey2", "commonlabelvalue2")];
    const COMMON_TEXTS: [(&str, &str); 2] =
        [("commonannotationkey1", "commonannotationvalue1"), ("commonannotationkey2", "commonannotationvalue2")];
    const FIRST: [(&str, &str); 3] = [("instance", "foo.bar:1234"), ("label1", "value1"), ("label2", "value2")];
    const MINUTES_5: DurationMs = DurationMs(300_000);
    let with = |own: &[(&'static str, &'static str)], shared: [(&'static str, &'static str); 2]| {
        Labels::from_pairs(own.iter().copied().chain(shared))
    };
    let alert = |status: &str, labels, annotations, starts_at, fingerprint: &str| NotificationAlert {
        status: status.to_owned(),
        labels,
        annotations,
        starts_at,
        ends_at: Some(now + MINUTES_5),
        generator_url: "https://generatorurl.com".to_owned(),
        fingerprint: fingerprint.to_owned(),
    };
    let first_texts = with(&[("annotation1", "value1"), ("annotation2", "value2")], COMMON_TEXTS);
    let second_texts = with(&[("aaa", "bbb"), ("ccc", "ddd")], COMMON_TEXTS);
    NotificationData {
        receiver: "receiver".to_owned(),
        status: "alertstatus".to_owned(),
        alerts: vec![
            alert("firing", with(&FIRST, COMMON), first_texts, now, "fingerprint1"),
            alert("resolved", with(&[("baz", "qux"), ("foo", "bar")], COMMON), second_texts, now - MINUTES_5, "fingerprint2"),
        ],
        group_labels: Labels::from_pairs([("grouplabelkey1", "grouplabelvalue1"), ("grouplabelkey2", "grouplabelvalue2")]),
        common_labels: Labels::from_pairs(COMMON),
        common_annotations: Labels::from_pairs(COMMON_TEXTS),
        external_url: "https://example.com".to_owned(),
        ..NotificationData::default()
    }
}
