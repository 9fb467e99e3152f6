//! `time_intervals` and `mute_time_intervals`: times of day, weekdays, days, months and years.

use std::collections::HashSet;

use crate::alerts::options::{NamedIntervals, TimeInterval};
use crate::model::Span;
use crate::yaml::{Node, Problems, Value, suggest};

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] =
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"];
const LAST_MINUTE: u16 = 24 * 60;

/// Reads both lists, writes their ranges into the tree the way Alertmanager prints them, and names duplicates.
pub fn read(root: &mut Node, problems: &mut Problems<'_>) -> Vec<NamedIntervals> {
    let (mut out, mut names) = (Vec::new(), HashSet::new());
    for (key, word) in [("mute_time_intervals", "mute time interval"), ("time_intervals", "time interval")] {
        let Some(list) = root.get_mut(key) else { continue };
        for node in list.items_mut().iter_mut().filter(|node| !node.is_null()) {
            let Some(name) = node.text("name").map(str::to_owned) else {
                problems.error(node.span, format!("missing name in {word}"));
                continue;
            };
            if !names.insert(name.clone()) {
                problems.error(node.key_span("name"), format!("{word} \"{name}\" is not unique"));
            }
            let intervals = match node.get_mut("time_intervals") {
                Some(list) => list.items_mut().iter_mut().map(|node| interval(node, problems)).collect(),
                None => Vec::new(),
            };
            out.push(NamedIntervals { name, intervals });
        }
    }
    out
}

fn interval(node: &mut Node, problems: &mut Problems<'_>) -> TimeInterval {
    if node.is_null() {
        // Without a condition it holds always.
        problems.note(node.span, &format!("null/{}", node.span.start), "an empty time interval holds at every time".to_owned());
        *node = Node::empty_map(node.span);
    }
    let times = node.get("times").map(Node::items).unwrap_or_default().iter().filter_map(|range| times(range, problems)).collect();
    let weekdays = ranges(node, "weekdays", problems, weekday, |day| DAYS[usize::from(*day)].to_owned(), check_weekdays);
    let days_of_month = ranges(node, "days_of_month", problems, day_of_month, i8::to_string, check_days);
    let months = ranges(node, "months", problems, month, u8::to_string, |begin, end| {
        (begin > end).then(|| format!("end month {end} is before start month {begin}"))
    });
    let years = ranges(node, "years", problems, year, i32::to_string, |begin, end| {
        (begin > end).then(|| format!("end year {end} is before start year {begin}"))
    });
    let location = node.text("location").map(str::to_owned);
    if let Some(name) = location.as_deref().filter(|name| *name != "Local")
        && let Err(error) = zone(name)
    {
        let at = node.key_span("location");
        let suggestion = Some("a name of the IANA time zone database such as Europe/Berlin, or Local".to_owned());
        problems.error_with(at, format!("unknown time zone {name}: {error}"), suggestion);
    }
    TimeInterval { times, weekdays, days_of_month, months, years, location }
}

/// Go looks for the zone's file, so upper and lower case count.
fn zone(name: &str) -> Result<(), String> {
    let zone = jiff::tz::TimeZone::get(name).map_err(|error| error.to_string())?;
    match zone.iana_name() {
        Some(proper) if proper != name => Err(format!("its name is {proper}")),
        _ => Ok(()),
    }
}

fn times(node: &Node, problems: &mut Problems<'_>) -> Option<(u16, u16)> {
    let (Some(start), Some(end)) = (node.text("start_time"), node.text("end_time")) else {
        problems.error(node.span, "both start and end times must be provided");
        return None;
    };
    let mut minute = |key: &str, text: &str| {
        let parsed = minute_of_day(text);
        if parsed.is_none() {
            let suggestion = Some("write hours and minutes: 09:00; 24:00 is the end of the day".to_owned());
            problems.error_with(value_span(node, key), format!("couldn't parse timestamp {text}, invalid format"), suggestion);
        }
        parsed
    };
    let (begin, finish) = (minute("start_time", start)?, minute("end_time", end)?);
    if begin >= finish {
        let suggestion = format!("split a range over midnight: {start} to 24:00 and 00:00 to {end}");
        problems.error_with(value_span(node, "start_time"), "start time cannot be equal or greater than end time", Some(suggestion));
        return None;
    }
    Some((begin, finish))
}

