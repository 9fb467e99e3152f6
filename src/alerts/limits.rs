//! The bounds of routing. Each is counted in `promlet_alerts_limit_total` when hit.

use crate::model::DurationMs;

/// Alerts held at once, unresolved and resolved ones that someone must still be told about.
pub const ALERTS_MAX: usize = 100_000;
/// Silences held at once, expired ones of the last days included.
pub const SILENCES_MAX: usize = 10_000;
/// Bytes of one silence: matchers, comment, author, annotations.
pub const SILENCE_BYTES_MAX: usize = 64 * 1024;
/// Lines of the trail that one call returns at most.
pub const TRAIL_MAX: usize = 1_000;
/// Alerts that one explanation tells of, and lines of the trail and notifications that it tells of each.
pub const EXPLAINED_MAX: usize = 20;
pub const EXPLAINED_LINES_MAX: usize = 50;

/// An expired silence, and the log of a group that is gone, are kept this long (Alertmanager's `--data.retention`).
pub const RETENTION: DurationMs = DurationMs(120 * 3_600_000);
/// After a start an alert that nobody repeats is taken as ended when its own lease is over, at most after this.
pub const RESTORED_LEASE_MAX: DurationMs = DurationMs(5 * 60_000);
/// A wall clock that differs from the monotonic one by more than this between two ticks was set.
pub const CLOCK_STEP: DurationMs = DurationMs(30_000);

/// Upstream's shortest send window; here it bounds one attempt where neither `timeout` nor a longer group interval does.
pub const ATTEMPT_MIN: DurationMs = DurationMs(10_000);
/// No attempt may take longer than this, however long `group_interval` is.
pub const ATTEMPT_MAX: DurationMs = DurationMs(30_000);
/// Retries: first pause, growth, longest pause.
pub const RETRY_FIRST: DurationMs = DurationMs(500);
pub const RETRY_GROWTH: f64 = 1.5;
pub const RETRY_MAX: DurationMs = DurationMs(60_000);
/// Longest `Retry-After` that is believed.
pub const RETRY_AFTER_MAX: DurationMs = DurationMs(3_600_000);
/// After a refusal the next attempt waits this long, doubled each time up to the longest.
pub const REFUSED_FIRST: DurationMs = DurationMs(60_000);
pub const REFUSED_MAX: DurationMs = DurationMs(600_000);

/// Attempts that one integration may have open at once, by kind: a chat channel wants its messages in order.
pub fn lanes(kind: &str) -> usize {
    match kind {
        "webhook" | "pagerduty" | "opsgenie" | "victorops" | "incidentio" | "sns" | "jira" => 8,
        "email" => 2,
        _ => 1,
    }
}

/// The pause between two messages to one place, by kind: more than one a second Slack refuses.
pub fn pace(kind: &str) -> DurationMs {
    match kind {
        "slack" => DurationMs(1_000),
        _ => DurationMs::ZERO,
    }
}

/// Where there is such a pause: when more groups than this have something to say at once, one message says it for all of them.
pub const DIGEST_OVER: usize = 4;

/// The driver looks at the clock at least this often.
pub const TICK_MAX: DurationMs = DurationMs(1_000);
/// The same while there is nothing that could change by itself.
pub const IDLE_TICK_MAX: DurationMs = DurationMs(15_000);
/// With so many attempts under way, steps of the driver, each with its commit, are at least this far apart.
pub const STORM_ATTEMPTS: usize = 4;
pub const GATHERING: DurationMs = DurationMs(25);
/// What is over is forgotten, and figures are shown, this often.
pub const TIDY_EVERY: DurationMs = DurationMs(1_000);
/// A file that missed changes gets the whole again this often at most.
pub const CATCH_UP_EVERY: DurationMs = DurationMs(5_000);
/// How long a send waits for the commit of its own intent before it goes out regardless.
pub const COMMIT_WAIT_MAX: DurationMs = DurationMs(5_000);
/// Failed attempts in a row after which a receiver is named on all pages: some seconds, or half a minute where it hangs.
pub const FAILING_AFTER_RETRIES: u32 = 3;
/// Integrations that a message names in whose place it is.
pub const IN_PLACE_OF_SHOWN_MAX: usize = 3;
/// Receivers that are named at once.
pub const FAILING_SHOWN_MAX: usize = 8;
