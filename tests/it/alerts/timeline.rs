//! The language of `.timeline` files: a routing configuration, what happens when, and what must be heard.
//!
//! - `receiver NAME KIND... [quiet]`: integrations by kind; `quiet` leaves out resolved messages.
//! - `fallback NAME OTHER TIME`: OTHER stands in where NAME has not taken a message for so long.
//! - `route NAME key=value...`: the root; a `route` indented by two more blanks is a child and inherits. Keys: `wait interval repeat by` (`a,b` or
//!   `...`), `mute active` (interval names), the word `continue`; any other `name=value` is a matcher.
//! - `inhibit name=value -> name=value equal=a,b`
//! - `interval NAME HH:MM-HH:MM`
//! - `start TIME`: RFC 3339, the wall time of 0s.
//! - `at TIME fire LABELS [lease=TIME]`, `end LABELS`, `silence LABELS lease=TIME`, `answer INTEGRATION|RECEIVER/INTEGRATION ok|fail|refuse|busy TIME|hang`,
//!   `stop`, `start`, `settle`, `reload` (the routes after the next `reload:` line), `clock TIME|-TIME`,
//!   `why` (where every alert stands is said as further `=` lines: TIME why ALERT RECEIVER [INTEGRATION] WORD: SENTENCE).
//! - `until TIME`
//! - `= TIME RECEIVER INTEGRATION STATUS (REASON) ALERTS [what came of it]`: ended alerts have a minus before their name;
//!   `for RECEIVER/INTEGRATION` after them says in whose place it is.

use promlet::alerts::Fallback;
use promlet::alerts::options::{AlertsOptions, GroupBy, InhibitRule, NamedIntervals, Route, TimeInterval};
use promlet::model::{DurationMs, Labels, Matcher};

#[derive(Clone, Debug)]
pub enum Event {
    Fire {
        labels: Labels,
        lease: DurationMs,
    },
    End(Labels),
    Silence {
        matchers: Vec<Matcher>,
        lease: DurationMs,
    },
    Answer {
        integration: String,
        answer: Answer,
    },
    Stop,
    Start,
    /// The rules have had their say, but for the alerts of these names.
    Settle {
        awaited: Vec<String>,
    },
    Reload,
    Clock(DurationMs),
    /// Where each alert stands.
    Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Ok,
    Fail,
    Refuse,
    Busy(DurationMs),
    Hang,
}

