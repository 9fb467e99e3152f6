//! The log: one line an event on standard error, as logfmt or JSON.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Logfmt,
    Json,
}

/// Starts the log; a second call (tests) changes nothing.
pub fn start(level: Level, format: Format, clock: Clock) {
    let line = Line { format, clock };
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,promlet={level}"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).event_format(line).finish();
    let _already_started = tracing::subscriber::set_global_default(subscriber);
}

struct Line {
    format: Format,
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = event.metadata().level().as_str();
        let room = event.metadata().target().split("::").nth(1).unwrap_or("promlet");
        let time = self.clock.now().rfc3339_millis();
        match self.format {
            Format::Logfmt => writeln!(writer, "{}", logfmt(&time, level, room, &fields.0)),
            Format::Json => writeln!(writer, "{}", json(&time, level, room, fields.0)),
        }
    }
}

/// Names and texts in the order of the event, `message` among them.
#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}

fn logfmt(time: &str, level: &str, room: &str, fields: &[(String, String)]) -> String {
    let mut line = format!("time={time} level={level} room={room}");
    let (message, others): (Vec<_>, Vec<_>) = fields.iter().partition(|(name, _)| name == "message");
    for (name, value) in message.into_iter().chain(others) {
        let name = if name == "message" { "msg" } else { name };
        let plain = !value.is_empty() && value.bytes().all(|b| b > b' ' && !matches!(b, b'"' | b'=' | b'\\' | 0x7f));
        let written = if plain { write!(line, " {name}={value}") } else { write!(line, " {name}={}", crate::model::number::quote(value)) };
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
    line
}

fn json(time: &str, level: &str, room: &str, fields: Vec<(String, String)>) -> Value {
    let mut line = Map::new();
    for (name, value) in [("time", time), ("level", level), ("room", room)] {
        line.insert(name.to_owned(), value.into());
    }
    for (name, value) in fields {
        line.insert(if name == "message" { "msg".to_owned() } else { name }, value.into());
    }
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_logfmt() {
        let fields = [
            ("error".to_owned(), "a \"b\"\nc".to_owned()),
            ("message".to_owned(), "went wrong".to_owned()),
            ("n".to_owned(), "3".to_owned()),
        ];
        assert_eq!(
            logfmt("T", "WARN", "scrape", &fields),
            "time=T level=WARN room=scrape msg=\"went wrong\" error=\"a \\\"b\\\"\\nc\" n=3"
        );
    }
}
