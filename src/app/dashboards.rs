//! Where dashboards come from: a folder that is read anew at each request, or the embedded ones.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::whole;
use crate::bundled;
use crate::config::Loaded;

/// Most files listed from a folder.
const FILES_MAX: usize = 1000;
/// Larger files are named, not read.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A folder of Grafana JSON, or what was shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Folder(PathBuf),
    Embedded,
}

/// One file: what is shown of it in the list, or why it cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The file's name without `.json`.
    pub name: String,
    pub file: String,
    pub title: String,
    pub tags: Vec<String>,
    pub error: Option<String>,
}

/// The folder that was named (which must be there), else `dashboards/` beside the configuration, else the embedded ones.
pub fn find(named: Option<&Path>, config_file: Option<&Path>) -> Loaded<Source> {
    let beside = || {
        let folder = config_file.and_then(Path::parent).unwrap_or(Path::new("")).join("dashboards");
        folder.is_dir().then_some(folder)
    };
    if let Some(named) = named {
        fs::read_dir(named).map_err(|error| vec![whole(named, format!("the folder of dashboards cannot be read: {error}"))])?;
    }
    Ok(named.map(Path::to_owned).or_else(beside).map_or(Source::Embedded, Source::Folder))
}

impl Source {
    /// Every dashboard, by name.
    pub fn list(&self) -> Vec<Listed> {
        let mut listed: Vec<Listed> = match self {
            Self::Embedded => bundled::DASHBOARDS.iter().map(|file| describe(file.name, Ok(file.text.to_owned()))).collect(),
            Self::Folder(folder) => match json_files(folder) {
                Ok(names) => names.iter().map(|name| describe(name, read_file(&folder.join(name)))).collect(),
                Err(error) => vec![describe(&folder.display().to_string(), Err(error))],
            },
        };
        listed.sort_by(|a, b| a.title.cmp(&b.title));
        listed
    }

    /// The JSON of one dashboard, unwrapped; none where there is no such name.
    pub fn read(&self, name: &str) -> Option<Result<Value, String>> {
        let file = format!("{name}.json");
        let text = match self {
            Self::Embedded => Ok(bundled::DASHBOARDS.iter().find(|shipped| shipped.name == file)?.text.to_owned()),
            Self::Folder(folder) => {
                // Only names that the list shows can be asked for: no way out of the folder.
                json_files(folder).ok()?.into_iter().find(|listed| *listed == file)?;
                read_file(&folder.join(&file))
            }
        };
        Some(text.and_then(|text| parse(&text)))
    }
}

fn json_files(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.filter(|name| name.ends_with(".json")).take(FILES_MAX).collect())
}

fn read_file(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("{size} bytes, at most {FILE_BYTES_MAX} are read"));
    }
    fs::read_to_string(path).map_err(|error| error.to_string())
}

/// Takes the dashboard out of the wrappers that Grafana's API and its resource files put around it.
fn parse(text: &str) -> Result<Value, String> {
    let mut value: Value =
        serde_json::from_str(text).map_err(|error| format!("line {}, column {}: {error}", error.line(), error.column()))?;
    for wrapper in ["dashboard", "spec"] {
        if value.get("panels").is_none() && value.get("rows").is_none() && value.get(wrapper).is_some_and(Value::is_object) {
            value = value[wrapper].take();
        }
    }
    if value.is_object() { Ok(value) } else { Err("a dashboard is a JSON object".to_owned()) }
}

fn describe(file: &str, text: Result<String, String>) -> Listed {
    let name = file.trim_end_matches(".json").to_owned();
    let parsed = text.and_then(|text| parse(&text));
    let (title, tags, error) = match parsed {
        Ok(value) => {
            let title = value["title"].as_str().unwrap_or(&name).to_owned();
            let tags = value["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
            (title, tags, None)
        }
        Err(error) => (name.clone(), Vec::new(), Some(error)),
    };
    Listed { name, file: file.to_owned(), title, tags, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_ones_are_listed_and_read() {
        let listed = Source::Embedded.list();
        assert_eq!(listed.len(), bundled::DASHBOARDS.len());
        assert!(listed.iter().all(|board| board.error.is_none()));
        assert_eq!(Source::Embedded.read("gpu").unwrap().unwrap()["title"], "GPU");
        assert!(Source::Embedded.read("../Cargo").is_none());
    }

    #[test]
    fn wrappers_are_taken_off_and_defects_are_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), r#"{"dashboard":{"title":"A","panels":[]}}"#).unwrap();
        fs::write(folder.path().join("b.json"), "{\n oops").unwrap();
        let source = Source::Folder(folder.path().to_owned());
        let listed = source.list();
        assert_eq!((listed[0].title.as_str(), &listed[0].error), ("A", &None));
        assert!(listed[1].error.as_ref().unwrap().starts_with("line 2"));
        assert!(source.read("a/../a").is_none());
    }
}
