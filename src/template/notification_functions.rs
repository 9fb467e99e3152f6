//! What notification templates may call, with Alertmanager's names and behaviour.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use jiff::tz::TimeZone;

use super::data::kv;
use super::functions::{Function, Functions, Kind, text_at};
use super::humanize::{humanize_duration, to_float};
use super::json::to_json;
use super::limits::VALUE_DEPTH_MAX;
use super::pattern;
use super::time::Time;
use super::time_parse::parse_time;
use super::title::{Rest, title};
use super::value::{Markup, Value};
use crate::model::{Labels, TimestampMs};

const TEXT: &[Kind] = &[Kind::Text];
const ANY: &[Kind] = &[Kind::Any];
const TEXT_AND_TIME: &[Kind] = &[Kind::Text, Kind::Named("time.Time")];

/// The functions of a notification's templates; `route_labels` are what `routeLabels` gives.
pub fn notification_functions(now: TimestampMs, route_labels: &Labels) -> Functions {
    let mut set = Functions::default();
    text_functions(&mut set);
    list_functions(&mut set);
    time_functions(&mut set, now);
    let labels = kv(route_labels);
    set.set("routeLabels", Function::bound(&[], move |_| Ok(labels.clone())));
    set
}

fn text_functions(set: &mut Functions) {
    set.set("toUpper", Function::plain(TEXT, |args| Ok(Value::from(text_at(args, 0).to_uppercase()))));
    set.set("toLower", Function::plain(TEXT, |args| Ok(Value::from(text_at(args, 0).to_lowercase()))));
    set.set("title", Function::plain(TEXT, |args| Ok(Value::from(title(text_at(args, 0), Rest::Lower)))));
    set.set("trimSpace", Function::plain(TEXT, |args| Ok(Value::text(text_at(args, 0).trim()))));
    set.set("match", Function::plain(&[Kind::Text; 2], |args| pattern::matches(text_at(args, 0), text_at(args, 1)).map(Value::Bool)));
    set.set(
        "reReplaceAll",
        Function::plain(&[Kind::Text; 3], |args| {
            pattern::replace_all(text_at(args, 0), text_at(args, 1), text_at(args, 2)).map(Value::from)
        }),
    );
    set.set("safeHtml", Function::plain(TEXT, |args| Ok(Value::Safe(Markup::Html, text_at(args, 0).into()))));
    set.set("safeUrl", Function::plain(TEXT, |args| Ok(Value::Safe(Markup::Url, text_at(args, 0).into()))));
    set.set("urlUnescape", Function::plain(TEXT, |args| url_unescape(text_at(args, 0)).map(Value::from)));
    set.set("base64encode", Function::plain(TEXT, |args| Ok(Value::from(URL_SAFE.encode(text_at(args, 0))))));
    set.set(
        "base64decode",
        Function::plain(TEXT, |args| match URL_SAFE.decode(text_at(args, 0)) {
            Ok(bytes) => Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Err(format!("illegal base64 data: {error}")),
        }),
    );
    set.set("humanizeDuration", Function::plain(ANY, |args| Ok(Value::from(humanize_duration(to_float(&args[0])?)))));
    set.set("toJson", Function::plain(ANY, |args| to_json(&args[0]).map(Value::from)));
}

fn list_functions(set: &mut Functions) {
    set.set(
        "join",
        Function::plain(&[Kind::Text, Kind::TextList], |args| {
            let Value::List(list) = &args[1] else { return Ok(Value::text("")) };
            let items: Vec<&str> = list.items.iter().filter_map(Value::as_text).collect();
            Ok(Value::from(items.join(text_at(args, 0))))
        }),
    );
    set.set("stringSlice", Function::variadic(TEXT, |args| Ok(Value::texts(args.iter().filter_map(Value::as_text)))));
    set.set("list", Function::variadic(ANY, |args| bounded(Value::list(args.iter().cloned()))));
    set.set(
        "append",
        Function::variadic(&[Kind::AnyList, Kind::Any], |args| {
            let present: &[Value] = match &args[0] {
                Value::List(list) => &list.items,
                _ => &[],
            };
            bounded(Value::list(present.iter().chain(&args[1..]).cloned()))
        }),
    );
    set.set(
        "dict",
        Function::variadic(ANY, |args| {
            if args.len() % 2 != 0 {
                return Err("dict requires an even number of arguments".to_owned());
            }
            let mut entries = Vec::with_capacity(args.len() / 2);
            for pair in args.chunks_exact(2) {
                let Value::Text(key) = &pair[0] else { return Err("dict keys must be strings".to_owned()) };
                let value = if pair[1].is_nil() { Value::NilInterface } else { pair[1].clone() };
                entries.push((key.clone(), value));
            }
            bounded(Value::map(entries))
        }),
    );
}

/// Lists of lists of lists have an end.
fn bounded(value: Value) -> Result<Value, String> {
    if value.depth() > VALUE_DEPTH_MAX {
        return Err(format!("lists and maps are nested deeper than the limit of {VALUE_DEPTH_MAX} levels"));
    }
    Ok(value)
}

fn time_functions(set: &mut Functions, now: TimestampMs) {
    set.set("now", Function::bound(&[], move |_| Ok(Value::Time(Time::utc(now)))));
    set.set(
        "since",
        Function::bound(&[Kind::Named("time.Time")], move |args| {
            let nanos = Time::utc(now).nanos() - time_at(args, 0).nanos();
            Ok(Value::Duration(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })))
        }),
    );
    set.set("date", Function::plain(TEXT_AND_TIME, |args| Ok(Value::from(time_at(args, 1).format(text_at(args, 0))))));
    set.set(
        "tz",
        Function::plain(TEXT_AND_TIME, |args| {
            let name = text_at(args, 0);
            let zone = match name {
                "" | "UTC" => TimeZone::UTC,
                "Local" => TimeZone::system(),
                name => TimeZone::get(name).map_err(|_| format!("unknown time zone {name}"))?,
            };
            Ok(Value::Time(time_at(args, 1).in_zone(zone)))
        }),
    );
    let parse = |args: &[Value]| parse_time(text_at(args, 0), text_at(args, 1), &TimeZone::system());
    set.set("toDate", Function::bound(&[Kind::Text; 2], move |args| Ok(Value::Time(parse(args).unwrap_or_else(|_| Time::zero())))));
    set.set("mustToDate", Function::bound(&[Kind::Text; 2], move |args| parse(args).map(Value::Time)));
}

fn time_at(args: &[Value], index: usize) -> Time {
    match args.get(index) {
        Some(Value::Time(time)) => time.clone(),
        _ => Time::zero(),
    }
}

/// `%41` and `+` back to text.
fn url_unescape(text: &str) -> Result<String, String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'%' => {
                let hex = bytes.get(at + 1..at + 3).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
                let byte = hex.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let Some(byte) = byte else {
                    let end = bytes.len().min(at + 3);
                    let shown = String::from_utf8_lossy(&bytes[at..end]).into_owned();
                    return Err(format!("invalid URL escape {}", crate::model::number::quote(&shown)));
                };
                out.push(byte);
                at += 3;
            }
            b'+' => {
                out.push(b' ');
                at += 1;
            }
            byte => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescapes_queries() {
        assert_eq!(url_unescape("a%20b+c"), Ok("a b c".to_owned()));
        assert_eq!(url_unescape("%zz"), Err("invalid URL escape \"%zz\"".to_owned()));
    }
}
