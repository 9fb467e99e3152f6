//! The file of `--web.config.file`, read for each request: parsed again only where it has changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config;
use crate::http::options::WebOptions;
use crate::http::protection::ReadWeb;
use crate::model::Problem;
use crate::yaml::Source;

type Reading = Result<Arc<WebOptions>, String>;

/// A reader of the file that remembers what it read last.
pub fn reader(path: &Path) -> ReadWeb {
    let (path, last): (PathBuf, Mutex<Option<(String, Reading)>>) = (path.to_owned(), Mutex::default());
    Arc::new(move || {
        // Small, and read on the socket worker itself.
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()));
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                // Said as often as it is met: nothing is remembered of a file that is not there.
                tracing::error!(%error, "--web.config.file cannot be read: every request is refused");
                return Err(error);
            }
        };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, reading)) = last.as_ref()
            && *known == text
        {
            return reading.clone();
        }
        let reading = read(&path, &text);
        match (&reading, last.is_some()) {
            (Err(error), _) => tracing::error!(%error, "--web.config.file is wrong: every request is refused"),
            (Ok(_), true) => tracing::info!("--web.config.file has changed and is in force"),
            (Ok(_), false) => {}
        }
        *last = Some((text, reading.clone()));
        reading
    })
}

fn read(path: &Path, text: &str) -> Reading {
    let source = Source::new(path.display().to_string(), text);
    let told = |problems: Vec<Problem>| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n");
    config::parse_web(&source, path.parent().unwrap_or(Path::new(""))).map(|web| Arc::new(web.options)).map_err(told)
}
