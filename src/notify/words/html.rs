//! Our text as a mail's page: readable on a phone, in light and dark; styles inline, since mail programs drop the rest.

use super::{Described, alerts_url, described, is_web, remarks, title};
use crate::alerts::notification::{Notification, Status};

const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";

pub fn page(notification: &Notification, problems: &[String]) -> String {
    let (alerts, more) = described(notification);
    let color = color(notification.status);
    let mut body = String::new();
    for one in &alerts {
        body += &card(one);
    }
    if more > 0 {
        body += &format!("<p><a href=\"{}\">and {more} more</a></p>\n", escape(&alerts_url(notification)));
    }
    for remark in remarks(notification, problems) {
        body += &format!("<p><i>{}</i></p>\n", escape(&remark));
    }
    let (title, link) = (escape(&title(notification)), escape(&alerts_url(notification)));
    let (receiver, id) = (escape(&notification.receiver), escape(&notification.id));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head>\n\
         <body style=\"margin:0;padding:12px;{FONT};font-size:15px;line-height:1.45\">\n\
         <div style=\"max-width:640px;margin:0 auto\">\n\
         <h1 style=\"font-size:18px;margin:0 0 12px;padding:10px 12px;background:{color};color:#ffffff;border-radius:6px\">{title}</h1>\n\
         {body}\
         <p style=\"font-size:13px;opacity:0.75\"><a href=\"{link}\">All alerts</a> &middot; receiver {receiver} &middot; \
         notification {id}</p>\n\
         </div></body></html>\n"
    )
}

fn card(described: &Described<'_>) -> String {
    let status = described.alert.status;
    let severity = if described.severity.is_empty() { String::new() } else { format!(" ({})", escape(described.severity)) };
    let word = if status == Status::Firing { "Firing" } else { "Resolved" };
    let mut inner = format!("<b>{word}: {}</b>{severity}<br>\n", escape(described.name));
    for text in [&described.summary, &described.description] {
        if !text.is_empty() {
            inner += &format!("{}<br>\n", escape(text).replace('\n', "<br>\n"));
        }
    }
    inner += &format!("<span style=\"opacity:0.8\">{}</span><br>\n", escape(&described.facts));
    let labels: Vec<String> = described.labels.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    if !labels.is_empty() {
        inner += &format!("<code style=\"font-size:13px\">{}</code><br>\n", labels.join(" &nbsp; "));
    }
    let links =
        [("Graph", described.alert.alert.generator_url.as_str()), ("Runbook", described.runbook), ("Dashboard", described.dashboard)];
    let links: Vec<String> =
        links.iter().filter(|(_, url)| is_web(url)).map(|(name, url)| format!("<a href=\"{}\">{name}</a>", escape(url))).collect();
    inner += &links.join(" &middot; ");
    format!("<div style=\"border-left:4px solid {};padding:2px 0 2px 12px;margin:0 0 16px\">\n{inner}</div>\n", color(status))
}

fn color(status: Status) -> &'static str {
    match status {
        Status::Firing => "#b3261e",
        Status::Resolved => "#1e7b34",
    }
}

pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
