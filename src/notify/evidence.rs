//! What the store knows of a message's alerts beyond what they say: what their values were compared with, how far they went, and their
//! course as a chart. It is looked up before a message is written, in bounded time; without it the message goes as it is.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::chart::{self, Plot};
use super::limits::{
    CHART_LINES_MAX, CHARTS_MAX, COURSE_POINTS, COURSE_SPAN_MAX, COURSE_SPAN_MIN, COURSES_PER_MINUTE_MAX, EVIDENCE_TIME_MAX,
};
use super::words;
use crate::alerts::fingerprint::Fingerprint;
use crate::alerts::notification::{Notification, NotifiedAlert, Status, Threshold};
use crate::clock::Clock;
use crate::model::{DurationMs, Labels, TimestampMs};
use crate::telemetry::Registry;

const MINUTE: Duration = Duration::from_secs(60);
/// After an alert's end this much is looked at in any case.
const RECOVERY: DurationMs = DurationMs(300_000);

/// An expression over a range of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    pub expression: String,
    pub start: TimestampMs,
    pub end: TimestampMs,
    pub step: DurationMs,
}

/// The course of one series, with the labels that the alert took from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub labels: Labels,
    pub points: Vec<(TimestampMs, f64)>,
}

pub type ThresholdOf = Arc<dyn Fn(&str) -> Option<Threshold> + Send + Sync>;
/// Blocking; it ends by itself within [`EVIDENCE_TIME_MAX`].
pub type CourseOf = Arc<dyn Fn(&Window) -> Result<Vec<Line>, String> + Send + Sync>;

/// The query engine, as far as messages need it.
#[derive(Clone)]
pub struct Evidence {
    /// What a rule's expression compares its value with.
    pub threshold: ThresholdOf,
    /// What that comparison is made of: the values, whether they are beyond the threshold or not.
    pub course: CourseOf,
}

/// A chart for a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The first of the alerts that it shows.
    pub of: Fingerprint,
    pub png: Vec<u8>,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// What stands below it.
    pub caption: String,
    /// Colour and name of each line, where there are several.
    pub legend: Vec<(&'static str, String)>,
}

/// How many courses may be looked up in a while: in a storm the messages go without.
#[derive(Default)]
pub struct Allowance(Mutex<(Duration, u32)>);

impl Allowance {
    fn take(&self, now: Duration) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(held.0) >= MINUTE {
            *held = (now, 0);
        }
        held.1 += 1;
        held.1 <= COURSES_PER_MINUTE_MAX
    }
}

/// Looks the evidence up.
#[derive(Clone)]
pub struct Witness {
    pub evidence: Evidence,
    /// Whether charts are wanted at all.
    pub draws: bool,
    pub allowance: Arc<Allowance>,
    pub clock: Clock,
    pub registry: Registry,
}

/// Alerts of one expression, each with its place in the notification.
struct Subject {
    window: Window,
    threshold: Option<Threshold>,
    alerts: Vec<(usize, NotifiedAlert)>,
}

/// What was found about one subject.
struct Found {
    peaks: Vec<(usize, f64)>,
    chart: Option<Chart>,
}

impl Witness {
    /// The notification with what is known of its alerts, and the charts that go with it.
    pub async fn look(&self, notification: &Notification, with_charts: bool) -> (Notification, Vec<Chart>) {
        let mut known = notification.clone();
        for index in words::shown(notification) {
            let expression = expression(&notification.alerts[index].alert.generator_url, &notification.external_url);
            known.alerts[index].measured.threshold = expression.and_then(|expression| (self.evidence.threshold)(&expression));
        }
        let mut subjects = subjects(notification, self.clock.now());
        for subject in &mut subjects {
            subject.threshold = subject.alerts.first().and_then(|(index, _)| known.alerts[*index].measured.threshold);
        }
        let with_charts = with_charts && self.draws;
        subjects.retain(|subject| with_charts || subject.alerts.iter().any(|(_, alert)| alert.status == Status::Resolved));
        if subjects.is_empty() {
            return (known, Vec::new());
        }
        let mut charts = Vec::new();
        for found in self.search(subjects, with_charts).await {
            for (index, peak) in found.peaks {
                known.alerts[index].measured.peak = Some(peak);
            }
            charts.extend(found.chart);
        }
        (known, charts)
    }

