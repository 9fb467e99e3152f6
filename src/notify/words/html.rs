//! Our text as a mail's page: readable on a phone, in light and dark; styles inline, since mail programs drop the rest.

use super::{Described, alerts_url, described, remarks, title};
use crate::alerts::notification::{Notification, Status};
use crate::notify::chart;
use crate::notify::evidence::Chart;

const FONT: &str = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
/// Of middle lightness: the programs' own blue cannot be read on a dark page.
const LINK: &str = "color:#3b82f6";

/// A chart with the address under which the page finds it.
pub struct Figure<'a> {
    pub chart: &'a Chart,
    /// `cid:...`.
    pub source: String,
}

pub fn page(notification: &Notification, figures: &[Figure<'_>], problems: &[String]) -> String {
    let (alerts, more) = described(notification);
    let color = color(notification.status);
    let mut body = String::new();
    for one in &alerts {
        let own = figures.iter().filter(|figure| figure.chart.of == one.alert.fingerprint);
        body += &card(one, &own.map(picture).collect::<String>());
    }
    if more > 0 {
        body += &format!("<p>{}</p>\n", link(&alerts_url(notification), &format!("+{more} more")));
    }
    for remark in remarks(notification, problems) {
        body += &format!("<p><i>{}</i></p>\n", escape(&remark));
    }
    let (title, all) = (escape(&title(notification)), link(&alerts_url(notification), "All alerts"));
    let (receiver, id) = (escape(&notification.receiver), escape(&notification.id));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"supported-color-schemes\" content=\"light dark\">\
         <title>{title}</title><style>:root{{color-scheme:light dark}}</style></head>\n\
         <body style=\"margin:0;padding:12px;{FONT};font-size:15px;line-height:1.45\">\n\
         <div style=\"max-width:640px;margin:0 auto;overflow-wrap:anywhere\">\n\
         <h1 style=\"font-size:18px;margin:0 0 12px;padding:10px 12px;background:{color};color:#ffffff;border-radius:6px\">{title}</h1>\n\
         {body}\
         <p style=\"font-size:13px;opacity:0.75\">{all} &middot; receiver {receiver} &middot; notification {id}</p>\n\
         </div></body></html>\n"
    )
}

fn link(url: &str, text: &str) -> String {
    format!("<a style=\"{LINK}\" href=\"{}\">{}</a>", escape(url), escape(text))
}

fn card(described: &Described<'_>, pictures: &str) -> String {
    let status = described.alert.status;
    let severity = if described.severity.is_empty() { String::new() } else { format!(" ({})", escape(&described.severity)) };
    let word = if status == Status::Firing { "Firing" } else { "Resolved" };
    let mut inner = format!("<b>{word}: {}</b>{severity}<br>\n", escape(&described.name));
    for text in [&described.summary, &described.description] {
        if !text.is_empty() {
            inner += &format!("{}<br>\n", escape(text).replace('\n', "<br>\n"));
        }
    }
    inner += &format!("<span style=\"opacity:0.8\">{}</span><br>\n", escape(&described.facts));
    let labels: Vec<String> =
        described.labels.iter().map(|(name, value)| format!("<bdi>{}={}</bdi>", escape(name), escape(value))).collect();
    if !labels.is_empty() {
        inner += &format!("<code style=\"font-size:13px;overflow-wrap:anywhere\">{}</code><br>\n", labels.join(" &nbsp; "));
    }
    inner += pictures;
    inner += &described.links.iter().map(|(name, url)| link(url, name)).collect::<Vec<_>>().join(" &middot; ");
    format!("<div style=\"border-left:4px solid {};padding:2px 0 2px 12px;margin:0 0 16px\">\n{inner}</div>\n", color(status))
}

/// The width is for programs that know no style sheets; all others make it fit.
fn picture(figure: &Figure<'_>) -> String {
    let chart = figure.chart;
    let (width, height) = (chart::WIDTH / 2, chart::HEIGHT / 2);
    let mut below = escape(&chart.caption);
    for (color, name) in &chart.legend {
        below += &format!(" <span style=\"white-space:nowrap\"><span style=\"color:{color}\">&#9632;</span> {}</span>", escape(name));
    }
    format!(
        "<img src=\"{}\" width=\"{width}\" height=\"{height}\" alt=\"{}\" \
         style=\"display:block;width:100%;max-width:{width}px;height:auto;margin:8px 0 2px\">\n\
         <div style=\"font-size:12px;opacity:0.75;margin:0 0 6px\">{below}</div>\n",
        escape(&figure.source),
        escape(&chart.alt)
    )
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
