//! `file_sd_configs`: target lists in YAML or JSON files, looked at every few seconds by their content.
//!
//! Content, not change notices: replaced links (as Kubernetes mounts them) and network folders defeat the latter.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc;
use xxhash_rust::xxh64::xxh64;

use crate::model::Labels;
use crate::telemetry::{Counter, Registry};
use crate::yaml::{self, Kind, Node, Problems, Section, Source, Value, field};

use super::{Discover, TargetGroup};

/// Longest time between two looks, whatever the refresh interval says.
const POLL_MAX: Duration = Duration::from_secs(5);
/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The label that names the file a target came from.
const FILEPATH_LABEL: &str = "__meta_filepath";

pub(super) struct Files {
    patterns: Vec<PathBuf>,
    poll: Duration,
    known: BTreeMap<PathBuf, Known>,
    errors: Counter,
}

/// A file as it was last time.
#[derive(Default)]
struct Known {
    /// None after a failed read.
    content: Option<u64>,
    /// From its last good content.
    groups: Vec<TargetGroup>,
}

/// Why a file was not taken: `FILE:LINE:COLUMN: reason`.
#[derive(Debug, PartialEq, Eq)]
pub struct FileError {
    pub path: PathBuf,
    /// From 1; 0 where unknown.
    pub line: usize,
    pub column: usize,
    pub reason: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for FileError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileGroup {
    #[serde(default)]
    targets: Vec<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl Files {
    pub(super) fn new(patterns: Vec<PathBuf>, refresh: Duration, registry: &Registry) -> Self {
        let errors = registry.counter("prometheus_sd_file_read_errors_total", "The number of File-SD read errors.", &[]);
        Self { patterns, poll: refresh.min(POLL_MAX), known: BTreeMap::new(), errors }
    }

    /// Looks at all files; whether anything changed since the last look.
    fn look(&mut self) -> bool {
        let found: Vec<PathBuf> = self.patterns.iter().flat_map(|pattern| matching(pattern)).collect();
        let before = self.known.len();
        self.known.retain(|path, _| found.contains(path));
        let mut changed = self.known.len() != before;
        for path in found {
            let known = self.known.entry(path.clone()).or_default();
            let read = read_bounded(&path);
            let content = read.as_ref().ok().map(|bytes| xxh64(bytes, 0));
            if content.is_some() && content == known.content {
                continue;
            }
            let failed_before = known.content.is_none() && !known.groups.is_empty();
            known.content = content;
            match read.and_then(|bytes| parse(&path, &bytes)) {
                Ok(groups) => {
                    changed |= groups != known.groups;
                    known.groups = groups;
                }
                Err(error) if failed_before && content.is_none() => tracing::debug!(%error, "still cannot read a target file"),
                Err(error) => {
                    self.errors.inc();
                    tracing::warn!("target file refused, its last good targets stay: {error}");
                }
            }
        }
        changed
    }

    fn groups(&self) -> Vec<TargetGroup> {
        self.known.values().flat_map(|known| known.groups.iter().cloned()).collect()
    }
}

impl Discover for Files {
    fn run(mut self: Box<Self>, updates: mpsc::Sender<Vec<TargetGroup>>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut first = true;
            loop {
                // The file system may be slow: not on a socket worker.
                let looked = tokio::task::spawn_blocking(move || {
                    let changed = self.look();
                    (self, changed)
                });
                let Ok((back, changed)) = looked.await else { return };
                self = back;
                if (changed || first) && updates.send(self.groups()).await.is_err() {
                    return;
                }
                first = false;
                tokio::select! {
                    () = updates.closed() => return,
                    () = tokio::time::sleep(self.poll) => {}
                }
            }
        })
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, FileError> {
    let failed = |reason: String| FileError { path: path.to_owned(), line: 0, column: 0, reason };
    let length = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(failed(format!("the file has {length} bytes, more than the limit of {FILE_BYTES_MAX} bytes")));
    }
    std::fs::read(path).map_err(|error| failed(error.to_string()))
}

/// The groups of one file, each with the file's path in `__meta_filepath`.
fn parse(path: &Path, bytes: &[u8]) -> Result<Vec<TargetGroup>, FileError> {
    let failed = |line: usize, column: usize, reason: String| FileError { path: path.to_owned(), line, column, reason };
    let text = std::str::from_utf8(bytes).map_err(|_| failed(0, 0, "the file is not UTF-8 text".to_owned()))?;
    let groups: Vec<FileGroup> = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        serde_json::from_str(text).map_err(|error| failed(error.line(), error.column(), error.to_string()))?
    } else if text.trim().is_empty() {
        Vec::new()
    } else {
        yaml_groups(path, text)?
    };
    let shown = path.to_string_lossy().into_owned();
    let named = |(index, group): (usize, FileGroup)| {
        let mut labels: BTreeMap<String, String> = group.labels.unwrap_or_default();
        labels.insert(FILEPATH_LABEL.to_owned(), shown.clone());
        TargetGroup { targets: group.targets, labels: Labels::from_pairs(labels), source: format!("{shown}:{index}") }
    };
    Ok(groups.into_iter().enumerate().map(named).collect())
}