    async fn search(&self, subjects: Vec<Subject>, with_charts: bool) -> Vec<Found> {
        if !self.allowance.take(self.clock.monotonic()) {
            self.count("left_out");
            return Vec::new();
        }
        let course = self.evidence.course.clone();
        let searching = tokio::task::spawn_blocking(move || {
            let find = |subject: &Subject| course(&subject.window).map(|lines| found(subject, &lines, with_charts));
            subjects.iter().map(find).collect::<Vec<_>>()
        });
        let Ok(Ok(found)) = tokio::time::timeout(EVIDENCE_TIME_MAX, searching).await else {
            self.count("too_late");
            return Vec::new();
        };
        let keep = |found: Result<Found, String>| match found {
            Ok(found) => {
                self.count("found");
                Some(found)
            }
            Err(error) => {
                self.count("failed");
                tracing::debug!(%error, "no chart and no peak for a notification");
                None
            }
        };
        found.into_iter().filter_map(keep).collect()
    }

    fn count(&self, outcome: &str) {
        let help = "Courses of alerts that were looked up for notifications, by what came of it.";
        self.registry.counter("promlet_notification_courses_total", help, &[("outcome", outcome)]).inc();
    }
}

/// The shown alerts by the expression behind them: those of the first few expressions that are this server's own.
fn subjects(notification: &Notification, now: TimestampMs) -> Vec<Subject> {
    let mut grouped: Vec<(String, Vec<(usize, NotifiedAlert)>)> = Vec::new();
    for index in words::shown(notification) {
        let alert = &notification.alerts[index];
        let Some(expression) = expression(&alert.alert.generator_url, &notification.external_url) else { continue };
        match grouped.iter().position(|(known, _)| *known == expression) {
            Some(at) => grouped[at].1.push((index, alert.clone())),
            None if grouped.len() < CHARTS_MAX => grouped.push((expression, vec![(index, alert.clone())])),
            None => {}
        }
    }
    let subject = |(expression, alerts): (String, Vec<(usize, NotifiedAlert)>)| {
        let window = window(expression, &alerts, now);
        Subject { window, threshold: None, alerts }
    };
    grouped.into_iter().map(subject).collect()
}

/// The expression of this server's own link to its graph: who else sent the alert has other data.
fn expression(generator_url: &str, external_url: &str) -> Option<String> {
    generator_url.strip_prefix(external_url)?.strip_prefix("/graph?")?;
    let url = reqwest::Url::parse(generator_url).ok()?;
    let (_, expression) = url.query_pairs().find(|(name, _)| name == "g0.expr")?;
    Some(expression.into_owned())
}

/// From some time before the first of them began until now, or until shortly after the last of them ended.
fn window(expression: String, alerts: &[(usize, NotifiedAlert)], now: TimestampMs) -> Window {
    let all = || alerts.iter().map(|(_, alert)| alert);
    let fires = all().any(|alert| alert.status == Status::Firing);
    let ended = all().map(|alert| alert.alert.ends_at).max().unwrap_or(now);
    let began = all().map(|alert| alert.alert.starts_at).min().unwrap_or(now).min(now);
    let last = if fires { now } else { ended.min(now) };
    let lasted = (last.0 - began.0).max(0);
    let end = if fires { now } else { TimestampMs((last.0 + (lasted / 10).max(RECOVERY.0)).min(now.0)) };
    let span = (lasted / 4).saturating_mul(5).clamp(COURSE_SPAN_MIN.0, COURSE_SPAN_MAX.0);
    // Whole seconds, on a grid that does not move from message to message.
    let step = (span / COURSE_POINTS / 1000 * 1000).max(1000);
    let whole = end.0.div_euclid(step) * step;
    // The present is in it, though the last step may lie a little ahead of it.
    let end = TimestampMs(if fires && whole < end.0 { whole + step } else { whole });
    Window { expression, start: end - DurationMs(span / step * step), end, step: DurationMs(step) }
}

fn found(subject: &Subject, lines: &[Line], with_chart: bool) -> Found {
    let resolved = subject.alerts.iter().filter(|(_, alert)| alert.status == Status::Resolved);
    let peaks = resolved.filter_map(|(index, alert)| Some((*index, peak(subject, line_of(alert, lines)?, alert)?))).collect();
    Found { peaks, chart: if with_chart { draw(subject, lines) } else { None } }
}

/// The line that the alert comes from: its labels are all the alert's.
fn line_of<'a>(alert: &NotifiedAlert, lines: &'a [Line]) -> Option<&'a Line> {
    let belongs = |line: &&Line| line.labels.iter().all(|(name, value)| alert.alert.labels.get(name) == Some(value));
    lines.iter().find(belongs).or(match lines {
        [only] => Some(only),
        _ => None,
    })
}

