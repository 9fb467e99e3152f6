//! `promql` and `promlet promql`: arguments in, exit code out.

use std::fs;
use std::io::{IsTerminal, Read, stderr, stdin, stdout};
use std::path::PathBuf;

use clap::Parser;

use crate::clock::Clock;
use crate::model::{DurationMs, TimestampMs};
use crate::shell::{self, Exit, Format, Request, Session, Streams, Window};

/// Asks a Prometheus-compatible server in PromQL; without an expression, at a prompt.
#[derive(Debug, Parser)]
#[command(name = "promql", version, after_help = "Exit codes: 0 answered, 1 query or server error, 2 usage, 3 not PromQL.")]
pub struct PromqlArguments {
    /// The expression; without one it is read from standard input, or asked for at a prompt on a terminal.
    expr: Option<String>,
    /// Reads the expression from a file.
    #[arg(short, long, value_name = "FILE", conflicts_with = "expr")]
    file: Option<PathBuf>,
    /// The server's address; PROMQL_URL names it too.
    #[arg(long)]
    url: Option<String>,
    /// The moment that is asked for, or the end of the range: Unix seconds or RFC 3339; now if left out.
    #[arg(long, value_name = "TIME", value_parser = shell::parse_time)]
    time: Option<TimestampMs>,
    /// Asks for a range of this length: 1h, 30m.
    #[arg(long, value_name = "LENGTH", value_parser = shell::parse_length)]
    since: Option<DurationMs>,
    /// Time between points of a range; a round one if left out.
    #[arg(long, value_name = "LENGTH", value_parser = shell::parse_length, requires = "since")]
    step: Option<DurationMs>,
    /// table, json or csv.
    #[arg(short, long, value_name = "FORMAT", default_value = "table", value_parser = read_format)]
    output: Format,
    /// Also says what each part of the expression did, and, if nothing came out, where and why.
    #[arg(long)]
    explain: bool,
}

const DEFAULT_URL: &str = "http://127.0.0.1:9090";
/// The longest expression that is read from a file or a pipe, in bytes.
const EXPR_BYTES_MAX: u64 = 16 << 20;

fn read_format(text: &str) -> Result<Format, String> {
    Format::parse(text).ok_or_else(|| format!("\"{text}\" is no format: table, json, csv"))
}

/// Runs to the end; the exit code says how it went.
pub fn run(arguments: PromqlArguments) -> Exit {
    let from_environment = || std::env::var("PROMQL_URL").ok().filter(|url| !url.is_empty());
    let url = arguments.url.clone().or_else(from_environment).unwrap_or_else(|| DEFAULT_URL.to_owned());
    let (mut out, mut err) = (stdout(), stderr());
    let mut streams = Streams { terminal: out.is_terminal(), out: &mut out, err: &mut err };
    let session = match Session::open(&url, Clock::system()) {
        Ok(session) => session,
        Err(problem) => return usage(&mut streams, &problem),
    };
    let window = arguments.since.map(|length| Window::new(length, arguments.step));
    let settings = Request { expr: String::new(), at: arguments.time, window, format: arguments.output, explain: arguments.explain };
    let expr = match (arguments.expr, &arguments.file) {
        (Some(expr), _) => expr,
        (None, Some(path)) => match fs::read_to_string(path) {
            Ok(expr) => expr,
            Err(error) => return usage(&mut streams, &format!("{}: {error}", path.display())),
        },
        (None, None) if stdin().is_terminal() => return shell::terminal::run(&session, settings, history()),
        (None, None) => {
            let mut expr = String::new();
            if let Err(error) = stdin().take(EXPR_BYTES_MAX).read_to_string(&mut expr) {
                return usage(&mut streams, &format!("standard input: {error}"));
            }
            expr
        }
    };
    session.ask(&Request { expr, ..settings }, &mut streams)
}

fn usage(streams: &mut Streams<'_>, problem: &str) -> Exit {
    let _ = writeln!(streams.err, "promql: {problem}");
    Exit::Usage
}

/// Beside the other dot files of the user's home.
fn history() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".promql_history"))
}
