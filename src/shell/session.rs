//! Asks one question and shows the answer: data to one stream, notes and errors to the other.

use std::io::{self, Write};

use super::api::Api;
use super::outcome::{AskError, Exit};
use super::reply::Reply;
use super::request::{Format, Request};
use super::{caret, csv, table};
use crate::client::Outbound;
use crate::clock::Clock;
use crate::promql::{self, Features, ParseError, QueryError};

/// Where the shell writes.
pub struct Streams<'a> {
    pub out: &'a mut dyn Write,
    pub err: &'a mut dyn Write,
    /// Whether a person reads `out`: tables are cut and curves drawn.
    pub terminal: bool,
}

/// A server to ask.
pub struct Session {
    pub(super) api: Api,
    pub(super) clock: Clock,
}

impl Session {
    /// The error says what is wrong with the address. Nothing is sent yet.
    pub fn open(url: &str, client: Outbound, clock: Clock) -> Result<Self, String> {
        Ok(Self { api: Api::new(url, client)?, clock })
    }

    pub fn server(&self) -> &str {
        self.api.base()
    }

    /// The expression is checked here first, so that its errors need no server. A broken pipe counts as success.
    pub fn ask(&self, request: &Request, streams: &mut Streams<'_>) -> Exit {
        if let Err(errors) = promql::parse(&request.expr, Features::all()) {
            return parse_errors(&request.expr, &errors, streams);
        }
        let now = request.at.unwrap_or_else(|| self.clock.now());
        let began = self.clock.monotonic();
        let reply = match request.window {
            None => self.api.instant(&request.expr, now, request.explain),
            Some(window) => self.api.range(&request.expr, (now - window.length, now), window.step.as_seconds(), request.explain),
        };
        match reply {
            Ok(reply) => {
                let took = self.clock.monotonic().saturating_sub(began);
                // nobody reads on: nothing is lost
                let _ = show(&reply, request, streams);
                if streams.terminal {
                    let _ = writeln!(streams.err, "{} in {} ms", count(&reply), took.as_millis());
                }
                Exit::Ok
            }
            Err(error) => refused(&request.expr, &error, streams),
        }
    }
}

fn parse_errors(expr: &str, errors: &[ParseError], streams: &mut Streams<'_>) -> Exit {
    for error in errors {
        let _ = writeln!(streams.err, "{error}");
        let _ = write!(streams.err, "{}", caret::under(expr, error.line, error.column));
    }
    hint(promql::hint::of(expr, &QueryError::Parse(errors.to_vec())).as_deref(), streams);
    Exit::Parse
}

fn hint(text: Option<&str>, streams: &mut Streams<'_>) {
    if let Some(text) = text {
        let _ = writeln!(streams.err, "hint: {text}");
    }
}

fn refused(expr: &str, error: &AskError, streams: &mut Streams<'_>) -> Exit {
    let _ = writeln!(streams.err, "{error}");
    let AskError::Refused { message, hint: helpful, .. } = error else { return Exit::Failed };
    if let Some((line, column)) = caret::position(message) {
        let _ = write!(streams.err, "{}", caret::under(expr, line, column));
    }
    hint(helpful.as_deref(), streams);
    if message.contains("parse error") { Exit::Parse } else { Exit::Failed }
}

fn show(reply: &Reply, request: &Request, streams: &mut Streams<'_>) -> io::Result<()> {
    let mut note = None;
    let text = match request.format {
        Format::Json => format!("{}\n", reply.json),
        Format::Csv => csv::write(&reply.answer),
        Format::Table => {
            let (text, cut) = table::write(&reply.answer, streams.terminal);
            note = cut;
            text
        }
    };
    streams.out.write_all(text.as_bytes())?;
    streams.out.flush()?;
    if reply.answer.is_empty() && request.format == Format::Table {
        let way_out = if request.explain { "" } else { " (--explain, or \\explain at the prompt, says why)" };
        writeln!(streams.err, "no series{way_out}")?;
    }
    for line in note.iter().chain(&reply.warnings).chain(&reply.infos) {
        writeln!(streams.err, "{line}")?;
    }
    for line in reply.story.iter().flat_map(|story| story.lines(streams.terminal)) {
        writeln!(streams.err, "{line}")?;
    }
    Ok(())
}

fn count(reply: &Reply) -> String {
    use super::reply::Answer;
    let series = |count: usize| format!("{count} series");
    match &reply.answer {
        Answer::Scalar(_) => "a scalar".to_owned(),
        Answer::Text(_) => "a string".to_owned(),
        Answer::Vector(rows) => series(rows.len()),
        Answer::Matrix(rows) => series(rows.len()),
    }
}
