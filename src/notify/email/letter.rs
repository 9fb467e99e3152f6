//! The mail itself: headers, a plain part and a page. Its `Message-Id` is the notification's id, so that mail programs know a repeat;
//! its `References` name the group, so that they put a group's mails into one thread.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Mailboxes, MultiPart, SinglePart};
use lettre::{Address, Message};
use xxhash_rust::xxh64::xxh64;

use crate::alerts::notification::{Failure, Notification};
use crate::model::TimestampMs;
use crate::notify::evidence::Chart;
use crate::notify::group_id;
use crate::notify::limits::SUBJECT_MAX;
use crate::notify::options::{EmailOptions, Threading};
use crate::notify::texts::Rendering;
use crate::notify::words::{self, html::Figure};

#[derive(Clone, Debug)]
pub struct Letter {
    pub from: Address,
    pub to: Vec<Address>,
    pub bytes: Vec<u8>,
}

impl Letter {
    /// Addresses that are none are refused; every other template that fails gives way to our own text.
    pub fn write(
        options: &EmailOptions,
        notification: &Notification,
        charts: &[Chart],
        write: &mut Rendering<'_>,
        now: TimestampMs,
    ) -> Result<Self, Failure> {
        let to_text = write.strict("to", &options.to)?;
        let to: Mailboxes =
            to_text.parse().map_err(|error| Failure::give_up(format!("`to` is not a list of addresses ({to_text}): {error}")))?;
        let from_text = write.strict("from", &options.from)?;
        let from: Mailbox =
            from_text.parse().map_err(|error| Failure::give_up(format!("`from` is not an address ({from_text}): {error}")))?;
        let addresses: Vec<Address> = to.iter().map(|mailbox| mailbox.email.clone()).collect();
        if addresses.is_empty() {
            return Err(Failure::give_up("`to` names nobody"));
        }
        let own_subject = header_template(options, "Subject");
        let subject = write.field("subject", own_subject, || words::title(notification));
        let headers = extra_headers(options, write);
        let domain = from.email.domain();
        let figures = figures(charts, &notification.id, domain);
        let (text, html) = bodies(options, notification, &figures, write);
        let date = UNIX_EPOCH + Duration::from_millis(now.0.max(0).unsigned_abs());
        let thread = thread_id(options.threading, notification, domain, now);
        let mut builder = Message::builder().from(from.clone()).date(date).message_id(Some(format!("<{}@{domain}>", notification.id)));
        for mailbox in to {
            builder = builder.to(mailbox);
        }
        builder = builder.subject(words::clip(&words::one_line(&subject), SUBJECT_MAX)).references(thread.clone()).in_reply_to(thread);
        builder =
            builder.raw_header(raw("Auto-Submitted", "auto-generated")).raw_header(raw("X-Promlet-Notification-Id", &notification.id));
        let mut body = MultiPart::alternative().build();
        if let Some(text) = text {
            body = body.singlepart(SinglePart::plain(text));
        }
        if let Some(html) = html {
            body = with_page(body, html, &figures);
        }
        let mut message = builder.multipart(body).map_err(|error| Failure::give_up(format!("the mail cannot be written: {error}")))?;
        for (name, value) in headers {
            if let Some(name) = header_name(&name) {
                message.headers_mut().insert_raw(HeaderValue::new(name, value));
            }
        }
        Ok(Self { from: from.email, to: addresses, bytes: message.formatted() })
    }

    pub fn recipients(&self) -> String {
        self.to.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// The charts, each with the address of the part that it will be.
fn figures<'a>(charts: &'a [Chart], id: &str, domain: &str) -> Vec<Figure<'a>> {
    let figure = |(n, chart): (usize, &'a Chart)| Figure { chart, source: format!("cid:chart-{}.{id}@{domain}", n + 1) };
    charts.iter().enumerate().map(figure).collect()
}

/// The page, together with the charts that it shows.
fn with_page(body: MultiPart, html: String, figures: &[Figure<'_>]) -> MultiPart {
    let shown: Vec<&Figure<'_>> = figures.iter().filter(|figure| html.contains(&figure.source)).collect();
    let page = SinglePart::html(html);
    if shown.is_empty() {
        return body.singlepart(page);
    }
    let mut related = MultiPart::related().singlepart(page);
    for (n, figure) in shown.into_iter().enumerate() {
        let id = figure.source.trim_start_matches("cid:").to_owned();
        let inline = Attachment::new_inline_with_name(id, format!("chart-{}.png", n + 1));
        related = related.singlepart(inline.body(figure.chart.png.clone(), png()));
    }
    body.multipart(related)
}

fn png() -> ContentType {
    ContentType::parse("image/png").expect("a media type that is written out")
}

/// The plain part and the page. An empty text leaves its part out; an open one is ours (with upstream's texts: a page alone).
fn bodies(
    options: &EmailOptions,
    notification: &Notification,
    figures: &[Figure<'_>],
    write: &mut Rendering<'_>,
) -> (Option<String>, Option<String>) {
    let left_out = |template: &Option<String>| template.as_deref() == Some("");
    let html = (!left_out(&options.html))
        .then(|| write.html_field("html", options.html.as_deref(), || words::html::page(notification, figures, &[])));
    let wants_text = options.text.is_some() || !write.has_default("text");
    let text = (html.is_none() || (wants_text && !left_out(&options.text))).then(|| {
        let template = options.text.as_deref().filter(|text| !text.is_empty());
        let ours = || words::plain::text(notification, &[]);
        template.map_or_else(ours, |template| write.field("text", Some(template), ours))
    });
    if write.problems.is_empty() {
        return (text, html);
    }
    let plain = write.problems.iter().map(|problem| format!("\n{}\n", words::clip(problem, 500)));
    let page = write.problems.iter().map(|problem| format!("<p><i>{}</i></p>\n", words::html::escape(&words::clip(problem, 500))));
    let (plain, page): (String, String) = (plain.collect(), page.collect());
    (text.map(|text| text + &plain), html.map(|html| insert_before_end(html, &page)))
}

/// Inside of the page where it has an end of its own.
fn insert_before_end(mut html: String, addition: &str) -> String {
    let at = html.rfind("</body>").unwrap_or(html.len());
    html.insert_str(at, addition);
    html
}

fn header_template<'a>(options: &'a EmailOptions, wanted: &str) -> Option<&'a str> {
    options.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, template)| template.as_str())
}

/// The configured headers but for the subject; one whose template fails is left out.
fn extra_headers(options: &EmailOptions, write: &mut Rendering<'_>) -> Vec<(String, String)> {
    let others = options.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Subject"));
    let filled = others.filter_map(|(name, template)| {
        let value = write.optional(&format!("header {name}"), Some(template))?;
        Some((name.clone(), words::one_line(&value)))
    });
    filled.collect()
}

/// The ancestor that the mails of a thread name, though no mail has it: mail programs put them together by it.
fn thread_id(threading: Threading, notification: &Notification, domain: &str, now: TimestampMs) -> String {
    if let Threading::Upstream { daily } = threading {
        let day = if daily { now.rfc3339().chars().take(10).collect() } else { String::new() };
        return format!("<alert-{:.16}-{day}@alertmanager>", group_id::of(notification));
    }
    let group = format!("{} {}", notification.receiver, notification.group_key);
    format!("<group-{:016x}@{domain}>", xxh64(group.as_bytes(), 0))
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn header_name(name: &str) -> Option<HeaderName> {
    HeaderName::new_from_ascii(name.to_owned()).ok()
}
