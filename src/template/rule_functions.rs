//! What rule templates may call, with Prometheus's names and behaviour.

use std::sync::Arc;

use super::escape::url_query;
use super::functions::{Function, Functions, Kind, text_at};
use super::humanize::{humanize, humanize_1024, humanize_duration, humanize_percentage, to_float};
use super::pattern;
use super::time::Time;
use super::title::{Rest, title};
use super::value::{ANY_MAP, Absent, Class, Markup, Value};
use crate::model::{DurationMs, Labels, TimestampMs};

/// One series of a query's answer at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct QuerySample {
    pub labels: Labels,
    pub value: f64,
}

/// Asks an instant query at the rule's time; the error is shown inside the template's own.
pub type TemplateQuery = Arc<dyn Fn(&str) -> Result<Vec<QuerySample>, String> + Send + Sync>;

static SAMPLE: Class = Class::plain("*template.sample");
static QUERY_RESULT: Class = Class::plain("template.queryResult");

const TEXT: &[Kind] = &[Kind::Text];
const ANY: &[Kind] = &[Kind::Any];
const ONE_SAMPLE: &[Kind] = &[Kind::Named("*template.sample")];

/// The functions of a rule's templates at one evaluation.
pub fn rule_functions(query: TemplateQuery, now: TimestampMs, external_url: &str) -> Functions {
    let mut set = text_functions();
    number_functions(&mut set);
    query_functions(&mut set, query);
    set.set("now", Function::bound(&[], move |_| Ok(Value::Float(now.as_seconds()))));
    let url: Arc<str> = Arc::from(external_url);
    let path: Arc<str> = Arc::from(url_path(external_url));
    set.set("externalURL", Function::bound(&[], move |_| Ok(Value::Text(url.clone()))));
    set.set("pathPrefix", Function::bound(&[], move |_| Ok(Value::Text(path.clone()))));
    set.set("tmpl", Function::template(&[Kind::Text, Kind::Any]));
    set
}

fn url_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    path.split(['?', '#']).next().unwrap_or("")
}

fn text_functions() -> Functions {
    let mut set = Functions::default();
    set.set("toUpper", Function::plain(TEXT, |args| Ok(Value::from(text_at(args, 0).to_uppercase()))));
    set.set("toLower", Function::plain(TEXT, |args| Ok(Value::from(text_at(args, 0).to_lowercase()))));
    set.set("title", Function::plain(TEXT, |args| Ok(Value::from(title(text_at(args, 0), Rest::Keep)))));
    set.set("match", Function::plain(&[Kind::Text; 2], |args| pattern::matches(text_at(args, 0), text_at(args, 1)).map(Value::Bool)));
    set.set(
        "reReplaceAll",
        Function::plain(&[Kind::Text; 3], |args| {
            pattern::replace_all(text_at(args, 0), text_at(args, 1), text_at(args, 2)).map(Value::from)
        }),
    );
    set.set("safeHtml", Function::plain(TEXT, |args| Ok(Value::Safe(Markup::Html, text_at(args, 0).into()))));
    set.set("urlQueryEscape", Function::plain(TEXT, |args| Ok(Value::from(url_query(text_at(args, 0))))));
    set.set("graphLink", Function::plain(TEXT, |args| Ok(Value::from(link(text_at(args, 0), 0)))));
    set.set("tableLink", Function::plain(TEXT, |args| Ok(Value::from(link(text_at(args, 0), 1)))));
    set.set("stripPort", Function::plain(TEXT, |args| Ok(Value::text(strip_port(text_at(args, 0))))));
    set.set("stripDomain", Function::plain(TEXT, |args| Ok(Value::from(strip_domain(text_at(args, 0))))));
    set.set(
        "args",
        Function::variadic(ANY, |args| {
            let named = args.iter().enumerate().map(|(index, value)| (format!("arg{index}"), value.clone()));
            Ok(Value::map_of(&ANY_MAP, Absent::Nil, named))
        }),
    );
    set
}

/// The path of the graph page for an expression, from the server's root.
pub fn link(expression: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", url_query(expression))
}

