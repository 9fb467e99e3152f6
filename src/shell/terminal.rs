//! The prompt on a terminal: line editing, history, completion, several lines until an expression is whole.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{stderr, stdout};
use std::path::PathBuf;
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Cmd, CompletionType, Config, Context, Editor, Event, EventHandler, Helper, KeyCode, KeyEvent, Modifiers};

use super::complete::{Wanted, candidates};
use super::outcome::{AskError, Exit};
use super::prompt::{Next, Prompt};
use super::request::Request;
use super::session::{Session, Streams};
use super::whole::is_whole;
use crate::model::number::quote;
use crate::promql::FUNCTIONS;

/// Lines of history that are kept.
const HISTORY_LINES: usize = 10_000;
/// How long names from the server stay good.
const FRESH: Duration = Duration::from_secs(30);

/// Runs the prompt until the user leaves. `history` is the file that keeps what was entered; none keeps nothing.
pub fn run(session: &Session, settings: Request, history: Option<PathBuf>) -> Exit {
    let mut editor = match editor(session) {
        Ok(editor) => editor,
        Err(error) => {
            tracing::error!(%error, "the terminal cannot be used");
            return Exit::Failed;
        }
    };
    if let Some(path) = &history {
        // the first run has none
        let _ = editor.load_history(path);
    }
    let mut prompt = Prompt::new(session, settings);
    let (mut out, mut err) = (stdout(), stderr());
    loop {
        match editor.readline(&prompt.label()) {
            Ok(text) => {
                let _ = editor.add_history_entry(text.as_str());
                if prompt.enter(&text, &mut Streams { out: &mut out, err: &mut err, terminal: true }) == Next::Leave {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(_) => break,
        }
    }
    if let Some(path) = &history {
        let _ = editor.save_history(path);
    }
    Exit::Ok
}

fn editor(session: &Session) -> rustyline::Result<Editor<Words<'_>, FileHistory>> {
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY_LINES)?
        .history_ignore_dups(true)?
        .auto_add_history(false)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(Words { session, cache: RefCell::default() }));
    // Alt-Enter opens a new line whatever the text says
    editor.bind_sequence(Event::from(KeyEvent(KeyCode::Enter, Modifiers::ALT)), EventHandler::Simple(Cmd::Newline));
    Ok(editor)
}

type Known = HashMap<Wanted, (Duration, Vec<String>)>;

/// Names from the server, asked for when they are needed and kept for a while.
struct Words<'s> {
    session: &'s Session,
    cache: RefCell<Known>,
}

impl Words<'_> {
    fn known(&self, wanted: &Wanted) -> Vec<String> {
        let now = self.session.clock.monotonic();
        if let Some((asked, texts)) = self.cache.borrow().get(wanted)
            && now.saturating_sub(*asked) < FRESH
        {
            return texts.clone();
        }
        // without names there is nothing to offer; the question itself will say what is wrong with the server
        let texts = self.fetch(wanted).unwrap_or_default();
        self.cache.borrow_mut().insert(wanted.clone(), (now, texts.clone()));
        texts
    }

    fn fetch(&self, wanted: &Wanted) -> Result<Vec<String>, AskError> {
        let api = &self.session.api;
        let selector = |metric: &Option<String>| metric.as_ref().map(|metric| format!("{{__name__={}}}", quote(metric)));
        let ask = |path: &str, selector: Option<String>| match selector {
            Some(selector) => api.texts(path, &[("match[]", &selector)]),
            None => api.texts(path, &[]),
        };
        match wanted {
            Wanted::Metrics => ask("label/__name__/values", None),
            Wanted::Labels(metric) => ask("labels", selector(metric)),
            Wanted::Values { label, metric } => ask(&format!("label/{label}/values"), selector(metric)),
        }
    }
}

impl Completer for Words<'_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let functions: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
        let (start, found) = candidates(&line[..at], &functions, &|wanted| self.known(wanted));
        Ok((start, found.into_iter().map(|text| Pair { display: text.clone(), replacement: text }).collect()))
    }
}

impl Validator for Words<'_> {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let done = text.trim_start().starts_with('\\') || is_whole(text);
        Ok(if done { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Words<'_> {
    type Hint = String;
}

impl Highlighter for Words<'_> {
    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }
}

impl Helper for Words<'_> {}
