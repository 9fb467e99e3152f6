//! Commands at the prompt: a backslash and a word, as `psql` has them.

use super::request::{Format, Window, parse_length};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Metrics whose name holds the text.
    Metrics(String),
    /// The labels of a metric.
    Labels(String),
    Range(Window),
    Instant,
    Format(Format),
    Explain(bool),
    Help,
    Quit,
}

pub const HELP: &str = "\
an expression       asks the server; it may go on over several lines
\\m [TEXT]           metrics whose name holds TEXT, with type and help
\\l METRIC           labels of a metric and how many values each has
\\range 1h [15s]     from now on, over the last hour, a point every 15 s
\\instant            from now on, at this moment
\\format table|json|csv
\\explain on|off     what each part did, and why nothing came out
\\help  \\q           this text; leave (Ctrl-D does too)
";

/// None where the text is no command but an expression.
pub fn parse(text: &str) -> Option<Result<Command, String>> {
    let rest = text.trim().strip_prefix('\\')?;
    let mut words = rest.split_whitespace();
    let command = words.next().unwrap_or("");
    let arguments: Vec<&str> = words.collect();
    Some(read(command, &arguments))
}

fn read(command: &str, arguments: &[&str]) -> Result<Command, String> {
    match (command, arguments) {
        ("m", []) => Ok(Command::Metrics(String::new())),
        ("m", [text]) => Ok(Command::Metrics((*text).to_owned())),
        ("l", [metric]) => Ok(Command::Labels((*metric).to_owned())),
        ("range", [length]) => Ok(Command::Range(Window::new(parse_length(length)?, None))),
        ("range", [length, step]) => Ok(Command::Range(Window::new(parse_length(length)?, Some(parse_length(step)?)))),
        ("instant", []) => Ok(Command::Instant),
        ("format", [name]) => Format::parse(name).map(Command::Format).ok_or_else(|| format!("\"{name}\" is no format: table, json, csv")),
        ("explain", ["on"]) => Ok(Command::Explain(true)),
        ("explain", ["off"]) => Ok(Command::Explain(false)),
        ("help" | "h" | "?", []) => Ok(Command::Help),
        ("q" | "quit", []) => Ok(Command::Quit),
        ("m" | "l" | "range" | "instant" | "format" | "explain" | "help" | "q", _) => {
            Err(format!("\\{command} is written otherwise: see \\help"))
        }
        _ => Err(format!("there is no command \\{command}: see \\help")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DurationMs;

    #[test]
    fn reads_commands() {
        assert_eq!(parse("up"), None);
        assert_eq!(parse(" \\q "), Some(Ok(Command::Quit)));
        let window = Window { length: DurationMs::seconds(3600), step: DurationMs::seconds(15) };
        assert_eq!(parse("\\range 1h 15s"), Some(Ok(Command::Range(window))));
        assert_eq!(parse("\\range 1h"), Some(Ok(Command::Range(window))));
        assert_eq!(parse("\\format csv"), Some(Ok(Command::Format(Format::Csv))));
        for bad in ["\\", "\\nope", "\\range", "\\range x", "\\format xml", "\\l", "\\q now"] {
            assert!(matches!(parse(bad), Some(Err(_))), "{bad}");
        }
    }
}