const TARGET_GROUP: Section =
    Section { name: "target group", fields: &[&[field("targets", Kind::List(&Kind::Text)), field("labels", Kind::Map(&Kind::Text))]] };

fn yaml_groups(path: &Path, text: &str) -> Result<Vec<FileGroup>, FileError> {
    let source = Source::new(path.to_string_lossy(), text);
    let mut problems = Problems::new(&source);
    let root = yaml::parse(&source, &mut problems);
    if let Some(root) = root.as_ref().filter(|root| !root.is_null() && !matches!(root.value, Value::List(_))) {
        problems.error(root.span, "a target file is a list of groups, each with targets and labels");
    }
    let items = root.as_ref().map(Node::items).unwrap_or_default();
    items.iter().for_each(|group| yaml::check(group, &TARGET_GROUP, &mut problems));
    let read = |group: &Node| FileGroup { targets: group.texts("targets"), labels: Some(group.pairs("labels").into_iter().collect()) };
    let groups = items.iter().filter(|group| !group.is_null()).map(read).collect();
    match problems.finish().0.into_iter().next() {
        Some(first) => Err(FileError { path: path.to_owned(), line: first.line, column: first.column, reason: first.message }),
        None => Ok(groups),
    }
}

/// Files that a pattern names; `*` and `?` only in the last path element.
fn matching(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if !name.contains(['*', '?']) {
        return if pattern.is_file() { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let folder = pattern.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let fits = |path: &PathBuf| path.file_name().is_some_and(|found| glob(name.as_bytes(), found.to_string_lossy().as_bytes()));
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(fits).filter(|path| path.is_file()).collect();
    found.sort();
    found
}

/// `*` stands for any run of characters, `?` for one. Goes back to the last star only, so it takes at most the product of the lengths.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == b'?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_runs() {
        for (pattern, text, expected) in [
            ("*.yml", "a.yml", true),
            ("*.yml", "a.yaml", false),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "abc", true),
            ("*", "", true),
            ("a*", "b", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = "- targets: ['a:1', 'b:2']\n  labels: {job: x, port: 80}\n- targets: [c]\n";
        let json = r#"[{"targets": ["a:1", "b:2"], "labels": {"job": "x", "port": "80"}}, {"targets": ["c"]}]"#;
        let from = |name: &str, text: &str| parse(Path::new(name), text.as_bytes()).unwrap();
        let (a, b) = (from("t.yml", yaml), from("t.json", json));
        assert_eq!(a[0].targets, b[0].targets);
        assert_eq!(a[0].labels, Labels::from_pairs([("job", "x"), ("port", "80"), (FILEPATH_LABEL, "t.yml")]));
        assert_eq!(b[1].labels, Labels::from_pairs([(FILEPATH_LABEL, "t.json")]));
    }

    #[test]
    fn a_bad_file_is_named_with_its_line_and_keeps_its_targets() {
        let error = parse(Path::new("t.yml"), b"- targets: [a]\n- target: [b]\n").unwrap_err();
        assert_eq!((error.line, error.path.to_str()), (2, Some("t.yml")), "{error}");
        let error = parse(Path::new("t.json"), b"[{\"targets\": [1]}]").unwrap_err();
        assert_eq!(error.line, 1, "{error}");

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.yml");
        std::fs::write(&path, "- targets: [a]\n").unwrap();
        let mut files = Files::new(vec![folder.path().join("*.yml")], POLL_MAX, &Registry::default());
        assert!(files.look());
        assert!(!files.look(), "nothing changed");
        std::fs::write(&path, "- target: [b]\n").unwrap();
        assert!(!files.look());
        assert_eq!(files.errors.get(), 1);
        assert_eq!(files.groups()[0].targets, ["a"]);
        std::fs::write(&path, "- targets: [b]\n").unwrap();
        assert!(files.look());
        assert_eq!(files.groups()[0].targets, ["b"]);
        std::fs::remove_file(&path).unwrap();
        assert!(files.look());
        assert!(files.groups().is_empty());
    }
}
