//! Which formats we ask for, and what the answer's Content-Type means.

use crate::exposition::Format;
use crate::model::number::quote;

use super::ScrapeProtocol;

/// The `Accept` header for a job's protocols, weighted in their order. Protobuf is not read yet and so never asked for.
pub fn accept(protocols: &[ScrapeProtocol], legacy_names: bool) -> String {
    let escaping = if legacy_names { "underscores" } else { "allow-utf-8" };
    let mut weight = 6;
    let mut out = String::new();
    for protocol in protocols {
        let media = match protocol {
            ScrapeProtocol::OpenMetrics1 => format!("application/openmetrics-text;version=1.0.0;escaping={escaping}"),
            ScrapeProtocol::OpenMetrics0 => "application/openmetrics-text;version=0.0.1".to_owned(),
            ScrapeProtocol::Text1 => format!("text/plain;version=1.0.0;escaping={escaping}"),
            ScrapeProtocol::Text0 => "text/plain;version=0.0.4".to_owned(),
            ScrapeProtocol::Protobuf => continue,
        };
        out.push_str(&format!("{media};q=0.{weight},"));
        weight -= 1;
    }
    out.push_str(&format!("*/*;q=0.{weight}"));
    out
}

fn fallback_format(fallback: Option<ScrapeProtocol>) -> Option<Format> {
    match fallback? {
        ScrapeProtocol::OpenMetrics1 | ScrapeProtocol::OpenMetrics0 => Some(Format::OpenMetrics),
        ScrapeProtocol::Text1 | ScrapeProtocol::Text0 => Some(Format::Text),
        ScrapeProtocol::Protobuf => None,
    }
}

/// The format of a body; the errors are Prometheus's sentences.
pub fn format(content_type: Option<&str>, fallback: Option<ScrapeProtocol>) -> Result<Format, String> {
    let text = content_type.unwrap_or("");
    let media = text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match media.as_str() {
        "text/plain" => return Ok(Format::Text),
        "application/openmetrics-text" => return Ok(Format::OpenMetrics),
        _ => {}
    }
    fallback_format(fallback).ok_or_else(|| {
        let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$&^_.+-/".contains(&c);
        if text.is_empty() {
            "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target".to_owned()
        } else if media.is_empty() || !media.bytes().all(is_token) {
            format!("cannot parse Content-Type {} and no fallback_scrape_protocol for target", quote(text))
        } else {
            format!("received unsupported Content-Type {} and no fallback_scrape_protocol specified for target", quote(text))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_as_prometheus_asks() {
        let all = [ScrapeProtocol::OpenMetrics1, ScrapeProtocol::OpenMetrics0, ScrapeProtocol::Text1, ScrapeProtocol::Text0];
        assert_eq!(
            accept(&all, false),
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,\
             text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        );
    }

    #[test]
    fn types_decide_or_the_fallback_does() {
        assert_eq!(format(Some("text/plain; version=0.0.4; charset=utf-8"), None), Ok(Format::Text));
        assert_eq!(format(Some("Application/OpenMetrics-Text; version=1.0.0"), None), Ok(Format::OpenMetrics));
        assert_eq!(format(Some("text/html"), Some(ScrapeProtocol::Text0)), Ok(Format::Text));
        for (found, expected) in [
            (None, "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"),
            (Some("text/html"), "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target"),
            (Some(";"), "cannot parse Content-Type \";\" and no fallback_scrape_protocol for target"),
        ] {
            assert_eq!(format(found, None), Err(expected.to_owned()));
        }
    }
}
