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
/// Characters of one remark about a template that failed.
pub const PROBLEM_SHOWN_MAX: usize = 500;
/// Bytes of a text that is looked at as YAML or JSON; longer ones stay texts.
pub const STRUCTURED_BYTES_MAX: usize = 1024 * 1024;
/// Characters of a mail's subject.
pub const SUBJECT_MAX: usize = 250;
/// Bytes of one template file, and number of files.
pub const TEMPLATE_FILE_BYTES_MAX: u64 = 1024 * 1024;
pub const TEMPLATE_FILES_MAX: usize = 1_000;
/// Steps of a trial that may wait to be printed.
pub const STEPS_WAITING_MAX: usize = 64;

/// The providers' own limits, as upstream keeps them: characters, and bytes where the name says so.
pub const PAGERDUTY_SUMMARY_MAX: usize = 1_024;
pub const PAGERDUTY_EVENT_BYTES_MAX: usize = 512_000;
pub const OPSGENIE_MESSAGE_MAX: usize = 130;
pub const VICTOROPS_STATE_MESSAGE_MAX: usize = 20_480;
pub const DISCORD_TITLE_MAX: usize = 256;
pub const DISCORD_DESCRIPTION_MAX: usize = 4_096;
pub const DISCORD_CONTENT_MAX: usize = 2_000;
pub const WEBEX_MESSAGE_BYTES_MAX: usize = 7_439;
pub const TELEGRAM_MESSAGE_MAX: usize = 4_096;
pub const TELEGRAM_BYTES_MAX: usize = 1 << 15;
pub const PUSHOVER_TITLE_MAX: usize = 250;
pub const PUSHOVER_MESSAGE_MAX: usize = 1_024;
pub const PUSHOVER_URL_MAX: usize = 512;
pub const INCIDENTIO_BYTES_MAX: usize = 512 * 1024;
pub const SNS_MESSAGE_BYTES_MAX: usize = 256 * 1024;
pub const SNS_PHONE_BYTES_MAX: usize = 1_600;
pub const SNS_SUBJECT_MAX: usize = 100;
pub const JIRA_SUMMARY_MAX: usize = 255;
pub const JIRA_DESCRIPTION_MAX: usize = 32_767;
/// The service cuts longer texts by itself, in the middle of a character.
pub const WECHAT_OWN_TEXT_BYTES_MAX: usize = 2_048;
/// Characters of an annotation where a whole message is too large for incident.io.
pub const INCIDENTIO_ANNOTATION_MAX: usize = 1_000;
pub const NTFY_TITLE_MAX: usize = 250;
/// The service makes an attached file of a longer message.
pub const NTFY_MESSAGE_BYTES_MAX: usize = 4_096;
pub const NTFY_ACTIONS_MAX: usize = 3;
