//! The bounds of a message and of the way it travels.

use std::time::Duration;

/// Bytes of an answer that are read; the rest is not looked at.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of an answer that are shown in the ledger.
pub const ANSWER_SHOWN_MAX: usize = 300;
/// Name lookup and connecting, each.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Each step of the mail protocol.
pub const SMTP_STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Alerts that one message of ours describes; more are counted.
pub const ALERTS_SHOWN_MAX: usize = 10;
/// Characters of a summary or description in a message of ours.
pub const TEXT_SHOWN_MAX: usize = 1_000;
/// Characters of a Slack title, as upstream cuts it.
pub const SLACK_TITLE_MAX: usize = 1_024;
/// Characters of a Slack text: the service cuts longer ones by itself, in the middle of our markup.
pub const SLACK_TEXT_MAX: usize = 7_500;
/// Characters of a mail's subject.
pub const SUBJECT_MAX: usize = 250;
/// Bytes of one template file, and number of files.
pub const TEMPLATE_FILE_BYTES_MAX: u64 = 1024 * 1024;
pub const TEMPLATE_FILES_MAX: usize = 1_000;
/// Steps of a trial that may wait to be printed.
pub const STEPS_WAITING_MAX: usize = 64;
