//! A test file as commands. Expressions are parsed here, so that a file with a bad one does not run at all.

use super::expect::{Annotations, Expected, Wanted};
use super::load::Load;
use super::report::Failure;
use crate::model::{DurationMs, TimestampMs};
use crate::promql::Features;
use crate::promql::series::parse_series;

/// The commands of a file, in order.
#[derive(Debug, Default)]
pub struct Script {
    pub commands: Vec<Command>,
}

#[derive(Debug)]
pub enum Command {
    Clear,
    Load(Load),
    Eval(Box<Case>),
}

/// One `eval`.
#[derive(Debug)]
pub struct Case {
    /// From 1.
    pub line: usize,
    pub expr: String,
    pub when: When,
    pub expected: Expected,
}

#[derive(Clone, Copy, Debug)]
pub enum When {
    Instant(TimestampMs),
    Range { start: TimestampMs, end: TimestampMs, step: DurationMs },
}

/// The features that test files expect.
pub fn features() -> Features {
    Features::all()
}

pub fn parse(text: &str) -> Result<Script, Failure> {
    // Comments count as blank lines.
    let lines: Vec<&str> = text.lines().map(str::trim).map(|l| if l.starts_with('#') { "" } else { l }).collect();
    let mut script = Script::default();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let end = at + lines[at..].iter().take_while(|l| !l.is_empty()).count();
        if line.is_empty() {
            at += 1;
            continue;
        }
        let word = line.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
        let body = &lines[at + 1..end];
        let command = match word.as_str() {
            "clear" => {
                script.commands.push(Command::Clear);
                at += 1;
                continue;
            }
            _ if word.starts_with("load") => Load::parse(line, body).map(Command::Load),
            _ if word.starts_with("eval") => case(line, body, at + 1).map(|case| Command::Eval(Box::new(case))),
            _ => Err((0, format!("invalid command: {line}"))),
        };
        let fail = |(offset, message): (usize, String)| Failure {
            line: at + 1 + offset,
            expr: lines[(at + offset).min(lines.len() - 1)].to_owned(),
            message,
        };
        script.commands.push(command.map_err(fail)?);
        at = end;
    }
    Ok(script)
}

/// An error names how many lines below the command it is.
pub type Placed<T> = Result<T, (usize, String)>;

/// The word at the start, and the rest.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// `50m`, `0`, `-10s`.
pub fn duration(text: &str) -> Result<DurationMs, String> {
    match text.strip_prefix('-') {
        Some(positive) => DurationMs::parse(positive).map(|d| DurationMs(-d.0)),
        None => DurationMs::parse(text),
    }
}

fn word_after<'t>(text: &'t str, word: &str) -> Placed<(&'t str, &'t str)> {
    let (found, rest) = split_word(text);
    if found != word {
        return Err((0, format!("expected {word:?}, found {found:?}")));
    }
    Ok(split_word(rest))
}

fn case(line: &str, body: &[&str], number: usize) -> Placed<Case> {
    let here = |message: String| (0, message);
    let (command, rest) = split_word(line);
    let (kind, rest) = split_word(rest);
    let time = |text: &str| duration(text).map(|d| TimestampMs(d.0)).map_err(here);
    let (when, expr) = match kind {
        "instant" => {
            let (at, rest) = word_after(rest, "at")?;
            (When::Instant(time(at)?), rest)
        }
        "range" => {
            let (start, rest) = word_after(rest, "from")?;
            let (end, rest) = word_after(rest, "to")?;
            let (step, rest) = word_after(rest, "step")?;
            let when = When::Range { start: time(start)?, end: time(end)?, step: duration(step).map_err(here)? };
            (when, rest)
        }
        other => return Err((0, format!("eval instant or eval range, not {other:?}"))),
    };
    let expr = expr.trim().to_owned();
    if let Err(errors) = crate::promql::parse(&expr, features()) {
        return Err((0, errors.first().map_or_else(String::new, ToString::to_string)));
    }
    let mut expected = Expected::default();
    match command {
        "eval" => {}
        "eval_fail" => expected.fail = Some(Wanted::Any),
        "eval_warn" => expected.warnings = Annotations::any(),
        "eval_info" => expected.infos = Annotations::any(),
        "eval_ordered" => expected.ordered = true,
        other => return Err((0, format!("invalid command {other:?}"))),
    }
    for (offset, line) in body.iter().enumerate() {
        expectation(line, &mut expected).map_err(|message| (offset + 1, message))?;
    }
    if matches!(when, When::Instant(_)) && expected.range_vector.is_none() && expected.series.iter().any(|(_, v)| v.len() > 1) {
        return Err((0, "expecting multiple values in instant evaluation not allowed".to_owned()));
    }
    Ok(Case { line: number, expr, when, expected })
}

fn expectation(line: &str, expected: &mut Expected) -> Result<(), String> {
    if let Some(rest) = line.strip_prefix("expected_fail_message") {
        expected.fail = Some(Wanted::Text(rest.trim().to_owned()));
        return Ok(());
    }
    if let Some(rest) = line.strip_prefix("expected_fail_regexp") {
        expected.fail = Some(Wanted::pattern(rest.trim())?);
        return Ok(());
    }
    let (word, rest) = split_word(line);
    if word == "expect" {
        return expected.directive(rest.trim());
    }
    if let Some(value) = number(line) {
        expected.scalar = Some(value);
        return Ok(());
    }
    let (labels, values) = parse_series(line)?;
    expected.series.retain(|(known, _)| *known != labels);
    expected.series.push((labels, values));
    Ok(())
}

/// A result line that is a lone number.
fn number(line: &str) -> Option<f64> {
    if line.contains(char::is_whitespace) || line.starts_with(['{', '_']) {
        return None;
    }
    let unsigned = line.trim_start_matches(['+', '-']);
    let value = unsigned.parse::<f64>().ok()?;
    Some(if line.starts_with('-') { -value } else { value })
}
