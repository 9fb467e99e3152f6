//! The prompt: what an entered text does, apart from the terminal it came from.

use super::backslash::{self, Command, HELP};
use super::outcome::AskError;
use super::request::{Request, Window};
use super::session::{Session, Streams};

/// Metrics that `\m` lists at most.
const LISTED_MAX: usize = 200;

/// Whether the prompt goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Again,
    Leave,
}

/// What stays from question to question.
pub struct Prompt<'s> {
    session: &'s Session,
    settings: Request,
}

impl<'s> Prompt<'s> {
    /// `settings` say how the first question is asked; its expression is not looked at.
    pub fn new(session: &'s Session, settings: Request) -> Self {
        Self { session, settings }
    }

    /// What stands before the cursor.
    pub fn label(&self) -> String {
        match self.settings.window {
            None => "promql> ".to_owned(),
            Some(Window { length, step }) => format!("promql [{length}:{step}]> "),
        }
    }

    /// An expression or a command, whole.
    pub fn enter(&mut self, text: &str, streams: &mut Streams<'_>) -> Next {
        if text.trim().is_empty() {
            return Next::Again;
        }
        let Some(command) = backslash::parse(text) else {
            let request = Request { expr: text.to_owned(), ..self.settings.clone() };
            self.session.ask(&request, streams);
            return Next::Again;
        };
        match command {
            Ok(Command::Quit) => return Next::Leave,
            Ok(Command::Help) => say(streams, HELP),
            Ok(Command::Range(window)) => self.settings.window = Some(window),
            Ok(Command::Instant) => self.settings.window = None,
            Ok(Command::Format(format)) => self.settings.format = format,
            Ok(Command::Explain(on)) => self.settings.explain = on,
            Ok(Command::Metrics(text)) => self.list(self.metrics(&text), streams),
            Ok(Command::Labels(metric)) => self.list(self.labels(&metric), streams),
            Err(problem) => complain(streams, &problem),
        }
        Next::Again
    }

    fn list(&self, lines: Result<Vec<String>, AskError>, streams: &mut Streams<'_>) {
        match lines {
            Err(error) => complain(streams, &error.to_string()),
            Ok(lines) if lines.is_empty() => complain(streams, "none"),
            Ok(lines) => {
                let more = lines.len().saturating_sub(LISTED_MAX);
                say(streams, &lines.iter().take(LISTED_MAX).map(|line| format!("{line}\n")).collect::<String>());
                if more > 0 {
                    complain(streams, &format!("+{more} more"));
                }
            }
        }
    }

    fn metrics(&self, text: &str) -> Result<Vec<String>, AskError> {
        let mut names = self.session.api.texts("label/__name__/values", &[])?;
        names.retain(|name| name.contains(text));
        // a server without metadata still has names
        let said = self.session.api.metadata().unwrap_or_default();
        let width = names.iter().take(LISTED_MAX).map(String::len).max().unwrap_or(0);
        let about = |name: &str| {
            let family = ["", "_total", "_bucket", "_sum", "_count"].into_iter().find_map(|suffix| {
                let family = name.strip_suffix(suffix)?;
                said.iter().find(|(known, _, _)| known == family)
            });
            family.map(|(_, kind, help)| format!("  {kind}  {help}")).unwrap_or_default()
        };
        Ok(names.iter().map(|name| format!("{name:width$}{}", about(name)).trim_end().to_owned()).collect())
    }

    fn labels(&self, metric: &str) -> Result<Vec<String>, AskError> {
        let selector =
            if metric.contains('{') { metric.to_owned() } else { format!("{{__name__={}}}", crate::model::number::quote(metric)) };
        let matching = [("match[]", selector.as_str())];
        let mut lines = Vec::new();
        for name in self.session.api.texts("labels", &matching)? {
            if name == crate::model::METRIC_NAME {
                continue;
            }
            let values = self.session.api.texts(&format!("label/{name}/values"), &matching)?;
            let shown = values.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
            let dots = if values.len() > 5 { ", ..." } else { "" };
            lines.push(format!("{name}  {}  {shown}{dots}", values.len()));
        }
        Ok(lines)
    }
}

fn say(streams: &mut Streams<'_>, text: &str) {
    let _ = streams.out.write_all(text.as_bytes());
    let _ = streams.out.flush();
}

fn complain(streams: &mut Streams<'_>, text: &str) {
    let _ = writeln!(streams.err, "{text}");
}
