//! `promql` and `promlet promql`: arguments in, exit code out.

use std::fs;
use std::io::{IsTerminal, Read, stderr, stdin, stdout};
use std::path::PathBuf;

use clap::Parser;

use super::http_flags::HttpFlags;
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
    #[command(flatten)]
    http: HttpFlags,
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

/// Flags behind which a value stands.
const WITH_VALUE: [&str; 9] = ["-f", "--file", "--url", "--http.config.file", "--time", "--since", "--step", "-o", "--output"];

/// An expression may begin with a minus, as in `promql -up`: a blank before it, which PromQL does not mind, tells it from a flag. What
/// reads as one of our flags stays one, and so does all behind `--`.
pub fn with_expression(mut arguments: Vec<String>) -> Vec<String> {
    let mut is_value = true;
    for argument in &mut arguments {
        if argument == "--" {
            break;
        }
        let attached = match argument.get(..2) {
            Some("-f") => PathBuf::from(argument[2..].trim_start_matches('=')).is_file(),
            Some("-o") => Format::parse(argument[2..].trim_start_matches('=')).is_some(),
            _ => false,
        };
        let is_short = matches!(argument.as_str(), "-" | "-h" | "-V" | "-f" | "-o");
        if !is_value && argument.starts_with('-') && !argument.starts_with("--") && !is_short && !attached {
            argument.insert(0, ' ');
        }
        is_value = WITH_VALUE.contains(&argument.as_str());
    }
    arguments
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
    let opened = arguments.http.client(shell::ASK_TIMEOUT).and_then(|client| Session::open(&url, client, Clock::system()));
    let session = match opened {
        Ok(session) => session,
        Err(problem) => return usage(&mut streams, &problem),
    };
    let window = arguments.since.map(|length| Window::new(length, arguments.step));
    let settings = Request { expr: String::new(), at: arguments.time, window, format: arguments.output, explain: arguments.explain };
    let expr = match (arguments.expr, &arguments.file) {
        // The blank of a leading minus would move every position.
        (Some(expr), _) => expr.strip_prefix(' ').filter(|rest| rest.starts_with('-')).map_or(expr.clone(), str::to_owned),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_may_begin_with_a_minus() {
        let expr = |arguments: &[&str]| {
            let arguments = with_expression(["promql"].iter().chain(arguments).map(|a| (*a).to_owned()).collect());
            PromqlArguments::try_parse_from(arguments).map(|parsed| parsed.expr.unwrap_or_default()).map_err(|error| error.kind())
        };
        for (arguments, wanted) in [
            (&["-up"][..], " -up"),
            (&["-histogram_sum(x)", "-o", "json"], " -histogram_sum(x)"),
            (&["-o", "json", "-free_bytes > 5"], " -free_bytes > 5"),
            (&["-oom_kills"], " -oom_kills"),
            (&["-1 + 2", "--url", "http://x"], " -1 + 2"),
            (&["-ojson", "up"], "up"),
            (&["--", "-up"], "-up"),
            (&["--explain", "-(1)"], " -(1)"),
        ] {
            assert_eq!(expr(arguments).as_deref(), Ok(wanted), "{arguments:?}");
        }
        use clap::error::ErrorKind;
        for (arguments, wanted) in
            [(&["-h"][..], ErrorKind::DisplayHelp), (&["-V"], ErrorKind::DisplayVersion), (&["--nosuch"], ErrorKind::UnknownArgument)]
        {
            assert_eq!(expr(arguments), Err(wanted), "{arguments:?}");
        }
    }
}