/// Nothing is said of an alert that began before the window.
fn peak(subject: &Subject, line: &Line, alert: &NotifiedAlert) -> Option<f64> {
    let (began, ended) = (alert.alert.starts_at, alert.alert.ends_at);
    if began < subject.window.start || subject.threshold.is_some_and(|threshold| threshold.operator == "==") {
        return None;
    }
    let floor = subject.threshold.is_some_and(|threshold| threshold.is_floor());
    let lasting = line.points.iter().filter(|(at, value)| *at >= began && *at <= ended && !value.is_nan()).map(|(_, value)| *value);
    // Between the points the rule may have seen more.
    let last = alert.alert.value.filter(|value| !value.is_nan());
    lasting.chain(last).reduce(|a, b| if (b < a) == floor { b } else { a })
}

fn draw(subject: &Subject, lines: &[Line]) -> Option<Chart> {
    let window = &subject.window;
    let mut shown: Vec<&Line> = Vec::new();
    for (_, alert) in &subject.alerts {
        if let Some(line) = line_of(alert, lines).filter(|line| !shown.iter().any(|known| std::ptr::eq(*known, *line))) {
            shown.push(line);
        }
    }
    shown.truncate(CHART_LINES_MAX);
    let firing = subject.alerts.iter().map(|(_, alert)| {
        let end = if alert.status == Status::Firing { window.end } else { alert.alert.ends_at };
        (alert.alert.starts_at.max(window.start), end.min(window.end))
    });
    let firing = joined(firing.collect());
    let threshold = subject.threshold.map(|threshold| threshold.value);
    let plot = Plot { lines: shown.clone(), start: window.start, end: window.end, step: window.step, threshold, firing };
    let png = chart::png(&plot)?;
    let (_, first) = subject.alerts.first()?;
    let compared = subject.threshold.map(|one| format!("{} {}", one.operator, words::number(one.value)));
    let span = format!("{} to {}", words::moment(window.start), words::moment(window.end));
    let caption = compared.as_ref().map_or(String::new(), |text| format!("Dashed: {text}. "));
    Some(Chart {
        of: first.fingerprint,
        png,
        alt: alt(first, &shown, &span, compared.as_deref()),
        caption: format!("{caption}Shaded: firing. {} UTC.", span_in_hours(window)),
        legend: legend(&shown),
    })
}

fn alt(first: &NotifiedAlert, lines: &[&Line], span: &str, compared: Option<&str>) -> String {
    let values = || lines.iter().flat_map(|line| line.points.iter()).map(|(_, value)| *value).filter(|value| !value.is_nan());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let last = lines.first().and_then(|line| line.points.last()).map_or(f64::NAN, |(_, value)| *value);
    let threshold = compared.map_or(String::new(), |text| format!("; it fires at {text}"));
    let name = words::one_line(first.alert.name());
    let (low, high, last) = (words::number(low), words::number(high), words::number(last));
    words::clip(&format!("Chart of {name}, {span}: lowest {low}, highest {high}, last {last}{threshold}"), 300)
}

/// `09:05 to 10:05`, or with days where it is longer.
fn span_in_hours(window: &Window) -> String {
    let cut = |at: TimestampMs| {
        let text = words::moment(at);
        text.get(if window.end.0 - window.start.0 > 86_400_000 / 2 { 5..16 } else { 11..16 }).unwrap_or(&text).to_owned()
    };
    format!("{} to {}", cut(window.start), cut(window.end))
}

/// What tells the lines apart.
fn legend(lines: &[&Line]) -> Vec<(&'static str, String)> {
    if lines.len() < 2 {
        return Vec::new();
    }
    let common = super::data::common(lines.iter().map(|line| &line.labels));
    let name = |line: &&Line| {
        let own = line.labels.iter().filter(|(name, value)| common.get(name) != Some(*value));
        words::clip(&own.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "), 60)
    };
    chart::COLORS.into_iter().zip(lines.iter().map(name)).collect()
}

/// Ranges that touch become one.
fn joined(mut ranges: Vec<(TimestampMs, TimestampMs)>) -> Vec<(TimestampMs, TimestampMs)> {
    ranges.retain(|(from, until)| from < until);
    ranges.sort_unstable();
    let mut out: Vec<(TimestampMs, TimestampMs)> = Vec::new();
    for (from, until) in ranges {
        match out.last_mut().filter(|(_, last)| from <= *last) {
            Some((_, last)) => *last = until.max(*last),
            None => out.push((from, until)),
        }
    }
    out
}

#[cfg(test)]
mod tests;
