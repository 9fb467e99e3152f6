//! What goes wrong in the demo, and when: seconds from the program's first line; what is negative lies in the history.

/// The back-filled history, in seconds.
pub const HISTORY_SECONDS: i64 = 2 * 3600;

/// The planted job's budget passes its limit.
pub const OVER_BUDGET_AT: i64 = 7;
/// Its limit is raised.
pub const BUDGET_RAISED_AT: i64 = 134;
/// A loss stops being a number.
pub const LOSS_BREAKS_AT: i64 = 17;
/// The run goes back to its last checkpoint.
pub const LOSS_MENDED_AT: i64 = 75;
/// Jobs of one agent begin to fail. The second failure, ninety seconds later, is one too many; the alert then waits ten minutes.
pub const FAILURES_FROM: i64 = -600;
/// Batches of one agent become slow; the alert waits fifteen minutes.
pub const SLOW_FROM: i64 = -880;
/// Another job comes near its limit: the warning waits five minutes.
pub const NEAR_LIMIT_FROM: i64 = -80;

/// One line of the programme.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub at_seconds: i64,
    pub what: &'static str,
}

/// What to watch, in order.
pub const EVENTS: [Event; 8] = [
    Event { at_seconds: 10, what: "TrainingBudgetExceeded turns pending: job-1042 is over its budget" },
    Event { at_seconds: 20, what: "TrainingLossNonFinite fires at once: the loss of job-2017 is NaN" },
    Event { at_seconds: 70, what: "TrainingBudgetExceeded fires: Slack, mail and webhook hear of it" },
    Event { at_seconds: 80, what: "TrainingLossNonFinite is resolved: back at the last checkpoint" },
    Event { at_seconds: 95, what: "HighTrainingFailureRate fires: pending since before the start" },
    Event { at_seconds: 110, what: "SlowTrajectoryGeneration fires: restored from the history likewise" },
    Event { at_seconds: 140, what: "TrainingBudgetExceeded is resolved: the limit was raised" },
    Event { at_seconds: 230, what: "TrainingBudgetWarning fires: job-3008 stays near its limit" },
];
