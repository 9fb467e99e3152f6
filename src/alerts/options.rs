//! `alertmanager.yml`, checked: routing, inhibition, time intervals. Receivers' own settings are in `notify::options`.

use crate::model::{DurationMs, Labels, Matcher};

#[derive(Clone, Debug)]
pub struct AlertsOptions {
    pub resolve_timeout: DurationMs,
    pub route: Route,
    pub inhibit_rules: Vec<InhibitRule>,
    pub time_intervals: Vec<NamedIntervals>,
    /// Names in the order of the file.
    pub receivers: Vec<String>,
    /// At most one of each receiver; no circle among them.
    pub fallbacks: Vec<Fallback>,
    /// The server's own address as people reach it, without a slash at the end.
    pub external_url: String,
    /// The configuration with defaults and `<secret>`, for `GET /api/v2/status`.
    pub original: String,
}

/// A node of the routing tree; inherited settings are already worked in.
#[derive(Clone, Debug)]
pub struct Route {
    pub receiver: String,
    pub group_by: GroupBy,
    pub group_wait: DurationMs,
    pub group_interval: DurationMs,
    pub repeat_interval: DurationMs,
    pub matchers: Vec<Matcher>,
    pub continues: bool,
    pub mute_time_intervals: Vec<String>,
    pub active_time_intervals: Vec<String>,
    /// Values are templates; merged from parent to child.
    pub labels: Labels,
    pub routes: Vec<Route>,
}

/// Which receiver stands in, and after how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// The receiver that fails.
    pub of: String,
    /// The one that is told instead.
    pub receiver: String,
    /// How long a message may wait to be taken.
    pub after: DurationMs,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// `['...']`: every label.
    All,
    Names(Vec<String>),
}

#[derive(Clone, Debug)]
pub struct InhibitRule {
    pub name: String,
    pub source_matchers: Vec<Matcher>,
    pub target_matchers: Vec<Matcher>,
    pub equal: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedIntervals {
    pub name: String,
    pub intervals: Vec<TimeInterval>,
}

/// All fields must hold; an empty field holds always; within a field one range must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeInterval {
    /// Minutes of the day, start included, end not (1440 is midnight at the end).
    pub times: Vec<(u16, u16)>,
    /// 0 is Sunday; both ends included.
    pub weekdays: Vec<(u8, u8)>,
    /// 1 to 31 or -31 to -1 from the month's end; both ends included.
    pub days_of_month: Vec<(i8, i8)>,
    /// 1 to 12; both ends included.
    pub months: Vec<(u8, u8)>,
    pub years: Vec<(i32, i32)>,
    /// An IANA name or `Local`; UTC when none.
    pub location: Option<String>,
}
