//! `promlet silence add|list|expire`: silences of a running server, over the API that Alertmanager has, too.

use std::io::{Write, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};

use super::http_flags::HttpFlags;
use super::serve;
use crate::clock::Clock;
use crate::model::matcher::text as matchers;
use crate::model::number::quote;
use crate::model::{DurationMs, MatchOp, Matcher, TimestampMs};
use crate::shell;

/// How long the server may take to answer.
const ASK_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Subcommand, Debug)]
pub enum SilenceCommand {
    /// Silences the alerts that match; prints the silence's id
    Add(AddFlags),
    /// Lists silences that are active or pending
    List(ListFlags),
    /// Ends silences now
    Expire(ExpireFlags),
}

#[derive(Args, Debug)]
struct ServerFlags {
    /// The server's address
    #[arg(long, alias = "alertmanager.url", env = "PROMLET_URL", value_name = "URL", default_value = "http://127.0.0.1:9090")]
    url: String,
    #[command(flatten)]
    http: HttpFlags,
}

#[derive(Args, Debug)]
pub struct AddFlags {
    /// Matchers such as severity=page or instance=~"gpu.*"; a bare word is an alert's name
    #[arg(required = true)]
    matchers: Vec<String>,
    /// How long it lasts: 30m, 2h, 1d
    #[arg(short, long, value_name = "LENGTH", default_value = "1h", value_parser = shell::parse_length)]
    duration: DurationMs,
    /// Why; whoever finds the silence reads it
    #[arg(short, long)]
    comment: String,
    /// Who
    #[arg(short, long, env = "USER", default_value = "promlet silence")]
    author: String,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Args, Debug)]
pub struct ListFlags {
    /// Only silences with these matchers
    matchers: Vec<String>,
    /// Those that have ended, too
    #[arg(long)]
    expired: bool,
    /// Prints only the ids
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Args, Debug)]
pub struct ExpireFlags {
    #[arg(required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    server: ServerFlags,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MatcherJson {
    name: String,
    value: String,
    is_regex: bool,
    is_equal: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewSilence {
    matchers: Vec<MatcherJson>,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "silenceID")]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    matchers: Vec<MatcherJson>,
    starts_at: String,
    ends_at: String,
    created_by: String,
    comment: String,
    status: Status,
}

#[derive(Deserialize)]
struct Status {
    state: String,
}

