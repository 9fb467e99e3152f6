//! The bounds of a message and of the way it travels.

use std::time::Duration;

use crate::model::DurationMs;

/// Bytes of an answer that are read; the rest is not looked at.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Characters of an answer that are shown in the ledger.
pub const ANSWER_SHOWN_MAX: usize = 300;
/// Name lookup and connecting, each.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Each step of the mail protocol.
pub const SMTP_STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that a mail server may say in one conversation, before encryption and after it, and characters of one answer that are shown.
pub const SMTP_HEARD_BYTES_MAX: usize = 256 * 1024;
pub const SMTP_SHOWN_MAX: usize = 300;

/// Alerts that one message of ours describes; more are counted.
pub const ALERTS_SHOWN_MAX: usize = 10;
/// Charts in one message; further expressions have none.
pub const CHARTS_MAX: usize = 3;
/// Lines in one chart.
pub const CHART_LINES_MAX: usize = 5;
/// Bytes of one chart; a larger one is left out.
pub const CHART_BYTES_MAX: usize = 30 * 1024;
/// Points of a line, about.
pub const COURSE_POINTS: i64 = 240;
/// The stretch of time that is looked at for a chart.
pub const COURSE_SPAN_MIN: DurationMs = DurationMs(3_600_000);
pub const COURSE_SPAN_MAX: DurationMs = DurationMs(86_400_000);
/// How long a message waits for charts and peaks.
pub const EVIDENCE_TIME_MAX: Duration = Duration::from_secs(2);
/// Messages for which these are looked up within a minute; more go without.
pub const COURSES_PER_MINUTE_MAX: u32 = 30;
/// How long handing a chart to Slack may take.
pub const UPLOAD_TIME_MAX: Duration = Duration::from_secs(20);
/// Characters of a link to a prefilled silence: longer ones are left out, since mail programs and proxies cut them.
pub const SILENCE_LINK_MAX: usize = 1_800;
/// Characters of a summary or description in a message of ours.
pub const TEXT_SHOWN_MAX: usize = 1_000;
/// Characters of a label's name or value in a message of ours, and of its title.
pub const LABEL_SHOWN_MAX: usize = 120;
pub const OWN_TITLE_MAX: usize = 300;
pub const TITLE_LABEL_MAX: usize = 60;
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