fn number_functions(set: &mut Functions) {
    set.set("humanize", Function::plain(ANY, |args| Ok(Value::from(humanize(to_float(&args[0])?)))));
    set.set("humanize1024", Function::plain(ANY, |args| Ok(Value::from(humanize_1024(to_float(&args[0])?)))));
    set.set("humanizeDuration", Function::plain(ANY, |args| Ok(Value::from(humanize_duration(to_float(&args[0])?)))));
    set.set("humanizePercentage", Function::plain(ANY, |args| Ok(Value::from(humanize_percentage(to_float(&args[0])?)))));
    set.set(
        "humanizeTimestamp",
        Function::plain(ANY, |args| {
            let seconds = to_float(&args[0])?;
            if !seconds.is_finite() {
                return Ok(Value::from(super::printf::sprintf("%.4g", &[Value::Float(seconds)])));
            }
            Ok(Value::from(unix_time(seconds)?.to_string()))
        }),
    );
    set.set("toTime", Function::plain(ANY, |args| Ok(Value::Time(unix_time(to_float(&args[0])?)?))));
    set.set(
        "toDuration",
        Function::plain(ANY, |args| {
            let seconds = to_float(&args[0])?;
            let nanos = seconds * 1e9;
            if !fits_nanos(nanos) {
                let shown = crate::model::number::format_general(seconds);
                return Err(format!("{shown} cannot be represented as a duration since it overflows int64"));
            }
            Ok(Value::Duration(nanos as i64))
        }),
    );
    set.set(
        "parseDuration",
        Function::plain(TEXT, |args| DurationMs::parse(text_at(args, 0)).map(|duration| Value::Float(duration.as_seconds()))),
    );
}

fn fits_nanos(nanos: f64) -> bool {
    nanos <= i64::MAX as f64 && nanos >= i64::MIN as f64
}

/// Unix seconds as a time, cut to the millisecond.
fn unix_time(seconds: f64) -> Result<Time, String> {
    let nanos = seconds * 1e9;
    if !fits_nanos(nanos) {
        let shown = crate::model::number::format_general(seconds);
        return Err(format!("{shown} cannot be represented as a nanoseconds timestamp since it overflows int64"));
    }
    Ok(Time::utc(TimestampMs(nanos as i64 / 1_000_000)))
}

fn query_functions(set: &mut Functions, query: TemplateQuery) {
    const RESULT: &[Kind] = &[Kind::Named("template.queryResult")];
    set.set("query", Function::bound(TEXT, move |args| Ok(result_value(query(text_at(args, 0))?))));
    set.set(
        "first",
        Function::plain(RESULT, |args| match &args[0] {
            Value::List(list) if !list.items.is_empty() => Ok(list.items[0].clone()),
            _ => Err("first() called on vector with no elements".to_owned()),
        }),
    );
    set.set(
        "label",
        Function::plain(&[Kind::Text, Kind::Named("*template.sample")], |args| Ok(Value::text(label_of(&args[1], text_at(args, 0))))),
    );
    set.set(
        "value",
        Function::plain(ONE_SAMPLE, |args| match &args[0] {
            Value::Record(sample) => Ok(sample.get("Value").cloned().unwrap_or(Value::Float(f64::NAN))),
            _ => Err("value of a nil sample".to_owned()),
        }),
    );
    set.set("strvalue", Function::plain(ONE_SAMPLE, |args| Ok(Value::text(label_of(&args[0], "__value__")))));
    set.set(
        "sortByLabel",
        Function::plain(&[Kind::Text, Kind::Named("template.queryResult")], |args| {
            let Value::List(list) = &args[1] else { return Ok(args[1].clone()) };
            let mut items = list.items.to_vec();
            items.sort_by(|a, b| label_of(a, text_at(args, 0)).cmp(label_of(b, text_at(args, 0))));
            Ok(Value::list_of(&QUERY_RESULT, items))
        }),
    );
}

/// A query's answer as a template sees it.
fn result_value(samples: Vec<QuerySample>) -> Value {
    let sample = |sample: QuerySample| {
        Value::record(&SAMPLE, [("Labels", Value::text_map(sample.labels.iter())), ("Value", Value::Float(sample.value))])
    };
    Value::list_of(&QUERY_RESULT, samples.into_iter().map(sample))
}

fn label_of<'a>(sample: &'a Value, name: &str) -> &'a str {
    let Value::Record(sample) = sample else { return "" };
    match sample.get("Labels") {
        Some(Value::Map(labels)) => labels.entries.get(name).and_then(Value::as_text).unwrap_or(""),
        _ => "",
    }
}

/// Host and port of `host:port` or `[v6]:port`.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let (host, port) = text.rsplit_once(':')?;
    if let Some(inner) = host.strip_prefix('[') {
        return inner.strip_suffix(']').filter(|inner| !inner.contains(['[', ']'])).map(|inner| (inner, port));
    }
    (!host.contains([':', '[', ']'])).then_some((host, port))
}

fn strip_port(text: &str) -> &str {
    split_host_port(text).map_or(text, |(host, _)| host)
}

fn strip_domain(text: &str) -> String {
    let (host, port) = split_host_port(text).unwrap_or((text, ""));
    if host.parse::<std::net::IpAddr>().is_ok() {
        return text.to_owned();
    }
    let host = host.split('.').next().unwrap_or("");
    match port {
        "" => host.to_owned(),
        port if host.contains(':') => format!("[{host}]:{port}"),
        port => format!("{host}:{port}"),
    }
}