pub struct Timeline {
    pub options: AlertsOptions,
    pub after_reload: Option<Route>,
    /// Name, kinds, whether it wants resolved messages.
    pub receivers: Vec<(String, Vec<&'static str>, bool)>,
    pub start: i64,
    pub events: Vec<(i64, Event)>,
    pub until: i64,
    pub expected: Vec<String>,
}

pub fn parse(text: &str) -> Result<Timeline, String> {
    let mut timeline = Timeline {
        options: AlertsOptions::nobody("http://promlet"),
        after_reload: None,
        receivers: Vec::new(),
        start: 1_704_067_200_000,
        events: Vec::new(),
        until: 0,
        expected: Vec::new(),
    };
    let (mut routes, mut later, mut reloading) = (Vec::new(), Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or("").trim_end();
        let depth = content.len() - content.trim_start().len();
        let words: Vec<&str> = content.split_whitespace().collect();
        let explain = |error: String| format!("line {}: {error}", number + 1);
        match words.as_slice() {
            [] => {}
            ["route", rest @ ..] => {
                let lines = if reloading { &mut later } else { &mut routes };
                let parent = lines.iter().rev().find(|(above, _)| *above < depth / 2).map(|(_, parent): &(usize, Route)| parent);
                let route = route(rest, parent).map_err(explain)?;
                lines.push((depth / 2, route));
            }
            ["reload:"] => reloading = true,
            ["=", rest @ ..] => timeline.expected.push(rest.join(" ")),
            ["at", at, rest @ ..] => timeline.events.push((time(at).map_err(explain)?.0, event(rest).map_err(explain)?)),
            other => setting(&mut timeline, other).map_err(explain)?,
        }
    }
    timeline.options.route = tree(routes)?;
    timeline.options.receivers = timeline.receivers.iter().map(|(name, ..)| name.clone()).collect();
    timeline.after_reload = if later.is_empty() { None } else { Some(tree(later)?) };
    timeline.events.sort_by_key(|(at, _)| *at);
    Ok(timeline)
}

fn setting(timeline: &mut Timeline, words: &[&str]) -> Result<(), String> {
    match words {
        ["receiver", name, kinds @ ..] => {
            let known = |kind: &&str| ["webhook", "slack", "email"].into_iter().find(|known| known == kind);
            let integrations = kinds.iter().filter_map(known).collect();
            timeline.receivers.push(((*name).to_owned(), integrations, !kinds.contains(&"quiet")));
        }
        ["fallback", of, receiver, after] => {
            let (of, receiver, after) = ((*of).to_owned(), (*receiver).to_owned(), time(after)?);
            timeline.options.fallbacks.push(Fallback { of, receiver, after });
        }
        ["inhibit", rest @ ..] => {
            let arrow = rest.iter().position(|word| *word == "->").ok_or("no ->")?;
            let equal = rest.iter().find_map(|word| word.strip_prefix("equal=")).unwrap_or("");
            let equal: Vec<String> = equal.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            let targets: Vec<&str> = rest[arrow + 1..].iter().filter(|word| !word.starts_with("equal=")).copied().collect();
            timeline.options.inhibit_rules.push(InhibitRule {
                name: String::new(),
                source_matchers: matchers(&rest[..arrow])?,
                target_matchers: matchers(&targets)?,
                equal,
            });
        }
        ["interval", name, times] => {
            let minutes = |text: &str| text.split_once(':').map(|(h, m)| h.parse::<u16>().unwrap() * 60 + m.parse::<u16>().unwrap());
            let (from, to) = times.split_once('-').ok_or("no -")?;
            let times = vec![(minutes(from).ok_or("no :")?, minutes(to).ok_or("no :")?)];
            let intervals = vec![TimeInterval { times, ..TimeInterval::default() }];
            timeline.options.time_intervals.push(NamedIntervals { name: (*name).to_owned(), intervals });
        }
        ["start", at] => timeline.start = at.parse::<jiff::Timestamp>().map_err(|error| error.to_string())?.as_millisecond(),
        ["until", at] => timeline.until = time(at)?.0,
        other => return Err(format!("not understood: {}", other.join(" "))),
    }
    Ok(())
}

fn event(words: &[&str]) -> Result<Event, String> {
    let lease = words.iter().find_map(|word| word.strip_prefix("lease=")).map_or(Ok(DurationMs::seconds(1_000_000)), time)?;
    let pairs: Vec<&str> = words.iter().skip(1).filter(|word| !word.starts_with("lease=")).copied().collect();
    let answer = |words: &[&str]| match words {
        ["ok"] => Ok(Answer::Ok),
        ["fail"] => Ok(Answer::Fail),
        ["refuse"] => Ok(Answer::Refuse),
        ["hang"] => Ok(Answer::Hang),
        ["busy", after] => Ok(Answer::Busy(time(after)?)),
        other => Err(format!("not an answer: {}", other.join(" "))),
    };
    match words {
        ["fire", ..] => Ok(Event::Fire { labels: labels(&pairs)?, lease }),
        ["end", ..] => Ok(Event::End(labels(&pairs)?)),
        ["silence", ..] => Ok(Event::Silence { matchers: matchers(&pairs)?, lease }),
        ["answer", integration, rest @ ..] => Ok(Event::Answer { integration: (*integration).to_owned(), answer: answer(rest)? }),
        ["stop"] => Ok(Event::Stop),
        ["start"] => Ok(Event::Start),
        ["settle", rest @ ..] => {
            let names = rest.iter().find_map(|word| word.strip_prefix("awaiting=")).unwrap_or("");
            Ok(Event::Settle { awaited: names.split(',').map(str::to_owned).collect() })
        }
        ["reload"] => Ok(Event::Reload),
        ["why"] => Ok(Event::Why),
        ["clock", by] => Ok(Event::Clock(by.strip_prefix('-').map_or_else(|| time(by), |by| time(by).map(|by| DurationMs(-by.0)))?)),
        other => Err(format!("not an event: {}", other.join(" "))),
    }
}

fn route(words: &[&str], parent: Option<&Route>) -> Result<Route, String> {
    let mut route = parent.cloned().unwrap_or_else(|| AlertsOptions::nobody("").route);
    (route.matchers, route.continues) = (Vec::new(), false);
    (route.mute_time_intervals, route.active_time_intervals) = (Vec::new(), Vec::new());
    route.receiver = (*words.first().ok_or("no receiver")?).to_owned();
    let names = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    for word in &words[1..] {
        match word.split_once('=') {
            None if *word == "continue" => route.continues = true,
            Some(("wait", value)) => route.group_wait = time(value)?,
            Some(("interval", value)) => route.group_interval = time(value)?,
            Some(("repeat", value)) => route.repeat_interval = time(value)?,
            Some(("by", "...")) => route.group_by = GroupBy::All,
            Some(("by", value)) => route.group_by = GroupBy::Names(names(value)),
            Some(("mute", value)) => route.mute_time_intervals = names(value),
            Some(("active", value)) => route.active_time_intervals = names(value),
            Some((name, value)) => route.matchers.push(Matcher::equal(name, value)),
            None => return Err(format!("not understood: {word}")),
        }
    }
    Ok(route)
}

fn tree(lines: Vec<(usize, Route)>) -> Result<Route, String> {
    let mut open: Vec<Route> = Vec::new();
    let close = |open: &mut Vec<Route>| {
        let child = open.pop().expect("only called on a child");
        open.last_mut().expect("the root stays").routes.push(child);
    };
    for (depth, route) in lines {
        while open.len() > depth.max(1) || (depth == 0 && open.len() > 1) {
            close(&mut open);
        }
        open.push(route);
    }
    while open.len() > 1 {
        close(&mut open);
    }
    open.pop().ok_or_else(|| "no route".to_owned())
}

fn pairs<'a>(words: &[&'a str]) -> Result<Vec<(&'a str, &'a str)>, String> {
    words.iter().map(|word| word.split_once('=').ok_or_else(|| format!("not name=value: {word}"))).collect()
}

fn labels(words: &[&str]) -> Result<Labels, String> {
    pairs(words).map(Labels::from_pairs)
}

fn matchers(words: &[&str]) -> Result<Vec<Matcher>, String> {
    Ok(pairs(words)?.into_iter().map(|(name, value)| Matcher::equal(name, value)).collect())
}

fn time(text: &str) -> Result<DurationMs, String> {
    DurationMs::parse(if text == "0s" { "0" } else { text })
}
