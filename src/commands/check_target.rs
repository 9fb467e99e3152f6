//! `promlet check target URL...`: whether a target can be scraped, and what is wrong with its page: asked several times, over new connections.

mod page;

use std::collections::BTreeSet;
use std::error::Error as _;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, StatusCode};

use super::check::plural;
use super::check_rules::{LINT_FOUND, Verdict};
use crate::client::{BODY_BYTES_MAX, USER_AGENT};
use crate::clock::Clock;
use crate::exposition::with_hint;
use crate::scrape::{ScrapeProtocol, negotiate};
use page::{Page, Said};

/// Prometheus's own, for one scrape.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Args, Debug, Clone)]
pub struct CheckTargetFlags {
    /// Addresses of pages, such as http://localhost:8000/metrics
    #[arg(required = true)]
    pub urls: Vec<String>,
    /// How often each is asked: several processes behind one address answer in turn
    #[arg(long, value_name = "TIMES", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub scrapes: u8,
    /// Findings make the exit code 3
    #[arg(long)]
    pub lint_fatal: bool,
}

pub fn run(flags: &CheckTargetFlags) -> ExitCode {
    match check_all(&flags.urls, flags.scrapes, &Clock::system(), &mut io::stdout().lock()) {
        Ok(Verdict { files_wrong: 0, findings }) if findings > 0 && flags.lint_fatal => ExitCode::from(LINT_FOUND),
        Ok(Verdict { files_wrong: 0, .. }) => ExitCode::SUCCESS,
        Ok(_) | Err(_) => ExitCode::FAILURE,
    }
}

/// Asks each and writes what was found; the error is one of writing, or that there is no runtime.
pub fn check_all(urls: &[String], scrapes: u8, clock: &Clock, out: &mut dyn Write) -> io::Result<Verdict> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Every request over a connection of its own, so that another process may answer.
    let builder = Client::builder().timeout(TIMEOUT).pool_max_idle_per_host(0).user_agent(USER_AGENT);
    let client = builder.build().map_err(io::Error::other)?;
    let mut verdict = Verdict::default();
    for url in urls {
        let url = whole(url);
        let mut pages = Vec::new();
        let mut failed = None;
        for _ in 0..scrapes {
            match runtime.block_on(scrape(&client, &url, clock)) {
                Ok(page) => pages.push(page),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if let Some(first) = pages.first() {
            writeln!(out, "{url}: {}", first.facts())?;
        }
        if let Some(error) = failed {
            writeln!(out, "{url}: {error}")?;
            verdict.files_wrong += 1;
        }
        let said: BTreeSet<Said> = page::judge(&pages).into_iter().collect();
        for (check, message, way_out) in &said {
            writeln!(out, "{url}: {message} [{check}]\n    {way_out}")?;
        }
        if !said.is_empty() {
            writeln!(out, "{url}: {}", plural(said.len(), "finding"))?;
        }
        verdict.findings += said.len();
    }
    out.flush()?;
    Ok(verdict)
}

/// An address without scheme or path is completed as a scrape config would do it.
fn whole(url: &str) -> String {
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains(['/', '?']));
    if has_path { url } else { format!("{}/metrics", url.trim_end_matches('/')) }
}

/// One scrape as the server would do it; the error is a sentence with the way out.
async fn scrape(client: &Client, url: &str, clock: &Clock) -> Result<Page, String> {
    let protocols = [ScrapeProtocol::OpenMetrics1, ScrapeProtocol::OpenMetrics0, ScrapeProtocol::Text1, ScrapeProtocol::Text0];
    let started = clock.monotonic();
    let request = client.get(url).header(ACCEPT, negotiate::accept(&protocols, false));
    let answer = request.send().await.map_err(|error| unreachable(&error))?;
    let status = answer.status();
    if status != StatusCode::OK {
        return Err(format!("server returned HTTP status {status}{}", way_out(status)));
    }
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    if answer.content_length().is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(format!("the page is longer than the limit of {BODY_BYTES_MAX} bytes"));
    }
    let body = answer.bytes().await.map_err(|error| unreachable(&error))?;
    let took = clock.monotonic().saturating_sub(started);
    let format = negotiate::format(content_type.as_deref(), None).map_err(|error| with_hint(error, &body))?;
    Page::read(&body, format, content_type.unwrap_or_default(), took).map_err(|error| with_hint(error, &body))
}

fn way_out(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => ": is the path right? Most programs have /metrics",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ": the job needs authorization, basic_auth or oauth2",
        StatusCode::BAD_REQUEST => ": perhaps it speaks https",
        _ => "",
    }
}

/// The reason at the bottom of an error, which is the one that helps.
pub fn innermost(error: &reqwest::Error) -> String {
    let mut reason = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        reason = cause.to_string();
        inner = cause.source();
    }
    reason
}

/// What went wrong below HTTP, to the innermost reason.
fn unreachable(error: &reqwest::Error) -> String {
    let reason = innermost(error);
    let folded = reason.to_lowercase();
    let way_out = match () {
        () if error.is_timeout() => "it does not answer within the usual scrape_timeout of 10 s",
        () if folded.contains("refused") => {
            "nothing listens there: is the program up, on this port, and on this address? 127.0.0.1 inside a container or pod is another one \
             (--metrics-bind-address and its like say which)"
        }
        () if folded.contains("lookup") || folded.contains("name or service") => {
            "the name is unknown here: a Service's name is known in its cluster only"
        }
        () if folded.contains("certificate") || folded.contains("tls") => "the job needs scheme: https and tls_config",
        () => return format!("cannot be asked: {reason}"),
    };
    format!("cannot be asked: {reason}: {way_out}")
}