fn value_span(node: &Node, key: &str) -> Span {
    node.get(key).map_or(node.span, |value| value.span)
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok()).flatten();
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= LAST_MINUTE).then_some(total)
}

/// `begin:end` or a single value for each item of a list; `check` names what is wrong with a range.
fn ranges<T: Copy + PartialEq>(
    node: &mut Node,
    key: &str,
    problems: &mut Problems<'_>,
    parse: impl Fn(&str) -> Result<T, String>,
    show: impl Fn(&T) -> String,
    check: impl Fn(T, T) -> Option<String>,
) -> Vec<(T, T)> {
    let mut out = Vec::new();
    let Some(list) = node.get_mut(key) else { return out };
    for item in list.items_mut() {
        let Some(text) = item.as_text().map(str::to_lowercase) else { continue };
        let (begin, end) = text.split_once(':').unwrap_or((&text, &text));
        let range = parse(begin).and_then(|begin| parse(end).map(|end| (begin, end)));
        match range.and_then(|(begin, end)| check(begin, end).map_or(Ok((begin, end)), Err)) {
            Ok((begin, end)) => {
                let shown = if begin == end { show(&begin) } else { format!("{}:{}", show(&begin), show(&end)) };
                item.value = Value::Scalar { text: shown, style: crate::yaml::node::Style::Double };
                out.push((begin, end));
            }
            Err(message) => problems.error(item.span, message),
        }
    }
    out
}

fn name_or_help(text: &str, names: &[&str], what: &str) -> Result<usize, String> {
    names.iter().position(|name| *name == text).ok_or_else(|| {
        let nearest = suggest::nearest(text, names.iter().copied()).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
        format!("{text} is not a valid {what}{nearest}")
    })
}

fn weekday(text: &str) -> Result<u8, String> {
    name_or_help(text, &DAYS, "weekday").map(|day| day as u8)
}

fn check_weekdays(begin: u8, end: u8) -> Option<String> {
    (begin > end).then(|| {
        let (from, to) = (DAYS[usize::from(begin)], DAYS[usize::from(end)]);
        format!("start day cannot be before end day: weeks begin on sunday; write {from}:saturday and sunday:{to}")
    })
}

fn day_of_month(text: &str) -> Result<i8, String> {
    let day: i8 = text.parse().map_err(|_| format!("{text} is not a valid day of the month"))?;
    if day == 0 || !(-31..=31).contains(&day) {
        return Err(format!("{day} is not a valid day of the month: out of range"));
    }
    Ok(day)
}

fn check_days(begin: i8, end: i8) -> Option<String> {
    if begin < 0 && end > 0 {
        return Some("end day must be negative if start day is negative".to_owned());
    }
    // Days counted from the end have to lie in order in the shortest month, too: 28 days, as Alertmanager reckons.
    let from_start = |day: i8| if day < 0 { 28 + i16::from(day) } else { i16::from(day) };
    (from_start(begin) > from_start(end)).then(|| format!("end day {end} is always before start day {begin}"))
}

fn month(text: &str) -> Result<u8, String> {
    if let Ok(number) = text.parse::<u8>() {
        return if (1..=12).contains(&number) { Ok(number) } else { Err(format!("{text} is not a valid month: out of range")) };
    }
    name_or_help(text, &MONTHS, "month").map(|month| month as u8 + 1)
}

fn year(text: &str) -> Result<i32, String> {
    let year: i64 = text.parse().map_err(|_| format!("{text} is not a valid year"))?;
    // Nobody lives to see the difference.
    Ok(year.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
}