/// The exit code is 1 where the server refuses or cannot be reached.
pub fn run(command: &SilenceCommand) -> ExitCode {
    let asked = async {
        match command {
            SilenceCommand::Add(flags) => add(flags).await,
            SilenceCommand::List(flags) => list(flags).await,
            SilenceCommand::Expire(flags) => expire(flags).await,
        }
    };
    match serve::runtime().map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(asked)) {
        Ok(text) => {
            let _closed_pipe = stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _closed_pipe = writeln!(stderr(), "promlet silence: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn add(flags: &AddFlags) -> Result<String, String> {
    let now = Clock::system().now();
    let silence = NewSilence {
        matchers: read_matchers(&flags.matchers)?.iter().map(MatcherJson::from).collect(),
        starts_at: now.rfc3339(),
        ends_at: (now + flags.duration).rfc3339(),
        created_by: flags.author.clone(),
        comment: flags.comment.clone(),
    };
    let body = serde_json::to_string(&silence).map_err(|error| error.to_string())?;
    let answer = ask(&flags.server, Method::POST, &["silences"], &[], Some(body)).await?;
    let created: Created = serde_json::from_str(&answer).map_err(|error| not_the_api(&flags.server, &error))?;
    Ok(created.id + "\n")
}

async fn list(flags: &ListFlags) -> Result<String, String> {
    let filter: Vec<(&str, String)> =
        read_matchers(&flags.matchers)?.iter().map(|matcher| ("filter", matchers::show_one(matcher))).collect();
    let answer = ask(&flags.server, Method::GET, &["silences"], &filter, None).await?;
    let mut all: Vec<Listed> = serde_json::from_str(&answer).map_err(|error| not_the_api(&flags.server, &error))?;
    all.retain(|silence| flags.expired || silence.status.state != "expired");
    if flags.quiet {
        return Ok(all.iter().map(|silence| format!("{}\n", silence.id)).collect());
    }
    Ok(table(&all, Clock::system().now()))
}

async fn expire(flags: &ExpireFlags) -> Result<String, String> {
    for id in &flags.ids {
        ask(&flags.server, Method::DELETE, &["silence", id], &[], None).await.map_err(|error| format!("{id}: {error}"))?;
    }
    Ok(String::new())
}

/// A bare word is an alert's name, as in amtool.
fn read_matchers(texts: &[String]) -> Result<Vec<Matcher>, String> {
    let mut all = Vec::new();
    for text in texts {
        let line = if text.contains(['=', '~']) { text.clone() } else { format!("alertname={}", quote(text)) };
        all.extend(matchers::parse(&line).map_err(|error| format!("{text}: {error}"))?.0);
    }
    Ok(all)
}

impl From<&Matcher> for MatcherJson {
    fn from(matcher: &Matcher) -> Self {
        Self {
            name: matcher.name.clone(),
            value: matcher.value.clone(),
            is_regex: matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex),
            is_equal: matches!(matcher.op, MatchOp::Equal | MatchOp::Regex),
        }
    }
}

impl MatcherJson {
    fn show(&self) -> String {
        let op = match (self.is_equal, self.is_regex) {
            (true, false) => "=",
            (true, true) => "=~",
            (false, false) => "!=",
            (false, true) => "!~",
        };
        format!("{}{op}{}", self.name, quote(&self.value))
    }
}

/// Columns as wide as their widest text; the comment comes last and may be long.
fn table(all: &[Listed], now: TimestampMs) -> String {
    if all.is_empty() {
        return "no silences\n".to_owned();
    }
    let mut rows = vec![["ID", "STATE", "FROM", "UNTIL", "BY", "MATCHERS", "COMMENT"].map(str::to_owned)];
    for silence in all {
        let matchers: Vec<String> = silence.matchers.iter().map(MatcherJson::show).collect();
        rows.push([
            silence.id.clone(),
            silence.status.state.clone(),
            moment(&silence.starts_at, now),
            moment(&silence.ends_at, now),
            silence.created_by.clone(),
            matchers.join(" "),
            silence.comment.replace('\n', " "),
        ]);
    }
    let widths: [usize; 7] = std::array::from_fn(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0));
    let line = |row: &[String; 7]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// Without the day where it is today's, in UTC.
fn moment(text: &str, now: TimestampMs) -> String {
    let today = now.rfc3339();
    let day = today.split('T').next().unwrap_or("");
    let whole = text.split('.').next().unwrap_or(text).trim_end_matches('Z');
    whole.strip_prefix(&format!("{day}T")).map_or_else(|| whole.replace('T', " "), str::to_owned)
}

fn not_the_api(server: &ServerFlags, error: &serde_json::Error) -> String {
    format!("{} does not answer as promlet or Alertmanager do: {error}", server.url)
}

/// The body of a good answer; the error is in the server's words.
async fn ask(
    server: &ServerFlags,
    method: Method,
    path: &[&str],
    query: &[(&str, String)],
    body: Option<String>,
) -> Result<String, String> {
    let with_scheme = if server.url.contains("://") { server.url.clone() } else { format!("http://{}", server.url) };
    let mut url = Url::parse(&with_scheme).map_err(|error| format!("{} is not an address: {error}", server.url))?;
    let cannot_hold = |()| format!("{} is not an address that begins with http:// or https://", server.url);
    url.path_segments_mut().map_err(cannot_hold)?.pop_if_empty().extend(["api", "v2"]).extend(path);
    url.query_pairs_mut().extend_pairs(query);
    let request = server.http.client(ASK_TIMEOUT)?.request(method, url.as_str()).await;
    let mut request = request.map_err(|error| error.to_string())?;
    if let Some(body) = body {
        request = request.header("Content-Type", "application/json").body(body);
    }
    let unreachable = |error: reqwest::Error| {
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        format!("{} cannot be reached: {cause} (is it running? --url or PROMLET_URL name another address)", server.url)
    };
    let answer = request.send().await.map_err(unreachable)?;
    let (status, text) = (answer.status(), answer.text().await.map_err(unreachable)?);
    if status.is_success() {
        return Ok(text);
    }
    Err(format!("{} answers {status}: {}", server.url, words(&text)))
}

/// The API's own errors are a JSON text or an object with a message; others come as they are.
fn words(body: &str) -> String {
    let json = serde_json::from_str::<serde_json::Value>(body).unwrap_or_default();
    json.as_str().or(json["message"].as_str()).unwrap_or(body.trim()).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_word_is_an_alerts_name() {
        let read = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            read_matchers(&texts).map(|all| all.iter().map(|one| MatcherJson::from(one).show()).collect::<Vec<_>>())
        };
        assert_eq!(read(&["HighLoss", "job=~\"a.*\"", "x!=y"]).unwrap(), ["alertname=\"HighLoss\"", "job=~\"a.*\"", "x!=\"y\""]);
        assert!(read(&["a=~("]).is_err());
    }

    #[test]
    fn refusals_come_in_the_servers_words() {
        assert_eq!(words("\"no\"\n"), "no");
        assert_eq!(words("{\"code\":601,\"message\":\"must be a uuid\"}"), "must be a uuid");
        assert_eq!(words(" <html> \n"), "<html>");
    }

    #[test]
    fn a_table_has_columns_and_says_when_it_is_empty() {
        let silence = Listed {
            id: "1-2".to_owned(),
            matchers: vec![MatcherJson { name: "a".to_owned(), value: "b".to_owned(), is_regex: false, is_equal: false }],
            starts_at: "2026-01-01T00:00:00.000Z".to_owned(),
            ends_at: "2026-01-02T01:00:00.000Z".to_owned(),
            created_by: "me".to_owned(),
            comment: "two\nlines".to_owned(),
            status: Status { state: "active".to_owned() },
        };
        let shown = table(&[silence], TimestampMs(1_767_225_600_000));
        assert_eq!(
            shown,
            "ID   STATE   FROM      UNTIL                BY  MATCHERS  COMMENT\n\
             1-2  active  00:00:00  2026-01-02 01:00:00  me  a!=\"b\"    two lines\n"
        );
        assert_eq!(table(&[], TimestampMs(0)), "no silences\n");
    }
}
